"""Pages of the Noise tab: input, corrupted, denoised and residual, for one image or a batch."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views.noise import NOISE, Closeness, NoiseView
from explorer.messages import message_text
from explorer.types import Floats, Shown
from explorer.ui.color_map import heat
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage, pixels_to_qimage
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import decibels, filled, unbroken
from explorer.ui.widgets.fields import label, name_widget
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.image_table import ImageTable
from explorer.ui.widgets.layouts import tiles, vbox


class NoiseImagePage(QWidget):
    """The selected image, large."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setAccessibleName(self.tr("Selected image"))
        waiting = self.tr("Select an image.")
        titles = (
            ("noise_clean", self.tr("Input"), self.tr("The clean image at the input size of the model")),
            ("noise_noisy", self.tr("Corrupted"), self.tr("The image with noise, as the model receives it")),
            ("noise_reconstruction", self.tr("Denoised"), self.tr("Reconstruction of the corrupted image")),
            ("noise_difference", self.tr("Residual"), self.tr("Absolute difference between denoised and clean image")),
        )
        made = []
        for name, title, tip in titles:
            frame = ImageFrame(title, waiting)
            ImageMenu(document, frame, partial(self._menu_image, frame, name.replace("_", "-")))
            frame.setObjectName(name)
            frame.setToolTip(plain_tooltip(tip))
            frame.set_detail_lines(3)
            made.append(frame)
        self.setLayout(tiles(*made))
        self.clean, self.noisy, self.reconstruction, self.difference = made
        document.views.changed(NOISE).connect(self._on_noise_view_changed)
        self._on_noise_view_changed()

    def _menu_image(self, frame: ImageFrame, name: str, where: QPoint | None) -> MenuImage | None:
        """Return the image of a frame; only the input stands for a code, that of the selected image."""
        if frame.image is None:
            return None
        state, clean = self._document.state, frame is self.clean
        index = state.image_index if clean and state.imported_image is None else None
        return MenuImage(frame.image, name, state.start_code if clean else None, index)

    def _on_noise_view_changed(self) -> None:
        view = self._document.views[NOISE]
        if not isinstance(view, NoiseView):
            text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Select an image.")
            for frame in (self.clean, self.noisy, self.reconstruction, self.difference):
                frame.show_text(text, problem=view is not None)
            return
        self.clean.show_image(image_to_qimage(view.clean[0], self._document.mixer))
        self.noisy.show_image(image_to_qimage(view.noisy[0], self._document.mixer), _figures(view.of_noisy))
        self.reconstruction.show_image(
            image_to_qimage(view.reconstruction[0], self._document.mixer), _figures(view.of_reconstruction)
        )
        gain = _gain(self, view.of_noisy, view.of_reconstruction)
        self.difference.show_image(pixels_to_qimage(_difference(view.clean[0], view.reconstruction[0])), gain)


class NoiseRowPage(QWidget):
    """The selected image and those after it in the gallery."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        about = self.tr("Input, corrupted, denoised and residual of several images")
        self.setAccessibleName(about)
        self.table = ImageTable(first_gap=0, whole=False, wrap="rows")
        titles = (self.tr("Input"), self.tr("Corrupted"), self.tr("Denoised"), self.tr("Residual"))
        self.table.set_labels([(title, True) for title in titles])
        name_widget(self.table, "noise_row", about)
        self._figures = label("noise_row_figures")
        self.setLayout(vbox((self.table, 1), self._figures, margins=0))
        document.views.changed(NOISE).connect(self._on_noise_view_changed)
        self._on_noise_view_changed()

    def _on_noise_view_changed(self) -> None:
        view = self._document.views[NOISE]
        if not isinstance(view, NoiseView):
            text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Select an image.")
            self.table.show_message(text)
            self._figures.clear()
            return
        rows = [_color(shown(images, self._document.mixer)) for images in (view.clean, view.noisy, view.reconstruction)]
        pairs = zip(view.clean, view.reconstruction, strict=True)
        rows.append(np.stack([_difference(clean, made) for clean, made in pairs]))
        self.table.show_pixels(np.stack(rows))
        words = self.tr("Mean over %1 images: corrupted %2; denoised %3")
        if len(view.clean) == 1:
            words = self.tr("This image: corrupted %2; denoised %3")
        words = filled(words, len(view.clean), _figures(view.of_noisy_row), _figures(view.of_reconstruction_row))
        gain = _gain(self, view.of_noisy_row, view.of_reconstruction_row)
        names = ", ".join(skipped.name for skipped in view.skipped)
        parts = [words.replace("\N{NO-BREAK SPACE}", " "), gain, filled(self.tr("Skipped: %1"), names) if names else ""]
        self._figures.setText(". ".join(filter(None, parts)))
        self._figures.setToolTip(plain_tooltip("\n".join(f"{one.name}: {one.reason}" for one in view.skipped)))


def _gain(widget: QWidget, noisy: Closeness, made: Closeness) -> str:
    gain = made.psnr - noisy.psnr
    if not np.isfinite(gain):
        return ""
    words = widget.tr("+%1 dB PSNR gain") if gain >= 0 else widget.tr("−%1 dB PSNR (worse)")
    return words.replace("%1", f"{abs(gain):.1f}")


def _figures(closeness: Closeness) -> str:
    parts = (f"PSNR {decibels(closeness.psnr)}", f"SSIM {closeness.ssim:.3f}", f"MSE {closeness.mse:.4f}")
    return unbroken(*parts)


def _difference(clean: Floats, made: Floats) -> Shown:
    return heat(np.abs(clean - np.clip(made, 0, 1)).mean(axis=2))


def _color(pixels: Shown) -> Shown:
    return np.repeat(pixels, 3, axis=3) if pixels.shape[3] == 1 else pixels
