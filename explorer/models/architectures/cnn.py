"""The convolutional autoencoder of R5 with a code of 16: the strided one on small pictures, with a Gaussian decoder."""

from __future__ import annotations

from explorer.models.architectures import conv_stride
from explorer.models.spec import Architecture, TrainingDefaults

ARCHITECTURE = Architecture(
    name="cnn",
    title="Convolutional, small",
    source="R5, digits: CNN autoencoder 16",
    variational=False,
    default_image_shape=(28, 28, 1),
    default_latent=16,
    # The reference gives code and loss; layers, epochs and batch are ours.
    defaults=TrainingDefaults(loss="mse", epochs=20, batch=128),
    builder=conv_stride.build,
)
