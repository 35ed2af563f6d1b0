"""What the reader of ONNX files gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.models.import_record import Control, Layout
from explorer.types import Bytes, ImageShape, LatentShape


@dataclass(frozen=True)
class Wanted:
    """Files with external data of a network, by its place among the files."""

    place: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """What is known of a model; the fields are those of `explorer.models.import_record.Imported`.

    `places` are tensors where a whole model can be cut, with the shape of the code there. `outputs` are the encoder's,
    such as ``mean (10)``. `activation` is that of the
    decoder's output, see `explorer.inference.onnx_import.splitting.last_activation`. `whole_numbers` are whether
    encoder and decoder have integers as images, 0 to 255. `max_difference` is the largest between the adapted networks
    and those in the files, relative to the values if these are larger than 1; None if one is random.
    """

    parts: Literal["both", "encoder", "decoder"]
    image_shape: ImageShape
    latent_shape: LatentShape
    layout_in: Layout
    layout_out: Layout
    mean: int
    log_variance: int | Literal["stacked"] | None
    bottleneck: str
    places: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    activation: str
    whole_numbers: tuple[bool, bool]
    max_difference: float | None
    controls: tuple[Control, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Adapted:
    """An ONNX file for images and codes of this program, in the value range of the original, which passed the gate.

    `at_once` is the maximum batch size, `params` the number of weights.
    """

    role: Literal["encoder", "decoder"]
    content: Bytes
    at_once: int
    params: int
