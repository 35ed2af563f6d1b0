"""Choices of the Train form: datasets, models to start from, and conversion of the fields to and from a request."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.messages import message, message_text
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import Bundle, current_folder, find_bundles
from explorer.models.feasibility import Images, images_in, images_of
from explorer.models.settings import TrainingRequest, make_request, parse_size
from explorer.models.spec import Architecture
from explorer.ui.panels.train_fields import TrainFields
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import capitalized


class TrainChoices(TrainFields):
    """Fields that list the available datasets and models."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._parents: dict[str, Bundle] = {}
        self._known: dict[str, Images] = {}

    def _fill_data(self, wanted: str | None) -> None:
        self._known = {}
        self.data.clear()
        entries = known_sources()
        for entry in sorted(entries, key=lambda entry: entry.status == "missing"):
            self._known[entry.name] = images_in(entry)
            title = entry.name.replace("_", " ")
            missing = entry.status == "missing"
            self.data.addItem(f"{title} ({self.tr('not downloaded')})" if missing else title, entry.name)
            tip = f"{entry.title}. {capitalized(message_text(entry.how))}" if missing else entry.title
            self.data.setItemData(self.data.count() - 1, plain_tooltip(tip), Qt.ItemDataRole.ToolTipRole)
        source = self._document.source
        if source is not None:
            self._known[source.spec] = images_of(source)
            if self.data.findData(source.spec) < 0:
                self.data.insertItem(0, source.name, source.spec)
        if wanted is not None and self.data.findData(wanted) < 0:
            how = message("Open {path} first.", path=wanted)
            self._known[wanted] = Images(Path(wanted).name, None, 0, 0, 0, missing=how)
            self.data.addItem(f"{Path(wanted).name} ({self.tr('not open')})", wanted)
        self.data.setCurrentIndex(max(0, self.data.findData(wanted)))

    def _fill_models(self) -> None:
        chosen, opened = self.start_from.currentData(), self._document.model
        self._parents = {}
        self.start_from.clear()
        self.start_from.addItem(self.tr("Random weights"), None)
        for found in find_bundles():
            bundle = found.bundle
            if bundle is None or bundle.card.architecture != self.architecture.currentData():
                continue
            self._parents[str(found.path)] = bundle
            is_open = opened is not None and opened.path == found.path
            self.start_from.addItem(f"{bundle.name} ({self.tr('open')})" if is_open else bundle.name, str(found.path))
        self.start_from.setCurrentIndex(max(0, self.start_from.findData(chosen)))

    @property
    def chosen_architecture(self) -> Architecture:
        return ARCHITECTURES[self.architecture.currentData()]

    @property
    def chosen_data(self) -> str:
        return str(self.data.currentData())

    @property
    def parent_bundle(self) -> Bundle | None:
        return self._parents.get(str(self.start_from.currentData()))

    def _images(self) -> Images:
        return self._known[self.chosen_data]

    def _begin_with_reference(self) -> None:
        architecture, defaults = self.chosen_architecture, self.chosen_architecture.defaults
        self._fill_models()
        self.latent.setValue(architecture.default_latent)
        self.epochs.setValue(defaults.epochs)
        for field, value in ((self.rate, defaults.rate), (self.beta, defaults.beta), (self.l1, defaults.l1)):
            field.clear()
            field.setPlaceholderText(f"{value:g}")
        self.batch.setValue(0)
        self.batch.setSpecialValueText(str(defaults.batch))
        self.loss.setCurrentIndex(self.loss.findData(defaults.loss))

    def _fill(self, request: TrainingRequest) -> None:
        """Missing values become the defaults of the architecture."""
        self.architecture.setCurrentIndex(self.architecture.findData(request.architecture))
        self._begin_with_reference()
        usual = self.chosen_architecture.defaults
        parent = None if request.start_from is None else str(current_folder(Path(request.start_from)))
        self.start_from.setCurrentIndex(max(0, self.start_from.findData(parent)))
        self.data.setCurrentIndex(self.data.findData(request.data))
        self.latent.setValue(request.latent or self.chosen_architecture.default_latent)
        self.epochs.setValue(request.epochs or usual.epochs)
        self.batch.setValue(0 if request.batch in {None, usual.batch} else request.batch or 0)
        self.loss.setCurrentIndex(self.loss.findData(request.loss or usual.loss))
        for field, value in ((self.rate, request.rate), (self.beta, request.beta), (self.l1, request.l1)):
            field.setText("" if value is None else f"{value:g}")
        self.schedule.setCurrentIndex(self.schedule.findData(request.schedule))
        self.early_stop.setValue(request.early_stop)
        self.noise.set_text(request.noise)
        self.augment.setValue(request.augment)
        self.limit.setValue(request.limit)
        self.seed.setValue(request.seed)
        self.image_size.setText(f"{request.size[0]}x{request.size[1]}" if request.size else "")
        self.channels.setCurrentIndex(max(0, self.channels.findData(request.channels)))
        self.crop.setValue(-1 if request.crop is None else request.crop)
        self.invert.setChecked(request.invert)
        self.tensorboard.setChecked(request.tensorboard is not None)

    def request(self, out: Path) -> TrainingRequest:
        """TrainingError if the value of a field is invalid."""
        loss, usual = self.loss.currentData(), self.chosen_architecture.defaults.loss
        values: dict[str, object] = {
            "architecture": self.chosen_architecture.name,
            "data": self.chosen_data,
            "out": out,
            "epochs": self.epochs.value(),
            "limit": self.limit.value(),
            "augment": self.augment.value(),
            "seed": self.seed.value(),
            "schedule": self.schedule.currentData(),
            "loss": None if loss == usual else loss,
            "early_stop": self.early_stop.value(),
            "noise": self.noise.text(),
            "batch": self.batch.value() or None,
            "tensorboard": out.with_name(f"{out.name}.tensorboard") if self.tensorboard.isChecked() else None,
        }
        for name, field in (("rate", self.rate), ("beta", self.beta), ("l1", self.l1)):
            values[name] = field.text().strip().replace(",", ".") or None if field.isEnabled() else None
        if self.parent_bundle is not None:
            return make_request(**values, start_from=str(self.start_from.currentData()))
        return make_request(
            **values,
            latent=None if self.chosen_architecture.spatial else self.latent.value(),
            size=parse_size(self.image_size.text()),
            channels=self.channels.currentData(),
            crop=None if self.crop.value() < 0 else self.crop.value(),
            invert=self.invert.isChecked(),
        )
