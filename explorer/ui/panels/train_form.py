"""The Train form: dependencies between its fields, presets, the suggested name, and the resulting request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QShowEvent, QStandardItemModel
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.messages import message_text
from explorer.models.bundle import find_bundles
from explorer.models.feasibility import Plan, plan_network, plan_training
from explorer.models.machine import memory_bytes
from explorer.models.settings import TrainingRequest, check_new_model, free_name, resolve_settings
from explorer.models.spec import ModelSpec
from explorer.models.training_presets import TRAINING_PRESETS, TrainingPreset, matching_preset
from explorer.paths import user_models_dir
from explorer.ui.panels.train_choices import TrainChoices
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled

_NAMED = {preset.name: preset for preset in TRAINING_PRESETS}


class TrainForm(TrainChoices):
    """Fields and the request that results from them. An empty field means the default of the architecture.

    `changed()`: a setting has changed. `machine` is the memory of this machine in bytes, None if unknown.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._named_by_hand = False
        self._filling = False
        self._preset = TRAINING_PRESETS[0]
        self._were_taken: set[str] = set()
        self.machine = memory_bytes()
        self.setObjectName("train_form")
        self._connect()
        with self._filled():
            self._fill_data(None)
            self._apply(TRAINING_PRESETS[0])

    def _connect(self) -> None:
        self.preset.activated.connect(self._on_preset_activated)
        self.architecture.activated.connect(lambda index: self._on_architecture_activated())
        for combo in (self.data, self.channels, self.loss, self.schedule, self.start_from):
            combo.activated.connect(lambda index: self._on_settings_changed())
        for box in (self.latent, self.epochs, self.limit, self.augment, self.crop, self.batch, self.early_stop):
            box.valueChanged.connect(lambda value: self._on_settings_changed())
        self.seed.valueChanged.connect(lambda value: self._on_settings_changed())
        for field in (self.image_size, self.rate, self.beta, self.l1):
            field.textChanged.connect(lambda text: self._on_settings_changed())
        self.noise.changed.connect(self._on_settings_changed)
        self.invert.toggled.connect(lambda checked: self._on_settings_changed())
        self.name.textEdited.connect(self._on_name_edited)
        self.name.editingFinished.connect(self._on_name_finished)
        self._document.changed.source.connect(self._on_source_changed)
        self._document.library_changed.connect(self._on_library_changed)
        self._document.dataset_checks.ground_changed.connect(self._show_hint)
        self._document.training_changed.connect(self._on_trainings_changed)
        self._document.trainings.queue_changed.connect(self._on_trainings_changed)

    @contextmanager
    def _filled(self) -> Iterator[None]:
        """Set several fields as one change."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False
        self._on_settings_changed()

    # -- datasets and models ------------------------------------------------------------------------------------

    def _on_source_changed(self) -> None:
        source = self._document.source
        with self._filled():
            self._fill_data(self.data.currentData() if source is None else source.spec)

    def _on_library_changed(self) -> None:
        with self._filled():
            self._fill_data(self.data.currentData())
            self._fill_models()

    def showEvent(self, event: QShowEvent) -> None:
        """List the datasets again: one may have been downloaded."""
        super().showEvent(event)
        with self._filled():
            self._fill_data(self.data.currentData())

    def ask_ground(self) -> None:
        if self.data.currentData() is not None and not self._images().missing:
            self._document.dataset_checks.ask_ground(self.data.currentData())

    def _show_hint(self) -> None:
        dark = self._document.dataset_checks.dark_on_light(self.chosen_data)
        self.hint.setVisible(dark and self.invert.isEnabled() and not self.invert.isChecked())

    # -- presets ------------------------------------------------------------------------------------------------

    def _on_preset_activated(self, index: int) -> None:
        preset = _NAMED.get(self.preset.currentData())
        if preset is not None:
            with self._filled():
                self._apply(preset)

    def _apply(self, preset: TrainingPreset) -> None:
        """Set all fields from a preset, except seed, number of images and inversion."""
        self._preset = preset
        bundles = [found.bundle for found in find_bundles() if found.bundle is not None]
        opened = self._document.model
        parent = preset.choose_parent(bundles, None if opened is None else opened.path)
        here = {name for name, images in self._known.items() if not images.missing}
        own = TrainingRequest(
            architecture=preset.architecture,
            data=preset.choose_data(here) if preset.data else self.chosen_data,
            out=Path("new"),
            start_from=str(parent.path) if parent else None,
            limit=self.limit.value(),
            seed=self.seed.value(),
            invert=self.invert.isChecked(),
        )
        request = preset.request(own)
        self._fill(request.model_copy(update={"architecture": parent.card.architecture}) if parent else request)

    def show_request(self, request: TrainingRequest) -> None:
        with self._filled():
            self.let_name_go()
            self._fill_data(request.data)
            self._fill(request)

    def _show_preset(self) -> None:
        """Show which preset the settings match, or from which they were modified."""
        changed = True
        try:
            request = self.request(Path("new"))
            match = self._preset if self._preset.describes(request) else matching_preset(request)
            changed = match is None
            self._preset = match or self._preset
        except ExplorerError:
            pass
        for row, preset in enumerate(TRAINING_PRESETS):
            self.preset.setItemText(row, message_text(preset.title))
        preset = self._preset
        related = self.chosen_architecture.name in {preset.architecture, *preset.parents}
        row = TRAINING_PRESETS.index(preset) if related else len(TRAINING_PRESETS)
        if changed and related:
            self.preset.setItemText(row, f"{message_text(preset.title)} ({self.tr('modified')})")
        self.preset.setCurrentIndex(row)
        self.preset.setToolTip(plain_tooltip(message_text(preset.about) if related else self.tr("Custom settings")))
        self._show_preset_note(preset if related else None)

    def _show_preset_note(self, preset: TrainingPreset | None) -> None:
        """Show where dataset or initial weights differ from those of the published system."""
        words, tip = "", ""
        if preset and preset.data and self._known[preset.data].missing and self.chosen_data == preset.stand_in:
            words = self.tr("The original dataset, %1, is not downloaded; a similar one is used.")
            words, tip = (
                words.replace("%1", self._known[preset.data].name),
                message_text(self._known[preset.data].missing),
            )
        if preset and preset.parents and self.parent_bundle is None:
            words = self.tr("This preset starts from a trained model. Train “%1” first.")
            title = next(one.title for one in TRAINING_PRESETS if one.architecture in preset.parents)
            words = words.replace("%1", message_text(title))
            if self._parents:
                words = self.tr("This preset starts from a trained model. Select one under “Initialize from”.")
        self.preset_note.setText(words)
        self.preset_note.setToolTip(plain_tooltip(tip))
        self.preset_note.setVisible(bool(words))

    # -- dependencies -------------------------------------------------------------------------------------------

    def _on_architecture_activated(self) -> None:
        with self._filled():
            self._begin_with_reference()

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
        """Disable the fields that do not apply, such as those fixed by the initial model."""
        fresh = self.parent_bundle is None
        for control in (self.image_size, self.channels, self.crop, self.invert):
            control.setEnabled(fresh)
        self._offer_channels()
        self.latent.setEnabled(fresh and not self.chosen_architecture.spatial)
        self.beta.setEnabled(self.chosen_architecture.variational)
        solved = self._solved()
        for control in (self.epochs, self.batch, self.rate, self.schedule, self.early_stop):
            control.setEnabled(not solved)

    def _offer_channels(self) -> None:
        """Offer grayscale and color for images of 1 or 3 channels; others keep all channels."""
        count = self._images().channel_count
        several = count not in (0, 1, 3)
        self.channels.setItemText(0, filled(self.tr("All %1 channels"), count) if several else self.tr("Auto"))
        items = self.channels.model()
        assert isinstance(items, QStandardItemModel)
        for row in range(1, items.rowCount()):
            items.item(row).setEnabled(not several)
        if several:
            self.channels.setCurrentIndex(0)

    def _solved(self) -> bool:
        """Return whether the solution has a closed form; with invalid settings, the default of the architecture."""
        try:
            return resolve_settings(self.request(Path("new"))).solver == "pca"
        except ExplorerError:
            return self.chosen_architecture.solver == "pca"

    def show_code_size(self, latent_dim: int) -> None:
        if not self.latent.isEnabled():
            with QSignalBlocker(self.latent):
                self.latent.setMaximum(max(self.latent.maximum(), latent_dim))
                self.latent.setValue(latent_dim)

    def set_seed(self, seed: int) -> None:
        self.seed.setValue(seed)

    # -- the name -----------------------------------------------------------------------------------------------

    @property
    def chosen_name(self) -> str:
        return self.name.text().strip()

    def _on_name_edited(self, text: str) -> None:
        self._named_by_hand = True
        self.changed.emit()

    def _on_name_finished(self) -> None:
        """Replace an empty name by a suggestion, but only after typing."""
        if not self.chosen_name:
            self.let_name_go()
            self._on_settings_changed()

    def let_name_go(self) -> None:
        """Suggest names again, since the typed one has been used."""
        self._named_by_hand = False

    def refresh_name(self) -> None:
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
        return free_name(user_models_dir(), "-".join(words), self._taken())

    def _on_trainings_changed(self) -> None:
        """Suggest another name when one is taken by an active or queued training."""
        if self._taken() != self._were_taken:
            self._were_taken = self._taken()
            self._on_settings_changed()

    def _taken(self) -> set[str]:
        training = self._document.training
        waiting = {request.out.name for request in self._document.trainings.queue}
        return waiting | ({training.title} if training.active else set())

    # -- the training -------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return network, steps and memory of the training; ExplorerError if it cannot start."""
        check_new_model(user_models_dir(), self.chosen_name, self._taken())
        return plan_training(self.request(Path("new")), self._images(), self.parent_bundle, self.machine)

    def network(self) -> ModelSpec | None:
        """Return the networks, even if another setting prevents the training; None if they cannot be built."""
        try:
            return plan_network(self.request(Path("new")), self._images(), self.parent_bundle)
        except ExplorerError:
            return None
