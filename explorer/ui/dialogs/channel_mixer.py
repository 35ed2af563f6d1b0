"""The channel mixer: a color and a range of values for each channel of the images."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QDialog,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QPushButton,
    QScrollArea,
    QWidget,
)

from explorer.data.mixer import Mix, MixedChannel
from explorer.document.document import Document
from explorer.document.mixing import SMALLEST_RANGE, fitted_mix, mixed_channels
from explorer.document.views.image import IMAGE, HalfView, ImageView
from explorer.types import Floats
from explorer.ui.text import filled
from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import button, check_box, decimal_box, label
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of
from explorer.ui.widgets.range_slider import RangeSlider

_WIDTH = 560
_FIELD_WIDTH = 92
_ROWS_SHOWN = 10
_ROW_HEIGHT = 34
_MOST_DIGITS = 12
_SWATCH = QSize(28, 14)
_OF_BYTES = (0.0, 255.0)


class MixerDialog(QDialog):
    """Follows the document; not modal, so that the images can be watched. Every drag or choice is one step of undo."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setObjectName("mixer_dialog")
        self.setWindowTitle(self.tr("Channel mixer"))
        self.setMinimumWidth(_WIDTH)
        self._words = label("mixer_words", look="muted")
        self._rows: list[_Row] = []
        self._table = QScrollArea()
        self._table.setObjectName("mixer_channels")
        self._table.setAccessibleName(self.tr("Channels"))
        self._table.setFrameShape(QFrame.Shape.NoFrame)
        self._table.setWidgetResizable(True)
        self._table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._fit = button(
            "mixer_auto",
            self.tr("Auto"),
            self.tr("Fit the range of each channel to the selected image, without its darkest and brightest 0.2%"),
        )
        self._reset = button("mixer_reset", self.tr("Reset"), self.tr("Restore the default colors and whole ranges"))
        close = button("mixer_close", self.tr("Close"), self.tr("Close; the images stay as they are shown (Esc)"))
        for one in (self._fit, self._reset, close):
            one.setAutoDefault(False)
        buttons = hbox(self._fit, self._reset, STRETCH, close)
        self.setLayout(vbox(self._words, (self._table, 1), buttons, spacing=10))
        self._fit.clicked.connect(self._on_auto_clicked)
        self._reset.clicked.connect(lambda: self._set_mix(Mix.default(len(self._rows))))
        close.clicked.connect(self.close)
        for changed in (document.changed.mixer, document.changed.model, document.changed.source):
            changed.connect(self._show)
        document.views.changed(IMAGE).connect(self._update_buttons)
        self._show()

    @property
    def _mix(self) -> Mix:
        return self._document.mixer.mix(max(1, mixed_channels(self._document.state)))

    def _set_mix(self, mix: Mix, gesture: str | None = None) -> None:
        self._document.set_mixer(self._document.mixer.with_mix(mix), gesture)

    def _show(self) -> None:
        count = mixed_channels(self._document.state)
        words = self.tr("The channels are added in their colors. Files and codes keep their values.")
        if count == 1:
            words = self.tr("Values are shown from black to white. Files and codes keep their values.")
        self._words.setText(words if count else self.tr("Open a model or images first."))
        if count != len(self._rows):
            self._make_rows(count)
        low, high = self._values()
        for row, channel in zip(self._rows, self._mix.channels if count else (), strict=True):
            row.show_channel(channel, low, high)
        self._update_buttons()

    def _make_rows(self, count: int) -> None:
        for asked in self.findChildren(QColorDialog):
            asked.reject()  # it is about a channel that may be gone
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(2, 1)
        self._rows = [_Row(self, number) for number in range(count)]
        titles = {3: self.tr("Black at"), 4: self.tr("Brightest at")} if count else {}
        for column, title in titles.items():
            grid.addWidget(label(f"mixer_title_{column}", title), 0, column)
        for number, row in enumerate(self._rows, start=1):
            if count == 1:
                row.color.hide()  # gray stays gray
            for column, part in enumerate(row.parts):
                grid.addWidget(part, number, column)
            row.changes(self)
        grid.setRowStretch(count + 1, 1)
        self._table.setWidget(widget_of(grid))
        self._table.setMinimumHeight((min(count, _ROWS_SHOWN) + 1) * _ROW_HEIGHT)

    def _values(self) -> tuple[float, float]:
        """Return the values in the files that are 0 and 1 of the images, as far as they are known."""
        model, source = self._document.model, self._document.source
        reading = model.card.preprocessing.reading if model is not None else None
        if reading is not None and reading.range is not None:
            return reading.range
        if source is not None and source.found.channels == mixed_channels(self._document.state):
            return source.found.range or (_OF_BYTES if source.found.dtype == "uint8" else (0.0, 1.0))
        return _OF_BYTES if reading is not None and reading.depth == 8 else (0.0, 1.0)

    def _image(self) -> Floats | None:
        """Return the selected image, float32 ``(h, w, c)``."""
        view = self._document.views[IMAGE]
        image = view.original if isinstance(view, ImageView | HalfView) else None
        return image if image is not None and image.shape[2] == len(self._rows) else None

    def _update_buttons(self) -> None:
        self._fit.setEnabled(self._image() is not None)
        self._reset.setEnabled(bool(self._rows) and not self._mix.is_default)

    def _on_auto_clicked(self) -> None:
        image = self._image()
        if image is not None:
            self._set_mix(fitted_mix(self._mix, image))

    def change(self, number: int, gesture: str | None = None, **values: Any) -> None:
        """Change some of the values of a channel."""
        channels = list(self._mix.channels)
        channels[number] = channels[number].model_copy(update=values)
        self._set_mix(Mix(channels=tuple(channels)), gesture)

    def ask_color(self, number: int) -> None:
        dialog = QColorDialog(QColor(self._mix.channels[number].color), self)
        dialog.setObjectName("mixer_color_dialog")
        dialog.setWindowTitle(self.tr("Color of channel %1").replace("%1", str(number + 1)))
        dialog.colorSelected.connect(lambda color: self.change(number, color=color.name()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


class _Row:
    """The controls of one channel."""

    def __init__(self, dialog: MixerDialog, number: int) -> None:
        def words(text: str) -> str:
            return filled(text, number + 1)

        self._number = number
        self._scale = (0.0, 1.0)
        self._channel = MixedChannel()
        self._color_words = words(dialog.tr("Color of channel %1"))
        self.visible = check_box(
            f"mixer_visible_{number}", words(dialog.tr("Channel %1")), words(dialog.tr("Show or hide channel %1"))
        )
        self.color = button(f"mixer_color_{number}", "", words(dialog.tr("Choose the color of channel %1")))
        self.color.setIconSize(_SWATCH)
        self.color.setAutoDefault(False)
        self.slider = RangeSlider()
        self.slider.setObjectName(f"mixer_range_{number}")
        self.slider.setAccessibleName(words(dialog.tr("Range of channel %1")))
        self.slider.setToolTip(dialog.tr("Drag the ends: values from black to full brightness"))
        self.low = decimal_box(
            f"mixer_low_{number}", words(dialog.tr("Value of channel %1 that is black")), self._scale, 1, 0
        )
        self.high = decimal_box(
            f"mixer_high_{number}", words(dialog.tr("Value of channel %1 of full brightness")), self._scale, 1, 0
        )
        for field in (self.low, self.high):
            field.setFixedWidth(_FIELD_WIDTH)

    @property
    def parts(self) -> tuple[QCheckBox, QPushButton, RangeSlider, QDoubleSpinBox, QDoubleSpinBox]:
        return self.visible, self.color, self.slider, self.low, self.high

    def changes(self, dialog: MixerDialog) -> None:
        """Let the controls change the mixer of a dialog."""
        number = self._number
        self.visible.clicked.connect(lambda checked: dialog.change(number, visible=checked))
        self.color.clicked.connect(lambda: dialog.ask_color(number))
        self.slider.moved.connect(
            lambda low, high, drag: dialog.change(
                number, f"mixer-{number}-drag-{drag}", low=min(low, 1 - SMALLEST_RANGE), high=_above(low, high)
            )
        )
        self.low.valueChanged.connect(lambda value: self._on_low_changed(dialog, value))
        self.high.valueChanged.connect(lambda value: self._on_high_changed(dialog, value))

    def _share(self, value: float) -> float:
        """Return a value as a share of the whole range."""
        start, end = self._scale
        return (value - start) / (end - start)

    def _on_low_changed(self, dialog: MixerDialog, value: float) -> None:
        low = min(self._share(value), 1 - SMALLEST_RANGE)
        dialog.change(self._number, f"~mixer-{self._number}-low", low=low, high=_above(low, self._channel.high))

    def _on_high_changed(self, dialog: MixerDialog, value: float) -> None:
        high = max(self._share(value), SMALLEST_RANGE)
        low = min(self._channel.low, high - SMALLEST_RANGE)
        dialog.change(self._number, f"~mixer-{self._number}-high", low=low, high=high)

    def show_channel(self, channel: MixedChannel, start: float, end: float) -> None:
        """Show a channel; `start` and `end` are the values that are 0 and 1."""
        self._scale, self._channel = (start, end), channel
        self.visible.setChecked(channel.visible)
        self.color.setIcon(_swatch(channel.color))
        self.color.setAccessibleName(f"{self._color_words}: {channel.color}")
        self.slider.set_range(channel.low, channel.high, channel.color)
        self.slider.setEnabled(channel.visible)
        whole = float(start).is_integer() and float(end).is_integer() and end - start > 100
        digits = 0 if whole else min(max(4 - math.floor(math.log10(end - start)), 0), _MOST_DIGITS)
        for field, share in ((self.low, channel.low), (self.high, channel.high)):
            with QSignalBlocker(field):
                field.setDecimals(digits)
                field.setRange(start, end)
                field.setSingleStep(max(1.0, round((end - start) / 100)) if whole else (end - start) / 100)
                field.setValue(start + share * (end - start))
                field.setEnabled(channel.visible)


def _above(low: float, high: float) -> float:
    return max(high, min(low, 1 - SMALLEST_RANGE) + SMALLEST_RANGE)


def _swatch(color: str) -> QIcon:
    pixmap = QPixmap(_SWATCH)
    pixmap.fill(QColor(color))
    painter = QPainter(pixmap)
    painter.setPen(QPen(current_theme().color("border"), 1))
    painter.drawRect(0, 0, _SWATCH.width() - 1, _SWATCH.height() - 1)
    painter.end()
    return QIcon(pixmap)
