"""A real codec of one matrix: fast, exact, and without any network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import prod

import numpy as np

from explorer.types import Codec, Floats, ImageShape

LOG_VARIANCE = -1.0
"""What a variational `MatrixCodec` says of every dimension."""


class MatrixCodec:
    """Projects an image on a few orthonormal directions, and puts it together of them again.

    ``encode(decode(z)) == z``, so that a test can tell from an image which code it was decoded from. It multiplies
    without BLAS, whose last bits depend on the processor, the threads and the batch; so each image and each code
    gives the same bits alone and in any batch.
    """

    def __init__(
        self, image_shape: ImageShape = (12, 10, 1), latent_dim: int = 2, *, variational: bool = False, seed: int = 0
    ) -> None:
        self._image_shape = image_shape
        self._variational = variational
        square = np.random.default_rng(seed).standard_normal((prod(image_shape), latent_dim))
        self.basis: Floats = np.linalg.qr(square)[0].astype(np.float32)

    @property
    def image_shape(self) -> ImageShape:
        return self._image_shape

    @property
    def latent_dim(self) -> int:
        return int(self.basis.shape[1])

    def encode(self, images: Floats) -> Floats:
        centered: Floats = np.subtract(images.reshape(len(images), -1), 0.5, dtype=np.float32)
        return np.stack([(centered * direction).sum(axis=1) for direction in self.basis.T], axis=1)

    def decode(self, codes: Floats) -> Floats:
        flat = np.full((len(codes), len(self.basis)), 0.5, np.float32)
        for values, direction in zip(np.asarray(codes, np.float32).T, self.basis.T, strict=True):
            flat += values[:, None] * direction
        return flat.reshape(-1, *self._image_shape)

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        mean = self.encode(images)
        return mean, np.full(mean.shape, LOG_VARIANCE, np.float32) if self._variational else None


class SpatialCodec:
    """A code ``(h, w, c)``: every cell of channel k holds so much of its square of pixels as weight k says.

    ``encode(decode(z))`` is the part of z that lies along the weights. Painting on a cell changes its square of pixels
    and no other.
    """

    def __init__(self, latent_shape: tuple[int, int, int] = (7, 7, 1), *, cell: int = 1, seed: int = 0) -> None:
        self.latent_shape = latent_shape
        self._cell = cell
        weights = np.random.default_rng(seed).standard_normal(latent_shape[2])
        self.weights: Floats = (weights / np.linalg.norm(weights)).astype(np.float32)

    @property
    def image_shape(self) -> ImageShape:
        return self.latent_shape[0] * self._cell, self.latent_shape[1] * self._cell, 1

    @property
    def latent_dim(self) -> int:
        return prod(self.latent_shape)

    def encode(self, images: Floats) -> Floats:
        height, width, _ = self.latent_shape
        squares = images.reshape(len(images), height, self._cell, width, self._cell).mean(axis=(2, 4))
        codes: Floats = ((squares - np.float32(0.5))[..., None] * self.weights).reshape(len(images), -1)
        return codes

    def decode(self, codes: Floats) -> Floats:
        cells = codes.reshape(-1, *self.latent_shape) @ self.weights
        images: Floats = cells.repeat(self._cell, axis=1).repeat(self._cell, axis=2)[..., None] + np.float32(0.5)
        return images

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        return self.encode(images), None


class IdentityCodec:
    """Gives every image back as it is."""

    def __init__(self, image_shape: ImageShape) -> None:
        self.image_shape = image_shape
        self.latent_dim = prod(image_shape)

    def encode(self, images: Floats) -> Floats:
        assert images.shape[1:] == self.image_shape
        return images.reshape(len(images), -1)

    def decode(self, codes: Floats) -> Floats:
        return codes.reshape(-1, *self.image_shape)

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        return self.encode(images), None


class WrappedCodec:
    """Another codec, with something done before each call: wait, count, fail."""

    def __init__(self, inner: Codec, before: Callable[[str, Floats], None]) -> None:
        self.inner = inner
        self._before = before

    @property
    def image_shape(self) -> ImageShape:
        return self.inner.image_shape

    @property
    def latent_dim(self) -> int:
        return self.inner.latent_dim

    def encode(self, images: Floats) -> Floats:
        self._before("encode", images)
        return self.inner.encode(images)

    def decode(self, codes: Floats) -> Floats:
        self._before("decode", codes)
        return self.inner.decode(codes)

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        self._before("encode_distribution", images)
        return self.inner.encode_distribution(images)


def plain(codec: Codec) -> Codec:
    """Return the codec inside, which calls of the test itself go to."""
    return codec.inner if isinstance(codec, WrappedCodec) else codec


class Gate:
    """Holds every call of a codec back until it is opened: what a slow model looks like, without a clock.

    Hand `pass_through` to a `WrappedCodec`. A gate that nobody opens lets go after `PATIENCE_S`, so that a broken test
    ends.
    """

    PATIENCE_S = 20.0

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self._open = threading.Event()

    def pass_through(self, call: str = "", values: Floats | None = None) -> None:
        self.entered.release()
        assert self._open.wait(self.PATIENCE_S), "nobody opened the gate"

    def wait_until_entered(self) -> None:
        assert self.entered.acquire(timeout=self.PATIENCE_S), "nothing came to the gate"

    def open(self) -> None:
        self._open.set()
