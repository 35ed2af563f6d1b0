"""The deep convolutional autoencoder of R1: four convolutions with max pooling, four transposed convolutions."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.layers import Conv, ConvTranspose, Dense, Flatten, Layer, MaxPool, Network, Reshape, halve
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape

_DOWN = (32, 64, 128, 256)
_UP = (128, 64, 32)


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return the reference's layers; the code and the last layer are linear, all others have ReLU.

    The reference recommends ReLU for the code, too; a linear code allows code arithmetic.
    """
    halved = halve(image_shape, len(_DOWN))
    smallest = (halved.rows, halved.columns, _DOWN[-1])
    down: list[Layer] = [*halved.pad]
    for filters in _DOWN:
        down += [Conv(filters, activation="relu"), MaxPool()]
    up: list[Layer] = [Dense(halved.rows * halved.columns * _DOWN[-1], "relu"), Reshape(smallest)]
    up += [ConvTranspose(filters, activation="relu") for filters in _UP]
    return ModelSpec(
        image_shape,
        (latent,),
        Network(image_shape, (*down, Flatten(), Dense(latent))),
        Network((latent,), (*up, ConvTranspose(image_shape[2]), *halved.crop)),
    )


ARCHITECTURE = Architecture(
    name="conv-pool",
    title=message("Conv (max pooling)"),
    source="R1, faces: deep convolutional autoencoder",
    # Image and code size of the linear baseline, for a fair comparison.
    default_image_shape=(36, 36, 3),
    default_latent=32,
    # The reference specifies only the loss; the rest is ours.
    defaults=TrainingDefaults(loss="mse", epochs=50, batch=64),
    builder=build,
)
