"""The settings of a training: the few that everybody looks at, and the others under a fold."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QLabel, QSpinBox, QVBoxLayout, QWidget

from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.errors import ExplorerError, TrainingError
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import Bundle, find_bundles
from explorer.models.settings import NAME_LIMIT, TrainingRequest, make_request, resolve_settings
from explorer.models.spec import Architecture
from explorer.paths import user_models_dir
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import button, check_box, combo_box, line_edit, spin_box
from explorer.ui.widgets.fold import Fold

_FIRST = "deep-dense"
"""What is offered first: quick to train and good to look at."""

_FIRST_EPOCHS = 10
_MOST = 10_000_000


class TrainForm(QWidget):
    """Fields, and the request that they make. An empty field means what the reference of the architecture had.

    Signals
    -------
    changed()
        A setting is another.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._named_by_hand = False
        self._parents: dict[str, Bundle] = {}
        self.setObjectName("train_form")
        self._make_main_fields()
        self._make_picture_fields()
        self._make_training_fields()
        self._lay_out()
        self._connect()
        self._fill_data()
        self._architecture.setCurrentIndex(self._architecture.findData(_FIRST))
        self._on_architecture_activated()

    # -- fields --------------------------------------------------------------------------------------------------

    def _make_main_fields(self) -> None:
        architectures: list[tuple[str, object]] = [(entry.title, name) for name, entry in ARCHITECTURES.items()]
        self._architecture = combo_box("train_architecture", self.tr("Architecture of the networks"), architectures)
        self._data = combo_box("train_data", self.tr("Pictures to train on; some of them are kept for testing"), [])
        self._hint = QLabel(self.tr("These pictures are dark on light. Light on dark is easier to learn: invert them."))
        self._hint.setObjectName("train_invert_hint")
        self._hint.setProperty("notice", True)
        self._hint.setWordWrap(True)
        self._invert = check_box(
            "train_invert", self.tr("Invert the pictures"), self.tr("Exchange dark and light before training")
        )
        self._latent = spin_box("train_latent", self.tr("Numbers in a code"), 1, 100_000, 49)
        self._epochs = spin_box("train_epochs", self.tr("Passes over the training pictures"), 1, 100_000, 5)
        self._limit = self._optional("train_limit", self.tr("Train on at most so many pictures"), self.tr("all"))
        self._augment = self._optional(
            "train_augment",
            self.tr("Make so many pictures from the training pictures: turned, slanted, zoomed, bent and shifted"),
            self.tr("off"),
        )
        self._augment.setSingleStep(1_000)
        self.preview = button(
            "train_preview", self.tr("Preview …"), self.tr("Show what augmentation makes of a few pictures")
        )
        self._name = line_edit("train_name", self.tr("Name of the new model"))
        self._name.setMaxLength(NAME_LIMIT)

    def _make_picture_fields(self) -> None:
        self._start_from = combo_box(
            "train_start_from", self.tr("A trained model of this architecture to go on with, or a new one"), []
        )
        self._size = line_edit(
            "train_size",
            self.tr("Height × width that the pictures are brought to, such as 64x48"),
            self.tr("as is"),
        )
        channels: list[tuple[str, object]] = [(self.tr("as is"), None), (self.tr("grey"), 1)]
        channels.append((self.tr("colour"), 3))
        self._channels = combo_box("train_channels", self.tr("Grey or colour"), channels)
        self._crop = spin_box("train_crop", self.tr("Pixels cut off each side before resizing"), -1, 4_096, -1)
        self._crop.setSpecialValueText(self.tr("as usual"))
        self._noise = line_edit(
            "train_noise",
            self.tr("Noise on the input, for a model that takes it away: gaussian:0.3, several joined by +"),
            self.tr("none; or gaussian:0.3"),
        )

    def _make_training_fields(self) -> None:
        losses: list[tuple[str, object]] = [("BCE", "bce"), ("MSE", "mse")]
        self._loss = combo_box("train_loss", self.tr("Reconstruction loss: cross entropy or squared error"), losses)
        schedules: list[tuple[str, object]] = [(self.tr("constant"), "constant"), (self.tr("cosine"), "cosine")]
        self._schedule = combo_box("train_schedule", self.tr("How the learning rate goes on"), schedules)
        self._batch = self._optional("train_batch", self.tr("Pictures a step"), self.tr("as usual"))
        self._rate = line_edit("train_rate", self.tr("Learning rate of Adam"))
        self._beta = line_edit("train_beta", self.tr("Weight of the KL term (β); variational models only"))
        self._l1 = line_edit("train_l1", self.tr("Strength of the L1 penalty on the code, for sparse codes"))
        self._early_stop = self._optional(
            "train_early_stop",
            self.tr("End after so many epochs without a better validation loss, and keep the best"),
            self.tr("never"),
        )
        self._seed = spin_box("train_seed", self.tr("Seed of weights, order, noise and augmentation"), 0, 2**31 - 1, 0)

    def _optional(self, name: str, tip: str, none: str) -> QSpinBox:
        box = spin_box(name, f"{tip}; 0: {none}", 0, _MOST, 0)
        box.setSpecialValueText(none)
        return box

    def _lay_out(self) -> None:
        main = FieldGrid()
        main.wide(self.tr("Model"), self._architecture)
        main.wide(self.tr("Data"), self._data)
        main.bare(self._hint)
        main.bare(self._invert)
        main.pair((self.tr("Code size"), self._latent), (self.tr("Epochs"), self._epochs))
        main.pair((self.tr("Pictures"), self._limit), (self.tr("Seed"), self._seed))
        main.pair((self.tr("Augment to"), self._augment), ("", self.preview))
        main.wide(self.tr("Name"), self._name)
        more = FieldGrid()
        more.wide(self.tr("Go on from"), self._start_from)
        more.wide(self.tr("Noise"), self._noise)
        more.pair((self.tr("Size"), self._size), (self.tr("Colours"), self._channels))
        more.pair((self.tr("Cut off"), self._crop), (self.tr("Batch"), self._batch))
        more.pair((self.tr("Loss"), self._loss), (self.tr("Rate"), self._rate))
        more.pair((self.tr("Schedule"), self._schedule), (self.tr("Early stop"), self._early_stop))
        more.pair((self.tr("KL weight"), self._beta), (self.tr("L1"), self._l1))
        content = QWidget()
        content.setLayout(more)
        self.fold = Fold(
            "train_more",
            self.tr("More settings"),
            self.tr("Size, noise, loss and rate; going on from a model"),
            content,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 6, 0)
        layout.addLayout(main)
        layout.addWidget(self.fold)
        layout.addStretch()

    def _connect(self) -> None:
        self._architecture.activated.connect(lambda index: self._on_architecture_activated())
        for combo in (self._data, self._channels, self._loss, self._schedule, self._start_from):
            combo.activated.connect(lambda index: self._on_settings_changed())
        for box in (self._latent, self._epochs, self._limit, self._augment, self._crop, self._batch, self._early_stop):
            box.valueChanged.connect(lambda value: self._on_settings_changed())
        self._seed.valueChanged.connect(lambda value: self._on_settings_changed())
        for field in (self._size, self._noise, self._rate, self._beta, self._l1):
            field.textChanged.connect(lambda text: self._on_settings_changed())
        self._invert.toggled.connect(lambda checked: self._on_settings_changed())
        self._name.textEdited.connect(self._on_name_edited)
        self._name.editingFinished.connect(self._on_name_finished)
        self._document.source_changed.connect(self._fill_data)
        self._document.library_changed.connect(self._on_library_changed)
        self._document.preparation.ground_changed.connect(self._show_hint)

    # -- what can be chosen ----------------------------------------------------------------------------------------

    def _fill_data(self) -> None:
        """List what can be trained on: the sets that are here, and the pictures that are open."""
        chosen = self._data.currentData()
        self._data.clear()
        for entry in known_sources():
            if entry.status != "missing":
                self._data.addItem(entry.name.replace("_", " "), entry.name)
        source = self._document.source
        if source is not None and self._data.findData(source.spec) < 0:
            self._data.addItem(source.name, source.spec)
        wanted = source.spec if source is not None else chosen
        self._data.setCurrentIndex(max(0, self._data.findData(wanted)))
        self._on_settings_changed()

    def _fill_models(self) -> None:
        """List the models that can be gone on with, and keep the choice where it is still there."""
        chosen, opened = self._start_from.currentData(), self._document.model
        self._parents = {}
        self._start_from.clear()
        self._start_from.addItem(self.tr("nothing: a new model"), None)
        for found in find_bundles():
            bundle = found.bundle
            if bundle is None or bundle.card.architecture != self._architecture.currentData():
                continue
            self._parents[str(found.path)] = bundle
            is_open = opened is not None and opened.path == found.path
            self._start_from.addItem(f"{bundle.name} ({self.tr('open')})" if is_open else bundle.name, str(found.path))
        self._start_from.setCurrentIndex(max(0, self._start_from.findData(chosen)))

    def _on_library_changed(self) -> None:
        self._fill_models()
        self._on_settings_changed()

    def ask_ground(self) -> None:
        """Have the pictures looked at, whether they should be inverted."""
        if self._data.currentData() is not None:
            self._document.preparation.ask_ground(self._data.currentData())

    def _show_hint(self) -> None:
        dark = self._document.preparation.dark_on_light(self.data)
        self._hint.setVisible(dark and self._invert.isEnabled() and not self._invert.isChecked())

    # -- following the settings ------------------------------------------------------------------------------------

    @property
    def architecture(self) -> Architecture:
        """The chosen architecture."""
        return ARCHITECTURES[self._architecture.currentData()]

    @property
    def data(self) -> str:
        """Name or path of the chosen pictures."""
        return str(self._data.currentData())

    @property
    def parent_bundle(self) -> Bundle | None:
        """The model to go on with."""
        return self._parents.get(str(self._start_from.currentData()))

    @property
    def name(self) -> str:
        """The name of the new model."""
        return self._name.text().strip()

    def _on_architecture_activated(self) -> None:
        """Begin with the values of its reference."""
        defaults = self.architecture.defaults
        self._fill_models()
        with QSignalBlocker(self._latent), QSignalBlocker(self._epochs):
            self._latent.setValue(self.architecture.default_latent)
            self._epochs.setValue(min(defaults.epochs, _FIRST_EPOCHS))
        for field, value in ((self._rate, defaults.rate), (self._beta, defaults.beta), (self._l1, defaults.l1)):
            field.setPlaceholderText(f"{value:g}")
        self._batch.setSpecialValueText(str(defaults.batch))
        self._loss.setCurrentIndex(self._loss.findData(defaults.loss))
        self._on_settings_changed()

    def _on_name_edited(self, text: str) -> None:
        self._named_by_hand = True

    def _on_name_finished(self) -> None:
        """An empty name gives way to a made one, but not while it is being typed."""
        if not self.name:
            self._named_by_hand = False
            self._on_settings_changed()

    def _on_settings_changed(self) -> None:
        if self._architecture.currentData() is None or self._data.currentData() is None:
            return
        self._enable()
        self._show_hint()
        self.refresh_name()
        self.changed.emit()
        if self.isVisible():
            self.ask_ground()

    def _enable(self) -> None:
        """Take out of reach what has no meaning here: what the model that is gone on with has settled, and so on."""
        fresh = self.parent_bundle is None
        for control in (self._size, self._channels, self._crop, self._invert):
            control.setEnabled(fresh)
        self._latent.setEnabled(fresh and not self.architecture.spatial)
        self._beta.setEnabled(self.architecture.variational)
        solved = self._solved()
        for control in (self._epochs, self._batch, self._rate, self._schedule, self._early_stop):
            control.setEnabled(not solved)

    def _solved(self) -> bool:
        """Whether the optimum is computed at once; while a setting cannot be read, what the architecture does."""
        try:
            return resolve_settings(self.request(Path("new"))).solver == "pca"
        except ExplorerError:
            return self.architecture.solver == "pca"

    def show_code_size(self, latent_dim: int) -> None:
        """Show the code size that follows from other settings."""
        if not self._latent.isEnabled():
            with QSignalBlocker(self._latent):
                self._latent.setMaximum(max(self._latent.maximum(), latent_dim))
                self._latent.setValue(latent_dim)

    def set_seed(self, seed: int) -> None:
        """Choose another seed."""
        self._seed.setValue(seed)

    def refresh_name(self) -> None:
        """Suggest a name that is free, unless one was typed."""
        if not self._named_by_hand:
            self._name.setText(self._suggested_name())

    def _suggested_name(self) -> str:
        parent = self.parent_bundle
        words = [parent.name, "more"] if parent else [self._data.currentText(), self._architecture.currentData()]
        if not parent and not self.architecture.spatial:
            words.append(str(self._latent.value()))
        if self._noise.text().strip():
            words.append("denoise")
        return _free_name("-".join(words))

    def request(self, out: Path) -> TrainingRequest:
        """Return what is asked for.

        Raises
        ------
        TrainingError
            If a field holds what cannot be meant.
        """
        values: dict[str, object] = {
            "architecture": self.architecture.name,
            "data": self.data,
            "out": out,
            "epochs": self._epochs.value(),
            "limit": self._limit.value(),
            "augment": self._augment.value(),
            "seed": self._seed.value(),
            "schedule": self._schedule.currentData(),
            "loss": None if self._loss.currentData() == self.architecture.defaults.loss else self._loss.currentData(),
            "early_stop": self._early_stop.value(),
            "noise": self._noise.text().strip(),
            "batch": self._batch.value() or None,
        }
        for name, field in (("rate", self._rate), ("beta", self._beta), ("l1", self._l1)):
            values[name] = field.text().strip().replace(",", ".") or None if field.isEnabled() else None
        if self.parent_bundle is not None:
            return make_request(**values, start_from=str(self._start_from.currentData()))
        return make_request(
            **values,
            latent=None if self.architecture.spatial else self._latent.value(),
            size=_parse_size(self._size.text()),
            channels=self._channels.currentData(),
            crop=None if self._crop.value() < 0 else self._crop.value(),
            invert=self._invert.isChecked(),
        )


def _parse_size(text: str) -> tuple[int, int] | None:
    """Read ``64x48``, or ``64`` for a square; nothing means as the pictures are."""
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d{1,5})\s*(?:[xX×]\s*(\d{1,5})\s*)?", text)
    if match is None:
        raise TrainingError("a size as height x width, such as 64x48", f"“{text}”", "Leave it empty for no change.")
    return int(match[1]), int(match[2] or match[1])


def _free_name(wanted: str) -> str:
    wanted = re.sub(r"[^\w.-]+", "-", wanted.lower()).strip("-.")[: NAME_LIMIT - 4]
    name, number = wanted, 2
    while (user_models_dir() / name).exists():
        name, number = f"{wanted}-{number}", number + 1
    return name
