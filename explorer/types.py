"""Types that every package shares: array aliases, progress, and the interface of a codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.messages import NO_MESSAGE, Message


class ArrayOf:
    """Pydantic validator of arrays of one of some dtypes and any shape."""

    def __init__(self, *dtypes: type[np.generic]) -> None:
        self._dtypes = tuple(map(np.dtype, dtypes))

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self._check)

    def _check(self, value: object) -> NDArray[Any]:
        if not isinstance(value, np.ndarray) or value.dtype not in self._dtypes:
            raise ValueError(f"an array of {' or '.join(map(str, self._dtypes))} is needed")
        return value


Pixels: TypeAlias = Annotated[NDArray[np.uint8 | np.uint16 | np.float32], ArrayOf(np.uint8, np.uint16, np.float32)]
"""Images as stored, ``(n, height, width, channels)`` or one ``(height, width, channels)``, with 1 to 16 channels.

The range of values is 0 … 255 for uint8, 0 … 65535 for uint16, and 0 … 1 for float32.
"""

Shown: TypeAlias = Annotated[NDArray[np.uint8], ArrayOf(np.uint8)]
"""Images for the screen and for 8-bit files: uint8 ``(..., height, width, channels)``, 1 or 3 channels."""

Bytes: TypeAlias = Annotated[NDArray[np.uint8], ArrayOf(np.uint8)]
"""The content of a file, ``(size,)``."""

Floats: TypeAlias = Annotated[NDArray[np.float32], ArrayOf(np.float32)]
"""Any float32 array. Images are ``(n, height, width, channels)`` in [0, 1]; codes are ``(n, latent_dim)``."""

Indices: TypeAlias = Annotated[NDArray[np.int64], ArrayOf(np.int64)]
"""Indices into a source, ``(n,)``."""

ImageShape: TypeAlias = tuple[int, int, int]
"""Height, width, channels."""

LatentShape: TypeAlias = tuple[int, ...]
"""The shape of one code, without the batch: ``(49,)`` or ``(7, 7, 1)``."""


@dataclass(frozen=True)
class Progress:
    """What a long job yields where it can report and be canceled.

    Units of work, ``0 <= done <= total``; `total` is 0 where it is unknown. `note` is the current step, or empty.
    """

    done: int
    total: int
    note: Message = NO_MESSAGE


@dataclass(frozen=True, eq=False)
class Early:
    """A preliminary result of a long job, which its final result replaces."""

    result: Any


class Codec(Protocol):
    """Encoder and decoder of a model. Not thread-safe: call it from one thread at a time."""

    @property
    def image_shape(self) -> ImageShape:
        """Height, width and channels of inputs and outputs."""

    @property
    def latent_dim(self) -> int:
        """Length of one flat code."""

    def encode(self, images: Floats) -> Floats:
        """Return codes ``(n, latent_dim)`` of float32 images ``(n, h, w, c)`` in [0, 1]; mean codes for a VAE."""
        return self.encode_distribution(images)[0]

    def decode(self, codes: Floats) -> Floats:
        """Return float32 images ``(n, h, w, c)`` of codes ``(n, latent_dim)``; nominally in [0, 1], not clipped."""

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        """Return mean and log-variance, each ``(n, latent_dim)``; the log-variance is None for a plain autoencoder."""


class BundleCodec(Codec, Protocol):
    """The codec of a bundle, whose codes end with the conditions of a conditional model."""

    def encode_given(self, images: Floats, condition: Floats) -> Floats:
        """Return codes ``(n, latent_dim)`` of images under a condition ``(size,)``, of a conditional model only."""
