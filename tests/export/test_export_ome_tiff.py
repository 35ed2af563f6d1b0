"""OME-TIFF, read back by the library that microscopy programs use."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from explorer.errors import ExportError
from explorer.export import FORMATS, ExportSettings, format_of
from explorer.export.ome_tiff import ImageStack, write_stacks
from explorer.types import Pixels, Progress


def images(count: int, channels: int, dtype: Any = np.uint16, seed: int = 0) -> Pixels:
    values = np.random.default_rng(seed).integers(0, 65536, (count, 5, 7, channels))
    return (values / 65535).astype(np.float32) if dtype == np.float32 else values.astype(dtype)


def write(stacks: list[ImageStack], path: Path) -> list[Progress]:
    return list(write_stacks(stacks, path))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4, 16])
def test_every_value_of_every_channel_comes_back(tmp_path: Path, dtype: Any, channels: int) -> None:
    given = images(3, channels, dtype)

    steps = write([ImageStack.of("images", given, "uint16: 0 and 4095 are 0 and 1")], tmp_path / "a.ome.tif")

    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.is_ome
        (series,) = file.series
        back = series.asarray().reshape(3, channels, 5, 7)
        root = ElementTree.fromstring(str(file.ome_metadata))
    np.testing.assert_array_equal(np.moveaxis(back, 1, 3), given)
    assert back.dtype == dtype
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    space = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
    names = [channel.get("Name") for channel in root.iter(f"{space}Channel")]
    assert names == [f"Channel {number}" for number in range(1, channels + 1)]
    assert [text.text for text in root.iter(f"{space}Description")] == ["uint16: 0 and 4095 are 0 and 1"]


def test_several_stacks_are_several_images_of_one_file(tmp_path: Path) -> None:
    originals, made = images(4, 2), images(4, 2, seed=1)

    write([ImageStack.of("originals", originals), ImageStack.of("reconstructions", made)], tmp_path / "a.ome.tif")

    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert [series.name for series in file.series] == ["originals", "reconstructions"]
        for series, expected in zip(file.series, (originals, made), strict=True):
            np.testing.assert_array_equal(np.moveaxis(series.asarray(), 1, 3), expected)


def test_an_animation_is_written_as_its_values(tmp_path: Path) -> None:
    frames = images(6, 4)
    settings = ExportSettings(fps=25, loop=True, scale=3, caption="not drawn", values="uint16")
    kind = format_of(Path("a.OME.TIF"))

    steps = list(kind.write(iter(frames), 6, tmp_path / "a.ome.tif", settings))

    assert kind is FORMATS[".ome.tif"]
    assert kind.values
    assert steps[-1].done == 6
    np.testing.assert_array_equal(np.moveaxis(tifffile.imread(tmp_path / "a.ome.tif"), 1, 3), frames)


@pytest.mark.parametrize("count", [3, 5])
def test_what_does_not_fit_leaves_the_old_file(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.ome.tif"
    path.write_bytes(b"old")
    given = images(count, 4)
    stack = ImageStack("images", 4, (5, 7, 4), np.dtype(np.uint16), given)

    with pytest.raises(ExportError, match=r"“images” has (3 of 4 frames|4 images of uint16)"):
        write([stack], path)
    with pytest.raises(ExportError, match="There are no images to write"):
        write([], path)
    job = write_stacks([ImageStack.of("images", given)], path)
    next(job)
    del job  # canceled

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_tiff_names_are_no_format() -> None:
    with pytest.raises(ExportError, match="unknown format"):
        format_of(Path("a.tif"))
