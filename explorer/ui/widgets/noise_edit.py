"""Editor of corruptions: type and strength of each, and on request all of them as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from explorer.data.corruption import CORRUPTIONS, NOISE_PRESETS, Noise, format_noise, parse_noise
from explorer.errors import ExplorerError
from explorer.messages import Message, message_text
from explorer.ui.actions import Action, ActionMenu
from explorer.ui.plain_text import plain_menu_text, plain_tooltip
from explorer.ui.text import capitalized
from explorer.ui.widgets.collapsible import Collapsible
from explorer.ui.widgets.fields import GestureSlider, button, combo_box, line_edit, name_control, pad_text
from explorer.ui.widgets.layouts import hbox, vbox

_MOST = 1_000.0
"""Maximum of the box for a corruption without an upper limit."""

_STEPS = 20
_SLIDER_STEPS = 100
_TYPED = "~noise-edit"
"""Gesture of edits without a defined end."""

_DIGITS = 4
_KIND_WIDTH = 64
_BOX_WIDTH = 62
_MEAN_WIDTH = 92


class NoiseEdit(QWidget):
    """A menu to add corruptions, a row of controls for each, and a text such as ``gaussian:0.3+blur:1``.

    `changed(str)`: the text has changed, by this gesture; it may be invalid.
    """

    changed = Signal(str)

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._tip = tip
        self._rows: list[_NoiseRow] = []
        self._count = 0
        self._gesture = _TYPED
        self.setObjectName(f"{name}_edit")
        self._text = line_edit(name, tip, self.tr("None"))
        self._add = button(f"{name}_add", self.tr("Add"), self.tr("Add another corruption of the input images"))
        self._add.setMenu(ActionMenu(f"{name}_menu", self, records=self._menu_actions()))
        about = self.tr("Show all corruptions as text, as on the command line")
        expression = Collapsible(f"{name}_expression", self.tr("Expression"), about, self._text)
        self._stack = QVBoxLayout()
        self._stack.setSpacing(8)
        self.setLayout(vbox(self._add, self._stack, expression, spacing=6, margins=0))
        self._text.textChanged.connect(lambda text: self._on_text_changed())

    def _menu_actions(self) -> Iterator[Action | None]:
        for kind in CORRUPTIONS.values():
            run = partial(self.add, Noise(kind.name, kind.default))
            yield self._action(f"add_{kind.name}", kind.title, run, kind.about)
        yield None
        for preset in NOISE_PRESETS:
            run = partial(self.set_text, format_noise(preset.noises))
            yield self._action(f"preset_{preset.name}", preset.title, run, preset.about)

    def _action(self, name: str, title: Message, run: Callable[[], None], about: Message) -> Action:
        return Action(
            f"{self._name}_{name}",
            plain_menu_text(message_text(title)),
            run,
            tip=message_text(about),
            synonyms=self.tr("add noise, corrupt, degrade"),
        )

    def text(self) -> str:
        """In the syntax of the command line."""
        return self._text.text().strip()

    def set_text(self, text: str) -> None:
        self._text.setText(text)
        # Show the beginning of a long text.
        self._text.setCursorPosition(0)

    def add(self, noise: Noise) -> None:
        try:
            noises = parse_noise(self.text())
        except ExplorerError:
            noises = ()
        self.set_text(format_noise((*noises, noise)))

    def _on_text_changed(self) -> None:
        """Update the rows; an invalid text disables them."""
        problem = ""
        try:
            self._show_rows(parse_noise(self.text()))
        except ExplorerError as error:
            problem = str(error)
        if bool(problem) != bool(self._text.property("problem")):
            self._text.setProperty("problem", bool(problem))
            self._text.style().polish(self._text)
        self._text.setToolTip(plain_tooltip(capitalized(problem) or self._tip))
        for row in self._rows:
            row.setEnabled(not problem)
        self.changed.emit(self._gesture)

    def _show_rows(self, noises: tuple[Noise, ...]) -> None:
        while len(self._rows) < len(noises):
            number = len(self._rows)
            row = _NoiseRow(f"{self._name}_{number + 1}", noises[number], self)
            row.edited.connect(self._on_row_edited)
            row.removed.connect(partial(self._on_row_removed, row))
            self._rows.append(row)
            self._stack.addWidget(row)
        for number, row in enumerate(self._rows):
            row.setVisible(number < len(noises))
        self._count = len(noises)
        for row, noise in zip(self._rows, noises, strict=False):
            row.show_noise(noise)

    def _on_row_edited(self, gesture: str) -> None:
        self._gesture = gesture
        self.set_text(format_noise([row.noise for row in self._rows[: self._count]]))
        self._gesture = _TYPED

    def _on_row_removed(self, row: _NoiseRow) -> None:
        self.set_text(format_noise([other.noise for other in self._rows[: self._count] if other is not row]))
        self._add.setFocus()


class _NoiseRow(QWidget):
    """Type, mean and strength of one corruption; `edited(str)`: by this gesture."""

    edited = Signal(str)
    removed = Signal()

    def __init__(self, name: str, noise: Noise, parent: QWidget) -> None:
        super().__init__(parent)
        self._noise = noise
        self.setObjectName(name)
        # Short titles, since the row is narrow.
        kinds: list[tuple[str, object]] = [
            (message_text(kind.title).removesuffix(" noise"), kind.name) for kind in CORRUPTIONS.values()
        ]
        self._kind = combo_box(f"{name}_kind", self.tr("Type of corruption"), kinds)
        self._kind.setMinimumWidth(_KIND_WIDTH)
        self._kind.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._slider = GestureSlider(f"{name}_slider", self.tr("Strength"), _SLIDER_STEPS, f"{name}-slider")
        self._strength = _PlainBox(f"{name}_strength", self.tr("Strength"))
        self._mean = _PlainBox(
            f"{name}_mean", self.tr("Mean of the noise: above 0 brightens the image, below 0 darkens it")
        )
        self._mean.setRange(-1, 1)
        self._mean.setSingleStep(0.05)
        self._mean.setPrefix(self.tr("Mean "))
        self._mean.setFixedWidth(_MEAN_WIDTH)
        self._remove = QToolButton()
        self._remove.setText("×")
        self._remove.setAutoRaise(True)
        name_control(self._remove, f"{name}_remove", self.tr("Remove this corruption"))
        self._remove.setFixedWidth(26)
        kind = hbox((self._kind, 1), self._mean, self._remove, spacing=4)
        strength = hbox((self._slider, 1), self._strength, spacing=4)
        self.setLayout(vbox(kind, strength, spacing=4, margins=0))
        self._kind.activated.connect(self._on_kind_activated)
        self._slider.moved.connect(self._on_slider_moved)
        self._strength.valueChanged.connect(lambda value: self._take(strength=round(value, _DIGITS)))
        self._mean.valueChanged.connect(lambda value: self._take(mean=round(value, _DIGITS)))
        self._remove.clicked.connect(self.removed)

    @property
    def noise(self) -> Noise:
        return self._noise

    @property
    def _values(self) -> tuple[QWidget, ...]:
        return self._kind, self._slider, self._strength, self._mean

    def show_noise(self, noise: Noise) -> None:
        """Does not emit `edited`."""
        self._noise = noise
        kind = CORRUPTIONS[noise.kind]
        blockers = [QSignalBlocker(control) for control in self._values]
        self._kind.setCurrentIndex(self._kind.findData(noise.kind))
        self._kind.setToolTip(plain_tooltip(message_text(kind.about)))
        self._strength.setRange(0, min(kind.limit, _MOST))
        self._strength.setSingleStep(kind.largest / _STEPS)
        self._strength.setSuffix(f" {kind.unit}" if kind.unit else "")
        for control in (self._slider, self._strength):
            control.setToolTip(plain_tooltip(self.tr("Strength: %1").replace("%1", message_text(kind.scale))))
        self._strength.setValue(noise.strength)
        self._slider.setValue(round(_SLIDER_STEPS * min(1.0, noise.strength / kind.largest)))
        self._mean.setVisible(kind.takes_mean)
        self._mean.setValue(noise.mean)
        for blocker in blockers:
            blocker.unblock()

    def _on_kind_activated(self, index: int) -> None:
        """Start with the default strength, since the scales differ."""
        kind = CORRUPTIONS[self._kind.currentData()]
        if kind.name != self._noise.kind:
            self._noise = Noise(kind.name, kind.default, seed=self._noise.seed)
            self.edited.emit(_TYPED)

    def _on_slider_moved(self, value: int, gesture: str) -> None:
        self._take(gesture, strength=round(CORRUPTIONS[self._noise.kind].largest * value / _SLIDER_STEPS, _DIGITS))

    def _take(self, gesture: str = _TYPED, **values: float) -> None:
        """Change only the edited value: a text can have more digits than a box shows."""
        self._noise = replace(self._noise, **values)  # type: ignore[arg-type]
        self.edited.emit(gesture)


class _PlainBox(QDoubleSpinBox):
    """A spin box without trailing zeros."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        name_control(self, name, tip)
        self.setDecimals(_DIGITS)
        self.setFixedWidth(_BOX_WIDTH)
        pad_text(self)

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", _DIGITS)
