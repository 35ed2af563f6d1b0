"""Container files that are damaged, declare too much, or point outside: each is refused in one sentence."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from explorer_testing.containers import encoded, write_dicom, write_hdf5, write_parquet, write_zarr
from explorer_testing.limited import command
from scipy.io import savemat

from explorer.data import extras
from explorer.data.sources import open_source
from explorer.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 20, 18), dtype=np.uint8)
HANG = Path(__file__).parent / "files" / "hdf5-hang.h5"
Write = Callable[[Path], object]

WRITERS: dict[str, tuple[str, Write]] = {
    "a.h5": ("", lambda path: write_hdf5(path, {"images": IMAGES, "labels": np.arange(6)})),
    "a.mat": ("", lambda path: savemat(path, {"images": IMAGES.transpose(1, 2, 0)}, do_compression=True)),
    "a.tif": ("", lambda path: tifffile.imwrite(path, IMAGES, photometric="minisblack", compression="zlib")),
    "a.parquet": ("parquet", lambda path: write_parquet(path, [encoded(one) for one in IMAGES], label=range(6))),
    "a.dcm": ("dicom", lambda path: write_dicom(path, IMAGES)),
}


def written(name: str, folder: Path) -> Path:
    extra, write = WRITERS[name]
    if extra and not extras.installed(extra):
        pytest.skip(f"the extra is not installed: {extras.install_command(extra)}")
    write(folder / name)
    return folder / name


def refusal(path: Path) -> str | None:
    """Open a file; return its error, None where it opens with all or some of its images."""
    try:
        assert open_source(path).count <= len(IMAGES)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", WRITERS)
def test_a_cut_file_is_refused_or_what_is_left_is_whole(name: str, tmp_path: Path) -> None:
    path = written(name, tmp_path)
    content = path.read_bytes()
    for share in (0.1, 0.5, 0.95):
        path.write_bytes(content[: int(len(content) * share)])
        refused = refusal(path)
        assert refused is None or path.name in refused


@pytest.mark.parametrize("name", WRITERS)
def test_changed_bytes_raise_nothing_else(name: str, tmp_path: Path) -> None:
    path = written(name, tmp_path)
    content = path.read_bytes()
    rng = random.Random(0)
    for _ in range(3):
        changed = bytearray(content)
        for _ in range(8):
            changed[rng.randrange(min(2_000, len(changed)))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        refused = refusal(path)
        assert refused is None or path.name in refused


def test_a_file_that_makes_hdf5_loop_is_refused() -> None:
    with pytest.raises(DataError, match=r"hdf5-hang\.h5"):
        open_source(HANG)


def vast_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", shape=(3_000_000, 64, 64), dtype="u1", chunks=(1, 64, 64))


def vast_chunk(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "images", data=np.zeros((2_000, 512, 512), np.uint8), chunks=(2_000, 512, 512), compression=1
        )


def vast_tiff(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((2_000, 512, 512), np.uint8), photometric="minisblack", compression="zlib")


def vast_dicom(path: Path) -> None:
    write_dicom(path, IMAGES, NumberOfFrames=2_000_000, Rows=2_000, Columns=2_000)


def vast_zarr(path: Path) -> None:
    import json

    write_zarr(path, IMAGES, 2)
    described = path / ".zarray"
    described.write_text(json.dumps(json.loads(described.read_text()) | {"shape": [300_000, 64, 64]}))


@pytest.mark.parametrize(
    ("name", "make", "extra"),
    [
        ("a.h5", vast_hdf5, ""),
        ("b.h5", vast_chunk, ""),
        ("a.tif", vast_tiff, ""),
        ("a.dcm", vast_dicom, "dicom"),
        ("a.zarr", vast_zarr, "zarr"),
    ],
)
def test_what_declares_too_much_takes_no_memory(name: str, make: Write, extra: str, tmp_path: Path) -> None:
    if extra and not extras.installed(extra):
        pytest.skip(f"the extra is not installed: {extras.install_command(extra)}")
    make(tmp_path / name)
    ended = command("data", tmp_path / name, memory_bytes=4 << 30)
    assert "declares" in ended.refusal
    assert ended.peak_bytes < 300 << 20


def test_datasets_in_other_files_are_not_followed(tmp_path: Path) -> None:
    write_hdf5(tmp_path / "secret.h5", {"images": IMAGES})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = h5py.ExternalLink("secret.h5", "images")
        layout: Any = h5py.VirtualLayout(shape=IMAGES.shape, dtype="u1")
        layout[...] = h5py.VirtualSource(tmp_path / "secret.h5", "images", shape=IMAGES.shape)
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", IMAGES.shape, "u1", external=[(str(tmp_path / "secret.h5"), 0, IMAGES.size)])
    with pytest.raises(DataError, match="it has no images"):
        open_source(tmp_path / "a.h5")


def test_zarr_does_not_leave_its_folder(tmp_path: Path) -> None:
    if not extras.installed("zarr"):
        pytest.skip(f"the extra is not installed: {extras.install_command('zarr')}")
    path = write_zarr(tmp_path / "a.zarr", IMAGES, 2, chunks=(6, 20, 18), compressors=None)
    outside = tmp_path / "outside"
    (path / "0.0.0").rename(outside)
    (path / "0.0.0").symlink_to(outside)
    with pytest.raises(DataError):
        open_source(path)
