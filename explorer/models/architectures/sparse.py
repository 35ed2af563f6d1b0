"""The sparse autoencoder of R2: the deep dense one with a short code whose values are pulled towards zero."""

from __future__ import annotations

from explorer.models.architectures import deep_dense
from explorer.models.spec import Architecture, TrainingDefaults

ARCHITECTURE = Architecture(
    name="sparse",
    title="Sparse, deep dense",
    source="R2, digits: sparse 16",
    variational=False,
    default_image_shape=(28, 28, 1),
    default_latent=16,
    # L1 on the code's activity: summed over its values, averaged over the pictures. The batch is that of R2's others.
    defaults=TrainingDefaults(loss="bce", epochs=400, batch=256, l1=1e-5),
    builder=deep_dense.build,
)
