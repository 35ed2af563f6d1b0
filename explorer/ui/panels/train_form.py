"""The settings of a training: what each means, which belong together, and the request that they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.models.bundle import find_bundles
from explorer.models.feasibility import Plan, plan_network, plan_training
from explorer.models.machine import memory_bytes
from explorer.models.presets import PRESETS, TrainingPreset, matching_preset
from explorer.models.settings import (
    TrainingRequest,
    check_new_model,
    free_name,
    resolve_settings,
)
from explorer.models.spec import ModelSpec
from explorer.paths import user_models_dir
from explorer.ui.panels.train_choices import TrainChoices
from explorer.ui.plain_text import plain_tooltip

_NAMED = {preset.name: preset for preset in PRESETS}


class TrainForm(TrainChoices):
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
        super().__init__(document, parent)
        self._named_by_hand = False
        self._filling = False
        self._preset = PRESETS[0]
        self._were_taken: set[str] = set()
        self.machine = memory_bytes()
        self.setObjectName("train_form")
        self._connect()
        with self._filled():
            self._fill_data(None)
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

    # -- following what there is --------------------------------------------------------------------------------

    def _on_source_changed(self) -> None:
        """Take the pictures that were opened."""
        source = self._document.source
        with self._filled():
            self._fill_data(self.data.currentData() if source is None else source.spec)

    def _on_library_changed(self) -> None:
        """Take in a model that was trained or taken away, or a data set that was got."""
        with self._filled():
            self._fill_data(self.data.currentData())
            self._fill_models()

    def showEvent(self, event: QShowEvent) -> None:
        """Look again what is here: a data set may have come meanwhile."""
        super().showEvent(event)
        with self._filled():
            self._fill_data(self.data.currentData())

    def ask_ground(self) -> None:
        """Have the pictures looked at, whether they should be inverted."""
        if self.data.currentData() is not None and not self._pictures().missing:
            self._document.preparation.ask_ground(self.data.currentData())

    def _show_hint(self) -> None:
        dark = self._document.preparation.dark_on_light(self.chosen_data)
        self.hint.setVisible(dark and self.invert.isEnabled() and not self.invert.isChecked())

    # -- presets ------------------------------------------------------------------------------------------------

    def _on_preset_activated(self, index: int) -> None:
        preset = _NAMED.get(self.preset.currentData())
        if preset is not None:
            with self._filled():
                self._apply(preset)

    def _apply(self, preset: TrainingPreset) -> None:
        """Put every setting as the preset has it, but seed, number of pictures and what is its user's own."""
        self._preset = preset
        bundles = [found.bundle for found in find_bundles() if found.bundle is not None]
        opened = self._document.model
        parent = preset.choose_parent(bundles, None if opened is None else opened.path)
        here = {name for name, pictures in self._known.items() if not pictures.missing}
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
        """Put every setting as a training had it, so that it can be done again."""
        with self._filled():
            self.let_name_go()
            self._fill_data(request.data)
            self._fill(request)

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
        self.preset.setToolTip(plain_tooltip(preset.about if related else self.tr("Settings of your own")))
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
        self.preset_note.setToolTip(plain_tooltip(tip))
        self.preset_note.setVisible(bool(words))

    # -- following the settings ---------------------------------------------------------------------------------

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

    # -- the name -----------------------------------------------------------------------------------------------

    @property
    def chosen_name(self) -> str:
        """The name of the new model."""
        return self.name.text().strip()

    def _on_name_edited(self, text: str) -> None:
        self._named_by_hand = True
        self.changed.emit()

    def _on_name_finished(self) -> None:
        """An empty name gives way to a made one, but not while it is being typed."""
        if not self.chosen_name:
            self.let_name_go()
            self._on_settings_changed()

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
        return free_name(user_models_dir(), "-".join(words), self._taken())

    def _on_trainings_changed(self) -> None:
        """Suggest another name once one is taken: the next training waits for this one."""
        if self._taken() != self._were_taken:
            self._were_taken = self._taken()
            self._on_settings_changed()

    def _taken(self) -> set[str]:
        """Return the names of models that are being trained or wait for it."""
        training = self._document.training
        waiting = {request.out.name for request in self._document.trainings.queue}
        return waiting | ({training.title} if training.active else set())

    # -- the training -------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return what the training comes to.

        Raises
        ------
        ExplorerError
            If it cannot be.
        """
        check_new_model(user_models_dir(), self.chosen_name, self._taken())
        return plan_training(self.request(Path("new")), self._pictures(), self.parent_bundle, self.machine)

    def network(self) -> ModelSpec | None:
        """Return the networks alone, also where something else keeps a training from starting; None for none."""
        try:
            return plan_network(self.request(Path("new")), self._pictures(), self.parent_bundle)
        except ExplorerError:
            return None
