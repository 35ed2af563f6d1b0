"""The sample of codes that a bundle carries: many pictures measured, as many codes kept as a small file holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from explorer.data.preprocessing import Preprocessing, to_floats, to_pixels
from explorer.data.source import Source
from explorer.latent.statistics import compute_statistics
from explorer.models.batches import pictures_held
from explorer.models.codes import CodeSample, along_axes, most_axes, most_kept, most_measured
from explorer.types import Codec, Floats, Indices, LatentShape, Pixels, Progress

PRIOR_CODES = 500
_BATCH = 500


def sample_codes(
    codec: Codec, source: Source, indices: Indices, preprocessing: Preprocessing, latent_shape: LatentShape
) -> Iterator[Progress | CodeSample]:
    """Encode pictures spread evenly over `indices`: yields progress, and the sample last.

    Parameters
    ----------
    codec
        The model.
    source, indices
        The pictures, ``(n,)`` positions, n > 0.
    preprocessing
        The model's.
    latent_shape
        Shape of one code; one of feature maps gets fewer principal axes.
    """
    measured = _spread(indices, most_measured(codec.latent_dim))
    kept = _spread(np.arange(len(measured)), most_kept(codec.latent_dim))
    codes = np.empty((len(measured), codec.latent_dim), np.float32)
    log_variances: Floats | None = None
    thumbnails: list[Pixels] = []
    step = pictures_held(codec.image_shape, _BATCH)
    for start in range(0, len(measured), step):
        part = slice(start, min(start + step, len(measured)))
        pixels = source.read(measured[part], preprocessing)
        codes[part], log_variance = codec.encode_distribution(to_floats(pixels))
        if log_variance is not None:
            log_variances = np.empty_like(codes) if log_variances is None else log_variances
            log_variances[part] = log_variance
        thumbnails.append(pixels[kept[(kept >= part.start) & (kept < part.stop)] - start])
        yield Progress(part.stop, len(measured), "encoding")
    chosen = measured[kept]
    labels = None if source.labels is None else source.labels[chosen]
    yield _assemble(codes, log_variances, kept, (chosen, labels, np.concatenate(thumbnails)), latent_shape)


def prior_sample(
    codec: Codec, latent_shape: LatentShape, one_hot: Sequence[tuple[int, int]] = (), count: int = PRIOR_CODES
) -> CodeSample:
    """Draw codes from N(0, I) and decode them: the sample of a model that has no encoder.

    Parameters
    ----------
    codec
        A decoder is enough.
    latent_shape
        Shape of one code.
    one_hot
        Parts of the code that are rows of a one-hot vector, or a number: where each begins, and its length.
    count
        Codes to draw, fewer where they are long.
    """
    rng = np.random.default_rng(0)
    count = min(count, most_kept(codec.latent_dim))
    codes: Floats = rng.standard_normal((count, codec.latent_dim)).astype(np.float32)
    for start, length in one_hot:
        codes[:, start : start + length] = np.eye(length, dtype=np.float32)[rng.integers(length, size=count)]
    step = pictures_held(codec.image_shape, _BATCH)
    pictures = np.concatenate([to_pixels(codec.decode(codes[at : at + step])) for at in range(0, count, step)])
    return _assemble(codes, None, np.arange(count), (np.arange(count), None, pictures), latent_shape)


def sample_pictures(
    codec: Codec, pixels: Pixels, indices: Indices, labels: Indices | None, latent_shape: LatentShape
) -> CodeSample:
    """Encode pictures that are in memory, all of them: the quick sample of a model that is still learning.

    Parameters
    ----------
    codec
        The model.
    pixels, indices, labels
        The pictures as the model takes them, uint8 ``(n, h, w, c)``, n > 0; where they are in their source; labels.
    latent_shape
        Shape of one code.
    """
    kept = _spread(np.arange(len(pixels)), most_kept(codec.latent_dim))
    codes, log_variances = codec.encode_distribution(to_floats(pixels))
    rest = indices[kept], None if labels is None else labels[kept], pixels[kept]
    return _assemble(codes, log_variances, kept, rest, latent_shape)


def _assemble(
    codes: Floats,
    log_variances: Floats | None,
    kept: Indices,
    rest: tuple[Indices, Indices | None, Pixels],
    latent_shape: LatentShape,
) -> CodeSample:
    """Measure all codes ``(m, d)``, keep some; `rest` are indices, labels and thumbnails of those."""
    statistics = compute_statistics(codes, log_variances, most_axes(latent_shape))
    indices, labels, thumbnails = rest
    return CodeSample(
        codes=codes[kept],
        indices=indices,
        labels=labels,
        thumbnails=thumbnails,
        statistics=statistics,
        # Where every code is kept, they can be had of the codes at any time.
        coordinates=along_axes(codes, statistics) if len(kept) < len(codes) else None,
    )


def _spread(values: Indices, most: int) -> Indices:
    """Return at most so many of `values`, from the first to the last at even distances."""
    return values[np.linspace(0, len(values) - 1, min(len(values), most)).astype(np.int64)]
