"""The images of the stage, arranged in one of several modes, with one zoom for all."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.plain_text import plain_tooltip
from explorer.ui.widgets.fields import name_widget
from explorer.ui.widgets.image_frame import DOT, in_lines
from explorer.ui.widgets.stage_image import StageImage
from explorer.ui.widgets.stage_places import Captions, pair, places
from explorer.ui.widgets.swipe_image import SwipeImage
from explorer.ui.widgets.viewport import STEP, Viewport

MODES = ("one", "two", "three", "swipe", "error")
"""The edited image alone; beside the original; with original and reconstruction; with a divider; the error map."""

_LONGEST = "MSE 0.0000 · 00.0 dB · SSIM 0.000"


class StageCanvas(QWidget):
    """Original, reconstruction, error map and edited image, as far as the mode shows them."""

    mode_changed = Signal()
    flipped_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = "three"
        self._flipped = False
        self._aspect = 1.0
        self.viewport = Viewport(self)
        waiting = self.tr("Open a model and a dataset in the library.")
        self.original = StageImage(self.tr("Original"), waiting, self.viewport, self)
        _describe(
            self.original,
            "stage_original",
            self.tr("The selected image, preprocessed like the training data: the input of the encoder"),
        )
        self.reconstruction = StageImage(
            self.tr("Reconstruction"), waiting, self.viewport, self, short=self.tr("Recon.")
        )
        _describe(
            self.reconstruction,
            "stage_reconstruction",
            self.tr("The image, encoded and decoded, with mean squared error, PSNR and SSIM"),
        )
        self.error = StageImage(self.tr("Error"), waiting, self.viewport, self)
        _describe(
            self.error,
            "stage_error",
            self.tr("Absolute difference of original and reconstruction: brighter = larger reconstruction error"),
        )
        self.edited = SwipeImage(self.tr("Edited"), waiting, self.viewport, self)
        _describe(self.edited, "stage_edited", self.tr("Decoded from the edited latent code; drag a slider to edit it"))
        name_widget(
            self.edited.divider,
            "stage_divider",
            self.tr("Divider between original and edited image"),
            self.tr("Original on the left, edited image on the right; drag it, or press the arrow keys"),
        )
        self._show_mode()

    # -- modes -------------------------------------------------------------------------------------------------------

    @property
    def frames(self) -> tuple[StageImage, ...]:
        """All images."""
        return self.original, self.reconstruction, self.error, self.edited

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Show the images as in one of `MODES`; another name is ignored."""
        if mode in MODES and mode != self._mode:
            self._mode = mode
            self._show_mode()
            self.mode_changed.emit()

    @property
    def hero(self) -> StageImage:
        """The large image."""
        return self.error if self._mode == "error" else self.edited

    @property
    def flipped(self) -> bool:
        """Whether the original is shown in place of the edited image."""
        return self._flipped

    def flip(self, flipped: bool) -> None:
        if flipped != self._flipped:
            self._flipped = flipped
            self._show_mode()
            self.flipped_changed.emit()

    def _small(self) -> tuple[StageImage, ...]:
        if self._mode == "error":
            return self.original, self.reconstruction, self.edited
        return (self.original, self.reconstruction) if self._mode == "three" else ()

    def _show_mode(self) -> None:
        focus = QApplication.focusWidget()
        swiping = self._mode == "swipe" and not self._flipped
        if swiping:
            self.edited.swipe()
        else:
            self.edited.flip(self._flipped)
        title = self.tr("Original, edited") if swiping else self.tr("Edited")
        self.edited.set_title(self.tr("Original") if self._flipped else title)
        shown = {self.hero, *self._small(), *([self.original] if self._mode == "two" else [])}
        for frame in shown:
            frame.show()
        self.setFocusProxy(self.edited.divider if swiping else self.hero)
        if focus is not None and self.isAncestorOf(focus) and focus not in self._small():
            self.setFocus()  # Qt would move it when its image is hidden, as if by Tab
        for frame in self.frames:
            frame.setVisible(frame in shown)
        self._arrange()

    def zoom_in(self) -> None:
        self.hero.zoom_by(STEP)

    def zoom_out(self) -> None:
        self.hero.zoom_by(1 / STEP)

    # -- layout ------------------------------------------------------------------------------------------------------

    def set_image_size(self, width: int, height: int) -> None:
        """Set the size of all images in pixels."""
        self.viewport.set_image_size(max(width, height))
        if width / height != self._aspect:
            self._aspect = width / height
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        metrics, caption_height = self.fontMetrics(), self.edited.caption_height

        @cache
        def lines(width: int) -> int:
            return len(in_lines(_LONGEST, metrics, width))

        narrowest = max(map(metrics.horizontalAdvance, _LONGEST.split(DOT)))
        captions = Captions(caption_height(0), lambda width: caption_height(lines(width)), narrowest)
        if self._mode == "two":
            first, second = pair(self.size(), self._aspect, captions)
            _put(self.original, first)
            _put(self.edited, second)
            return
        small = self._small()
        found = places(self.size(), self._aspect, len(small), captions)
        _put(self.hero, found.hero)
        for frame in small:
            frame.setVisible(bool(found.small))
        for frame, place in zip(small, found.small, strict=False):
            _put(frame, place, lines(place.width()) if found.figures else 0)


def _describe(frame: StageImage, name: str, tip: str) -> None:
    frame.setObjectName(name)
    frame.setToolTip(plain_tooltip(tip))


def _put(frame: StageImage, place: QRect, lines: int = 0) -> None:
    frame.set_detail_lines(lines)
    frame.setGeometry(place)
