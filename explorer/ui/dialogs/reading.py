"""How the open images were read, and the choices to read them in another way; and the choice of an array."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QListWidget, QListWidgetItem, QWidget

from explorer.data.choices import NO_CHOICES, Choices, Layout, join, split
from explorer.data.source import Found, Source
from explorer.document.document import Document, Problem
from explorer.document.open_requests import ReadingQuestion
from explorer.ui.text import filled, sentence, unbroken
from explorer.ui.widgets.fields import (
    button,
    check_box,
    combo_box,
    label,
    line_edit,
    name_control,
    spin_box,
)
from explorer.ui.widgets.layouts import STRETCH, flow, hbox, vbox, widget_of

_WIDTH = 480
_MOST_FRAMES = 1_000_000


class ReadingDialog(QDialog):
    """Follows the open images; not modal. The images stay as they are until others were read."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._asked = self._busy = False
        self.setObjectName("reading_dialog")
        self.setWindowTitle(self.tr("How these images were read"))
        self.setMinimumWidth(_WIDTH)
        self._heading = label("reading_title", look="heading")
        self._facts = label("reading_facts", look="plain", selectable=True)
        self._make_fields()
        self._note = label("reading_note", look="plain", selectable=True)
        self._apply = button(
            "reading_apply", self.tr("Read again"), self.tr("Open the images again, read in this way"), primary=True
        )
        self._defaults = button(
            "reading_defaults", self.tr("Defaults"), self.tr("Choose what the program finds from the file")
        )
        close = button("reading_close", self.tr("Close"), self.tr("Close; the images stay as they are shown (Esc)"))
        for other in (self._defaults, close):
            other.setAutoDefault(False)
        self._apply.setDefault(True)
        buttons = hbox(self._defaults, STRETCH, self._apply, close)
        self.setLayout(vbox(self._heading, self._facts, self._form, self._note, (STRETCH, 1), buttons, spacing=10))
        self._apply.clicked.connect(self._on_apply_clicked)
        self._defaults.clicked.connect(lambda: self._show(NO_CHOICES))
        close.clicked.connect(self.close)
        document.changed.source.connect(self._on_source_changed)
        document.problem_reported.connect(self._on_problem_reported)
        document.jobs_changed.connect(self._on_jobs_changed)
        self._on_source_changed()

    # -- fields ----------------------------------------------------------------------------------------------------

    def _make_fields(self) -> None:
        self._array = combo_box("reading_array", self.tr("Array with the images"), [])
        self._array.setMinimumContentsLength(24)
        self._auto = check_box(
            "reading_auto_range", self.tr("Auto"), self.tr("Find the range from the values of the images")
        )
        self._low = line_edit("reading_low", self.tr("Value that becomes black"))
        self._high = line_edit("reading_high", self.tr("Value that becomes white"))
        self._frames = combo_box(
            "reading_frames",
            self.tr("Frames or pages of each file"),
            [(self.tr("Auto"), ""), (self.tr("All"), "all"), (self.tr("First"), "first"), (self.tr("One"), "one")],
        )
        self._frame = spin_box("reading_frame", self.tr("Number of the frame or page"), 1, _MOST_FRAMES, 1)
        self._layout = combo_box(
            "reading_layout",
            self.tr("Order of the axes of the array"),
            [(self.tr("Auto"), ""), *((title, layout) for layout, title in _layouts(self))],
        )
        self._layout.setMinimumContentsLength(30)
        self._boxes: list[QCheckBox] = []
        self._channels = widget_of(vbox())
        self._form = QFormLayout()
        self._form.setVerticalSpacing(8)
        self._form.addRow(self.tr("Array"), self._array)
        self._range_row = widget_of(hbox(self._low, self._high, self._auto, spacing=6))
        self._form.addRow(self.tr("Value range"), self._range_row)
        self._frames_row = widget_of(hbox((self._frames, 1), self._frame, spacing=6))
        self._form.addRow(self.tr("Frames"), self._frames_row)
        self._form.addRow(self.tr("Axes"), self._layout)
        self._form.addRow(self.tr("Channels"), self._channels)
        self._array.activated.connect(self._on_changed)
        self._layout.activated.connect(self._on_changed)
        self._frames.activated.connect(self._on_changed)
        self._frame.valueChanged.connect(self._on_changed)
        self._auto.clicked.connect(self._on_auto_clicked)
        for field in (self._low, self._high):
            field.textEdited.connect(self._on_range_edited)

    def _make_channels(self, count: int) -> None:
        if len(self._boxes) == count:
            return
        self._boxes = [
            check_box(
                f"reading_channel_{number}",
                str(number + 1),
                self.tr("Use channel %1").replace("%1", str(number + 1)),
            )
            for number in range(count)
        ]
        for number, box in enumerate(self._boxes, start=1):
            box.setAccessibleName(self.tr("Channel %1").replace("%1", str(number)))
            box.clicked.connect(self._on_changed)
        made = widget_of(flow(*self._boxes, spacing=10))
        self._form.replaceWidget(self._channels, made)
        self._channels.deleteLater()
        self._channels = made

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _on_source_changed(self) -> None:
        source = self._document.source
        self._asked = self._busy = False
        if source is None:
            self._heading.setText(self.tr("No images are open"))
            self._facts.setText("")
            self._note.setText("")
            self._form_enabled(enabled=False)
            return
        self._heading.setText(source.title)
        self._facts.setText(self._facts_of(source))
        self._make_channels(_channels_offered(source))
        self._show(source.choices)
        self._form_enabled(enabled=_changeable(source))
        self._say("" if _changeable(source) else self.tr("This dataset is always read in this way."))

    def _facts_of(self, source: Source) -> str:
        found = source.found
        parts = [filled(self.tr("%1 images"), f"{source.count:,}")]
        if source.image_shape is not None:
            height, width, _ = source.image_shape
            parts.append(f"{width:,}×{height:,}")
        if found.channels:
            words = self.tr("1 channel") if found.channels == 1 else self.tr("%1 channels")
            parts.append(filled(words, found.channels) + (self.tr(", the last is transparency") if found.alpha else ""))
        parts.append(self._depth_words(found.dtype))
        if found.frames > 1:
            parts.append(filled(self.tr("%1 frames"), f"{found.frames:,}"))
        return unbroken(*parts)

    def _depth_words(self, dtype: str) -> str:
        words = {
            "bool": self.tr("1 bit"),
            "uint8": self.tr("8 bits"),
            "int16": self.tr("16 bits, signed"),
            "uint16": self.tr("16 bits"),
        }
        return words.get(dtype, dtype)

    def _show(self, choices: Choices) -> None:
        """Show choices in the fields; those that the images do not have are hidden."""
        source = self._document.source
        if source is None:
            return
        found = source.found
        self._array.clear()
        self._array.addItem(self.tr("Auto"), "")
        for name in dict.fromkeys((*found.arrays, *filter(None, (source.choices.array,)))):
            self._array.addItem(name, name)
        self._array.setCurrentIndex(max(0, self._array.findData(choices.array)))
        self._show_range(choices.range, found)
        one = choices.frames.isdigit()
        self._frames.setCurrentIndex(self._frames.findData("one" if one else choices.frames))
        self._frame.blockSignals(True)
        self._frame.setMaximum(max(found.frames, 1) if found.frames else _MOST_FRAMES)
        self._frame.setValue(int(choices.frames) + 1 if one else 1)
        self._frame.blockSignals(False)
        self._layout.setCurrentIndex(max(0, self._layout.findData(choices.layout)))
        for number, box in enumerate(self._boxes):
            box.setChecked(number in (choices.channels or self._default_channels()))
        shown = source.choices
        self._form.setRowVisible(self._array, self._array.count() > 1)
        self._form.setRowVisible(self._frames_row, found.frames > 1 or bool(shown.frames))
        self._form.setRowVisible(self._layout, bool(found.layout or shown.layout))
        self._form.setRowVisible(self._channels, bool(self._boxes))
        self._on_changed()

    def _show_range(self, chosen: tuple[float, float] | None, found: Found) -> None:
        self._auto.setChecked(chosen is None)
        low, high = chosen or found.range or (0.0, 255.0)
        if chosen is None and self._document.source is not None and self._document.source.choices.range is not None:
            # What the program finds is not known before it reads them again.
            self._low.setText("")
            self._high.setText("")
            return
        self._low.setText(_digits(low))
        self._high.setText(_digits(high))

    def _form_enabled(self, *, enabled: bool) -> None:
        for row in (self._array, self._range_row, self._frames_row, self._layout, self._channels, self._defaults):
            row.setEnabled(enabled)
        if not enabled:
            self._apply.setEnabled(False)

    # -- what is chosen --------------------------------------------------------------------------------------------

    def _chosen(self) -> Choices | None:
        """Return what the fields say; None if the range is not valid."""
        source = self._document.source
        if source is None:
            return None
        checked = tuple(number for number, box in enumerate(self._boxes) if box.isChecked())
        channels = () if checked == self._default_channels() else checked
        if set(checked) == set(source.choices.channels):
            channels = source.choices.channels  # in their order
        frames = str(self._frames.currentData())
        limits = None if self._auto.isChecked() else self._limits()
        if not (self._auto.isChecked() or limits) or (self._boxes and not checked):
            return None
        return Choices(
            array=str(self._array.currentData() or ""),
            range=limits,
            frames=str(self._frame.value() - 1) if frames == "one" else frames,
            layout=self._layout.currentData(),
            channels=channels,
        )

    def _default_channels(self) -> tuple[int, ...]:
        """Return the channels that are used if none are chosen: all, except transparency, which is composited."""
        source = self._document.source
        alpha = source is not None and source.found.alpha
        return tuple(range(len(self._boxes) - alpha))

    def _limits(self) -> tuple[float, float] | None:
        """Return the range in the fields; one that was only shown has all its digits."""
        texts, source = (self._low.text(), self._high.text()), self._document.source
        for known in () if source is None else (source.choices.range, source.found.range):
            if known is not None and tuple(map(_digits, known)) == texts:
                return known
        try:
            low, high = (float(text.replace("−", "-")) for text in texts)
        except ValueError:
            return None
        return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None

    def _on_range_edited(self) -> None:
        self._auto.setChecked(False)
        self._on_changed()

    def _on_auto_clicked(self) -> None:
        source = self._document.source
        if source is not None:
            limits = None if self._auto.isChecked() else source.choices.range or source.found.range or (0.0, 255.0)
            self._show_range(limits, source.found)
        self._on_changed()

    def _on_changed(self) -> None:
        self._frame.setVisible(self._frames.currentData() == "one")
        source, chosen = self._document.source, self._chosen()
        differs = source is not None and chosen is not None and chosen != source.choices
        self._apply.setEnabled(not self._busy and differs and source is not None and _changeable(source))
        if source is None or not _changeable(source):
            return
        if self._boxes and not any(box.isChecked() for box in self._boxes):
            self._say(self.tr("Choose at least one channel."), problem=True)
        elif chosen is None:
            self._say(self.tr("Type two numbers, the lower one first."), problem=True)
        elif not self._busy:
            self._say("")

    def _say(self, words: str, *, problem: bool = False) -> None:
        self._note.setText(words)
        self._note.setVisible(bool(words))
        self._note.setProperty("problem", problem)
        self._note.style().polish(self._note)

    # -- reading again ---------------------------------------------------------------------------------------------

    def _on_apply_clicked(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        self._asked = self._busy = True
        self._apply.setEnabled(False)
        self._say(self.tr("Reading…"))
        self._document.read_again(chosen)

    def _on_problem_reported(self, problem: Problem) -> None:
        if self._asked:
            self._asked = self._busy = False
            self._on_changed()
            words = self.tr("%1 The images stay as they were.")
            self._say(filled(words, sentence(problem.message)), problem=True)

    def _on_jobs_changed(self) -> None:
        """Let the user choose again if the reading was canceled; if it failed, the reason comes afterwards."""
        if self._busy and not self._document.jobs:
            self._busy = False
            self._on_changed()


def _changeable(source: Source) -> bool:
    """Return whether a source has a file or folder, which may be read in several ways."""
    return os.path.isabs(source.spec)


def _digits(value: float) -> str:
    return f"{value:.9g}"


def _channels_offered(source: Source) -> int:
    """Return the number of channels to choose from; 0 if there is no choice."""
    found = source.found
    usual = found.channels == 1 or (found.channels == 3 and found.dtype == "uint8" and not found.layout)
    return 0 if usual and not source.choices.channels else found.channels


class ReadingQuestionDialog(QDialog):
    """Asks in which of several ways a file is to be read; `chosen(str)`: the spec with the answer."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget, question: ReadingQuestion) -> None:
        super().__init__(parent)
        self._place, self._choices = split(question.spec)
        self._choice, options = question.options
        self.setObjectName("reading_question")
        title, words, name = {
            "array": (
                self.tr("Choose an array"),
                self.tr("Several arrays of %1 could be images. Which one?"),
                self.tr("Arrays that could be images"),
            ),
            "layout": (
                self.tr("Choose the order of the axes"),
                self.tr("The array in %1 can be read in several ways. What are its axes?"),
                self.tr("Possible orders of the axes"),
            ),
        }[self._choice]
        self.setWindowTitle(title)
        self._list = QListWidget()
        name_control(self._list, "reading_options", name)
        titles = dict(_layouts(self))
        for option in options:
            item = QListWidgetItem(titles.get(option, option) if self._choice == "layout" else option, self._list)
            item.setData(Qt.ItemDataRole.UserRole, option)
        self._list.setCurrentRow(0)
        asked = label("reading_question_words", filled(words, Path(self._place).name), look="plain")
        opens = button("reading_question_open", self.tr("Open"), self.tr("Open the images, read in this way"))
        opens.setProperty("primary", True)
        cancel = button("reading_question_cancel", self.tr("Cancel"), self.tr("Open nothing (Esc)"))
        cancel.setAutoDefault(False)
        opens.setDefault(True)
        self.setLayout(vbox(asked, (self._list, 1), hbox((STRETCH, 1), opens, cancel), spacing=10))
        self.setMinimumWidth(360)
        opens.clicked.connect(self._on_open_clicked)
        self._list.itemDoubleClicked.connect(self._on_open_clicked)
        cancel.clicked.connect(self.reject)
        self.finished.connect(self.deleteLater)

    def _on_open_clicked(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            self.accept()
            choices = replace(self._choices, **{self._choice: item.data(Qt.ItemDataRole.UserRole)})
            self.chosen.emit(join(self._place, choices))


def _layouts(parent: QWidget) -> list[tuple[str, str]]:
    """Return the orders of axes, and their titles."""
    titles = {
        "channels-last": parent.tr("Channels last: height, width, channels"),
        "channels-first": parent.tr("Channels first: channels, height, width"),
        "flat": parent.tr("Flat: each row is a square image"),
    }
    return [(layout, titles.get(layout, layout)) for layout in get_args(Layout) if layout]
