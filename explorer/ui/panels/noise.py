"""The Noise tab: corrupt images or codes and see what the model reconstructs from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from explorer.data.corruption import CORRUPTIONS, Noise, format_noise, parse_noise
from explorer.document.document import Document
from explorer.document.views.noise import NOISE
from explorer.errors import ExplorerError
from explorer.messages import message
from explorer.models.cleaning import Cleaned, suggested_output
from explorer.ui.actions import Action, ActionMenu
from explorer.ui.dialogs.files import ask_file, ask_folder, ask_output_folder, ask_save, image_filters
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.noise_cloud import CloudControls, NoiseCloudPage
from explorer.ui.panels.noise_images import NoiseImagePage, NoiseRowPage
from explorer.ui.plain_text import PlainLabel
from explorer.ui.widgets.fields import button, name_widget, spin_box
from explorer.ui.widgets.layouts import STRETCH, folding, hbox, vbox, widget_of
from explorer.ui.widgets.noise_edit import NoiseEdit
from explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from explorer.ui.panels.noise_curve import NoiseCurvePage

_SIDE_WIDTH = 264
_SEEDS = 1_000_000
_ONE, _ROW, _CURVE, _CODE = range(4)
"""Indices of the pages."""


class NoisePanel(QWidget):
    """Pages with images, curves and codes, and the settings of the noise."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        name_widget(self, "noise_panel", self.tr("Noise"))
        self.one = NoiseImagePage(document)
        self.row = NoiseRowPage(document)
        self.curve: NoiseCurvePage | None = None
        self.cloud = NoiseCloudPage(document)
        self._make_controls()
        self._lay_out()
        self.pages.chosen.connect(self._on_page_chosen)
        self.edit.changed.connect(self._on_edited)
        self._seed.valueChanged.connect(self._on_seed_changed)
        self._redraw.clicked.connect(lambda: self._seed.setValue(int(np.random.default_rng().integers(_SEEDS))))
        document.changed.noises.connect(self._on_noises_changed)
        document.changed.model.connect(self._on_model_changed)
        document.analysis.cleaned.connect(self._on_cleaned)
        self._on_noises_changed()
        self._on_model_changed()

    def _make_controls(self) -> None:
        self.pages = SegmentedControl(
            (
                "noise_one",
                self.tr("Image"),
                self.tr("The selected image, large"),
                self.tr("single image, denoise one"),
            ),
            (
                "noise_several",
                self.tr("Batch"),
                self.tr("The selected image and those after it"),
                self.tr("several images, denoise many"),
            ),
            (
                "noise_curves",
                self.tr("Curve"),
                self.tr("Reconstruction quality by noise strength, for one or more models"),
                self.tr("quality curve, psnr over noise, robustness"),
            ),
            (
                "noise_code",
                self.tr("Latent noise"),
                self.tr("Noise on the code instead of the image: shows how smooth the latent space is"),
                self.tr("perturb code, noisy code, smoothness"),
            ),
        )
        about = self.tr("Corruptions, applied in order: gaussian:0.3; join several with +")
        self.edit = NoiseEdit("noise", about)
        self._seed = spin_box("noise_seed", self.tr("Seed: the same seed gives the same noise"), 0, _SEEDS - 1, 0)
        self._redraw = button(
            "noise_redraw",
            self.tr("Resample"),
            self.tr("Draw new noise of the same strength"),
            self.tr("new noise, random seed"),
        )
        self._clean = button(
            "noise_clean_files",
            self.tr("Batch denoise…"),
            self.tr("Denoise an image or a folder with the open model; the originals are kept"),
        )
        self._clean.setMenu(ActionMenu("noise_clean_menu", self, records=self._clean_actions()))

    def _clean_actions(self) -> Iterator[Action]:
        yield Action(
            "noise_clean_image",
            self.tr("Image…"),
            self._ask_image,
            tip=self.tr("Reconstruct an image file and save the result."),
            synonyms=self.tr("denoise file, clean image"),
        )
        yield Action(
            "noise_clean_folder",
            self.tr("Folder…"),
            self._ask_folder,
            tip=self.tr("Reconstruct all images of a folder and save the results."),
            synonyms=self.tr("denoise folder, clean images, batch"),
        )

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._curve_place = widget_of(vbox())
        for page in (self.one, self.row, self._curve_place, self.cloud):
            self._stack.addWidget(page)
        seed = hbox(PlainLabel(self.tr("Seed")), (self._seed, 1), self._redraw)
        noise = widget_of(vbox(self.edit, seed, STRETCH, self._clean))
        self._controls = QStackedWidget()
        self._controls.addWidget(noise)
        self._controls.addWidget(CloudControls(self._document))
        side = widget_of(vbox(self.pages, (self._controls, 1)), width=_SIDE_WIDTH)
        self.setLayout(folding(560, (self._stack, 1), side, spacing=12, margins=(12, 8, 8, 8)))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._document.views.watch(NOISE, False)

    def _watch(self) -> None:
        self._document.views.watch(NOISE, self.isVisible() and self._stack.currentIndex() in (_ONE, _ROW))

    # -- intents -----------------------------------------------------------------------------------------------------

    def _on_page_chosen(self, number: int) -> None:
        if number == _CURVE and self.curve is None:
            # Importing the plotting library is slow, so that it is left out of the start of the program.
            from explorer.ui.panels.noise_curve import NoiseCurvePage

            self.curve = NoiseCurvePage(self._document)
            place = self._curve_place.layout()
            assert place is not None
            place.addWidget(self.curve)
        self._stack.setCurrentIndex(number)
        self._controls.setCurrentIndex(1 if number == _CODE else 0)
        self._watch()

    def _on_edited(self, gesture: str) -> None:
        """Apply the corruptions of the text; an invalid text leaves the last ones."""
        try:
            noises = parse_noise(self.edit.text())
        except ExplorerError:
            return
        self._put(noises, gesture)

    def _on_seed_changed(self, seed: int) -> None:
        self._document.set_noises([replace(noise, seed=seed) for noise in self._document.state.noises], "~noise-seed")

    def _put(self, noises: Sequence[Noise], gesture: str) -> None:
        self._document.set_noises([replace(noise, seed=self._seed.value()) for noise in noises], gesture)

    def _ask_image(self) -> None:
        ask_file(self, self.tr("Denoise an image"), self._ask_output, kinds=image_filters())

    def _ask_output(self, path: Path) -> None:
        suggested = suggested_output(path)
        kinds = [f"{suggested.suffix.lstrip('.').upper()} (*{suggested.suffix})"]
        wanted = self._document.analysis.cleaning_requested
        ask_save(self._document, self, self.tr("Save the denoised image"), kinds, suggested, partial(wanted.emit, path))

    def _ask_folder(self) -> None:
        ask_folder(self, self.tr("Denoise the images of a folder"), self._ask_output_folder)

    def _ask_output_folder(self, path: Path) -> None:
        wanted = self._document.analysis.cleaning_requested
        title = self.tr("Empty folder for the denoised images")
        ask_output_folder(self._document, self, title, partial(wanted.emit, path))

    # -- display -----------------------------------------------------------------------------------------------------

    def _on_noises_changed(self) -> None:
        noises = self._document.state.noises
        text = format_noise([replace(noise, seed=None) for noise in noises])
        seeds = [noise.seed for noise in noises if noise.seed is not None]
        with QSignalBlocker(self.edit), QSignalBlocker(self._seed):
            if text != _plain(self.edit.text()):
                self.edit.set_text(text)
            if seeds:
                self._seed.setValue(seeds[0])
        for control in (self._seed, self._redraw):
            control.setEnabled(any(CORRUPTIONS[noise.kind].random for noise in noises))

    def _on_model_changed(self) -> None:
        self._clean.setEnabled(self._document.model is not None)

    def _on_cleaned(self, cleaned: Cleaned) -> None:
        saved = message("Saved {name}", name=cleaned.path.name)
        many = message("Denoised {count:# image|# images} in {name}", count=cleaned.count, name=cleaned.path.name)
        self._document.announced.emit(many if cleaned.count > 1 else saved)


def _plain(text: str) -> str:
    """Return a text of corruptions as `format_noise` writes it; an invalid one unchanged."""
    try:
        return format_noise(parse_noise(text))
    except ExplorerError:
        return text


PANEL = Panel(
    "noise",
    QT_TRANSLATE_NOOP("panels", "Noise"),
    NoisePanel,
    tip=QT_TRANSLATE_NOOP("panels", "Corrupt images, reconstruct them, and measure how much noise is removed."),
    synonyms=QT_TRANSLATE_NOOP("panels", "denoise, corrupt, inpaint, robustness"),
    icon="wand-sparkles",
    workspaces=("analyze",),
    help="analyze#remove-noise",
)
