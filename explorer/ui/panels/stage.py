"""The stage: original, reconstruction, and the decoded current code."""

from __future__ import annotations

from functools import cache

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QSpacerItem, QWidget

from explorer.data.mixer import needs_mixer
from explorer.document.document import Document
from explorer.document.mixing import offers_mixer
from explorer.document.view_store import FailedView
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, HalfView, ImageView
from explorer.messages import message_text
from explorer.types import Floats
from explorer.ui.color_map import HEAT_REACH, heat
from explorer.ui.images import image_to_qimage, pixels_to_qimage
from explorer.ui.panels.stage_actions import StageActions
from explorer.ui.text import decibels, filled, unbroken
from explorer.ui.widgets.color_scale import ColorScale
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import hbox, vbox
from explorer.ui.widgets.stage_canvas import StageCanvas
from explorer.ui.widgets.stage_image import StageImage

_PAN_SHARE = 0.1
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
_ZOOMS = {Qt.Key.Key_Plus: True, Qt.Key.Key_Equal: True, Qt.Key.Key_Minus: False, Qt.Key.Key_Underscore: False}
"""Keys that zoom in (True) or out, also with Shift."""

_PANS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class StagePanel(QWidget):
    """Original, reconstruction and edited image, or the error map, in one of `stage_canvas.MODES`.

    `reconstruction_painted()`: it was painted on the screen.
    """

    reconstruction_painted = Signal()
    mode_changed = Signal()

    help = "explore"
    """Its page of the help."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        name_widget(self, "stage_panel", self.tr("Stage"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(300, 148)  # so that an open timeline fits into 960×500
        self._heading = ElidedLabel("stage_heading", look="heading")
        self.canvas = canvas = StageCanvas()
        self.original, self.reconstruction = canvas.original, canvas.reconstruction
        self.error, self.edited = canvas.error, canvas.edited
        self.commands = StageActions(document, canvas)
        self.invert = button(
            "stage_invert", self.tr("Invert colors"), self.tr("Invert the imported image (Ctrl+Shift+I)")
        )
        self.invert.hide()
        self.mix = button(
            "stage_mixer", self.tr("Channels…"), self.tr("Colors and ranges of the channels (Ctrl+Shift+X)")
        )
        self.mix.hide()
        self._top = top = hbox((self._heading, 1), self.mix, self.invert)
        self._strut = QSpacerItem(0, 0)  # as high as the button, which is hidden at times: nothing may move then
        top.addItem(self._strut)
        self.setLayout(vbox(top, (canvas, 1), spacing=4, margins=(12, 2, 12, 2)))
        self.setFocusProxy(canvas)
        self._connect()

    def sizeHint(self) -> QSize:
        return QSize(720, 480)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_strut"):
            self._strut.changeSize(0, self.invert.sizeHint().height())
            self._top.invalidate()

    def _connect(self) -> None:
        document, canvas = self._document, self.canvas
        self.invert.clicked.connect(document.invert_imported_image)
        self.mix.clicked.connect(self.commands.show_mixer)
        for changed in (document.changed.model, document.changed.source, document.changed.mixer):
            changed.connect(self._on_channels_changed)
        self.reconstruction.painted.connect(self.reconstruction_painted)
        canvas.mode_changed.connect(self.mode_changed)
        document.views.changed(IMAGE).connect(self._on_image_view_changed)
        document.views.changed(CURSOR).connect(self._on_cursor_view_changed)
        document.changed.image_index.connect(self._on_image_changed)
        document.changed.imported_image.connect(self._on_image_changed)
        document.changed.source.connect(self._on_image_changed)
        document.changed.code.connect(self._on_code_changed)

    @property
    def mode(self) -> str:
        return self.canvas.mode

    def set_mode(self, mode: str) -> None:
        """Show the images as in one of `MODES`; another name is ignored."""
        self.canvas.set_mode(mode)

    # -- keyboard ----------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if held & Qt.KeyboardModifier.ControlModifier and key in _PANS:
            across, down = _PANS[key]
            self.canvas.hero.pan_by(across * _PAN_SHARE, down * _PAN_SHARE)
        elif key in _STEPS:
            self._document.step_image(_STEPS[key])
        elif (held and key not in _ZOOMS) or not self.press(key, repeated=event.isAutoRepeat()):
            super().keyPressEvent(event)

    def press(self, key: Qt.Key, *, repeated: bool = False) -> bool:
        """Do what a single key does; return whether it does something."""
        if key in _ZOOMS:
            (self.canvas.zoom_in if _ZOOMS[key] else self.canvas.zoom_out)()
            return True
        doing = {
            Qt.Key.Key_0: self.canvas.viewport.fit,
            Qt.Key.Key_Space: self.commands.flip,
            Qt.Key.Key_F: self.commands.alone_requested.emit,
            Qt.Key.Key_K: self._document.timeline.add,
        }.get(key)
        if doing is not None and not repeated:
            doing()
        return doing is not None

    def _on_channels_changed(self) -> None:
        self.mix.setVisible(offers_mixer(self._document.state))

    # -- following the document --------------------------------------------------------------------------------------

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

    def _on_code_changed(self) -> None:
        """Show the edited image: an edit that nobody sees would be taken for a failure."""
        self.canvas.flip(False)

    def _on_image_view_changed(self) -> None:
        view = self._document.views[IMAGE]
        if isinstance(view, ImageView):
            self._show_original(view.original)
            figures = unbroken(f"MSE {view.mse:.4f}", decibels(view.psnr), f"SSIM {view.ssim:.3f}")
            self._show_mixed(self.reconstruction, view.reconstruction, figures)
            difference = np.abs(view.original - view.reconstruction).mean(axis=2)
            peak = self.tr("max %1").replace("%1", f"{difference.max():.2f}")
            self.error.show_values(difference, _error_scale())
            self.error.show_image(pixels_to_qimage(heat(difference)), peak)
            return
        self.error.show_values(None, None)
        if isinstance(view, HalfView):
            self._show_half(view)
            return
        failed = isinstance(view, FailedView)
        text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Encoding…")
        if failed and not isinstance(self._document.views[CURSOR], CursorView):
            text = self.tr("Can’t read this image")  # the edited image has room for the reason
        self.original.show_text(text, problem=failed)
        for frame in (self.reconstruction, self.error):
            frame.show_text(self.tr("No reconstruction") if failed else text)
        self.edited.show_before(None)
        if failed:
            self._on_cursor_view_changed()

    def _show_original(self, image: Floats) -> None:
        height, width, channels = image.shape
        colors = {1: self.tr("grayscale"), 3: self.tr("RGB")}.get(channels, filled(self.tr("%1 channels"), channels))
        qimage = self._show_mixed(self.original, image, unbroken(f"{width}×{height}", colors))
        self.edited.show_before(qimage, self._mixed_values(image))
        self.canvas.set_image_size(width, height)

    def _show_mixed(self, frame: StageImage, image: Floats, detail: str) -> QImage:
        """Show an image, its channels as in the mixer, and their values at high zoom."""
        qimage = image_to_qimage(image, self._document.mixer)
        frame.show_values(self._mixed_values(image), None)
        frame.show_image(qimage, detail)
        return qimage

    def _mixed_values(self, image: Floats) -> Floats | None:
        """Return the values of an image whose colors are not its values."""
        count = image.shape[2]
        return image if needs_mixer(count) or not self._document.mixer.mix(count).is_default else None

    def _show_half(self, view: HalfView) -> None:
        self._show_original(view.original)
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
            self._show_mixed(self.edited, view.image, self._cursor_detail())
        else:
            model = self._document.model
            failed, detail = isinstance(view, FailedView), ""
            image = self._document.views[IMAGE]
            text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Decoding…")
            if isinstance(image, FailedView):
                failed, text = True, message_text(image.message)
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


@cache
def _error_scale() -> ColorScale:
    values = np.linspace(HEAT_REACH, 0, 256, dtype=np.float32)[:, None]
    return ColorScale(pixels_to_qimage(heat(values)), (f"≥ {HEAT_REACH:.2f}", f"{HEAT_REACH / 2:.2f}", "0.00"))
