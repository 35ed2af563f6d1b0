"""The noise lab: corrupt the chosen picture, see what the model makes of it, and how much it gains."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from explorer.data.corruption import KINDS, Noise
from explorer.document.document import Document
from explorer.document.views import FailedView, NoiseView
from explorer.ui.images import floats_to_qimage
from explorer.ui.text import decibels, unbroken
from explorer.ui.widgets.fields import button, combo_box, decimal_box, name_control, spin_box
from explorer.ui.widgets.picture_frame import PictureFrame

_STEPS = 100
"""Positions of the slider from 0 to 1."""


class NoisePanel(QWidget):
    """Clean ∣ noisy ∣ reconstruction, with the PSNR of both."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._gesture = 0
        self.setObjectName("noise_panel")
        self.setAccessibleName(self.tr("Noise"))
        waiting = self.tr("Choose a picture.")
        self.clean = PictureFrame(self.tr("Clean"), waiting)
        self.clean.setObjectName("noise_clean")
        self.noisy = PictureFrame(self.tr("Noisy"), waiting)
        self.noisy.setObjectName("noise_noisy")
        self.reconstruction = PictureFrame(self.tr("Reconstruction"), waiting)
        self.reconstruction.setObjectName("noise_reconstruction")
        kinds: list[tuple[str, object]] = [(kind.title, kind.name) for kind in KINDS.values()]
        self._kind = combo_box("noise_kind", self.tr("Kind of noise"), kinds)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        name_control(
            self._slider, "noise_slider", self.tr("Strength: the standard deviation, where 1 is black to white")
        )
        self._slider.setRange(0, _STEPS)
        self._strength = decimal_box("noise_strength", self.tr("Strength, as a number"), (0, 1), 0.01, 2)
        self._mean = decimal_box("noise_mean", self.tr("Mean of the noise: above 0 it brightens"), (-1, 1), 0.05, 2)
        self._seed = spin_box("noise_seed", self.tr("Seed: the same number draws the same noise"), 0, 999_999, 0)
        self._redraw = button("noise_redraw", self.tr("Redraw"), self.tr("Draw other noise of the same strength"))
        self._lay_out()
        self._kind.activated.connect(lambda index: self._edit(None))
        self._slider.sliderPressed.connect(self._on_slider_pressed)
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._strength.valueChanged.connect(lambda value: self._edit("~noise-strength"))
        self._mean.valueChanged.connect(lambda value: self._edit("~noise-mean"))
        self._seed.valueChanged.connect(lambda value: self._edit("~noise-seed"))
        self._redraw.clicked.connect(self._on_redraw_clicked)
        document.noise_changed.connect(self._on_noise_changed)
        document.noise_view_changed.connect(self._on_noise_view_changed)
        self._on_noise_changed()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow(self.tr("Kind"), self._kind)
        form.addRow(self.tr("Strength"), self._strength)
        form.addRow(self._slider)
        form.addRow(self.tr("Mean"), self._mean)
        form.addRow(self.tr("Seed"), self._seed)
        side = QVBoxLayout()
        side.addLayout(form)
        side.addWidget(self._redraw)
        side.addStretch()
        holder = QWidget()
        holder.setLayout(side)
        holder.setFixedWidth(204)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(12)
        for frame in (self.clean, self.noisy, self.reconstruction):
            layout.addWidget(frame, 1)
        layout.addWidget(holder)

    def _on_slider_pressed(self) -> None:
        self._gesture += 1

    def _on_slider_moved(self, value: int) -> None:
        with QSignalBlocker(self._strength):
            self._strength.setValue(value / _STEPS)
        self._edit(f"noise-slider-{self._gesture}")

    def _on_redraw_clicked(self) -> None:
        self._seed.setValue(int(np.random.default_rng().integers(1_000_000)))

    def _edit(self, gesture: str | None) -> None:
        noise = Noise(self._kind.currentData(), self._strength.value(), self._mean.value(), self._seed.value())
        self._document.set_noise(noise, gesture)

    def _on_noise_changed(self) -> None:
        noise = self._document.noise
        controls = (self._kind, self._slider, self._strength, self._mean, self._seed)
        blockers = [QSignalBlocker(control) for control in controls]
        self._kind.setCurrentIndex(max(0, self._kind.findData(noise.kind)))
        self._slider.setValue(round(noise.strength * _STEPS))
        self._strength.setValue(noise.strength)
        self._mean.setValue(noise.mean)
        self._seed.setValue(noise.seed or 0)
        for blocker in blockers:
            blocker.unblock()

    def _on_noise_view_changed(self) -> None:
        view = self._document.noise_view
        if not isinstance(view, NoiseView):
            text = view.message if isinstance(view, FailedView) else self.tr("Choose a picture.")
            for frame in (self.clean, self.noisy, self.reconstruction):
                frame.show_text(text, problem=view is not None)
            return
        self.clean.show_image(floats_to_qimage(view.clean))
        self.noisy.show_image(floats_to_qimage(view.noisy), f"PSNR {decibels(view.noisy_psnr)}")
        gain = view.reconstruction_psnr - view.noisy_psnr
        words: tuple[str, ...] = ()
        if np.isfinite(gain):
            words = (f"{abs(gain):.1f} dB {self.tr('better') if gain >= 0 else self.tr('worse')}",)
        self.reconstruction.show_image(
            floats_to_qimage(view.reconstruction), unbroken(f"PSNR {decibels(view.reconstruction_psnr)}", *words)
        )
