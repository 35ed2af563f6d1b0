"""The convolutional autoencoder of R2 with a spatial code of a quarter of the height and width."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.layers import Conv, MaxPool, Network, UpSample, halve
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return the reference's convolutions with two poolings and two upsamplings.

    `latent` is ignored: the code has one value for each 4×4 pixels, also for color images.
    """
    halved = halve(image_shape, 2)
    latent_shape = (halved.rows, halved.columns, 1)
    down = (
        *halved.pad,
        Conv(128, kernel=7, activation="relu"),
        MaxPool(),
        Conv(32, kernel=2, activation="relu"),
        MaxPool(),
        Conv(1, kernel=7, activation="relu"),
    )
    up = (
        Conv(32, kernel=7, activation="relu"),
        UpSample(),
        Conv(128, kernel=2, activation="relu"),
        UpSample(),
        Conv(image_shape[2], kernel=7, activation="sigmoid"),
        *halved.crop,
    )
    return ModelSpec(image_shape, latent_shape, Network(image_shape, down), Network(latent_shape, up))


ARCHITECTURE = Architecture(
    name="conv-spatial",
    title=message("Conv (7×7 kernels)"),
    source="R2, digits: convolutional 7×7×1",
    default_image_shape=(28, 28, 1),
    default_latent=49,
    # The reference specifies the epochs; loss and batch size are those of its dense networks.
    defaults=TrainingDefaults(loss="bce", epochs=64, batch=256),
    builder=build,
    spatial=True,
)
