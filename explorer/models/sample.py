"""Computes the sample of codes in a bundle: statistics of many images, and as many codes as a small file can hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from explorer.data.preprocessing import Preprocessing, to_floats, to_pixels
from explorer.data.source import Source
from explorer.latent.components import along_components
from explorer.latent.statistics import compute_statistics
from explorer.messages import message
from explorer.models.batches import images_in_memory
from explorer.models.codes import CodeSample, most_components, most_kept, most_measured
from explorer.models.conditions import Conditions
from explorer.types import Codec, Floats, Indices, LatentShape, Pixels, Progress

PRIOR_CODES = 500
_BATCH = 500


def sample_codes(
    codec: Codec,
    source: Source,
    indices: Indices,
    preprocessing: Preprocessing,
    latent_shape: LatentShape,
    conditions: Conditions | None = None,
) -> Iterator[Progress | CodeSample]:
    """Encode images spaced evenly over `indices` ``(n,)``, n > 0: yields progress, then the sample.

    A spatial code gets fewer principal components. They leave `conditions` unchanged.
    """
    measured = _spread(indices, most_measured(codec.latent_dim))
    kept = _spread(np.arange(len(measured)), most_kept(codec.latent_dim))
    codes = np.empty((len(measured), codec.latent_dim), np.float32)
    log_variances: Floats | None = None
    thumbnails: list[Pixels] = []
    step = images_in_memory(codec.image_shape, _BATCH)
    for start in range(0, len(measured), step):
        part = slice(start, min(start + step, len(measured)))
        pixels = source.read(measured[part], preprocessing)
        codes[part], log_variance = codec.encode_distribution(to_floats(pixels))
        if log_variance is not None:
            log_variances = np.empty_like(codes) if log_variances is None else log_variances
            log_variances[part] = log_variance
        thumbnails.append(pixels[kept[(kept >= part.start) & (kept < part.stop)] - start])
        yield Progress(part.stop, len(measured), message("Encoding"))
    chosen = measured[kept]
    labels = None if source.labels is None else source.labels[chosen]
    rest = chosen, labels, np.concatenate(thumbnails)
    yield _assemble(codes, log_variances, kept, rest, latent_shape, conditions)


def prior_sample(
    codec: Codec, latent_shape: LatentShape, conditions: Conditions | None = None, count: int = PRIOR_CODES
) -> CodeSample:
    """Sample codes from N(0, I) and decode them, for a model without encoder; classes of `conditions` are random.

    There are fewer than `count` codes if they are long.
    """
    rng = np.random.default_rng(0)
    count = min(count, most_kept(codec.latent_dim))
    codes: Floats = rng.standard_normal((count, codec.latent_dim)).astype(np.float32)
    if conditions is not None:
        codes = conditions.replaced(codes, conditions.drawn(count, rng))
    step = images_in_memory(codec.image_shape, _BATCH)
    images = np.concatenate([to_pixels(codec.decode(codes[at : at + step])) for at in range(0, count, step)])
    return _assemble(codes, None, np.arange(count), (np.arange(count), None, images), latent_shape, conditions)


def sample_images(
    codec: Codec, pixels: Pixels, indices: Indices, labels: Indices | None, latent_shape: LatentShape
) -> CodeSample:
    """Encode images in memory, preprocessed, ``(n, h, w, c)``, n > 0: the quick sample of a model in training."""
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
    conditions: Conditions | None = None,
) -> CodeSample:
    """Compute statistics of all codes ``(m, d)`` and keep some; `rest` are their indices, labels and thumbnails."""
    statistics = compute_statistics(codes, log_variances, most_components(latent_shape))
    if conditions is not None:
        own = compute_statistics(codes[:, : conditions.start], max_components=most_components(latent_shape))
        zeros = np.zeros((len(own.components), conditions.size), np.float32)
        sigma = statistics.sigma.copy()
        # Where all images have the same condition, it can be changed nevertheless.
        sigma[conditions.start :][sigma[conditions.start :] == 0] = 1
        statistics = replace(
            statistics,
            sigma=sigma,
            components=np.concatenate([own.components, zeros], axis=1),
            component_sigma=own.component_sigma,
            explained=own.explained,
        )
    indices, labels, thumbnails = rest
    return CodeSample(
        codes=codes[kept],
        indices=indices,
        labels=labels,
        thumbnails=thumbnails,
        statistics=statistics,
        # If all codes are kept, the coordinates can be computed from them.
        coordinates=along_components(codes, statistics) if len(kept) < len(codes) else None,
    )


def _spread(values: Indices, most: int) -> Indices:
    """Return at most `most` of `values`, evenly spaced from the first to the last."""
    return values[np.linspace(0, len(values) - 1, min(len(values), most)).astype(np.int64)]
