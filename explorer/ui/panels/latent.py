"""The sliders: every raw dimension of the latent cursor, in σ of the data."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer.document.document import Document
from explorer.types import Floats
from explorer.ui.text import dimension_name
from explorer.ui.widgets.fields import button
from explorer.ui.widgets.slider_list import SliderList, SliderRows

_SMALLEST_SIGMA = 1e-6
"""Dimensions that never vary are shown in units of this, so that nothing is divided by zero."""


class LatentPanel(QWidget):
    """Sliders over the code, with reset and shuffle."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._rng = np.random.default_rng()
        self.setObjectName("latent_panel")
        self.setAccessibleName(self.tr("Latent code"))
        self._summary = QLabel(self.tr("No model is open."))
        self._summary.setObjectName("latent_summary")
        self._summary.setProperty("muted", True)
        self._summary.setWordWrap(True)
        self.sliders = SliderList()
        self.sliders.setObjectName("latent_sliders")
        self.sliders.setAccessibleName(self.tr("Sliders of the latent code"))
        self.sliders.setToolTip(
            self.tr(
                "One slider for each dimension of the code, in standard deviations (σ) of the data. "
                "The hill behind shows where the data lie, the tick where this picture is. "
                "Drag to edit, double-click to set back; with the keyboard, arrows and Delete. "
                "KL, of a variational model, is what the dimension tells of a picture, in nats."
            )
        )
        self._reset = button("latent_reset", self.tr("Reset"), self.tr("Back to the picture's own code (Ctrl+R)"))
        self._shuffle = button("latent_shuffle", self.tr("Shuffle"), self.tr("A random code like the data's (Ctrl+J)"))
        buttons = QHBoxLayout()
        buttons.addWidget(self._reset)
        buttons.addWidget(self._shuffle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self._summary)
        layout.addWidget(self.sliders, 1)
        layout.addLayout(buttons)
        self._reset.clicked.connect(document.reset_code)
        self._shuffle.clicked.connect(self.shuffle)
        self.sliders.moved.connect(self._on_slider_moved)
        self.sliders.reset_requested.connect(document.reset_dimension)
        document.model_changed.connect(self._on_model_changed)
        document.code_changed.connect(self._on_code_changed)
        self._on_model_changed()

    def shuffle(self) -> None:
        """Take a random code."""
        self._document.shuffle_code(self._rng)

    def _on_model_changed(self) -> None:
        model = self._document.model
        if model is None:
            self.sliders.set_rows(SliderRows((), np.zeros((0, 0), np.float32), ()))
        else:
            names = tuple(dimension_name(index) for index in range(model.latent_dim))
            self.sliders.set_rows(SliderRows(names, self._in_sigma(model.sample.codes), self._notes()))
            kind = self.tr("variational") if model.card.variational else self.tr("plain")
            text = self.tr("%1 dimensions, %2 autoencoder").replace("%1", f"{model.latent_dim:,}").replace("%2", kind)
            self._summary.setText(text)
        self._on_code_changed()

    def _notes(self) -> tuple[str, ...]:
        """What each dimension of a variational model costs: near zero, the model does not use it."""
        model = self._document.model
        assert model is not None
        kl = model.sample.statistics.kl
        return ("",) * model.latent_dim if kl is None else tuple(f"KL {value:.1f}" for value in kl)

    def _on_code_changed(self) -> None:
        code, start = self._document.code, self._document.start_code
        ready = code is not None
        self.sliders.setEnabled(ready)
        self._reset.setEnabled(ready)
        self._shuffle.setEnabled(self._document.model is not None)
        if code is not None:
            self.sliders.set_values(self._in_sigma(code), None if start is None else self._in_sigma(start))

    def _on_slider_moved(self, row: int, value: float, gesture: str) -> None:
        model = self._document.model
        if model is not None:
            statistics = model.sample.statistics
            sigma = max(float(statistics.sigma[row]), _SMALLEST_SIGMA)
            self._document.set_dimension(row, float(statistics.mean[row]) + value * sigma, gesture)

    def _in_sigma(self, codes: Floats) -> Floats:
        model = self._document.model
        assert model is not None
        statistics = model.sample.statistics
        return np.asarray((codes - statistics.mean) / np.maximum(statistics.sigma, _SMALLEST_SIGMA), np.float32)
