"""The stage: original, reconstruction, and the decoded current code."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, HalfView, ImageView
from explorer.messages import message_text
from explorer.types import Floats
from explorer.ui.color_map import heat
from explorer.ui.images import floats_to_qimage, pixels_to_qimage
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import decibels, filled, unbroken
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.layouts import hbox, vbox

_ROOM = 24
"""Margin beside the longest line under an image, in pixels."""


class StagePanel(QWidget):
    """Original, reconstruction and edited image, with an optional error map.

    `reconstruction_painted()`: it was painted on the screen.
    """

    reconstruction_painted = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        name_widget(self, "stage_panel", self.tr("Stage"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Needed for the focus frame.
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._heading = ElidedLabel("stage_heading", look="heading")
        waiting = self.tr("Open a model and a dataset in the library.")
        self.original = self._frame(
            "stage_original",
            self.tr("Original"),
            waiting,
            self.tr("The selected image, preprocessed like the training data: the input of the encoder"),
        )
        self.reconstruction = self._frame(
            "stage_reconstruction",
            self.tr("Reconstruction"),
            waiting,
            self.tr("The image, encoded and decoded, with mean squared error, PSNR and SSIM"),
        )
        self.edited = self._frame(
            "stage_edited",
            self.tr("Edited"),
            waiting,
            self.tr("Decoded from the edited latent code; drag a slider to edit it"),
        )
        self.error = self._frame(
            "stage_error",
            self.tr("Error"),
            waiting,
            self.tr("Absolute difference of original and reconstruction: brighter = larger reconstruction error"),
        )
        self.error.hide()
        self._show_error = QCheckBox(self.tr("Error map"))
        self._show_error.setObjectName("stage_show_error")
        self._show_error.setToolTip(self.tr("Show the reconstruction error per pixel"))
        self._show_error.toggled.connect(self._on_error_toggled)
        self.invert = button(
            "stage_invert", self.tr("Invert colors"), self.tr("Invert the imported image (Ctrl+Shift+I)")
        )
        self.invert.clicked.connect(document.invert_imported_image)
        self.invert.hide()
        self._lay_out()
        self.reconstruction.painted.connect(self.reconstruction_painted)
        document.views.changed(IMAGE).connect(self._on_image_view_changed)
        document.views.changed(CURSOR).connect(self._on_cursor_view_changed)
        document.changed.image_index.connect(self._on_image_changed)
        document.changed.imported_image.connect(self._on_image_changed)
        document.changed.source.connect(self._on_image_changed)

    def _frame(self, name: str, title: str, empty: str, tip: str) -> ImageFrame:
        frame = ImageFrame(title, empty, self)
        frame.setObjectName(name)
        frame.setToolTip(plain_tooltip(tip))
        return frame

    def _lay_out(self) -> None:
        top = hbox((self._heading, 1), self.invert, self._show_error)
        top.addStrut(self.invert.sizeHint().height())  # the button is hidden at times, and nothing may move then
        frames = hbox(self.original, self.reconstruction, self.error, self.edited, spacing=14)
        self.setLayout(vbox(top, (frames, 1), margins=(12, 3, 12, 3)))

    def _on_error_toggled(self, shown: bool) -> None:
        self.error.setVisible(shown)
        self._make_room_for_details()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room_for_details()

    def _make_room_for_details(self) -> None:
        longest = self.fontMetrics().horizontalAdvance("MSE 0.0000 · 00.0 dB · SSIM 0.000") + _ROOM
        narrow = self.width() / (3 if self.error.isHidden() else 4) < longest
        for frame in (self.original, self.reconstruction, self.error, self.edited):
            frame.set_detail_lines(2 if narrow else 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}.get(
            Qt.Key(event.key())
        )
        if step is None:
            super().keyPressEvent(event)
        else:
            self._document.step_image(step)

    def _on_image_changed(self) -> None:
        source, image_index, imported_image = (
            self._document.source,
            self._document.state.image_index,
            self._document.state.imported_image,
        )
        self.invert.setVisible(imported_image is not None)
        if imported_image is not None and imported_image.image_shape is not None:
            height, width, _ = imported_image.image_shape
            words = self.tr("%1 · imported (%2×%3)")
            self._heading.setText(filled(words, imported_image.title, f"{width:,}", f"{height:,}"))
            return
        if source is None or image_index is None:
            self._heading.clear()
            return
        label = source.label(image_index)
        words = self.tr("%1 · #%2 of %3 · label %4") if label else self.tr("%1 · #%2 of %3")
        self._heading.setText(filled(words, source.title, f"{image_index + 1:,}", f"{source.count:,}", label))

    def _on_image_view_changed(self) -> None:
        view = self._document.views[IMAGE]
        if isinstance(view, ImageView):
            self.original.show_image(floats_to_qimage(view.original), self._size(view.original))
            figures = unbroken(f"MSE {view.mse:.4f}", decibels(view.psnr), f"SSIM {view.ssim:.3f}")
            self.reconstruction.show_image(floats_to_qimage(view.reconstruction), figures)
            difference = np.abs(view.original - view.reconstruction).mean(axis=2)
            peak = self.tr("max %1").replace("%1", f"{difference.max():.2f}")
            self.error.show_image(pixels_to_qimage(heat(difference)), peak)
            return
        if isinstance(view, HalfView):
            self._show_half(view)
            return
        failed = isinstance(view, FailedView)
        text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Encoding…")
        for frame in (self.original, self.reconstruction, self.error):
            frame.show_text(text, problem=failed)
        if failed:
            self._on_cursor_view_changed()

    def _show_half(self, view: HalfView) -> None:
        self.original.show_image(floats_to_qimage(view.original), self._size(view.original))
        text, detail = self.tr("No decoder"), unbroken(self.tr("encoder only"), self.tr("no reconstruction"))
        if view.problem:
            text, detail = message_text(view.problem), ""
        elif view.code is None:
            text, detail = self.tr("No encoder"), unbroken(self.tr("decoder only"), self.tr("move a slider"))
        for frame in (self.reconstruction, self.error):
            frame.show_text(text, detail, problem=bool(view.problem))

    def _on_cursor_view_changed(self) -> None:
        view = self._document.views[CURSOR]
        if isinstance(view, CursorView):
            self.edited.show_image(floats_to_qimage(view.image), self._cursor_detail())
        else:
            model = self._document.model
            failed, detail = isinstance(view, FailedView), ""
            text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Decoding…")
            if isinstance(self._document.views[IMAGE], FailedView):
                text = self.tr("Can’t read this image")
            elif model is not None and not model.card.decodes:
                failed, text, detail = False, self.tr("No decoder"), self._cursor_detail()
            self.edited.show_text(text, detail, problem=failed)

    def _cursor_detail(self) -> str:
        """In σ of the dataset."""
        model, code, start = self._document.model, self._document.code, self._document.state.start_code
        if model is None or code is None or start is None:
            return ""
        sigma = np.maximum(model.sample.statistics.sigma, 1e-6)
        distance = float(np.sqrt(np.square((code - start) / sigma).sum()))
        if distance < 1e-6:
            return self.tr("unedited") if model.card.encodes else self.tr("mean code")
        words = self.tr("Δ %1 σ from original") if model.card.encodes else self.tr("Δ %1 σ from mean code")
        return words.replace("%1", f"{distance:.2f}")

    def _size(self, image: Floats) -> str:
        height, width, channels = image.shape
        colors = self.tr("grayscale") if channels == 1 else self.tr("RGB")
        return unbroken(f"{width}×{height} {colors}", self.tr("model input"))
