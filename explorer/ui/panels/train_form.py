"""The settings of a training: what each means, which belong together, and the request that they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import Bundle, find_bundles
from explorer.models.feasibility import Pictures, Plan, pictures_in, pictures_of, plan_network, plan_training
from explorer.models.machine import memory_bytes
from explorer.models.presets import PRESETS, TrainingPreset, matching_preset
from explorer.models.settings import (
    TrainingRequest,
    check_new_model,
    free_name,
    make_request,
    parse_size,
    resolve_settings,
)
from explorer.models.spec import Architecture, ModelSpec
from explorer.paths import user_models_dir
from explorer.ui.panels.train_fields import TrainFields

_NAMED = {preset.name: preset for preset in PRESETS}


class TrainForm(TrainFields):
    """Fields, and the request that they make. An empty field means what the reference of the architecture had.

    Signals
    -------
    changed()
        A setting is another.

    Attributes
    ----------
    machine
        Memory of this machine in bytes, or None where it is not known.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._named_by_hand = False
        self._filling = False
        self._parents: dict[str, Bundle] = {}
        self._known: dict[str, Pictures] = {}
        self._preset = PRESETS[0]
        self.machine = memory_bytes()
        self.setObjectName("train_form")
        self._connect()
        with self._filled():
            self._fill_data()
            self._apply(PRESETS[0])

    def _connect(self) -> None:
        self.preset.activated.connect(self._on_preset_activated)
        self.architecture.activated.connect(lambda index: self._on_architecture_activated())
        for combo in (self.data, self.channels, self.loss, self.schedule, self.start_from):
            combo.activated.connect(lambda index: self._on_settings_changed())
        for box in (self.latent, self.epochs, self.limit, self.augment, self.crop, self.batch, self.early_stop):
            box.valueChanged.connect(lambda value: self._on_settings_changed())
        self.seed.valueChanged.connect(lambda value: self._on_settings_changed())
        for field in (self.picture_size, self.rate, self.beta, self.l1):
            field.textChanged.connect(lambda text: self._on_settings_changed())
        self.noise.changed.connect(self._on_settings_changed)
        self.invert.toggled.connect(lambda checked: self._on_settings_changed())
        self.name.textEdited.connect(self._on_name_edited)
        self.name.editingFinished.connect(self._on_name_finished)
        self._document.source_changed.connect(self._on_source_changed)
        self._document.library_changed.connect(self._on_library_changed)
        self._document.preparation.ground_changed.connect(self._show_hint)

    @contextmanager
    def _filled(self) -> Iterator[None]:
        """Set several fields as one change."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False
        self._on_settings_changed()

    # -- what can be chosen ----------------------------------------------------------------------------------------

    def _fill_data(self) -> None:
        """List what can be trained on: the sets that are here, the pictures that are open, and what could be got."""
        chosen = self.data.currentData()
        self._known = {}
        self.data.clear()
        entries = known_sources()
        for entry in sorted(entries, key=lambda entry: entry.status == "missing"):
            self._known[entry.name] = pictures_in(entry)
            title = entry.name.replace("_", " ")
            missing = entry.status == "missing"
            self.data.addItem(f"{title} ({self.tr('not here')})" if missing else title, entry.name)
            tip = f"{entry.title}. {entry.how}" if missing else entry.title
            self.data.setItemData(self.data.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        source = self._document.source
        if source is not None:
            self._known[source.spec] = pictures_of(source)
            if self.data.findData(source.spec) < 0:
                self.data.insertItem(0, source.name, source.spec)
        self.data.setCurrentIndex(max(0, self.data.findData(chosen)))

    def _on_source_changed(self) -> None:
        """Take the pictures that were opened."""
        source = self._document.source
        with self._filled():
            self._fill_data()
            if source is not None:
                self.data.setCurrentIndex(self.data.findData(source.spec))

    def _fill_models(self) -> None:
        """List the models that can be gone on with, and keep the choice where it is still there."""
        chosen, opened = self.start_from.currentData(), self._document.model
        self._parents = {}
        self.start_from.clear()
        self.start_from.addItem(self.tr("nothing: a new model"), None)
        for found in find_bundles():
            bundle = found.bundle
            if bundle is None or bundle.card.architecture != self.architecture.currentData():
                continue
            self._parents[str(found.path)] = bundle
            is_open = opened is not None and opened.path == found.path
            self.start_from.addItem(f"{bundle.name} ({self.tr('open')})" if is_open else bundle.name, str(found.path))
        self.start_from.setCurrentIndex(max(0, self.start_from.findData(chosen)))

    def _on_library_changed(self) -> None:
        self._fill_models()
        self._on_settings_changed()

    def showEvent(self, event: QShowEvent) -> None:
        """Look again what is here: a data set may have come meanwhile."""
        super().showEvent(event)
        with self._filled():
            self._fill_data()

    def ask_ground(self) -> None:
        """Have the pictures looked at, whether they should be inverted."""
        if self.data.currentData() is not None and not self._pictures().missing:
            self._document.preparation.ask_ground(self.data.currentData())

    def _show_hint(self) -> None:
        dark = self._document.preparation.dark_on_light(self.chosen_data)
        self.hint.setVisible(dark and self.invert.isEnabled() and not self.invert.isChecked())

    # -- presets ---------------------------------------------------------------------------------------------------

    def _on_preset_activated(self, index: int) -> None:
        preset = _NAMED.get(self.preset.currentData())
        if preset is not None:
            with self._filled():
                self._apply(preset)

    def _apply(self, preset: TrainingPreset) -> None:
        """Put every setting as the preset has it; what it leaves open, as the architecture's reference has it."""
        self._preset = preset
        bundles = [found.bundle for found in find_bundles() if found.bundle is not None]
        opened = self._document.model
        parent = preset.choose_parent(bundles, None if opened is None else opened.path)
        architecture = parent.card.architecture if parent else preset.architecture
        self.architecture.setCurrentIndex(self.architecture.findData(architecture))
        self._begin_with_reference()
        self.start_from.setCurrentIndex(max(0, self.start_from.findData(str(parent.path) if parent else None)))
        here = {name for name, pictures in self._known.items() if not pictures.missing}
        if preset.data:
            self.data.setCurrentIndex(self.data.findData(preset.choose_data(here)))
        self.latent.setValue(preset.latent or self.chosen_architecture.default_latent)
        self.epochs.setValue(preset.epochs or self.chosen_architecture.defaults.epochs)
        usual = self.chosen_architecture.defaults
        self.batch.setValue(0 if preset.batch in {None, usual.batch} else preset.batch or 0)
        self.loss.setCurrentIndex(self.loss.findData(preset.loss or usual.loss))
        for field, value in ((self.beta, preset.beta), (self.l1, preset.l1)):
            field.setText("" if value is None else f"{value:g}")
        self.noise.set_text(preset.noise)
        self.augment.setValue(preset.augment)
        self.picture_size.setText(f"{preset.size[0]}x{preset.size[1]}" if preset.size else "")
        self.channels.setCurrentIndex(self.channels.findData(preset.channels))
        self.crop.setValue(-1)
        self.schedule.setCurrentIndex(0)
        self.early_stop.setValue(0)

    def _show_preset(self) -> None:
        """Say which preset the settings are, or which they were before something was changed."""
        changed = True
        try:
            request = self.request(Path("new"))
            match = self._preset if self._preset.describes(request) else matching_preset(request)
            changed = match is None
            self._preset = match or self._preset
        except ExplorerError:
            pass
        for row, preset in enumerate(PRESETS):
            self.preset.setItemText(row, preset.title)
        preset = self._preset
        related = self.chosen_architecture.name in {preset.architecture, *preset.parents}
        row = PRESETS.index(preset) if related else len(PRESETS)
        if changed and related:
            self.preset.setItemText(row, f"{preset.title} ({self.tr('changed')})")
        self.preset.setCurrentIndex(row)
        self.preset.setToolTip(preset.about if related else self.tr("Settings of your own"))
        self._show_preset_note(preset if related else None)

    def _show_preset_note(self, preset: TrainingPreset | None) -> None:
        """Say where something stands in for what the reference had."""
        words, tip = "", ""
        if preset and preset.data and self._known[preset.data].missing and self.chosen_data == preset.stand_in:
            words = self.tr("The reference had %1, which are not here; the nearest that ship stand in.")
            words, tip = words.replace("%1", self._known[preset.data].name), self._known[preset.data].missing
        if preset and preset.parents and self.parent_bundle is None:
            words = self.tr("This goes on with a trained model, and there is none: train “MNIST deep dense” first.")
            if self._parents:
                words = self.tr("This goes on with a trained model: choose one under “Go on from”.")
        self.preset_note.setText(words)
        self.preset_note.setToolTip(tip)
        self.preset_note.setVisible(bool(words))

    # -- following the settings ------------------------------------------------------------------------------------

    @property
    def chosen_architecture(self) -> Architecture:
        """The chosen architecture."""
        return ARCHITECTURES[self.architecture.currentData()]

    @property
    def chosen_data(self) -> str:
        """Name or path of the chosen pictures."""
        return str(self.data.currentData())

    @property
    def parent_bundle(self) -> Bundle | None:
        """The model to go on with."""
        return self._parents.get(str(self.start_from.currentData()))

    @property
    def chosen_name(self) -> str:
        """The name of the new model."""
        return self.name.text().strip()

    def _pictures(self) -> Pictures:
        return self._known[self.chosen_data]

    def _begin_with_reference(self) -> None:
        """Set what the architecture's reference decides."""
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

    def _on_architecture_activated(self) -> None:
        with self._filled():
            self._begin_with_reference()

    def _on_name_edited(self, text: str) -> None:
        self._named_by_hand = True
        self.changed.emit()

    def _on_name_finished(self) -> None:
        """An empty name gives way to a made one, but not while it is being typed."""
        if not self.chosen_name:
            self.let_name_go()
            self._on_settings_changed()

    def _on_settings_changed(self) -> None:
        if self._filling or self.architecture.currentData() is None or self.data.currentData() is None:
            return
        self._enable()
        self._show_preset()
        self._show_hint()
        self.refresh_name()
        self.changed.emit()
        if self.isVisible():
            self.ask_ground()

    def _enable(self) -> None:
        """Take out of reach what has no meaning here: what the model that is gone on with has settled, and so on."""
        fresh = self.parent_bundle is None
        for control in (self.picture_size, self.channels, self.crop, self.invert):
            control.setEnabled(fresh)
        self.latent.setEnabled(fresh and not self.chosen_architecture.spatial)
        self.beta.setEnabled(self.chosen_architecture.variational)
        solved = self._solved()
        for control in (self.epochs, self.batch, self.rate, self.schedule, self.early_stop):
            control.setEnabled(not solved)

    def _solved(self) -> bool:
        """Whether the optimum is computed at once; while a setting cannot be read, what the architecture does."""
        try:
            return resolve_settings(self.request(Path("new"))).solver == "pca"
        except ExplorerError:
            return self.chosen_architecture.solver == "pca"

    def show_code_size(self, latent_dim: int) -> None:
        """Show the code size that follows from other settings."""
        if not self.latent.isEnabled():
            with QSignalBlocker(self.latent):
                self.latent.setMaximum(max(self.latent.maximum(), latent_dim))
                self.latent.setValue(latent_dim)

    def set_seed(self, seed: int) -> None:
        """Choose another seed."""
        self.seed.setValue(seed)

    def let_name_go(self) -> None:
        """Suggest names again: the one that was typed has been used."""
        self._named_by_hand = False

    def refresh_name(self) -> None:
        """Suggest a name that is free, unless one was typed."""
        if not self._named_by_hand:
            self.name.setText(self._suggested_name())

    def _suggested_name(self) -> str:
        parent = self.parent_bundle
        source = self._document.source
        opened = source is not None and source.spec == self.chosen_data
        data = source.name if source is not None and opened else self.chosen_data
        words = [parent.name, "more"] if parent else [data, self.chosen_architecture.name]
        if not parent and not self.chosen_architecture.spatial:
            words.append(str(self.latent.value()))
        if self.noise.text():
            words.append("denoise")
        return free_name(user_models_dir(), "-".join(words))

    def plan(self) -> Plan:
        """Return what the training comes to.

        Raises
        ------
        ExplorerError
            If it cannot be.
        """
        check_new_model(user_models_dir(), self.chosen_name)
        return plan_training(self.request(Path("new")), self._pictures(), self.parent_bundle, self.machine)

    def network(self) -> ModelSpec | None:
        """Return the networks alone, also where something else keeps a training from starting; None for none."""
        try:
            return plan_network(self.request(Path("new")), self._pictures(), self.parent_bundle)
        except ExplorerError:
            return None

    def request(self, out: Path) -> TrainingRequest:
        """Return what is asked for.

        Raises
        ------
        TrainingError
            If a field holds what cannot be meant.
        """
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
        }
        for name, field in (("rate", self.rate), ("beta", self.beta), ("l1", self.l1)):
            values[name] = field.text().strip().replace(",", ".") or None if field.isEnabled() else None
        if self.parent_bundle is not None:
            return make_request(**values, start_from=str(self.start_from.currentData()))
        return make_request(
            **values,
            latent=None if self.chosen_architecture.spatial else self.latent.value(),
            size=parse_size(self.picture_size.text()),
            channels=self.channels.currentData(),
            crop=None if self.crop.value() < 0 else self.crop.value(),
            invert=self.invert.isChecked(),
        )
