"""The noise lab: corrupt pictures, see what the model makes of them, and how much that gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSlider, QStackedWidget, QVBoxLayout, QWidget

from explorer.data.corruption import KINDS, Noise, format_noise, parse_noise
from explorer.data.preprocessing import to_pixels
from explorer.document.document import Document
from explorer.document.views import Closeness, FailedView, NoiseView
from explorer.errors import ExplorerError
from explorer.types import Floats, Pixels
from explorer.ui.color_map import heat
from explorer.ui.images import floats_to_qimage, pixels_to_qimage
from explorer.ui.text import decibels, unbroken
from explorer.ui.widgets.fields import button, name_control, spin_box
from explorer.ui.widgets.noise_edit import NoiseEdit
from explorer.ui.widgets.picture_frame import PictureFrame
from explorer.ui.widgets.picture_table import PictureTable
from explorer.ui.widgets.segments import Segments

_STEPS = 100
"""Positions of the slider."""

_SIDE_WIDTH = 292
_SEEDS = 1_000_000


class NoisePanel(QWidget):
    """Clean ∣ corrupted ∣ reconstruction ∣ difference, of one picture or of a row of them."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._gestures = 0
        self._shown = ""
        self.setObjectName("noise_panel")
        self.setAccessibleName(self.tr("Noise"))
        self._make_pictures()
        self._make_controls()
        self._lay_out()
        self.pages.chosen.connect(self._on_page_chosen)
        self.edit.changed.connect(self._on_edited)
        self._slider.sliderPressed.connect(self._on_slider_pressed)
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._seed.valueChanged.connect(self._on_seed_changed)
        self._redraw.clicked.connect(lambda: self._seed.setValue(int(np.random.default_rng().integers(_SEEDS))))
        document.noises_changed.connect(self._on_noises_changed)
        document.noise_view_changed.connect(self._on_noise_view_changed)
        self._on_noises_changed()
        self._on_noise_view_changed()

    def _make_pictures(self) -> None:
        waiting = self.tr("Choose a picture.")
        titles = (
            ("noise_clean", self.tr("Clean"), self.tr("The picture as the model takes it")),
            ("noise_noisy", self.tr("Corrupted"), self.tr("What the model is given")),
            ("noise_reconstruction", self.tr("Reconstruction"), self.tr("What the model makes of the corrupted one")),
            ("noise_difference", self.tr("Difference"), self.tr("Where the reconstruction differs from the clean one")),
        )
        made = []
        for name, title, tip in titles:
            frame = PictureFrame(title, waiting)
            frame.setObjectName(name)
            frame.setToolTip(tip)
            frame.set_detail_lines(3)
            made.append(frame)
        self.clean, self.noisy, self.reconstruction, self.difference = made
        self.table = PictureTable(first_gap=0, whole=False)
        self.table.setObjectName("noise_row")
        about = self.tr("Clean, corrupted, reconstructed and their difference, of several pictures")
        self.table.setAccessibleName(about)
        self._figures = QLabel()
        self._figures.setObjectName("noise_row_figures")
        self._figures.setProperty("muted", True)
        self._figures.setWordWrap(True)
        self.pages = Segments(
            (
                ("noise_one", self.tr("This picture"), self.tr("The chosen picture, large")),
                ("noise_several", self.tr("A row"), self.tr("The chosen picture and those behind it")),
            )
        )

    def _make_controls(self) -> None:
        about = self.tr("What is done to the pictures, first to last: gaussian:0.3, several joined by +")
        self.edit = NoiseEdit("noise", about)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        name_control(self._slider, "noise_slider", self.tr("Strength of the last noise in the list"))
        self._slider.setRange(0, _STEPS)
        self._seed = spin_box("noise_seed", self.tr("Seed: the same number draws the same noise"), 0, _SEEDS - 1, 0)
        self._redraw = button("noise_redraw", self.tr("Redraw"), self.tr("Draw other noise of the same strength"))

    def _lay_out(self) -> None:
        one = QWidget()
        frames = QHBoxLayout(one)
        frames.setContentsMargins(0, 0, 0, 0)
        frames.setSpacing(10)
        for frame in (self.clean, self.noisy, self.reconstruction, self.difference):
            frames.addWidget(frame, 1)
        several = QWidget()
        row = QVBoxLayout(several)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.table, 1)
        row.addWidget(self._figures)
        self._stack = QStackedWidget()
        self._stack.addWidget(one)
        self._stack.addWidget(several)
        seed = QGridLayout()
        seed.addWidget(QLabel(self.tr("Strength")), 0, 0)
        seed.addWidget(self._slider, 0, 1, 1, 2)
        seed.addWidget(QLabel(self.tr("Seed")), 1, 0)
        seed.addWidget(self._seed, 1, 1)
        seed.addWidget(self._redraw, 1, 2)
        side = QVBoxLayout()
        side.addWidget(self.pages)
        side.addWidget(self.edit)
        side.addLayout(seed)
        side.addStretch()
        holder = QWidget()
        holder.setLayout(side)
        holder.setFixedWidth(_SIDE_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(12)
        layout.addWidget(self._stack, 1)
        layout.addWidget(holder)

    def showEvent(self, event: QShowEvent) -> None:
        """Have pictures corrupted from now on."""
        super().showEvent(event)
        self._document.watch_noise(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Have nothing computed that nobody sees."""
        super().hideEvent(event)
        self._document.watch_noise(False)

    # -- intents -----------------------------------------------------------------------------------------------------

    def _on_page_chosen(self, number: int) -> None:
        self._stack.setCurrentIndex(number)

    def _on_edited(self) -> None:
        """Take the list of noises over; while it cannot be read, the last one stays."""
        try:
            noises = parse_noise(self.edit.text())
        except ExplorerError:
            return
        self._put(noises, "~noise-edit")

    def _on_slider_pressed(self) -> None:
        self._gestures += 1

    def _on_slider_moved(self, value: int) -> None:
        noises = self._document.noises
        if noises:
            kind = KINDS[noises[-1].kind]
            strength = round(kind.largest * value / _STEPS, 4)
            self._put((*noises[:-1], replace(noises[-1], strength=strength)), f"noise-slider-{self._gestures}")

    def _on_seed_changed(self, seed: int) -> None:
        self._document.set_noises([replace(noise, seed=seed) for noise in self._document.noises], "~noise-seed")

    def _put(self, noises: Sequence[Noise], gesture: str) -> None:
        self._document.set_noises([replace(noise, seed=self._seed.value()) for noise in noises], gesture)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _on_noises_changed(self) -> None:
        noises = self._document.noises
        text = format_noise([replace(noise, seed=None) for noise in noises])
        seeds = [noise.seed for noise in noises if noise.seed is not None]
        with QSignalBlocker(self.edit), QSignalBlocker(self._slider), QSignalBlocker(self._seed):
            if text != _plain(self.edit.text()):
                self.edit.set_text(text)
            if seeds:
                self._seed.setValue(seeds[0])
            self._slider.setEnabled(bool(noises))
            if noises:
                kind = KINDS[noises[-1].kind]
                self._slider.setValue(round(_STEPS * min(1.0, noises[-1].strength / kind.largest)))
                about = self.tr("Strength of %1: %2").replace("%1", kind.title.lower()).replace("%2", kind.scale)
                self._slider.setToolTip(about)
        for control in (self._seed, self._redraw):
            control.setEnabled(any(KINDS[noise.kind].random for noise in noises))

    def _on_noise_view_changed(self) -> None:
        view = self._document.noise_view
        frames = (self.clean, self.noisy, self.reconstruction, self.difference)
        if not isinstance(view, NoiseView):
            text = view.message if isinstance(view, FailedView) else self.tr("Choose a picture.")
            for frame in frames:
                frame.show_text(text, problem=view is not None)
            self.table.show_message(text)
            self._figures.clear()
            return
        self.clean.show_image(floats_to_qimage(view.clean[0]))
        self.noisy.show_image(floats_to_qimage(view.noisy[0]), _figures(view.of_noisy))
        self.reconstruction.show_image(floats_to_qimage(view.reconstruction[0]), _figures(view.of_reconstruction))
        gain = self._gain(view.of_noisy, view.of_reconstruction)
        self.difference.show_image(pixels_to_qimage(_difference(view.clean[0], view.reconstruction[0])), gain)
        self._show_row(view)

    def _show_row(self, view: NoiseView) -> None:
        rows = [_colour(to_pixels(images)) for images in (view.clean, view.noisy, view.reconstruction)]
        pairs = zip(view.clean, view.reconstruction, strict=True)
        rows.append(np.stack([_difference(clean, made) for clean, made in pairs]))
        self.table.show_pixels(np.stack(rows))
        words = self.tr("%1 pictures, on average: corrupted %2; reconstructed %3")
        if len(view.clean) == 1:
            words = self.tr("This picture: corrupted %2; reconstructed %3")
        words = words.replace("%1", str(len(view.clean)))
        words = words.replace("%2", _figures(view.of_noisy_row)).replace("%3", _figures(view.of_reconstruction_row))
        gain = self._gain(view.of_noisy_row, view.of_reconstruction_row)
        self._figures.setText(words.replace("\N{NO-BREAK SPACE}", " ") + (f". {gain}" if gain else ""))

    def _gain(self, noisy: Closeness, made: Closeness) -> str:
        gain = made.psnr - noisy.psnr
        if not np.isfinite(gain):
            return ""
        words = self.tr("%1 dB nearer than corrupted") if gain >= 0 else self.tr("%1 dB further than corrupted")
        return words.replace("%1", f"{abs(gain):.1f}")


def _figures(closeness: Closeness) -> str:
    parts = (f"PSNR {decibels(closeness.psnr)}", f"SSIM {closeness.ssim:.3f}", f"MSE {closeness.mse:.4f}")
    return unbroken(*parts)


def _difference(clean: Floats, made: Floats) -> Pixels:
    return heat(np.abs(clean - np.clip(made, 0, 1)).mean(axis=2))


def _colour(pixels: Pixels) -> Pixels:
    return np.repeat(pixels, 3, axis=3) if pixels.shape[3] == 1 else pixels


def _plain(text: str) -> str:
    """Return a text of noises as `format_noise` writes it; as it is where it cannot be read."""
    try:
        return format_noise(parse_noise(text))
    except ExplorerError:
        return text
