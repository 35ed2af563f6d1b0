"""The convolutional autoencoder of R3: pooling down to 128 feature maps, which are the code, and upsampling back."""

from __future__ import annotations

from explorer.models.layers import Conv, MaxPool, Network, UpSample, halve
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape

_MAPS = 128


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return the reference's convolutions, 3×3, with three poolings down and three upsamplings up.

    `latent` is not used: the code has 128 values for each 8 × 8 pixels. The picture is made at half its size and
    doubled last, as the reference has it, so that no detail is finer than two pixels.

    The last layer has the reference's ReLU. Started at 0, one training in forty had a colour in it that was black in
    every picture and could not learn; so its bias starts at mid-grey, of which the reference says nothing.
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
    title="Convolutional, upsampling",
    source="R3, dogs: convolutional autoencoder 28×28×128",
    variational=False,
    default_image_shape=(224, 224, 3),
    default_latent=28 * 28 * _MAPS,
    defaults=TrainingDefaults(loss="mse", epochs=40, batch=64),
    builder=build,
    spatial=True,
)
