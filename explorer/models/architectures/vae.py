"""The convolutional variational autoencoder of R4, with two latent dimensions by default."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.layers import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    Head,
    Network,
    Reshape,
    halve,
)
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return the reference's convolutions with batch normalization, mean and log-variance."""
    halved = halve(image_shape, 2)
    rows, columns = halved.rows, halved.columns
    encoder = Network(
        image_shape,
        (
            *halved.pad,
            Conv(32, strides=2, activation="relu"),
            BatchNorm(),
            Conv(64, strides=2, activation="relu"),
            BatchNorm(),
            Flatten(),
            Dense(16),
            BatchNorm(),
        ),
        (Head("mean", Dense(latent)), Head("log_variance", Dense(latent))),
    )
    decoder = Network(
        (latent,),
        (
            Dense(rows * columns * 64, "relu"),
            BatchNorm(),
            Reshape((rows, columns, 64)),
            ConvTranspose(16, activation="relu"),
            BatchNorm(),
            ConvTranspose(8, activation="relu"),
            BatchNorm(),
            ConvTranspose(image_shape[2], strides=1, activation="sigmoid"),
            *halved.crop,
        ),
    )
    return ModelSpec(image_shape, (latent,), encoder, decoder)


ARCHITECTURE = Architecture(
    name="vae",
    title=message("Conv VAE"),
    source="R4, glyphs: 2-D variational autoencoder; Kingma and Welling 2014",
    variational=True,
    default_image_shape=(64, 64, 1),
    default_latent=2,
    defaults=TrainingDefaults(loss="bce", epochs=30, batch=128),
    builder=build,
)
