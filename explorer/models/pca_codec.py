"""The principal components of pictures as a codec: what a linear code of that size can do at best."""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.types import Floats, ImageShape

MOST_FITTED = 5_000


class PcaCodec:
    """Encoder and decoder of a principal component analysis (see `explorer.types.Codec`).

    Parameters
    ----------
    pictures
        Float32 ``(n, h, w, c)`` in [0, 1], n > `latent_dim`; the first `MOST_FITTED` are fitted.
    latent_dim
        Components.

    Raises
    ------
    UsageError
        If there are too few pictures, or more components than pixels.

    Attributes
    ----------
    mean
        Float32 ``(h·w·c,)``.
    axes
        The components, float32 ``(latent_dim, h·w·c)``.
    """

    def __init__(self, pictures: Floats, latent_dim: int) -> None:
        from sklearn.decomposition import PCA

        height, width, channels = pictures.shape[1:]
        rows = pictures[:MOST_FITTED].reshape(min(len(pictures), MOST_FITTED), -1)
        if not 1 <= latent_dim <= min(rows.shape[1], len(rows) - 1):
            raise UsageError(
                f"a code of at most {min(rows.shape[1], len(rows) - 1)} numbers for these pictures",
                str(latent_dim),
                "Compare with a model of a shorter code, or open more pictures.",
            )
        self._shape: ImageShape = (height, width, channels)
        fitted = PCA(latent_dim, svd_solver="randomized", random_state=0).fit(rows)
        self.mean = fitted.mean_.astype(np.float32)
        self.axes = fitted.components_.astype(np.float32)

    @classmethod
    def of(cls, mean: Floats, axes: Floats, image_shape: ImageShape) -> PcaCodec:
        """Return the codec of components that are known."""
        codec = cls.__new__(cls)
        codec.mean, codec.axes, codec._shape = mean, axes, image_shape
        return codec

    @property
    def image_shape(self) -> ImageShape:
        """Height, width and channels."""
        return self._shape

    @property
    def latent_dim(self) -> int:
        """Number of components."""
        return len(self.axes)

    @property
    def parameters(self) -> int:
        """Numbers that it is made of."""
        return int(self.axes.size + self.mean.size)

    def encode(self, images: Floats) -> Floats:
        """Return coordinates ``(n, latent_dim)`` along the components."""
        return np.asarray((images.reshape(len(images), -1) - self.mean) @ self.axes.T, np.float32)

    def decode(self, codes: Floats) -> Floats:
        """Return pictures ``(n, h, w, c)``, unclipped."""
        return np.asarray(codes @ self.axes + self.mean, np.float32).reshape(-1, *self._shape)

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        """Return the coordinates, and no log-variance."""
        return self.encode(images), None
