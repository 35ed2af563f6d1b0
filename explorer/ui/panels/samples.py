"""Samples: images decoded from random codes of a prior; a click makes a code the current one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPoint, QSignalBlocker
from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views.samples import SAMPLES, SamplesView
from explorer.messages import NO_MESSAGE, message, message_text
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel, WatchingPanel
from explorer.ui.plain_text import PlainLabel
from explorer.ui.widgets.fields import GestureSlider, button, decimal_box, label, name_control, name_widget, spin_box
from explorer.ui.widgets.image_grid import ImageGrid
from explorer.ui.widgets.layouts import STRETCH, folding, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl

_COLUMNS = 8
_HOTTEST = 2.0
_STEPS = 40
"""Steps of the slider."""

_SEEDS = 1_000_000
_SIDE_WIDTH = 232
_NORMAL, _FITTED = range(2)


class SamplesPanel(WatchingPanel):
    """Random images, and the settings of the prior."""

    watched = SAMPLES

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        name_widget(self, "samples_panel", self.tr("Samples"))
        self._make_controls()
        self._lay_out()
        self.prior.chosen.connect(self._on_prior_chosen)
        self._slider.moved.connect(self._on_slider_moved)
        self._temperature.valueChanged.connect(lambda value: self._put(temperature=value, gesture="~temperature"))
        self._seed.valueChanged.connect(lambda value: self._put(seed=value, gesture="~sample-seed"))
        self._redraw.clicked.connect(lambda: self._seed.setValue(int(np.random.default_rng().integers(_SEEDS))))
        self.table.chosen.connect(self._on_chosen)
        ImageMenu(document, self.table, self._menu_image)
        document.changed.sampling.connect(self._on_sampling_changed)
        document.changed.model.connect(self._on_sampling_changed)
        document.views.changed(SAMPLES).connect(self._on_samples_view_changed)
        document.analysis.running_changed.connect(self._on_samples_view_changed)
        self._on_sampling_changed()
        self._on_samples_view_changed()

    def _make_controls(self) -> None:
        about = self.tr("Random images; click one to use its code")
        self.table = ImageGrid()
        name_control(self.table, "samples_table", about)
        self.prior = SegmentedControl(
            (
                "samples_normal",
                self.tr("N(0, I)"),
                self.tr("Standard normal distribution: the prior that VAEs are trained with"),
                self.tr("standard normal, gaussian prior"),
            ),
            (
                "samples_fitted",
                self.tr("Fitted GMM"),
                self.tr("Gaussian mixture model (GMM) fitted to the codes of test images"),
                self.tr("gaussian mixture, gmm, fit"),
            ),
        )
        tip = self.tr("Temperature: scales the standard deviation. Below 1: more typical, above 1: more varied")
        self._slider = GestureSlider("samples_slider", tip, _STEPS, "temperature")
        self._temperature = decimal_box("samples_temperature", tip, (0.0, 100.0), 0.1, 2)
        self._seed = spin_box("samples_seed", self.tr("Seed: the same seed gives the same codes"), 0, _SEEDS - 1, 0)
        self._redraw = button(
            "samples_redraw",
            self.tr("Resample"),
            self.tr("Draw new random codes"),
            self.tr("new samples, generate, random seed"),
        )
        self._hint = label("samples_hint", narrow=True)

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.addWidget(PlainLabel(self.tr("Temperature")), 0, 0, 1, 2)
        form.addWidget(self._slider, 1, 0)
        form.addWidget(self._temperature, 1, 1)
        form.addWidget(PlainLabel(self.tr("Seed")), 2, 0, 1, 2)
        form.addWidget(self._seed, 3, 0)
        form.addWidget(self._redraw, 3, 1)
        form.setColumnStretch(0, 1)
        side = widget_of(vbox(self.prior, form, self._hint, STRETCH))
        side.setMinimumWidth(_SIDE_WIDTH)
        self.setLayout(folding(460, (self.table, 1), side, spacing=12, margins=(12, 8, 8, 8)))

    # -- intents -----------------------------------------------------------------------------------------------------

    def _on_prior_chosen(self, number: int) -> None:
        sampling = self._document.state.sampling
        if number == _FITTED and self._document.analysis.problem("prior"):
            self._document.analysis.put_problem("prior", NO_MESSAGE)
            self._document.analysis.prior_requested.emit()
        self._document.set_sampling(replace(sampling, prior="fitted" if number == _FITTED else "normal"))

    def _on_slider_moved(self, value: int, gesture: str) -> None:
        self._put(temperature=_HOTTEST * value / _STEPS, gesture=gesture)

    def _put(self, *, temperature: float | None = None, seed: int | None = None, gesture: str) -> None:
        now = self._document.state.sampling
        temperature = now.temperature if temperature is None else temperature
        self._document.set_sampling(
            replace(now, temperature=temperature, seed=now.seed if seed is None else seed), gesture
        )

    def _on_chosen(self, row: int, column: int) -> None:
        view = self._document.views[SAMPLES]
        place = row * _COLUMNS + column
        if isinstance(view, SamplesView) and place < len(view.codes):
            self._document.set_code(view.codes[place], message("Select sample"))

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        view, place = self._document.views[SAMPLES], self.table.target(where)
        if not isinstance(view, SamplesView) or place is None:
            return None
        number = place[0] * _COLUMNS + place[1]
        return MenuImage(
            image_to_qimage(view.images[number], self._document.mixer), f"sample-{number + 1}", view.codes[number]
        )

    # -- display -----------------------------------------------------------------------------------------------------

    def _on_sampling_changed(self) -> None:
        sampling, model = self._document.state.sampling, self._document.model
        plain = model is not None and not model.card.variational
        fitted = sampling.prior == "fitted" or (sampling.prior == "auto" and plain)
        self.prior.choose(_FITTED if fitted else _NORMAL)
        with QSignalBlocker(self._slider), QSignalBlocker(self._temperature), QSignalBlocker(self._seed):
            self._slider.setValue(round(_STEPS * min(1.0, sampling.temperature / _HOTTEST)))
            self._temperature.setValue(sampling.temperature)
            self._seed.setValue(sampling.seed)
        if plain and not fitted:
            words = self.tr("Codes of a plain autoencoder do not follow N(0, I). Use the fitted GMM.")
        elif fitted:
            words = self.tr("Sampled from a Gaussian mixture fitted to the codes of test images.")
        else:
            words = self.tr("A VAE is trained to decode samples of this prior to realistic images.")
        self._hint.setText(words)

    def _on_samples_view_changed(self) -> None:
        view = self._document.views[SAMPLES]
        if isinstance(view, SamplesView):
            pixels = shown(view.images, self._document.mixer)
            self.table.show_pixels(pixels.reshape(-1, _COLUMNS, *pixels.shape[1:]))
        elif isinstance(view, FailedView):
            self.table.show_message(message_text(view.message))
        elif self._document.analysis.running("prior") is not None:
            self.table.show_message(self.tr("Fitting the prior…"))
        elif self._document.analysis.problem("prior") and self._document.model is not None:
            words = self.tr("Fitting the prior failed: %1 Choose “Fitted GMM” to try again.")
            self.table.show_message(words.replace("%1", message_text(self._document.analysis.problem("prior"))))
        else:
            self.table.show_message(self.tr("Open a model to sample from it."))


PANEL = Panel(
    "samples",
    QT_TRANSLATE_NOOP("panels", "Samples"),
    SamplesPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Decode random codes drawn from a prior."),
    synonyms=QT_TRANSLATE_NOOP("panels", "generate, random images, prior, new images"),
    icon="dices",
    workspaces=("explore",),
    help="explore#random-images",
)
