"""PCA as a codec: the best linear reconstruction with a given code size, a baseline."""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.types import Floats, ImageShape

MOST_FITTED = 5_000


class PcaCodec:
    """Encoder and decoder of a principal component analysis (see `explorer.types.Codec`).

    The first `MOST_FITTED` of the images, float32 ``(n, h, w, c)`` in [0, 1], are fitted. `mean` is float32
    ``(h·w·c,)``, `axes` are the components, ``(latent_dim, h·w·c)``. UsageError if there are too few images, or more
    components than pixels.
    """

    def __init__(self, images: Floats, latent_dim: int) -> None:
        from sklearn.decomposition import PCA

        height, width, channels = images.shape[1:]
        rows = images[:MOST_FITTED].reshape(min(len(images), MOST_FITTED), -1)
        if not 1 <= latent_dim <= min(rows.shape[1], len(rows) - 1):
            raise UsageError(
                "PCA with {latent:# dimension|# dimensions} is impossible: these images allow at most {most:,}. "
                "Compare with a smaller model, or open more images.",
                latent=latent_dim,
                most=min(rows.shape[1], len(rows) - 1),
            )
        self._shape: ImageShape = (height, width, channels)
        fitted = PCA(latent_dim, svd_solver="randomized", random_state=0).fit(rows)
        self.mean = fitted.mean_.astype(np.float32)
        self.axes = fitted.components_.astype(np.float32)

    @classmethod
    def of(cls, mean: Floats, axes: Floats, image_shape: ImageShape) -> PcaCodec:
        codec = cls.__new__(cls)
        codec.mean, codec.axes, codec._shape = mean, axes, image_shape
        return codec

    @property
    def image_shape(self) -> ImageShape:
        return self._shape

    @property
    def latent_dim(self) -> int:
        return len(self.axes)

    @property
    def parameters(self) -> int:
        return int(self.axes.size + self.mean.size)

    def encode(self, images: Floats) -> Floats:
        return np.asarray((images.reshape(len(images), -1) - self.mean) @ self.axes.T, np.float32)

    def decode(self, codes: Floats) -> Floats:
        return np.asarray(codes @ self.axes + self.mean, np.float32).reshape(-1, *self._shape)

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        return self.encode(images), None
