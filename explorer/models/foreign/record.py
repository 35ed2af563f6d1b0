"""What an import found out, kept in the card: how the networks take and give pictures, codes and controls."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

ValueRange: TypeAlias = tuple[float, float]
RANGES: tuple[ValueRange, ...] = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
"""Ranges of picture values that models are trained on."""

Place: TypeAlias = Annotated[int, Field(ge=0, le=10_000)]
"""Of an input or an output."""

Layout: TypeAlias = Literal["hwc", "hw", "chw", "flat"]
"""How a network takes or gives a picture: with channels last or first, without them, or as one row of values."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Control(_Record):
    """An input beside picture and code: part of the code, behind the latent values.

    Attributes
    ----------
    name
        As the model calls it.
    shape
        Without the batch.
    choices
        How many one-hot rows it may be; 0 where it is a number or several.
    in_encoder, in_decoder
        Place among the inputs of each network; None where that one does without.
    """

    name: str
    shape: tuple[int, ...]
    choices: int = Field(0, ge=0, le=2**31)
    in_encoder: Place | None = None
    in_decoder: Place | None = None


class Imported(_Record):
    """Where an imported model comes from.

    Attributes
    ----------
    file
        Name of what was imported, without folders.
    keras
        The Keras that opened it, and that can open ``encoder.keras`` and ``decoder.keras``: 3, or 2 for ``tf_keras``.
    networks
        Whether those two files are there; a SavedModel's functions cannot be saved so.
    bottleneck
        The layer at which the model was cut, empty where it came in two.
    layout_in, layout_out
        How the networks themselves take and give pictures.
    range_in, range_out
        Range of their values there.
    mean, log_variance
        Places among the encoder's outputs; the latter None where it has none.
    picture_in, code_in
        Places of picture and code among the inputs of encoder and decoder.
    controls
        Inputs beside these.
    parts
        What there is of the model.
    notes
        What the user should know of it.
    """

    file: str
    keras: Literal[2, 3]
    networks: bool = True
    bottleneck: str = ""
    layout_in: Layout = "hwc"
    layout_out: Layout = "hwc"
    range_in: ValueRange = RANGES[0]
    range_out: ValueRange = RANGES[0]
    mean: Place = 0
    log_variance: Place | None = None
    picture_in: Place = 0
    code_in: Place = 0
    controls: tuple[Control, ...] = ()
    parts: Literal["both", "encoder", "decoder"] = "both"
    notes: tuple[str, ...] = Field(default=())
