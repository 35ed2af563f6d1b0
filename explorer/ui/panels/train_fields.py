"""The fields of the Train panel's form, and where they stand."""

from __future__ import annotations

import importlib.util

from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QVBoxLayout, QWidget

from explorer.models.architectures import ARCHITECTURES
from explorer.models.presets import PRESETS
from explorer.models.settings import NAME_LIMIT
from explorer.ui.plain_text import PlainLabel
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import button, check_box, combo_box, line_edit, spin_box
from explorer.ui.widgets.fold import Fold
from explorer.ui.widgets.noise_edit import NoiseEdit

_MOST = 10_000_000


class TrainFields(QWidget):
    """All that can be set for a training. An empty field means what the reference of the architecture had.

    Each field is an attribute; `TrainForm` gives them their meaning.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make_main_fields()
        self._make_picture_fields()
        self._make_training_fields()
        self._lay_out()

    def _make_main_fields(self) -> None:
        presets: list[tuple[str, object]] = [(preset.title, preset.name) for preset in PRESETS]
        presets.append((self.tr("Custom"), None))
        self.preset = combo_box("train_preset", self.tr("Settings with a name, such as the references' own"), presets)
        _disable_last(self.preset)
        self.preset_note = _notice("train_preset_note")
        architectures: list[tuple[str, object]] = [(entry.title, name) for name, entry in ARCHITECTURES.items()]
        self.architecture = combo_box(
            "train_architecture",
            self.tr("Architecture of the networks: which layers learn to shrink a picture to its code and back"),
            architectures,
        )
        self.data = combo_box(
            "train_data", self.tr("Pictures to learn from; some of them are held out, to test what was learnt"), []
        )
        self.hint = _notice("train_invert_hint")
        self.hint.setText(self.tr("These pictures are dark on light. Light on dark is easier to learn: invert them."))
        self.invert = check_box(
            "train_invert",
            self.tr("Invert the pictures"),
            self.tr("Exchange dark and light, so that what is drawn has large values and the background none"),
        )
        self.latent = spin_box(
            "train_latent",
            self.tr("Numbers in a code: the fewer, the more must be learnt about what the pictures have in common"),
            *(1, 100_000, 49),
        )
        self.epochs = spin_box(
            "train_epochs",
            self.tr("Passes over the training pictures: more fit them better, too many learn them by heart"),
            *(1, 100_000, 5),
        )
        self.limit = self._optional(
            "train_limit",
            self.tr("Train on at most so many pictures: quicker, but less is seen of how they differ"),
            self.tr("all"),
        )
        self.augment = self._optional(
            "train_augment",
            self.tr(
                "Make so many pictures from the training pictures, turned, slanted, zoomed, bent and shifted, so that "
                "the network learns what does not depend on such changes"
            ),
            self.tr("off"),
        )
        self.augment.setSingleStep(1_000)
        self.preview = button(
            "train_preview", self.tr("Preview …"), self.tr("Show what augmentation makes of a few pictures")
        )
        self.name = line_edit("train_name", self.tr("Name of the new model, and of the folder that it is kept in"))
        self.name.setMaxLength(NAME_LIMIT)

    def _make_picture_fields(self) -> None:
        self.start_from = combo_box(
            "train_start_from",
            self.tr("A trained model of this architecture whose weights are learnt further, or a new one from chance"),
            [],
        )
        self.picture_size = line_edit(
            "train_size",
            self.tr(
                "Height × width that pictures are brought to, such as 64x48: larger ones show more and take longer"
            ),
            self.tr("as is"),
        )
        channels: list[tuple[str, object]] = [(self.tr("as is"), None), (self.tr("grey"), 1)]
        channels.append((self.tr("colour"), 3))
        self.channels = combo_box(
            "train_channels",
            self.tr("Grey pictures have a third of the values, so that all codes are for form"),
            channels,
        )
        self.crop = spin_box(
            "train_crop",
            self.tr("Pixels cut off each side before resizing, so that nothing is learnt of the background"),
            *(-1, 4_096, -1),
        )
        self.crop.setSpecialValueText(self.tr("as usual"))
        self.noise = NoiseEdit(
            "train_noise",
            self.tr(
                "Noise on the input while the clean picture is the target, so that the model learns to take it away: "
                "gaussian:0.3, several joined by +"
            ),
        )

    def _make_training_fields(self) -> None:
        losses: list[tuple[str, object]] = [("BCE", "bce"), ("MSE", "mse")]
        self.loss = combo_box(
            "train_loss",
            self.tr("What is made small: cross entropy (BCE) for near black and white, squared error (MSE) for others"),
            losses,
        )
        schedules: list[tuple[str, object]] = [(self.tr("constant"), "constant"), (self.tr("cosine"), "cosine")]
        self.schedule = combo_box(
            "train_schedule",
            self.tr("Whether the rate stays, or falls to zero along a cosine, so that the last steps are fine"),
            schedules,
        )
        self.batch = self._optional(
            "train_batch",
            self.tr("Pictures a step: small batches learn more an epoch, large ones are quicker and smoother"),
            self.tr("as usual"),
        )
        self.rate = line_edit(
            "train_rate", self.tr("Learning rate of Adam: how far a step goes; too far, and the loss jumps about")
        )
        self.beta = line_edit(
            "train_beta",
            self.tr("Weight of the KL term (β): more makes codes a rounder cloud, and pictures less sharp"),
        )
        self.l1 = line_edit(
            "train_l1", self.tr("Strength of the L1 penalty: more of it brings most numbers of a code near zero")
        )
        self.early_stop = self._optional(
            "train_early_stop",
            self.tr("End after so many epochs without a better validation loss, and keep the best, not the last"),
            self.tr("never"),
        )
        self.seed = spin_box(
            "train_seed",
            self.tr("Seed of weights, order, noise and augmentation: the same seed trains the same model again"),
            *(0, 2**31 - 1, 0),
        )

        self.tensorboard = check_box(
            "train_tensorboard",
            self.tr("Log for TensorBoard"),
            self.tr("Write scalars, histograms of the codes and reconstructions for TensorBoard, beside the model"),
        )
        if importlib.util.find_spec("tensorboard") is None:
            self.tensorboard.setEnabled(False)
            self.tensorboard.setToolTip(self.tr("An extra: pip install tensorboard"))

    def _optional(self, name: str, tip: str, none: str) -> QSpinBox:
        box = spin_box(name, f"{tip}; 0: {none}", 0, _MOST, 0)
        box.setSpecialValueText(none)
        return box

    def _lay_out(self) -> None:
        main = FieldGrid()
        main.wide(self.tr("Preset"), self.preset)
        main.bare(self.preset_note)
        main.wide(self.tr("Model"), self.architecture)
        main.wide(self.tr("Data"), self.data)
        main.bare(self.hint)
        main.bare(self.invert)
        main.pair((self.tr("Code size"), self.latent), (self.tr("Epochs"), self.epochs))
        main.pair((self.tr("Pictures"), self.limit), (self.tr("Seed"), self.seed))
        main.pair((self.tr("Augment to"), self.augment), ("", self.preview))
        main.wide(self.tr("Name"), self.name)
        more = FieldGrid()
        more.wide(self.tr("Go on from"), self.start_from)
        more.wide(self.tr("Noise"), self.noise, tall=True)
        more.pair((self.tr("Size"), self.picture_size), (self.tr("Colours"), self.channels))
        more.pair((self.tr("Cut off"), self.crop), (self.tr("Batch"), self.batch))
        more.pair((self.tr("Loss"), self.loss), (self.tr("Rate"), self.rate))
        more.pair((self.tr("Schedule"), self.schedule), (self.tr("Early stop"), self.early_stop))
        more.pair((self.tr("KL weight"), self.beta), (self.tr("L1"), self.l1))
        more.bare(self.tensorboard)
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


def _notice(name: str) -> QLabel:
    label = PlainLabel()
    label.setObjectName(name)
    label.setProperty("notice", True)
    label.setWordWrap(True)
    label.hide()
    return label


def _disable_last(combo: QComboBox) -> None:
    """Make the last entry one that can be shown and not chosen."""
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    model.item(combo.count() - 1).setEnabled(False)
