"""The settings dialog."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QWidget

from explorer.document.preferences import PreferencesFile
from explorer.inference.providers import AUTOMATIC, offered, title
from explorer.inference.sessions import CPU
from explorer.messages import Message, message_text
from explorer.ui.widgets.fields import check_box, combo_box, label
from explorer.ui.widgets.layouts import STRETCH, vbox


class SettingsDialog(QDialog):
    """Changes apply and are saved at once.

    `scheme_chosen(str)`: ``system``, ``light`` or ``dark``. `provider_chosen()`: it is in the preferences.
    """

    scheme_chosen = Signal(str)
    provider_chosen = Signal()

    def __init__(self, preferences: PreferencesFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.setObjectName("settings_dialog")
        self.setWindowTitle(self.tr("Settings"))
        self.setMinimumWidth(420)
        values = preferences.values
        self._scheme = combo_box(
            "settings_scheme",
            self.tr("Theme of the window"),
            [(self.tr("Use system theme"), "system"), (self.tr("Light"), "light"), (self.tr("Dark"), "dark")],
        )
        self._scheme.setCurrentIndex(self._scheme.findData(values.scheme))
        self._startup = combo_box(
            "settings_startup",
            self.tr("What the window shows at startup"),
            [(self.tr("Last model"), "last_model"), (self.tr("Start page"), "start_page")],
        )
        self._startup.setCurrentIndex(self._startup.findData(values.startup))
        self._provider = combo_box(
            "settings_provider",
            self.tr("Device that decodes images; Automatic measures which one is fastest for each model"),
            self._providers(values.provider),
        )
        self._provider.setCurrentIndex(self._provider.findData(values.provider))
        self._layout = check_box(
            "settings_keep_layout",
            self.tr("Restore the layout on startup"),
            self.tr("Remember the positions of the window and its docks"),
        )
        self._layout.setChecked(values.keep_layout)
        self._tour = check_box(
            "settings_tour", self.tr("Show the tour on the next startup"), self.tr("Five steps through the window")
        )
        self._tour.setChecked(not values.tour_seen)
        self._notes = label("settings_notes", "\n".join(self._words_of(preferences.notes)))
        self._notes.setVisible(bool(preferences.notes))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("settings_close")
        close.setText(self.tr("Close"))
        close.setToolTip(self.tr("Close settings (Esc)"))
        form = QFormLayout()
        form.addRow(self.tr("Theme"), self._scheme)
        form.addRow(self.tr("At startup"), self._startup)
        form.addRow(self.tr("Decode on"), self._provider)
        form.addRow("", self._layout)
        form.addRow("", self._tour)
        self.setLayout(vbox(form, self._notes, (STRETCH, 1), buttons))
        buttons.rejected.connect(self.close)
        self._scheme.activated.connect(lambda place: self.scheme_chosen.emit(self._scheme.currentData()))
        self._startup.activated.connect(lambda place: preferences.put(startup=self._startup.currentData()))
        self._provider.activated.connect(self._on_provider_activated)
        self._layout.toggled.connect(lambda on: preferences.put(keep_layout=on))
        self._tour.toggled.connect(lambda on: preferences.put(tour_seen=not on))

    def _providers(self, chosen: str) -> list[tuple[str, object]]:
        """Return the choices with their settings; also the chosen one where it is not available."""
        names = (CPU, *offered())
        choices: list[tuple[str, object]] = [
            (self.tr("Automatic"), AUTOMATIC),
            *((title(name), name) for name in names),
        ]
        if chosen not in (AUTOMATIC, *names):
            choices.append((self.tr("%1 (not available)").replace("%1", title(chosen)), chosen))
        return choices

    def _on_provider_activated(self) -> None:
        self._preferences.put(provider=self._provider.currentData())
        self.provider_chosen.emit()

    def _words_of(self, notes: tuple[Message, ...]) -> list[str]:
        head = self.tr("Some settings were invalid and have been reset to their defaults:")
        return [head, *(f"· {message_text(note)}" for note in notes)] if notes else []

    def refresh(self) -> None:
        """Update the controls: settings also change elsewhere."""
        values = self._preferences.values
        self._scheme.setCurrentIndex(self._scheme.findData(values.scheme))
        self._provider.setCurrentIndex(self._provider.findData(values.provider))
        for box, value in ((self._layout, values.keep_layout), (self._tour, not values.tour_seen)):
            box.blockSignals(True)
            box.setChecked(value)
            box.blockSignals(False)
