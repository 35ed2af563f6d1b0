"""The records an architecture is made of: what it builds, and the defaults its reference was trained with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

from explorer.errors import ModelError
from explorer.models.layers import Network
from explorer.types import ImageShape, LatentShape

SMALLEST_SIDE = 16
LARGEST_SIDE = 512

Loss: TypeAlias = Literal["bce", "mse"]
Schedule: TypeAlias = Literal["constant", "cosine"]
Solver: TypeAlias = Literal["gradient", "pca"]


@dataclass(frozen=True)
class ModelSpec:
    """Encoder and decoder of one model, before any weight exists.

    Attributes
    ----------
    image_shape, latent_shape
        Shapes of one picture and of one code.
    encoder
        Picture to code; for a variational model its heads are ``mean`` and ``log_variance``.
    decoder
        Code to picture.
    """

    image_shape: ImageShape
    latent_shape: LatentShape
    encoder: Network
    decoder: Network

    @property
    def variational(self) -> bool:
        """Whether the encoder ends in mean and log-variance."""
        return bool(self.encoder.heads)

    @property
    def latent_dim(self) -> int:
        """Length of one flat code."""
        return prod(self.latent_shape)


@dataclass(frozen=True)
class TrainingDefaults:
    """How the reference trained it."""

    loss: Loss
    epochs: int
    batch: int
    rate: float = 1e-3
    beta: float = 1.0
    l1: float = 0.0


Builder: TypeAlias = Callable[[ImageShape, int], ModelSpec]
"""``build(image_shape, latent) -> ModelSpec``; a spatial one takes no notice of `latent`."""


@dataclass(frozen=True)
class Architecture:
    """A named, trainable architecture.

    Attributes
    ----------
    name, title
        Name on the command line, and in words.
    source
        The published system or paper it comes from.
    variational
        Whether it learns a distribution over codes.
    default_image_shape, default_latent
        Shape and code size at which the reference's parameter counts hold.
    defaults
        The reference's training settings.
    builder
        Makes the networks; call `build`, which checks the shape first.
    solver
        ``gradient`` for training by gradient descent; ``pca`` where the optimum has a closed form.
    spatial
        Whether the code is a stack of feature maps, whose size follows from the picture's.
    """

    name: str
    title: str
    source: str
    variational: bool
    default_image_shape: ImageShape
    default_latent: int
    defaults: TrainingDefaults
    builder: Builder
    solver: Solver = "gradient"
    spatial: bool = False

    def build(self, image_shape: ImageShape, latent: int | None = None) -> ModelSpec:
        """Return the networks for pictures of `image_shape` and codes of `latent` values.

        Parameters
        ----------
        image_shape
            Height and width from 16 to 512, odd and oblong ones too; channels 1 or 3.
        latent
            Code size, from 1 to the number of values in a picture; `default_latent` where left out. That of a spatial
            architecture follows from the picture's size.

        Raises
        ------
        ModelError
            If a size is out of its range, or another code size is asked for than a spatial architecture has.
        """
        height, width, channels = image_shape
        if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (height, width)):
            raise ModelError(
                f"pictures from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels on each side",
                f"{height}×{width}",
                "Choose another size (--size HxW).",
            )
        if channels not in {1, 3}:
            raise ModelError("pictures with 1 or 3 channels", str(channels))
        if self.spatial:
            return self._spatial(image_shape, latent)
        latent = self.default_latent if latent is None else latent
        if not 1 <= latent <= prod(image_shape):
            raise ModelError(
                f"a code size from 1 to {prod(image_shape)} for pictures of {height}×{width}×{channels}",
                str(latent),
                "Choose another code size (--latent).",
            )
        return self.builder(image_shape, latent)

    def _spatial(self, image_shape: ImageShape, latent: int | None) -> ModelSpec:
        spec = self.builder(image_shape, self.default_latent)
        if latent not in {None, spec.latent_dim}:
            shape = "×".join(str(side) for side in spec.latent_shape)
            raise ModelError(
                f"no code size of its own for {self.name}, whose code is {shape} for these pictures",
                str(latent),
                "Leave --latent out, or choose another size of the pictures.",
            )
        return spec
