"""The codes of a held-out sample that every bundle carries, with their statistics (``codes.npz``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ModelError
from explorer.latent.statistics import QUANTILES, CodeStatistics
from explorer.types import Floats, Indices, Pixels

SAMPLE_SIZE = 2_000
"""Pictures in the sample, fewer where the code is long."""

_SAMPLE_VALUES = 4_000_000


def sample_size(latent_dim: int) -> int:
    """Return how many codes of that length a bundle carries, so that the file stays small."""
    return max(16, min(SAMPLE_SIZE, _SAMPLE_VALUES // latent_dim))


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
        Mean, σ, quantiles, KL and principal axes, over the sample.
    """

    codes: Floats
    indices: Indices
    labels: Indices | None
    thumbnails: Pixels
    statistics: CodeStatistics


def save_codes(path: Path, sample: CodeSample) -> None:
    """Write the sample as a compressed npz without objects."""
    statistics = sample.statistics
    arrays = {
        "codes": sample.codes,
        "indices": sample.indices,
        "thumbnails": sample.thumbnails,
        "mean": statistics.mean,
        "sigma": statistics.sigma,
        "quantile_levels": np.asarray(QUANTILES, np.float32),
        "quantiles": statistics.quantiles,
        "axes": statistics.axes,
        "axis_sigma": statistics.axis_sigma,
        "explained": statistics.explained,
    }
    if sample.labels is not None:
        arrays["labels"] = sample.labels
    if statistics.kl is not None:
        arrays["kl"] = statistics.kl
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy types its own keyword only


def load_codes(path: Path, latent_dim: int) -> CodeSample:
    """Read a sample back.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or of another code size.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
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
        )
    except Exception as error:  # zip, zlib and numpy raise what they like on a damaged file
        raise ModelError(
            f"the codes of a bundle in {path}", f"“{error}”", "Train or fetch the bundle again."
        ) from error
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
        and all(np.isfinite(part).all() for part in [sample.codes, *finite])
    )
    if not good:
        raise ModelError(
            f"codes of {latent_dim} values, with their statistics, in {path}",
            f"codes of shape {sample.codes.shape}",
            "Train or fetch the bundle again.",
        )
