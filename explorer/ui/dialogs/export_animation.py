"""Export dialog: format, size, frame rate, loop count, palette and caption, with a preview and the file size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFormLayout, QWidget

from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.document.timeline import Estimate, Export
from explorer.export import FOLDER, FORMATS, ExportFormat, ExportSettings
from explorer.export.frames import fitted
from explorer.export.layout import size_of_file
from explorer.messages import message_text
from explorer.ui.dialogs.files import ask_save
from explorer.ui.images import pixels_to_qimage
from explorer.ui.text import file_size, filled
from explorer.ui.widgets.fields import (
    button,
    check_box,
    combo_box,
    decimal_box,
    label,
    line_edit,
    name_widget,
    spin_box,
)
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_PREVIEW = QSize(300, 300)
_SETTLED_MS = 150
"""Idle time after the last change before the preview is computed."""

_SIDE, _LONGEST = 256, 4096


class ExportAnimationDialog(QDialog):
    """Settings of an export, and a preview of a few frames."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._tried: Export | None = None
        self._frames: Estimate | None = None
        self._frame = 0
        self.setObjectName("export_dialog")
        self.setWindowTitle(self.tr("Export animation"))
        self._make_settings()
        self._make_preview()
        self._lay_out()
        self._settle = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settle.timeout.connect(self._try)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._show_next)
        document.timeline.estimated.connect(self._on_estimated)
        for changed in (
            document.changed.keyframes,
            document.changed.animation,
            document.changed.times,
            document.changed.mixer,
        ):
            changed.connect(self._on_animation_changed)
        self._on_edited()

    def _make_settings(self) -> None:
        formats: list[tuple[str, object]] = [
            (message_text(kind.title), kind.suffix) for kind in (*FORMATS.values(), FOLDER)
        ]
        self.format = combo_box("export_format", self.tr("File format"), formats)
        self.resize_by = combo_box(
            "export_resize",
            self.tr("Scaling: sharp keeps pixels as squares, Lanczos is smooth; both give exactly this size"),
            [(self.tr("Sharp pixels"), False), (self.tr("Lanczos"), True)],
        )
        self.side = spin_box("export_side", self.tr("Longest side of the image, in pixels"), 8, _LONGEST, _SIDE)
        self.side.setSuffix(self.tr(" px"))
        self.side.setSingleStep(16)
        self.fps = decimal_box("export_fps", self.tr("Frames per second"), (1, 60), 1, 2)
        self.fps.setSuffix(self.tr(" fps"))
        self.plays = spin_box("export_plays", self.tr("Number of times the animation plays; 0 = forever"), 0, 1000, 0)
        self.plays.setSpecialValueText(self.tr("Loop forever"))
        self.palette_by = combo_box(
            "export_palette",
            self.tr("256 colors: the same for all frames, or chosen per frame"),
            [(self.tr("Global palette"), "shared"), (self.tr("Per-frame palette"), "frame")],
        )
        self.dither = check_box(
            "export_dither", self.tr("Dither"), self.tr("Approximate missing colors by mixing neighboring pixels")
        )
        self.beside = check_box(
            "export_beside",
            self.tr("Show start and end images"),
            self.tr("Place the first and last image beside the animation"),
        )
        self.caption = line_edit("export_caption", self.tr("Text below the image"), self.tr("None"))
        for box in (self.format, self.resize_by, self.palette_by):
            box.activated.connect(lambda row: self._on_edited())
        for number in (self.side, self.fps, self.plays):
            number.valueChanged.connect(lambda value: self._on_edited())
        for tick in (self.dither, self.beside):
            tick.toggled.connect(lambda on: self._on_edited())
        self.caption.textChanged.connect(lambda text: self._on_edited())

    def _make_preview(self) -> None:
        self.preview = ImageFrame("", self.tr("No preview yet"))
        name_widget(self.preview, "export_preview", self.tr("Preview"))
        self.preview.set_detail_lines(0)
        self.preview.setFixedSize(_PREVIEW.width(), _PREVIEW.height() + self.preview.caption_height(0))
        self.size_words = label("export_size", look="plain")
        self.size_words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.size_words.setFixedWidth(_PREVIEW.width())
        self.size_words.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.note = label("export_note")
        self.write = button("export_write", self.tr("Export…"), self.tr("Choose a file name and export"), primary=True)
        self.close_button = button("export_close", self.tr("Cancel"), self.tr("Close without exporting (Esc)"))
        self.write.clicked.connect(self._ask_where)
        self.close_button.clicked.connect(self.close)
        self.write.setDefault(True)
        self.close_button.setAutoDefault(False)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        for title, row in (
            (self.tr("Format"), self.format),
            (self.tr("Size"), hbox(self.side, (self.resize_by, 1))),
            (self.tr("Frame rate"), self.fps),
            (self.tr("Loop count"), self.plays),
            (self.tr("Palette"), self.palette_by),
            ("", self.dither),
            ("", self.beside),
            (self.tr("Caption"), self.caption),
        ):
            form.addRow(title, row)
        self._form = form
        left = vbox(form, self.note, (STRETCH, 1))
        right = vbox(self.preview, self.size_words, (STRETCH, 1))
        buttons = hbox((STRETCH, 1), self.close_button, self.write)
        self.setLayout(vbox(hbox((left, 1), right, spacing=18), buttons, spacing=12, margins=(14, 14, 14, 12)))
        self.setMinimumWidth(700)

    # -- settings --------------------------------------------------------------------------------------------------

    @property
    def kind(self) -> ExportFormat:
        return FORMATS.get(self.format.currentData(), FOLDER)

    def settings(self) -> Export:
        """Return the settings, for a file of the suggested name."""
        return Export(
            Path(f"morph{self.kind.suffix}"),
            fps=self.fps.value(),
            side=self.side.value(),
            smooth=bool(self.resize_by.currentData()),
            plays=self.plays.value(),
            palette=self.palette_by.currentData(),
            dither=self.dither.isChecked(),
            caption=self.caption.text().strip(),
            beside=self.beside.isChecked(),
        )

    def _on_animation_changed(self) -> None:
        self._tried = None
        if self.isVisible():
            self._settle.start()
            self._update_controls()

    def _on_edited(self) -> None:
        self._update_controls()
        if self.isVisible():
            self._settle.start()

    def _update_controls(self) -> None:
        model = self._document.model
        gray = model is None or model.card.image_shape[2] == 1
        for widget in (self.palette_by, self.dither):
            widget.setEnabled(self.kind.indexed and not gray)
        self.fps.setEnabled(self.kind.animated)
        repeats = self._document.state.animation.loop != "none"
        self.plays.setEnabled(self.kind.loops and repeats)
        self.write.setEnabled(self._document.timeline.frames > 0)
        self.note.setText(" ".join(self._notes(gray, repeats)))

    def _notes(self, gray: bool, repeats: bool) -> list[str]:
        notes: list[str] = []
        possible = self.kind.possible_fps(self.fps.value())
        if self.kind.animated and abs(possible - self.fps.value()) > 0.005:
            words = self.tr("%1 cannot play at this frame rate; %2 fps is used. Duration unchanged.")
            notes.append(filled(words, message_text(self.kind.title), f"{possible:.4g}"))
        elif self.kind.animated and abs(self.fps.value() - self._document.state.animation.fps) > 0.005:
            notes.append(self.tr("Frame rate changed; duration unchanged."))
        if self.kind.indexed and gray:
            notes.append(self.tr("Grayscale: lossless."))
        channels = shown_text(self._document.state)
        if channels and not self.kind.values:
            notes.append(self.tr("Channels as in the mixer: %1.").replace("%1", channels))
        if self.kind.note:
            notes.append(message_text(self.kind.note))
        if self.kind.loops and not repeats:
            notes.append(self.tr("Plays once, as set on the timeline."))
        return notes

    # -- the preview -----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the size first, take the frame rate of the timeline, and compute the preview."""
        super().showEvent(event)
        self.side.setFocus()
        self.side.selectAll()
        self.fps.setValue(self._document.state.animation.fps)
        self._update_controls()
        if self._frames is None or self._frames.export != self._tried:
            # The last attempt failed; this one may succeed.
            self._tried = None
        self._try()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._settle.stop()
        self._clock.stop()

    def _try(self) -> None:
        export = self.settings()
        if export != self._tried and self._document.timeline.frames:
            self._tried = export
            self._show_plan(self.tr("estimating file size…"))
            self._document.timeline.estimate_requested.emit(export)

    def _show_plan(self, size: str) -> None:
        """Say what will be exported: frames, pixels, seconds, and the size in bytes as text."""
        model, animation = self._document.model, self._document.timeline.animation
        if model is None or animation is None:
            return
        height, width, channels = model.card.image_shape
        shape, beside = (height, width, 1 if channels == 1 else 3), None
        if self.beside.isChecked():
            beside = (np.zeros(shape, np.uint8),) * 2
        scale, resized = fitted(shape, self.side.value(), smooth=bool(self.resize_by.currentData()))
        fps = self.kind.possible_fps(self.fps.value())
        caption = self.caption.text().strip()
        settings = ExportSettings(fps, loop=False, scale=scale, size=resized, caption=caption, beside=beside)
        frames = len(animation.positions_at(fps)) if self.kind.animated else animation.frames
        height, width = size_of_file(self.kind, shape, frames, settings)
        words = self.tr("%1 frames, %2×%3 px, %4 s, %5") if self.kind.animated else self.tr("%1 frames, %2×%3 px, %5")
        self.size_words.setText(filled(words, f"{frames:,}", width, height, f"{frames / fps:.2f}", size))

    def _on_estimated(self, estimate: Estimate) -> None:
        if estimate.export != self._tried or not self.isVisible():
            return
        if estimate.pixels is None:
            self._clock.stop()
            self.preview.show_text(self.tr("No preview"))
            self.size_words.setText(message_text(estimate.problem))
            return
        self._show_plan(self.tr("about %1").replace("%1", file_size(estimate.size)))
        self._frames, self._frame = estimate, 0
        self._show_next()
        seconds = estimate.frames / estimate.fps
        self._clock.start(max(30, round(1000 * seconds / len(estimate.pixels))))

    def _show_next(self) -> None:
        estimate = self._frames
        if estimate is not None and estimate.pixels is not None:
            self.preview.show_image(pixels_to_qimage(estimate.pixels[self._frame % len(estimate.pixels)]))
            self._frame += 1

    # -- where -----------------------------------------------------------------------------------------------------

    def _ask_where(self) -> None:
        suggested = Path.home() / self.settings().path
        ask_save(self._document, self, self.windowTitle(), [self.kind.name_filter], suggested, self._on_chosen)

    def _on_chosen(self, path: Path) -> None:
        self._document.timeline.export_requested.emit(replace(self.settings(), path=path))
        self.close()
