"""The codes of a held-out sample that every bundle carries, with their statistics (``codes.npz``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, whole_arrays
from explorer.errors import ModelError
from explorer.latent.axes import to_axes
from explorer.latent.statistics import QUANTILES, CodeStatistics
from explorer.reading import reading
from explorer.types import Floats, Indices, LatentShape, Pixels

SAMPLE_SIZE = 2_000
"""Pictures in the sample, fewer where the code is long."""

LONG_CODE = 4_096
"""Codes of more values are kept in 16 bits."""

AXES, SPATIAL_AXES = 64, 16
"""At most so many principal axes: of a vector, and of a stack of feature maps."""

_KEPT_VALUES = 4_000_000
_MEASURED_VALUES = 32_000_000
_PART_VALUES = 4_000_000
_HALF_ERROR = 1e-3
_REMEDY = "Train or fetch the bundle again."
_LIMITS = ZipLimits(4 << 30, members=100)


def most_kept(latent_dim: int) -> int:
    """Return how many codes of that length a bundle carries, so that the file stays small."""
    return max(16, min(SAMPLE_SIZE, _KEPT_VALUES // latent_dim))


def most_measured(latent_dim: int) -> int:
    """Return of how many codes of that length the statistics are, so that they fit into memory (128 MB)."""
    return max(16, min(SAMPLE_SIZE, _MEASURED_VALUES // latent_dim))


def most_axes(latent_shape: LatentShape) -> int:
    """Return how many principal axes a bundle carries at most."""
    return SPATIAL_AXES if len(latent_shape) > 1 else AXES


def along_axes(codes: Floats, statistics: CodeStatistics) -> Floats:
    """Return coordinates ``(n, k)`` of codes ``(n, d)`` along the principal axes, in σ; a bounded part at a time."""
    step = max(1, _PART_VALUES // statistics.latent_dim)
    parts = [to_axes(codes[start : start + step], statistics) for start in range(0, len(codes), step)]
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class CodeSample:
    """Codes of held-out pictures.

    Attributes
    ----------
    codes
        Float32 ``(n, latent_dim)``; a variational model's mean codes.
    indices
        Int64 ``(n,)``, positions in the source the model was trained on.
    labels
        Int64 ``(n,)``, or None where the source has none.
    thumbnails
        Uint8 ``(n, h, w, c)`` as the model takes them.
    statistics
        Mean, σ, quantiles, KL and principal axes, over all codes that were measured: these ones, and more where a
        code is so long that few are kept.
    coordinates
        Float32 ``(m, k)``, m ≥ n, of all measured codes along the principal axes, in σ; None where they are these ones.
    """

    codes: Floats
    indices: Indices
    labels: Indices | None
    thumbnails: Pixels
    statistics: CodeStatistics
    coordinates: Floats | None = None

    @cached_property
    def axis_coordinates(self) -> Floats:
        """Float32 ``(m, k)``: all measured codes along the principal axes, in σ; not row by row with `codes`."""
        return along_axes(self.codes, self.statistics) if self.coordinates is None else self.coordinates


def save_codes(path: Path, sample: CodeSample, *, spatial: bool = False) -> None:
    """Write the sample as a compressed npz without objects.

    Parameters
    ----------
    path
        The file.
    sample
        What it holds.
    spatial
        Whether a code is a stack of feature maps: its axes are kept in 16 bits. Those of a long code are too, and
        the codes and quantiles with them. What 16 bits cannot hold stays in 32.
    """
    statistics = sample.statistics
    long = statistics.latent_dim > LONG_CODE
    arrays: dict[str, NDArray[Any]] = {
        "codes": _halved(sample.codes) if long else sample.codes,
        "indices": sample.indices,
        "thumbnails": sample.thumbnails,
        "mean": statistics.mean,
        "sigma": statistics.sigma,
        "quantile_levels": np.asarray(QUANTILES, np.float32),
        "quantiles": _halved(statistics.quantiles) if long else statistics.quantiles,
        "axes": _halved(statistics.axes) if long or spatial else statistics.axes,
        "axis_sigma": statistics.axis_sigma,
        "explained": statistics.explained,
    }
    if sample.labels is not None:
        arrays["labels"] = sample.labels
    if statistics.kl is not None:
        arrays["kl"] = statistics.kl
    if sample.coordinates is not None:
        arrays["axis_coordinates"] = sample.coordinates
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy types its own keyword only


def _halved(array: Floats) -> NDArray[Any]:
    """Return `array` as float16; as it is where that would overflow, or lose small values that are all there is."""
    with np.errstate(over="ignore", under="ignore"):
        half = array.astype(np.float16)
    reach = np.abs(array).max(initial=0)
    return half if np.abs(half - array).max(initial=0) <= _HALF_ERROR * reach else array


def load_codes(path: Path, latent_dim: int) -> CodeSample:
    """Read a sample back.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or of another code size.
    """
    with reading("the codes of a bundle", str(path), ModelError, _REMEDY):
        with path.open("rb") as file:
            arrays = whole_arrays(file, _LIMITS, str(path), ModelError, _REMEDY)
        sample = CodeSample(
            codes=_floats(arrays["codes"]),
            indices=arrays["indices"].astype(np.int64, copy=False),
            labels=arrays["labels"].astype(np.int64, copy=False) if "labels" in arrays else None,
            thumbnails=arrays["thumbnails"],
            statistics=CodeStatistics(
                mean=_floats(arrays["mean"]),
                sigma=_floats(arrays["sigma"]),
                quantiles=_floats(arrays["quantiles"]),
                kl=_floats(arrays["kl"]) if "kl" in arrays else None,
                axes=_floats(arrays["axes"]),
                axis_sigma=_floats(arrays["axis_sigma"]),
                explained=_floats(arrays["explained"]),
            ),
            coordinates=_floats(arrays["axis_coordinates"]) if "axis_coordinates" in arrays else None,
        )
    _check(sample, path, latent_dim)
    return sample


def _floats(array: NDArray[Any]) -> Floats:
    return array.astype(np.float32, copy=False)


def _check(sample: CodeSample, path: Path, latent_dim: int) -> None:
    count = sample.codes.shape[0] if sample.codes.ndim else 0
    statistics = sample.statistics
    axes = statistics.axes.shape[0] if statistics.axes.ndim else 0
    finite = [part for part in vars(statistics).values() if part is not None]
    good = (
        sample.codes.shape == (count, latent_dim)
        and sample.indices.shape == (count,)
        and (sample.labels is None or sample.labels.shape == (count,))
        and sample.thumbnails.ndim == 4
        and sample.thumbnails.dtype == np.uint8
        and len(sample.thumbnails) == count
        and statistics.mean.shape == statistics.sigma.shape == (latent_dim,)
        and statistics.quantiles.shape == (len(QUANTILES), latent_dim)
        and (statistics.kl is None or statistics.kl.shape == (latent_dim,))
        and statistics.axes.shape == (axes, latent_dim)
        and statistics.axis_sigma.shape == statistics.explained.shape == (axes,)
        and _fitting(sample.coordinates, count, axes)
        and all(np.isfinite(part).all() for part in [sample.codes, *finite])
    )
    if not good:
        raise ModelError(
            f"codes of {latent_dim} values, with their statistics, in {path}",
            f"codes of shape {sample.codes.shape}",
            "Train or fetch the bundle again.",
        )


def _fitting(coordinates: Floats | None, count: int, axes: int) -> bool:
    if coordinates is None:
        return True
    shaped = coordinates.ndim == 2 and len(coordinates) >= count and coordinates.shape[1] == axes
    return shaped and bool(np.isfinite(coordinates).all())
