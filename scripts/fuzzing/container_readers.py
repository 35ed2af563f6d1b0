"""Readers of container files. They run in the reader process, so each input takes a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from explorer_testing.containers import (
    encoded,
    write_dicom,
    write_hdf5,
    write_matlab_73,
    write_ome_zarr,
    write_parquet,
    write_zarr,
)
from scipy.io import savemat

from fuzzing.data_readers import read_source
from fuzzing.reader import Reader


def _images(*shape: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _make_hdf5(folder: Path) -> None:
    write_hdf5(folder / "plain.h5", {"images": _images(4, 8, 8), "labels": np.arange(4)})
    write_hdf5(folder / "chunks.h5", {"x": _images(4, 8, 8, 3)}, chunks=(2, 4, 4, 3), compression="gzip")


def _make_matlab(folder: Path) -> None:
    arrays = {"X": _images(8, 8, 3, 4), "y": np.arange(4)[:, None]}
    savemat(folder / "plain.mat", arrays)
    savemat(folder / "packed.mat", arrays, do_compression=True)
    write_matlab_73(folder / "new.mat", arrays)


def _make_parquet(folder: Path) -> None:
    images = [encoded(one) for one in _images(3, 8, 8, 3)]
    write_parquet(folder / "set.parquet", images, ("a", "b"), label=[0, 1, 0], age=[1.5, 2.5, 3.5])


def _make_tiff(folder: Path) -> None:
    tifffile.imwrite(folder / "stack.tif", _images(3, 8, 8), photometric="minisblack")
    tifffile.imwrite(folder / "packed.tif", _images(3, 8, 8), photometric="minisblack", compression="lzw")
    deep = _images(2, 3, 8, 8).astype(np.uint16)
    tifffile.imwrite(folder / "cells.ome.tif", deep, photometric="minisblack", metadata={"axes": "TCYX"})


def _make_zarr(folder: Path) -> None:
    write_zarr(folder / "two.zarr", _images(4, 8, 8), 2)
    write_zarr(folder / "three.zarr", _images(4, 8, 8), 3, chunks=(2, 4, 4))
    write_ome_zarr(folder / "cells.zarr", _images(2, 3, 8, 8), "tcyx", 2)


def _make_dicom(folder: Path) -> None:
    write_dicom(folder / "plain.dcm", _images(3, 8, 8), WindowCenter=100, WindowWidth=50)
    write_dicom(folder / "packed.dcm", _images(8, 8), compressed="1.2.840.10008.1.2.5")


READERS: tuple[Reader, ...] = (
    Reader("hdf5", _make_hdf5, read_source),
    Reader("matlab", _make_matlab, read_source),
    Reader("parquet", _make_parquet, read_source),
    Reader("tiff-stack", _make_tiff, read_source),
    Reader("zarr", _make_zarr, read_source),
    Reader("dicom", _make_dicom, read_source),
)
