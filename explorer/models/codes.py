"""The codes of a sample of test images and their statistics, part of every bundle (``codes.npz``)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, check_members, read_header, read_values, whole_arrays
from explorer.data.choices import MAX_CHANNELS
from explorer.data.preprocessing import DTYPES
from explorer.errors import ModelError
from explorer.latent.code_table import LONG_CODE
from explorer.latent.components import along_components
from explorer.latent.statistics import QUANTILES, CodeStatistics
from explorer.messages import message
from explorer.reading import reading
from explorer.types import Floats, Indices, LatentShape, Pixels

SAMPLE_SIZE = 2_000
"""Images in the sample; fewer if the code is long."""

AXES, SPATIAL_COMPONENTS = 64, 16
"""Maximum number of principal components of a flat and of a spatial code."""

_KEPT_VALUES = 4_000_000
_MEASURED_VALUES = 32_000_000
_HALF_ERROR = 1e-3
_REMEDY = message("Train or download the model again.")
_LIMITS = ZipLimits(4 << 30, members=100)


def most_kept(latent_dim: int) -> int:
    """Return how many codes of that length are stored in a bundle, so that the file stays small."""
    return max(16, min(SAMPLE_SIZE, _KEPT_VALUES // latent_dim))


def most_measured(latent_dim: int) -> int:
    """Return how many codes of that length the statistics are computed from, so that they fit into 128 MB."""
    return max(16, min(SAMPLE_SIZE, _MEASURED_VALUES // latent_dim))


def most_components(latent_shape: LatentShape) -> int:
    return SPATIAL_COMPONENTS if len(latent_shape) > 1 else AXES


@dataclass(frozen=True, eq=False)
class CodeSample:
    """Codes of test images.

    Attributes
    ----------
    codes
        Float32 ``(n, latent_dim)``; mean codes for a VAE.
    indices, labels
        Int64 ``(n,)``: positions in the source the model was trained on; labels, None if the source has none.
    thumbnails
        ``(n, h, w, c)``, the preprocessed images.
    statistics
        Of all measured codes: these, and more if the code is so long that few are stored.
    coordinates
        Float32 ``(m, k)``, m ≥ n, of all measured codes along the principal components, in σ; None if m = n.
    """

    codes: Floats
    indices: Indices
    labels: Indices | None
    thumbnails: Pixels
    statistics: CodeStatistics
    coordinates: Floats | None = None

    @cached_property
    def component_coordinates(self) -> Floats:
        """Float32 ``(m, k)``: all measured codes along the principal components, in σ; rows do not match `codes`."""
        return along_components(self.codes, self.statistics) if self.coordinates is None else self.coordinates


def save_codes(path: Path, sample: CodeSample, *, spatial: bool = False) -> None:
    """Write the sample as a compressed npz without pickled objects.

    The components of spatial codes are stored as float16; for long codes, components, codes and quantiles are. Values
    that float16 cannot represent stay float32.
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
        "axes": _halved(statistics.components) if long or spatial else statistics.components,
        "axis_sigma": statistics.component_sigma,
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
    """Return `array` as float16; unchanged if that would overflow or round by more than `_HALF_ERROR`."""
    with np.errstate(over="ignore", under="ignore"):
        half = array.astype(np.float16)
    reach = np.abs(array).max(initial=0)
    return half if np.abs(half - array).max(initial=0) <= _HALF_ERROR * reach else array


def load_codes(path: Path, latent_dim: int) -> CodeSample:
    """Read a sample; ModelError if the file is missing, damaged, or of another code size."""
    with reading(message("the codes of a model"), str(path), ModelError, _REMEDY):
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
                components=_floats(arrays["axes"]),
                component_sigma=_floats(arrays["axis_sigma"]),
                explained=_floats(arrays["explained"]),
            ),
            coordinates=_floats(arrays["axis_coordinates"]) if "axis_coordinates" in arrays else None,
        )
    _check(sample, path, latent_dim)
    return sample


def first_thumbnails(path: Path, count: int) -> Pixels:
    """Read the first thumbnails of a sample and nothing else: ``(n, h, w, c)``, n ≤ `count`.

    ModelError if the file is missing or damaged; its checksum is not compared.
    """
    with (
        reading(message("the codes of a model"), str(path), ModelError, _REMEDY),
        path.open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        check_members(archive, _LIMITS, str(path), ModelError)
        member = archive.getinfo("thumbnails.npy")
        with archive.open(member) as part:
            header = read_header(part, member.file_size, str(path), ModelError, _REMEDY)
            fitting = len(header.shape) == 4 and 1 <= header.shape[3] <= MAX_CHANNELS
            if not fitting or header.fortran or header.dtype not in DTYPES.values():
                raise ValueError(f"thumbnails of shape {header.shape}")
            return read_values(part, replace(header, shape=(min(count, header.shape[0]), *header.shape[1:])))


def _floats(array: NDArray[Any]) -> Floats:
    return array.astype(np.float32, copy=False)


def _check(sample: CodeSample, path: Path, latent_dim: int) -> None:
    count = sample.codes.shape[0] if sample.codes.ndim else 0
    statistics = sample.statistics
    axes = statistics.components.shape[0] if statistics.components.ndim else 0
    finite = [part for part in vars(statistics).values() if part is not None]
    if sample.thumbnails.dtype == np.float32:
        finite.append(sample.thumbnails)
    good = (
        sample.codes.shape == (count, latent_dim)
        and sample.indices.shape == (count,)
        and (sample.labels is None or sample.labels.shape == (count,))
        and sample.thumbnails.ndim == 4
        and sample.thumbnails.dtype in DTYPES.values()
        and len(sample.thumbnails) == count
        and statistics.mean.shape == statistics.sigma.shape == (latent_dim,)
        and statistics.quantiles.shape == (len(QUANTILES), latent_dim)
        and (statistics.kl is None or statistics.kl.shape == (latent_dim,))
        and statistics.components.shape == (axes, latent_dim)
        and statistics.component_sigma.shape == statistics.explained.shape == (axes,)
        and _fitting(sample.coordinates, count, axes)
        and all(np.isfinite(part).all() for part in [sample.codes, *finite])
    )
    if not good:
        raise ModelError(
            "{file} does not match the model, whose codes have {count:# dimension|# dimensions}. "
            "Train or download the model again.",
            file=path,
            count=latent_dim,
        )


def _fitting(coordinates: Floats | None, count: int, axes: int) -> bool:
    if coordinates is None:
        return True
    shaped = coordinates.ndim == 2 and len(coordinates) >= count and coordinates.shape[1] == axes
    return shaped and bool(np.isfinite(coordinates).all())
