"""Closed-form solution of the linear autoencoder: principal component analysis with scikit-learn."""

from __future__ import annotations

import keras
import numpy as np

from explorer.errors import TrainingError
from explorer.types import Floats


def solve(images: Floats, encoder: keras.Model, decoder: keras.Model, seed: int) -> None:
    """Write the principal components of `images` ``(n, h, w, c)`` into the Dense weights of a linear autoencoder.

    The networks are Flatten → Dense, and Dense → Reshape, both with bias. The encoder's bias centers the data, the
    decoder's adds the mean image (Bourlard and Kamp 1988). `seed` is for the randomized solver that scikit-learn uses
    for large images. TrainingError if there are fewer images than latent dimensions.
    """
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1)
    latent = encoder.output_shape[-1]
    if len(flat) < latent:
        raise TrainingError(
            "PCA with {latent:# dimension|# dimensions} needs as many training images, but there are {count:,}. "
            "Choose fewer latent dimensions, or add images.",
            latent=latent,
            count=len(flat),
        )
    # In float32, components and code values would be accurate to two decimals only.
    pca = PCA(latent, random_state=seed).fit(flat.astype(np.float64))
    bias = -(pca.components_ @ pca.mean_)
    encoder.set_weights([pca.components_.T.astype(np.float32), bias.astype(np.float32)])
    decoder.set_weights([pca.components_.astype(np.float32), pca.mean_.astype(np.float32)])
