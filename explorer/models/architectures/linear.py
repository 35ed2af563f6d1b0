"""The linear autoencoder of R1; its optimum is principal component analysis, with the bias centering the data."""

from __future__ import annotations

from math import prod

from explorer.messages import message
from explorer.models.layers import Dense, Flatten, Network, Reshape
from explorer.models.spec import Architecture, ModelSpec, TrainingDefaults
from explorer.types import ImageShape


def build(image_shape: ImageShape, latent: int) -> ModelSpec:
    """Return flatten → Dense(code) ∣ Dense(pixels) → reshape, without activations."""
    return ModelSpec(
        image_shape,
        (latent,),
        Network(image_shape, (Flatten(), Dense(latent))),
        Network((latent,), (Dense(prod(image_shape)), Reshape(image_shape))),
    )


ARCHITECTURE = Architecture(
    name="linear",
    title=message("Linear (PCA)"),
    source="R1, faces: the PCA baseline; Bourlard and Kamp 1988, Baldi and Hornik 1989",
    default_image_shape=(36, 36, 3),
    default_latent=32,
    # Epochs and batch size are ours; they apply if there is no closed form: with noise, or from a trained model.
    defaults=TrainingDefaults(loss="mse", epochs=50, batch=256),
    builder=build,
    solver="pca",
)
