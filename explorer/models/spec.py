"""Architectures: the networks that they build, and their default training settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

from explorer.data.choices import MAX_CHANNELS
from explorer.errors import ModelError
from explorer.messages import Message
from explorer.models.layers import Network
from explorer.types import ImageShape, LatentShape

SMALLEST_SIDE = 16
LARGEST_SIDE = 512

Loss: TypeAlias = Literal["bce", "mse"]
Schedule: TypeAlias = Literal["constant", "cosine"]
Solver: TypeAlias = Literal["gradient", "pca"]


@dataclass(frozen=True)
class ModelSpec:
    """Encoder and decoder of one model, without weights.

    The encoder of a VAE has the heads ``mean`` and ``log_variance``.
    """

    image_shape: ImageShape
    latent_shape: LatentShape
    encoder: Network
    decoder: Network

    @property
    def variational(self) -> bool:
        return bool(self.encoder.heads)

    @property
    def latent_dim(self) -> int:
        return prod(self.latent_shape)


@dataclass(frozen=True)
class TrainingDefaults:
    """Training settings of the reference system."""

    loss: Loss
    epochs: int
    batch: int
    rate: float = 1e-3
    beta: float = 1.0
    l1: float = 0.0


Builder: TypeAlias = Callable[[ImageShape, int], ModelSpec]
"""``build(image_shape, latent) -> ModelSpec``; spatial architectures ignore `latent`."""


@dataclass(frozen=True)
class Architecture:
    """A named, trainable architecture.

    `source` is the published system (docs/reference-systems.md) or paper it comes from; the defaults are its image
    shape, number of latent dimensions and training settings. Call `build`, which checks the shape, and not `builder`.
    `solver` is ``gradient`` for gradient descent; ``pca`` if the optimum has a closed form. If `spatial`, the shape of
    the code follows from the image's.
    """

    name: str
    title: Message
    source: str
    default_image_shape: ImageShape
    default_latent: int
    defaults: TrainingDefaults
    builder: Builder
    variational: bool = False
    solver: Solver = "gradient"
    spatial: bool = False

    def build(self, image_shape: ImageShape, latent: int | None = None) -> ModelSpec:
        """Return the networks; ModelError if a size is out of range.

        Height and width are from 16 to 512, not necessarily even or equal, with 1 to 16 channels. `latent` is from 1 to
        the number of values in an image; `default_latent` if None. A spatial architecture accepts only the size that
        follows from the image shape.
        """
        height, width, channels = image_shape
        if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (height, width)):
            raise ModelError(
                "Cannot build a model for images of {height}×{width} pixels: "
                "each side must have {least} to {most} pixels. Choose another size (--size HxW).",
                height=height,
                width=width,
                least=SMALLEST_SIDE,
                most=LARGEST_SIDE,
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise ModelError(
                "Cannot build a model for images with {channels:# channel|# channels}. Choose 1 to {most} channels.",
                channels=channels,
                most=MAX_CHANNELS,
            )
        if self.spatial:
            return self._spatial(image_shape, latent)
        latent = self.default_latent if latent is None else latent
        if not 1 <= latent <= prod(image_shape):
            raise ModelError(
                "Cannot use {latent} latent dimensions for images of {height}×{width}×{channels}. "
                "Choose a number from 1 to {most} (--latent).",
                latent=latent,
                height=height,
                width=width,
                channels=channels,
                most=prod(image_shape),
            )
        return self.builder(image_shape, latent)

    def _spatial(self, image_shape: ImageShape, latent: int | None) -> ModelSpec:
        spec = self.builder(image_shape, self.default_latent)
        if latent not in {None, spec.latent_dim}:
            raise ModelError(
                "Cannot set the latent size of {architecture} to {latent}: its code has the shape {shape} for this "
                "image size. Omit --latent, or choose another image size.",
                architecture=self.name,
                latent=latent,
                shape="×".join(str(side) for side in spec.latent_shape),
            )
        return spec
