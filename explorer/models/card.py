"""The card of a bundle: what the model is, how it was made, and how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from explorer.data.preprocessing import Preprocessing
from explorer.errors import ModelError
from explorer.json_limits import RECORD, json_text
from explorer.models.foreign.record import Imported
from explorer.models.settings import TrainingSettings
from explorer.types import ImageShape, LatentShape

FORMAT_VERSION = 1
MOST_EPOCHS = 2_000
"""Epochs in a card; of a longer training an even choice, so that the card can be read again."""

_REACH = 1e6
_MOST_VALUES = 2**31 - 1
"""Of an image or a code: more fits into no array that a network takes."""


class _Record(BaseModel):
    # JSON has no number for the PSNR of a picture that comes back exactly.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class DataRecord(_Record):
    """The pictures a model was trained on.

    Attributes
    ----------
    name, title, licence, attribution
        As the source states them.
    count, train, test
        Pictures in all, and in each split.
    trained_on
        Splits whose pictures the training saw.
    split_origin
        Where the splits come from.
    content_hash
        SHA-256 over the pictures, hexadecimal.
    """

    name: str
    title: str
    licence: str
    attribution: str
    count: int
    train: int
    test: int
    trained_on: tuple[Literal["train", "test"], ...]
    split_origin: str
    content_hash: str


class LossParts(_Record):
    """What a variational model's losses are made of: reconstruction and KL on both splits, nats a picture."""

    reconstruction: float
    kl: float
    val_reconstruction: float
    val_kl: float


class EpochRecord(_Record):
    """One epoch: mean training loss, validation loss, seconds; and what they are made of, for a variational model."""

    epoch: int
    loss: float
    val_loss: float
    seconds: float
    parts: LossParts | None = None


class Card(_Record):
    """Everything about a bundle that is not an array.

    Attributes
    ----------
    value_range
        Range of the pictures that the networks themselves take and give.
    engine
        ``onnx`` where the compiled files agree with Keras; ``keras`` where the model process must decode.
    max_difference
        Largest absolute difference between the compiled files and Keras on random input.
    encoder_params, decoder_params
        Weights, moving statistics included.
    data
        The pictures it was trained on; for an imported one those it was tried on.
    training
        How; None where nobody knows.
    imported
        Where an imported model comes from; None for one that was trained here.
    metrics
        On held-out pictures: ``mse``, ``bce``, ``psnr``, ``ssim``; for a variational model ``kl`` and ``loss`` too.
    files
        SHA-256 of every other file of the bundle, hexadecimal, by name.
    """

    format_version: int = FORMAT_VERSION
    name: str = Field(min_length=1, max_length=200)
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
    versions: dict[str, str]
    files: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _made_somehow(self) -> Self:
        if (self.training is None) == (self.imported is None):
            raise ValueError("either training or imported says how it was made")
        low, high = self.value_range
        if not -_REACH <= low < high <= _REACH:
            raise ValueError("value_range must rise from one number to another")
        for shape in (self.image_shape, self.latent_shape):
            if not shape or min(shape) < 1 or prod(shape) > _MOST_VALUES:
                raise ValueError(f"a shape must be of 1 to {_MOST_VALUES:,} values")
        for control in self.imported.controls if self.imported else ():
            if min(control.shape, default=1) < 1 or prod(control.shape) > _MOST_VALUES:
                raise ValueError(f"a control must have 1 to {_MOST_VALUES:,} values")
        return self

    @property
    def latent_dim(self) -> int:
        """Length of one flat code."""
        return prod(self.latent_shape)

    @property
    def trained(self) -> TrainingSettings:
        """How it was trained.

        Raises
        ------
        ModelError
            If nobody knows, since it was imported.
        """
        if self.training is None:
            raise ModelError("a model that was trained here", f"“{self.name}”, which was imported")
        return self.training

    @property
    def decoder_hash(self) -> str | None:
        """SHA-256 of the decoder's file, by which an export knows its model; None before there is one."""
        return self.files.get("decoder.keras") or self.files.get("decoder.onnx")

    @property
    def encodes(self) -> bool:
        """Whether it has an encoder; an imported one may have come without."""
        return self.imported is None or self.imported.parts != "decoder"

    @property
    def decodes(self) -> bool:
        """Whether it has a decoder."""
        return self.imported is None or self.imported.parts != "encoder"

    @property
    def halves(self) -> tuple[bool, bool]:
        """Whether it has an encoder, and a decoder."""
        return self.encodes, self.decodes


def kept_epochs(history: Sequence[EpochRecord]) -> tuple[EpochRecord, ...]:
    """Return the epochs that a card keeps: all, or an even choice with the first and the last."""
    count = min(len(history), MOST_EPOCHS)
    last = max(1, count - 1)
    return tuple(history[place * (len(history) - 1) // last] for place in range(count))


def read_card(content: bytes, where: str) -> Card:
    """Parse and check a card.

    Parameters
    ----------
    content
        JSON.
    where
        What to call it in an error.

    Raises
    ------
    ModelError
        If it is not a card, or of a later format.
    """
    try:
        card = Card.model_validate_json(json_text(content, RECORD, where, ModelError))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ModelError(
            f"a card of format {FORMAT_VERSION} in {where}",
            f"“{field}”: {first['msg']}",
            "The bundle is damaged or of another version; train or import it again.",
        ) from error
    if card.format_version != FORMAT_VERSION:
        raise ModelError(
            f"a bundle of format {FORMAT_VERSION} in {where}",
            f"format {card.format_version}",
            "Open it with a newer Latent Explorer.",
        )
    return card
