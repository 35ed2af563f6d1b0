"""Outlier detection by reconstruction error: high errors suggest images unlike the training data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.data.metrics import Figures, mse_per_image
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.errors import UsageError
from explorer.export.table import write_csv
from explorer.messages import message
from explorer.models.batches import images_at_once, readable_batches
from explorer.models.codes import CodeSample
from explorer.steps import follow
from explorer.types import Codec, Indices, Pixels, Progress

HISTOGRAM_BINS = 60
_NARROWEST = 1e-9
_MOST_AT_ONCE = 250
_NORMAL_MAD = 0.6744897501960817
"""The median absolute deviation of a normal distribution with standard deviation 1."""

Rule = Literal["quantile", "mad"]


@dataclass(frozen=True)
class ThresholdRule:
    """How the threshold is computed from the errors of test images; UsageError if the rule is unknown or out of range.

    ``quantile`` is the quantile `amount`, 0 to 1. ``mad`` is the median plus `amount`, 0 or more, robust standard
    deviations, which are median absolute deviations scaled for a normal distribution (Leys et al. 2013, "Detecting
    outliers: do not use standard deviation around the mean, use absolute deviation around the median").
    """

    rule: Rule = "quantile"
    amount: float = 0.99

    def __post_init__(self) -> None:
        good = 0 <= self.amount <= 1 if self.rule == "quantile" else 0 <= self.amount < np.inf
        if self.rule not in ("quantile", "mad") or not good:
            raise UsageError(
                "Invalid threshold “{rule} {amount:g}”. "
                "Choose a quantile from 0 to 1, or 0 or more median absolute deviations (mad).",
                rule=self.rule,
                amount=self.amount,
            )

    def of(self, errors: Figures) -> float:
        """Return the threshold for float64 errors ``(n,)``, n > 0."""
        if self.rule == "quantile":
            return float(np.quantile(errors, self.amount, method="inverted_cdf"))
        median = np.median(errors)
        return float(median + self.amount * np.median(np.abs(errors - median)) / _NORMAL_MAD)


@dataclass(frozen=True, eq=False)
class Outliers:
    """Images ranked by reconstruction error.

    Attributes
    ----------
    indices, errors
        Positions in the source, int64 ``(n,)``, in the requested order; MSE of each, float64 ``(n,)``.
    reference
        Errors of the model's own test images, float64 ``(m,)``.
    threshold
        Images with a larger error are outliers. Change it with ``dataclasses.replace(result, threshold=…)``.
    order
        Positions in `errors`, int64 ``(n,)``, by decreasing error, stable.
    edges, counts, reference_counts
        Of the histogram's bins, float64 ``(bins + 1,)``, spanning `errors` and `reference`; images in each,
        int64 ``(bins,)``.
    """

    indices: Indices
    errors: Figures
    reference: Figures
    threshold: float
    order: Indices = field(init=False)
    edges: NDArray[np.float64] = field(init=False)
    counts: Indices = field(init=False)
    reference_counts: Indices = field(init=False)

    def __post_init__(self) -> None:
        everything = np.concatenate([self.errors, self.reference])
        low, high = float(everything.min()), float(everything.max())
        # Nearly equal errors would give bins of width 0.
        edges = np.linspace(low, max(high, low + _NARROWEST), HISTOGRAM_BINS + 1)
        derived = {
            "order": np.argsort(-self.errors, kind="stable").astype(np.int64),
            "edges": edges,
            "counts": np.histogram(self.errors, edges)[0].astype(np.int64),
            "reference_counts": np.histogram(self.reference, edges)[0].astype(np.int64),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def ranked(self) -> Indices:
        """Positions in the source, int64 ``(n,)``, by decreasing error."""
        return self.indices[self.order]

    @property
    def above(self) -> Indices:
        """Positions in the source of the outliers, int64 ``(k,)``, by decreasing error."""
        return self.ranked[self.errors[self.order] > self.threshold]


def sample_errors(codec: Codec, sample: CodeSample) -> Iterator[Progress | Figures]:
    """Measure the test images stored in a bundle: yields progress, then the errors, float64 ``(m,)``."""
    count, batch = len(sample.thumbnails), images_at_once(codec.image_shape, _MOST_AT_ONCE)
    errors = np.empty(count)
    for start in range(0, count, batch):
        errors[start : start + batch] = _errors(codec, sample.thumbnails[start : start + batch])
        yield Progress(min(start + batch, count), count, message("Measuring the model's test images"))
    yield errors


def rank_by_error(
    codec: Codec,
    source: Source,
    indices: Indices,
    preprocessing: Preprocessing,
    reference: CodeSample | None = None,
    rule: ThresholdRule | None = None,
) -> Iterator[Progress | Outliers]:
    """Rank images by reconstruction error: yields progress, then the ranking; UsageError if there are no images.

    Unreadable ones of the positions, int64 ``(n,)``, are skipped. `reference` is the sample of test images in the
    model's bundle, which sets the threshold; if None, the images themselves do. The default rule is the 0.99 quantile.
    """
    if not len(indices):
        raise UsageError("There are no images to score. Choose other images.")
    usual: Figures | None = None
    if reference is not None and len(reference.thumbnails):
        usual = yield from follow(sample_errors(codec, reference), lambda step: step)
    batch = images_at_once(codec.image_shape, _MOST_AT_ONCE)
    measured: list[tuple[Figures, Indices]] = []
    for done, pixels, kept in readable_batches(source, indices, preprocessing, batch):
        measured.append((_errors(codec, pixels), kept))
        yield Progress(done, len(indices), message("Measuring"))
    errors, ranked = (np.concatenate(parts) for parts in zip(*measured, strict=True))
    usual = errors if usual is None else usual
    yield Outliers(ranked, errors, usual, (rule or ThresholdRule()).of(usual))


def write_outliers(path: Path, result: Outliers, source: Source) -> None:
    """Write a ranking as CSV, by decreasing error; ExportError if the file cannot be written."""
    unusual = result.errors > result.threshold
    labels = [source.label(int(index)) for index in result.indices]
    rows = (
        (rank, int(result.indices[place]), labels[place], float(result.errors[place]), int(unusual[place]))
        for rank, place in enumerate(result.order, start=1)
    )
    write_csv(path, ["rank", "index", "label", "mse", "above_threshold"], rows)


def _errors(codec: Codec, pixels: Pixels) -> Figures:
    images = to_floats(pixels)
    return mse_per_image(images, codec.decode(codec.encode(images)))
