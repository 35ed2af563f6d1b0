"""The convolutional autoencoder of R5: the strided one for small images, 16 latent dimensions, MSE loss."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.architectures import conv_stride
from explorer.models.spec import Architecture, TrainingDefaults

ARCHITECTURE = Architecture(
    name="cnn",
    title=message("Conv (small)"),
    source="R5, digits: CNN autoencoder 16",
    default_image_shape=(28, 28, 1),
    default_latent=16,
    # The reference specifies code size and loss; layers, epochs and batch size are ours.
    defaults=TrainingDefaults(loss="mse", epochs=20, batch=128),
    builder=conv_stride.build,
)
