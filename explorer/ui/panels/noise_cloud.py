"""Page of the Noise tab: images decoded from the current code plus Gaussian noise."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QSignalBlocker
from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.state import Jitter
from explorer.document.view_store import FailedView
from explorer.document.views.cloud import CLOUD, CloudView
from explorer.messages import message, message_text
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage
from explorer.ui.panel import WatchingPanel
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import filled
from explorer.ui.widgets.fields import GestureSlider, button, decimal_box, label, name_widget, spin_box
from explorer.ui.widgets.image_grid import ImageGrid
from explorer.ui.widgets.layouts import vbox

_COLUMNS = 6
_LARGEST = 3.0
_STEPS = 60
"""Steps of the slider."""

_SEEDS = 1_000_000


class NoiseCloudPage(WatchingPanel):
    """The image of the current code and others around it; a click makes its code the current one."""

    watched = CLOUD

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        about = self.tr("Images around the current code; click one to use its code")
        self.setAccessibleName(about)
        self.table = ImageGrid()
        name_widget(self.table, "noise_cloud", about, about)
        self._figures = label("noise_cloud_figures")
        self.setLayout(vbox((self.table, 1), self._figures, margins=0))
        self.table.chosen.connect(self._on_chosen)
        ImageMenu(document, self.table, self._menu_image)
        document.views.changed(CLOUD).connect(self._on_cloud_view_changed)
        self._on_cloud_view_changed()

    def _on_chosen(self, row: int, column: int) -> None:
        view = self._document.views[CLOUD]
        place = row * _COLUMNS + column
        if isinstance(view, CloudView) and place < len(view.codes):
            self._document.set_code(view.codes[place], message("Select variation"))

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        view, place = self._document.views[CLOUD], self.table.target(where)
        if not isinstance(view, CloudView) or place is None:
            return None
        number = place[0] * _COLUMNS + place[1]
        return MenuImage(
            image_to_qimage(view.images[number], self._document.mixer),
            f"variation-{number + 1}",
            view.codes[number],
        )

    def _on_cloud_view_changed(self) -> None:
        view = self._document.views[CLOUD]
        if not isinstance(view, CloudView):
            text = message_text(view.message) if isinstance(view, FailedView) else self.tr("Select an image.")
            self.table.show_message(text)
            self._figures.clear()
            return
        pixels = shown(view.images, self._document.mixer)
        self.table.show_pixels(pixels.reshape(-1, _COLUMNS, *pixels.shape[1:]))
        words = self.tr("First image: current code. RMS pixel difference of the other %1: %2")
        words = filled(words, len(view.codes) - 1, f"{view.spread:.1%}")
        self._figures.setText(words)


class CloudControls(QWidget):
    """Strength and seed of the noise on the code; `name` is the prefix of the object names."""

    def __init__(self, document: Document, parent: QWidget | None = None, *, name: str = "cloud") -> None:
        super().__init__(parent)
        self._document = document
        about = self.tr("Standard deviation of the noise, in σ of the codes of test images")
        self._slider = GestureSlider(f"{name}_slider", about, _STEPS, "jitter-slider")
        self._sigma = decimal_box(f"{name}_sigma", about, (0.0, 100.0), 0.1, 2)
        self._sigma.setSuffix(" σ")
        self._seed = spin_box(f"{name}_seed", self.tr("Seed: the same seed gives the same codes"), 0, _SEEDS - 1, 0)
        redraw = button(
            f"{name}_redraw",
            self.tr("Resample"),
            self.tr("Draw new codes with the same strength"),
            self.tr("new codes, random seed"),
        )
        words = PlainLabel(self.tr("Smooth latent space: small latent steps give small image changes."))
        words.setProperty("muted", True)
        words.setWordWrap(True)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(PlainLabel(self.tr("Strength")), 0, 0)
        layout.addWidget(self._slider, 0, 1)
        layout.addWidget(self._sigma, 0, 2)
        layout.addWidget(PlainLabel(self.tr("Seed")), 1, 0)
        layout.addWidget(self._seed, 1, 1)
        layout.addWidget(redraw, 1, 2)
        layout.addWidget(words, 2, 0, 1, 3)
        layout.setRowStretch(3, 1)
        self._slider.moved.connect(self._on_slider_moved)
        self._sigma.valueChanged.connect(lambda value: self._put(sigma=value, gesture="~jitter"))
        self._seed.valueChanged.connect(lambda value: self._put(seed=value, gesture="~jitter-seed"))
        redraw.clicked.connect(lambda: self._seed.setValue(int(np.random.default_rng().integers(_SEEDS))))
        document.changed.jitter.connect(self._on_jitter_changed)
        self._on_jitter_changed()

    def _on_slider_moved(self, value: int, gesture: str) -> None:
        self._put(sigma=_LARGEST * value / _STEPS, gesture=gesture)

    def _put(self, *, sigma: float | None = None, seed: int | None = None, gesture: str) -> None:
        now = self._document.state.jitter
        jitter = Jitter(now.sigma if sigma is None else sigma, now.seed if seed is None else seed)
        self._document.set_jitter(jitter, gesture)

    def _on_jitter_changed(self) -> None:
        jitter = self._document.state.jitter
        with QSignalBlocker(self._slider), QSignalBlocker(self._sigma), QSignalBlocker(self._seed):
            self._slider.setValue(round(_STEPS * min(1.0, jitter.sigma / _LARGEST)))
            self._sigma.setValue(jitter.sigma)
            self._seed.setValue(jitter.seed)
