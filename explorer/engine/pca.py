"""The linear autoencoder's optimum, from scikit-learn's principal component analysis."""

from __future__ import annotations

import keras
import numpy as np

from explorer.errors import TrainingError
from explorer.types import Floats


def solve(images: Floats, encoder: keras.Model, decoder: keras.Model, seed: int) -> None:
    """Write the principal components of `images` into the Dense weights of a linear autoencoder.

    Parameters
    ----------
    images
        Float32 ``(n, h, w, c)``; n must be at least the code size.
    encoder, decoder
        Flatten → Dense, and Dense → Reshape, both with bias. The encoder's bias centres, the decoder's puts the mean
        picture back (Bourlard and Kamp 1988).
    seed
        For the randomised solver that scikit-learn takes for large pictures.

    Raises
    ------
    TrainingError
        If there are fewer pictures than code values.
    """
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1)
    latent = encoder.output_shape[-1]
    if len(flat) < latent:
        raise TrainingError(
            f"at least {latent} training pictures for a linear code of {latent}",
            str(len(flat)),
            "Choose a smaller code, or bring more pictures.",
        )
    # In float32 the axes, and with them single code values, are off in the third decimal.
    pca = PCA(latent, random_state=seed).fit(flat.astype(np.float64))
    bias = -(pca.components_ @ pca.mean_)
    encoder.set_weights([pca.components_.T.astype(np.float32), bias.astype(np.float32)])
    decoder.set_weights([pca.components_.astype(np.float32), pca.mean_.astype(np.float32)])
