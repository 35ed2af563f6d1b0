"""The convolutional autoencoder of R3: max pooling, a spatial code of 128 channels, upsampling."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.layers import Conv, MaxPool, Network, UpSample, halve
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape

_MAPS = 128


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return the reference's 3×3 convolutions with three poolings and three upsamplings.

    `latent` is ignored: the code has 128 values for each 8×8 pixels. As in the reference, the last layer is an
    upsampling, so that no detail is finer than two pixels.

    The last convolution has the reference's ReLU. With a bias of 0, one training in forty had a dead channel that was
    black in every image; so its bias is initialized to mid-gray, which the reference does not specify.
    """
    halved = halve(image_shape, 3)
    latent_shape = (halved.rows, halved.columns, _MAPS)
    down = (
        *halved.pad,
        Conv(32, activation="relu"),
        MaxPool(),
        Conv(64, activation="relu"),
        MaxPool(),
        Conv(_MAPS, activation="relu"),
        MaxPool(),
    )
    up = (
        Conv(128, activation="relu"),
        UpSample(),
        Conv(16, activation="relu"),
        UpSample(),
        Conv(image_shape[2], activation="relu", bias=0.5),
        UpSample(),
        *halved.crop,
    )
    return ModelSpec(image_shape, latent_shape, Network(image_shape, down), Network(latent_shape, up))


ARCHITECTURE = Architecture(
    name="cae-upsample",
    title=message("Conv (upsampling)"),
    source="R3, dogs: convolutional autoencoder 28×28×128",
    default_image_shape=(224, 224, 3),
    default_latent=28 * 28 * _MAPS,
    defaults=TrainingDefaults(loss="mse", epochs=40, batch=64),
    builder=build,
    spatial=True,
)
