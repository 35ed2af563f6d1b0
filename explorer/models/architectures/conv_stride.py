"""The convolutional autoencoder of R4: strides instead of pooling, and a flat code."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.layers import Conv, ConvTranspose, Dense, Flatten, Network, Reshape, halve
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return two strided convolutions and a linear code ∣ the mirrored decoder with a sigmoid output."""
    halved = halve(image_shape, 2)
    smallest = (halved.rows, halved.columns, 64)
    down = (
        *halved.pad,
        Conv(32, strides=2, activation="relu"),
        Conv(64, strides=2, activation="relu"),
        Flatten(),
        Dense(latent),
    )
    up = (
        Dense(halved.rows * halved.columns * 64),
        Reshape(smallest),
        ConvTranspose(64, activation="relu"),
        ConvTranspose(32, activation="relu"),
        ConvTranspose(image_shape[2], strides=1, activation="sigmoid"),
        *halved.crop,
    )
    return ModelSpec(image_shape, (latent,), Network(image_shape, down), Network((latent,), up))


ARCHITECTURE = Architecture(
    name="conv-stride",
    title=message("Conv (strided)"),
    source="R4, glyphs: convolutional autoencoder 128",
    default_image_shape=(64, 64, 1),
    default_latent=128,
    defaults=TrainingDefaults(loss="bce", epochs=15, batch=128),
    builder=build,
)
