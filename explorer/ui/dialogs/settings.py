"""The settings that a person changes; the others change by themselves."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from explorer.document.preferences import PreferencesFile
from explorer.ui.plain_text import PlainLabel
from explorer.ui.widgets.fields import check_box, combo_box


class SettingsDialog(QDialog):
    """Every change holds at once, and is written at once.

    Signals
    -------
    scheme_chosen(str)
        Other colours: ``system``, ``light`` or ``dark``.
    """

    scheme_chosen = Signal(str)

    def __init__(self, preferences: PreferencesFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.setObjectName("settings_dialog")
        self.setWindowTitle(self.tr("Settings"))
        self.setMinimumWidth(420)
        values = preferences.values
        self._scheme = combo_box(
            "settings_scheme",
            self.tr("Colours of the window"),
            [(self.tr("As the system"), "system"), (self.tr("Light"), "light"), (self.tr("Dark"), "dark")],
        )
        self._scheme.setCurrentIndex(self._scheme.findData(values.scheme))
        self._layout = check_box(
            "settings_keep_layout",
            self.tr("Come back with the same layout"),
            self.tr("Remember where the window and its docks are"),
        )
        self._layout.setChecked(values.keep_layout)
        self._tour = check_box(
            "settings_tour", self.tr("Show the first tour at the next start"), self.tr("Five steps through the window")
        )
        self._tour.setChecked(not values.tour_seen)
        self._notes = PlainLabel("\n".join(self._words_of(preferences.notes)))
        self._notes.setObjectName("settings_notes")
        self._notes.setProperty("muted", True)
        self._notes.setWordWrap(True)
        self._notes.setVisible(bool(preferences.notes))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("settings_close")
        close.setText(self.tr("Close"))
        close.setToolTip(self.tr("Close the settings (Esc)"))
        form = QFormLayout()
        form.addRow(self.tr("Colours"), self._scheme)
        form.addRow("", self._layout)
        form.addRow("", self._tour)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._notes)
        layout.addStretch(1)
        layout.addWidget(buttons)
        buttons.rejected.connect(self.close)
        self._scheme.activated.connect(lambda place: self.scheme_chosen.emit(self._scheme.currentData()))
        self._layout.toggled.connect(lambda on: preferences.put(keep_layout=on))
        self._tour.toggled.connect(lambda on: preferences.put(tour_seen=not on))

    def _words_of(self, notes: tuple[str, ...]) -> list[str]:
        head = self.tr("At the start, parts of the settings file could not be used:")
        return [head, *(f"· {note}" for note in notes)] if notes else []

    def refresh(self) -> None:
        """Show the settings as they are now: they change in other places, too."""
        values = self._preferences.values
        self._scheme.setCurrentIndex(self._scheme.findData(values.scheme))
        for box, value in ((self._layout, values.keep_layout), (self._tour, not values.tour_seen)):
            box.blockSignals(True)
            box.setChecked(value)
            box.blockSignals(False)
