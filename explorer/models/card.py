"""The card of a bundle: the model's shapes, training and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Literal, Self, TypeAlias

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from explorer.data.choices import MAX_CHANNELS
from explorer.data.corruption import parse_noise
from explorer.data.metrics import DATA_RANGE
from explorer.data.preprocessing import Preprocessing
from explorer.errors import ExplorerError, ModelError
from explorer.json_limits import RECORD, invalid_field, json_text
from explorer.models.conditions import Conditions, conditions_of
from explorer.models.import_record import Imported
from explorer.models.settings import TrainingSettings
from explorer.types import ImageShape, LatentShape

FORMAT_VERSION = 1
Task: TypeAlias = Literal["reconstruct", "denoise", "colorize"]
"""What a model was trained to do with an image."""

MOST_EPOCHS = 2_000
"""Epochs in a card; longer histories are sampled evenly, so that the card stays within its size limit."""

_REACH = 1e6
_MOST_CLASSES = 1_024
_MOST_VALUES = 2**31 - 1
"""Values of an image or a code; larger arrays do not fit into ONNX Runtime."""


class _Record(BaseModel):
    # The PSNR of a perfect copy is infinite, which JSON numbers cannot express.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class DataRecord(_Record):
    """The images a model was trained on; the first fields are as the source states them.

    `validation` is 0 where the test images were used for validation. `trained_on` are the splits used in training,
    `content_hash` is the SHA-256 of the images, hexadecimal.
    """

    name: str
    title: str
    # Earlier versions have the British spelling.
    license: str = Field(validation_alias=AliasChoices("license", "licence"))
    attribution: str
    count: int
    train: int
    test: int
    validation: int = 0
    trained_on: tuple[Literal["train", "test"], ...]
    split_origin: str
    content_hash: str


class LossParts(_Record):
    """The terms of a VAE's losses: reconstruction and KL on both splits, nats per image."""

    reconstruction: float
    kl: float
    val_reconstruction: float
    val_kl: float


class EpochRecord(_Record):
    """One epoch: mean training loss, validation loss, seconds; for a VAE also the terms of the losses."""

    epoch: int
    loss: float
    val_loss: float
    seconds: float
    parts: LossParts | None = None


class Card(_Record):
    """Everything about a bundle that is not an array.

    Attributes
    ----------
    task
        Cards of earlier versions lack it; then it follows from the noise of the training.
    engine
        ``onnx`` if the compiled files agree with Keras; ``keras`` if the model process runs the networks.
    max_difference
        Largest absolute difference between the compiled files and Keras on random input; 0 if they were not compared.
    encoder_params, decoder_params
        Number of weights, including moving statistics.
    data
        The training images; for an imported model those it was evaluated on.
    training, imported
        Settings of the training; origin of an imported model. The other is None.
    metrics
        On test images: ``mse``, ``bce``, ``psnr``, ``ssim``; for a VAE also ``kl`` and ``loss``.
    channel_metrics
        ``mse``, ``psnr`` and ``ssim`` of each channel alone; empty for grayscale and color images.
    data_range
        Range of the values that the metrics are of: 0 to this; the `Reading` of the preprocessing says which values of
        the files these are.
    files
        SHA-256 of every other file of the bundle, hexadecimal, by name.
    """

    format_version: int = FORMAT_VERSION
    name: str = Field(min_length=1, max_length=200)
    task: Task
    architecture: str
    arguments: dict[str, int | float | str | bool]
    variational: bool
    image_shape: ImageShape
    latent_shape: LatentShape
    value_range: tuple[float, float] = (0.0, 1.0)
    preprocessing: Preprocessing
    engine: Literal["onnx", "keras"] = "onnx"
    max_difference: float
    encoder_params: int
    decoder_params: int
    data: DataRecord
    training: TrainingSettings | None = None
    imported: Imported | None = None
    history: tuple[EpochRecord, ...] = ()
    trained_from: str | None = None
    seconds: float
    command: str
    metrics: dict[str, float]
    channel_metrics: tuple[dict[str, float], ...] = Field(default=(), max_length=MAX_CHANNELS)
    data_range: float = DATA_RANGE
    versions: dict[str, str]
    files: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _with_task(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "task" in raw:
            return raw
        training = raw.get("training")
        noise = training.get("noise") if isinstance(training, dict) else ""
        return raw | {"task": task_of(noise if isinstance(noise, str) else "")}

    @model_validator(mode="after")
    def _made_somehow(self) -> Self:
        if (self.training is None) == (self.imported is None):
            raise ValueError("“training” or “imported” is required, and not both")
        low, high = self.value_range
        if not -_REACH <= low < high <= _REACH:
            raise ValueError("“value_range” must be two numbers, the smaller first")
        for shape in (self.image_shape, self.latent_shape):
            if not shape or min(shape) < 1 or prod(shape) > _MOST_VALUES:
                raise ValueError(f"a shape must be of 1 to {_MOST_VALUES:,} values")
        for control in self.imported.controls if self.imported else ():
            if min(control.shape, default=1) < 1 or control.size > _MOST_VALUES:
                raise ValueError(f"a control must have 1 to {_MOST_VALUES:,} values")
            one_hot = control.choices > 0 and control.size > 1
            if one_hot and control.choices > _MOST_CLASSES:
                raise ValueError(f"a one-hot control must have at most {_MOST_CLASSES:,} classes")
            if len(control.default) not in {0, control.size} or (one_hot and control.choices != control.size):
                raise ValueError("a control must fit its shape")
        if self.conditions is not None and not 0 < self.conditions.start < self.latent_dim == self.latent_shape[0]:
            raise ValueError("controls must be the end of flat codes")
        return self

    @property
    def conditions(self) -> Conditions | None:
        """The condition inputs of an imported model, at the end of its codes; None without any."""
        return conditions_of(self.imported.controls, self.latent_dim) if self.imported is not None else None

    @property
    def encoder_shape(self) -> tuple[int, ...]:
        """Shape of one input of the encoder: that of an image, but flat with the condition if it takes one."""
        return self.conditions.encoder_shape(self.image_shape) if self.conditions is not None else self.image_shape

    @property
    def latent_dim(self) -> int:
        return prod(self.latent_shape)

    @property
    def trained(self) -> TrainingSettings:
        """Training settings; ModelError if the model was imported."""
        if self.training is None:
            raise ModelError(
                "“{model}” was imported, so its training settings are unknown. Choose a model trained here.",
                model=self.name,
            )
        return self.training

    @property
    def decoder_hash(self) -> str | None:
        """SHA-256 of the decoder's file, which identifies the model in exports; None before the file exists.

        That of the encoder's if there is no decoder.
        """
        names = (f"{part}.{suffix}" for part in ("decoder", "encoder") for suffix in ("keras", "onnx"))
        return next((self.files[name] for name in names if name in self.files), None)

    @property
    def encodes(self) -> bool:
        """An imported model may be a decoder only."""
        return self.imported is None or self.imported.parts != "decoder"

    @property
    def decodes(self) -> bool:
        """An imported model may be an encoder only."""
        return self.imported is None or self.imported.parts != "encoder"

    @property
    def parts(self) -> tuple[bool, bool]:
        return self.encodes, self.decodes


def task_of(noise: str) -> Task:
    """Return the task of a model that was trained with this input noise; the reconstruction if it is invalid."""
    try:
        kinds = {one.kind for one in parse_noise(noise)}
    except ExplorerError:
        return "reconstruct"
    if not kinds:
        return "reconstruct"
    return "colorize" if kinds == {"gray"} else "denoise"


def kept_epochs(history: Sequence[EpochRecord]) -> tuple[EpochRecord, ...]:
    """Return at most `MOST_EPOCHS` epochs, evenly sampled, including the first and the last."""
    count = min(len(history), MOST_EPOCHS)
    last = max(1, count - 1)
    return tuple(history[place * (len(history) - 1) // last] for place in range(count))


def read_card(content: bytes, where: str) -> Card:
    """Parse and check a card; ModelError, with the name `where`, if it is not one, or of another format."""
    try:
        card = Card.model_validate_json(json_text(content, RECORD, where, ModelError))
    except ValidationError as error:
        raise ModelError(
            "{where} is not a valid card ({reason}). "
            "The model is damaged or of another version; train or import it again.",
            where=where,
            reason=invalid_field(error),
        ) from error
    if card.format_version != FORMAT_VERSION:
        raise ModelError(
            "{where} has format {found}, but this version reads format {known}. Open it with a newer Latent Explorer.",
            where=where,
            found=card.format_version,
            known=FORMAT_VERSION,
        )
    return card
