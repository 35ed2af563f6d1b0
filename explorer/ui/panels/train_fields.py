"""The fields of the Train form and their layout."""

from __future__ import annotations

import importlib.util

from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QWidget

from explorer.messages import message_text
from explorer.models.architectures import ARCHITECTURES
from explorer.models.settings import NAME_LIMIT
from explorer.models.training_presets import TRAINING_PRESETS
from explorer.ui.widgets.collapsible import Collapsible
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import button, check_box, combo_box, label, line_edit, spin_box
from explorer.ui.widgets.layouts import STRETCH, vbox
from explorer.ui.widgets.noise_edit import NoiseEdit

_MOST = 10_000_000


class TrainFields(QWidget):
    """All settings of a training, each an attribute; `TrainForm` adds the behavior."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make_main_fields()
        self._make_image_fields()
        self._make_training_fields()
        self._lay_out()

    def _make_main_fields(self) -> None:
        presets: list[tuple[str, object]] = [(message_text(preset.title), preset.name) for preset in TRAINING_PRESETS]
        presets.append((self.tr("Custom"), None))
        self.preset = combo_box(
            "train_preset", self.tr("Preset: complete settings, such as those of a published system"), presets
        )
        _disable_last(self.preset)
        self.preset_note = _notice("train_preset_note")
        architectures: list[tuple[str, object]] = [
            (message_text(entry.title), name) for name, entry in ARCHITECTURES.items()
        ]
        self.architecture = combo_box(
            "train_architecture", self.tr("Architecture: the layers of encoder and decoder"), architectures
        )
        self.data = combo_box("train_data", self.tr("Training dataset; a part is held out for validation"), [])
        self.hint = _notice("train_invert_hint")
        self.hint.setText(self.tr("These images are black-on-white. White-on-black is easier to learn: invert colors."))
        self.invert = check_box(
            "train_invert",
            self.tr("Invert colors"),
            self.tr("Invert all images, so that the drawing is bright and the background is 0"),
        )
        self.latent = spin_box(
            "train_latent",
            self.tr("Latent dimension: a smaller code keeps only what the images have in common"),
            *(1, 100_000, 49),
        )
        self.epochs = spin_box(
            "train_epochs", self.tr("Passes over the training images. Too many overfit."), *(1, 100_000, 5)
        )
        self.limit = self._optional(
            "train_limit", self.tr("Train on at most this many images: faster, but less varied"), self.tr("All")
        )
        self.augment = self._optional(
            "train_augment",
            self.tr("Training images after augmentation: rotation, shear, zoom, shift, elastic distortion"),
            self.tr("Off"),
        )
        self.augment.setSingleStep(1_000)
        self.preview = button(
            "train_preview",
            self.tr("Preview…"),
            self.tr("Show a few augmented images"),
            self.tr("augmentation, augmented images"),
        )
        self.name = line_edit("train_name", self.tr("Name of the new model and of its folder"))
        self.name.setMaxLength(NAME_LIMIT)

    def _make_image_fields(self) -> None:
        self.start_from = combo_box(
            "train_start_from", self.tr("Initial weights: random, or those of a trained model of this architecture"), []
        )
        self.image_size = line_edit(
            "train_size",
            self.tr("Input size, height × width, such as 64x48. Larger images show more detail and take longer"),
            self.tr("Auto"),
        )
        channels: list[tuple[str, object]] = [(self.tr("Auto"), None), (self.tr("Grayscale"), 1)]
        channels.append((self.tr("RGB"), 3))
        self.channels = combo_box(
            "train_channels",
            self.tr("Color channels. Grayscale has a third of the values, so that the code encodes shape only"),
            channels,
        )
        self.crop = spin_box(
            "train_crop",
            self.tr("Pixels cropped from each side before resizing, to remove the background"),
            *(-1, 4_096, -1),
        )
        self.crop.setSpecialValueText(self.tr("Auto"))
        self.noise = NoiseEdit(
            "train_noise",
            self.tr("Corrupt the input, keep the clean image as target (denoising): gaussian:0.3, join several with +"),
        )

    def _make_training_fields(self) -> None:
        losses: list[tuple[str, object]] = [("BCE", "bce"), ("MSE", "mse")]
        self.loss = combo_box(
            "train_loss",
            self.tr("Reconstruction loss: binary cross-entropy for nearly black-and-white images, else MSE"),
            losses,
        )
        schedules: list[tuple[str, object]] = [(self.tr("Constant"), "constant"), (self.tr("Cosine"), "cosine")]
        self.schedule = combo_box(
            "train_schedule", self.tr("Learning rate schedule: constant, or decay to zero along a cosine"), schedules
        )
        self.batch = self._optional(
            "train_batch",
            self.tr("Batch size: images per step. Large batches are faster, small ones make more steps per epoch"),
            self.tr("Auto"),
        )
        self.rate = line_edit(
            "train_rate", self.tr("Learning rate of the Adam optimizer. Too high: the loss oscillates")
        )
        self.beta = line_edit(
            "train_beta", self.tr("β: weight of the KL term. Higher: codes closer to N(0, I), blurrier images")
        )
        self.l1 = line_edit(
            "train_l1", self.tr("Weight of the L1 penalty on the code. Higher: sparser codes, most values near zero")
        )
        self.early_stop = self._optional(
            "train_early_stop",
            self.tr("Early stopping: epochs without better validation loss before training ends; keeps the best"),
            self.tr("Off"),
        )
        self.seed = spin_box(
            "train_seed",
            self.tr("Random seed of weights, order, noise and augmentation. Same seed, same model"),
            *(0, 2**31 - 1, 0),
        )

        self.tensorboard = check_box(
            "train_tensorboard",
            self.tr("Log to TensorBoard"),
            self.tr("Write losses, code histograms and reconstructions for TensorBoard beside the model"),
        )
        if importlib.util.find_spec("tensorboard") is None:
            self.tensorboard.setEnabled(False)
            self.tensorboard.setToolTip(self.tr("Not installed: pip install tensorboard"))

    def _optional(self, name: str, tip: str, none: str) -> QSpinBox:
        box = spin_box(name, f"{tip}; 0: {none}", 0, _MOST, 0)
        box.setSpecialValueText(none)
        return box

    def _lay_out(self) -> None:
        main = FieldGrid()
        main.wide(self.tr("Preset"), self.preset)
        main.bare(self.preset_note)
        main.wide(self.tr("Architecture"), self.architecture)
        main.wide(self.tr("Dataset"), self.data)
        main.bare(self.hint)
        main.bare(self.invert)
        main.pair((self.tr("Latent dim."), self.latent), (self.tr("Epochs"), self.epochs))
        main.pair((self.tr("Max. images"), self.limit), (self.tr("Seed"), self.seed))
        main.pair((self.tr("Augmented size"), self.augment), ("", self.preview))
        main.wide(self.tr("Name"), self.name)
        more = FieldGrid()
        more.wide(self.tr("Initialize from"), self.start_from)
        more.wide(self.tr("Input noise"), self.noise, tall=True)
        more.pair((self.tr("Input size"), self.image_size), (self.tr("Channels"), self.channels))
        more.pair((self.tr("Crop border"), self.crop), (self.tr("Batch size"), self.batch))
        more.pair((self.tr("Learning rate"), self.rate), (self.tr("LR schedule"), self.schedule))
        more.pair((self.tr("Patience"), self.early_stop), (self.tr("Loss"), self.loss))
        more.pair((self.tr("β (KL weight)"), self.beta), (self.tr("L1 penalty"), self.l1))
        more.bare(self.tensorboard)
        content = QWidget()
        content.setLayout(more)
        self.fold = Collapsible(
            "train_more", self.tr("More settings"), self.tr("Initial weights, input, loss and optimizer"), content
        )
        self.setLayout(vbox(main, self.fold, STRETCH, margins=(0, 0, 6, 0)))


def _notice(name: str) -> QLabel:
    notice = label(name, look="notice")
    notice.hide()
    return notice


def _disable_last(combo: QComboBox) -> None:
    """Disable the last entry, which the program shows but the user cannot select."""
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    model.item(combo.count() - 1).setEnabled(False)
