"""The record of an import in the card: inputs and outputs of the third-party networks."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from explorer.messages import message

ValueRange: TypeAlias = tuple[float, float]
RANGES: tuple[ValueRange, ...] = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
"""Common ranges of image values."""

OutputRange: TypeAlias = ValueRange | Literal["logits"]
"""Range of a decoder's values; ``logits`` if they become an image by a sigmoid."""


POOR = 0.8
"""Share of the variance that a reconstruction may lose before the user is warned."""


LOST_VARIANCE = message("The log-variance is ignored, because the model has condition inputs")


def range_text(values: OutputRange | None) -> str:
    """Return a range as the command line takes it, such as ``-1,1``; empty for none."""
    return values if isinstance(values, str) else ",".join(f"{value:g}" for value in values or ())


Fitting: TypeAlias = Literal["resize", "pad"]
"""What is done with images that are smaller than a model's: they are enlarged, or get a border."""

Place: TypeAlias = Annotated[int, Field(ge=0, le=10_000)]
"""Index of an input or output."""

Layout: TypeAlias = Literal["hwc", "hw", "chw", "flat"]
"""Layout of an image at a network's input or output: channels last, no channels, channels first, or flattened."""


ChannelOrder: TypeAlias = Literal["nchw", "nhwc"]
"""Order of the axes of images: channels first or last."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Control(_Record):
    """A condition input, in addition to image and code; appended to the code.

    `shape` is without the batch; `choices` the number of classes if it is one-hot or an embedding's index, 0 for plain
    numbers. `default` are its values if nothing is chosen; empty for the first class, or zeros. The others are indices
    among the inputs of each network; None if it is not an input of that network.
    """

    name: str
    shape: tuple[int, ...]
    choices: int = Field(0, ge=0, le=2**31)
    default: tuple[float, ...] = ()
    in_encoder: Place | None = None
    in_decoder: Place | None = None

    @property
    def size(self) -> int:
        """Number of its values."""
        return prod(self.shape)


class Imported(_Record):
    """Origin and interface of an imported model.

    Attributes
    ----------
    file
        Name of the imported file, without folders.
    keras
        Keras version that loads it, and its ``encoder.keras`` and ``decoder.keras``: 3, or 2 for ``tf_keras``; None for
        another framework.
    networks
        Whether those two files exist; a SavedModel's functions cannot be saved as such.
    bottleneck
        The layer at which the model was split; empty if encoder and decoder were given separately.
    range_in, range_out
        Ranges of the values that the encoder takes and the decoder gives.
    fit
        How images that are smaller than the model's were brought to its size.
    mean, log_variance
        Indices among the encoder's outputs; the latter None if there is none, and ``stacked`` if the output `mean`
        holds the mean in the first half of its last axis, and the log-variance in the second.
    image_in, code_in
        Indices of image and code among the inputs of encoder and decoder.
    parts
        Which networks there are.
    notes
        Remarks for the user, in English, without a final period.
    """

    file: str
    keras: Literal[2, 3] | None
    networks: bool = True
    bottleneck: str = ""
    layout_in: Layout = "hwc"
    layout_out: Layout = "hwc"
    range_in: ValueRange = RANGES[0]
    range_out: OutputRange = RANGES[0]
    fit: Fitting = "resize"
    mean: Place = 0
    log_variance: Place | Literal["stacked"] | None = None
    image_in: Place = 0
    code_in: Place = 0
    controls: tuple[Control, ...] = ()
    parts: Literal["both", "encoder", "decoder"] = "both"
    notes: tuple[str, ...] = Field(default=())

    @property
    def variational(self) -> bool:
        """Whether the encoder gives a log-variance that is used; it is not with condition inputs."""
        return self.log_variance is not None and not self.controls
