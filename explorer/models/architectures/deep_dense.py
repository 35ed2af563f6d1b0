"""The deep dense autoencoder of R2: three layers each in encoder and decoder."""

from __future__ import annotations

from math import prod

from explorer.messages import message
from explorer.models.layers import Dense, Flatten, Network, Reshape
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return Dense 3·code, 2·code, code (linear) ∣ 2·code, 3·code, pixels (sigmoid).

    The reference's widths, 147, 98 and 49, are multiples of its code size; they scale with `latent`.
    """
    down = (Flatten(), Dense(3 * latent, "relu"), Dense(2 * latent, "relu"), Dense(latent))
    up = (
        Dense(2 * latent, "relu"),
        Dense(3 * latent, "relu"),
        Dense(prod(image_shape), "sigmoid"),
        Reshape(image_shape),
    )
    return ModelSpec(image_shape, (latent,), Network(image_shape, down), Network((latent,), up))


ARCHITECTURE = Architecture(
    name="deep-dense",
    title=message("Deep MLP"),
    source="R2, digits: deep dense 49",
    default_image_shape=(28, 28, 1),
    default_latent=49,
    defaults=TrainingDefaults(loss="bce", epochs=100, batch=256),
    builder=build,
)
