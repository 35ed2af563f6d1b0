"""The dense autoencoder of R2: one layer each in encoder and decoder."""

from __future__ import annotations

from math import prod

from explorer.messages import message
from explorer.models.layers import Dense, Flatten, Network, Reshape
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return Dense code (ReLU) ∣ Dense pixels (sigmoid); codes are not negative."""
    return ModelSpec(
        image_shape,
        (latent,),
        Network(image_shape, (Flatten(), Dense(latent, "relu"))),
        Network((latent,), (Dense(prod(image_shape), "sigmoid"), Reshape(image_shape))),
    )


ARCHITECTURE = Architecture(
    name="dense",
    title=message("MLP"),
    source="R2, digits: dense 49",
    default_image_shape=(28, 28, 1),
    default_latent=49,
    defaults=TrainingDefaults(loss="bce", epochs=50, batch=256),
    builder=build,
)
