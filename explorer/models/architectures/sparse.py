"""The sparse autoencoder of R2: the deep dense one with fewer latent dimensions and an L1 penalty on the code."""

from __future__ import annotations

from explorer.messages import message
from explorer.models.architectures import deep_dense
from explorer.models.spec import Architecture, TrainingDefaults

ARCHITECTURE = Architecture(
    name="sparse",
    title=message("Sparse deep MLP"),
    source="R2, digits: sparse 16",
    default_image_shape=(28, 28, 1),
    default_latent=16,
    # L1 of the code, summed over dimensions, averaged over images. The batch size is that of R2's other networks.
    defaults=TrainingDefaults(loss="bce", epochs=400, batch=256, l1=1e-5),
    builder=deep_dense.build,
)
