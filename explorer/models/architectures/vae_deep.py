"""A deeper variational autoencoder than R4's for two latent dimensions, without batch normalization.

Two dimensions require precise codes. R4's encoder has no nonlinearity between its convolutions and the code, and during
training its batch normalization shifts codes by up to their own σ. On MNIST its decoder alone would allow 144.5 nats,
and the encoder loses 8.7 (docs/decisions/0009-deeper-vae.md).
"""

from __future__ import annotations

from explorer.messages import message
from explorer.models.layers import Conv, ConvTranspose, Dense, Flatten, Head, Layer, Network, Reshape, halve
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape

_DOWN = (32, 64, 64)
_UP = (32, 32, 16)
_WIDE, _NARROW = 128, 64


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return three strided convolutions, two dense layers, mean and log-variance ∣ the mirrored decoder."""
    halved = halve(image_shape, len(_DOWN))
    smallest = (halved.rows, halved.columns, _DOWN[-1])
    down: list[Layer] = [*halved.pad, *(Conv(filters, strides=2, activation="relu") for filters in _DOWN)]
    down += [Flatten(), Dense(_WIDE, "relu"), Dense(_NARROW, "relu")]
    up: list[Layer] = [Dense(_NARROW, "relu"), Dense(_WIDE, "relu")]
    up += [Dense(halved.rows * halved.columns * _DOWN[-1], "relu"), Reshape(smallest)]
    up += [ConvTranspose(filters, activation="relu") for filters in _UP]
    up += [ConvTranspose(image_shape[2], strides=1, activation="sigmoid"), *halved.crop]
    heads = (Head("mean", Dense(latent)), Head("log_variance", Dense(latent)))
    return ModelSpec(image_shape, (latent,), Network(image_shape, tuple(down), heads), Network((latent,), tuple(up)))


ARCHITECTURE = Architecture(
    name="vae-deep",
    title=message("Deep VAE"),
    source="ours, after R4's and Kingma and Welling 2014",
    variational=True,
    default_image_shape=(28, 28, 1),
    default_latent=2,
    defaults=TrainingDefaults(loss="bce", epochs=60, batch=128),
    builder=build,
)
