"""Files of more than 8 bits, read with all of them where the preprocessing asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from explorer_testing.deep_files import tiff_16
from PIL import Image

from explorer.data import image_index
from explorer.data.choices import Choices, join
from explorer.data.decoding import open_together
from explorer.data.deep_pixels import Deep
from explorer.data.formats import Request
from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import Preprocessing, Reading, to_floats
from explorer.data.source import PixelRows, range_differs
from explorer.data.sources import open_source
from explorer.document.views.preview import read_image

SHAPE = (6, 5, 1)
TWELVE = Reading(low=0, high=4095, depth=16)


def values(number: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    return (np.arange(30, dtype=np.uint16).reshape(6, 5) * 100 + 1_000 + number).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five 16-bit PNG of 12 bits, and one of 8 bits."""
    place = tmp_path / "cells"
    place.mkdir()
    for number in range(5):
        Image.fromarray(values(number)).save(place / f"{number}.png")
    Image.fromarray(np.full((6, 5), 51, np.uint8)).save(place / "9.png")
    return place


def test_a_folder_of_deep_files_keeps_its_bits(folder: Path) -> None:
    source = open_source(str(folder))
    assert (source.depth, source.found.range, source.reading()) == (16, (0, 4095), TWELVE)
    recipe = Preprocessing.standard(SHAPE, reading=source.reading())

    pixels = source.read(np.arange(6), recipe)

    assert pixels.dtype == np.uint16
    for number in range(5):
        np.testing.assert_array_equal(TWELVE.values(to_floats(pixels[number]))[..., 0], values(number))
    assert (pixels[5] == 51 * 257).all(), "an 8-bit file among them"
    shallow = source.read(np.arange(6), Preprocessing.standard(SHAPE))
    np.testing.assert_array_equal(shallow[0, ..., 0], np.rint(values(0) * (255 / 4095)).astype(np.uint8))


def test_deep_files_come_back_from_the_cache(folder: Path) -> None:
    source = open_source(str(folder))
    recipe = Preprocessing.standard(SHAPE, reading=source.reading())
    *_, rows = source.streaming(np.arange(6), recipe, room=10)
    assert isinstance(rows, PixelRows)
    assert rows.nbytes == 6 * 30 * 2

    for _ in range(2):  # decoded, then read
        np.testing.assert_array_equal(rows[:], source.read(np.arange(6), recipe))
    assert rows[:].dtype == np.uint16


@pytest.mark.parametrize("kind", ["here", "reader process", "pages"])
def test_a_frame_that_is_wanted_twice_keeps_all_its_bits(kind: str, tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 65536, (2, 6, 5, 3), dtype=np.uint16)
    path, frames = tmp_path / "deep.tif", [0, 0]
    if kind == "pages":
        tifffile.imwrite(path, colors, photometric="rgb", metadata=None)
        frames = [1, 0, 1, 0, 0]
    else:
        path.write_bytes(tiff_16(colors[0], "<", kind == "reader process"))
    found = dict(open_together([Request(path, "deep.tif", frame) for frame in frames], deep=True))
    for place, frame in enumerate(frames):
        deep = found[place]
        assert isinstance(deep, Deep)
        np.testing.assert_array_equal(deep.values, colors[frame])


def test_previews_of_a_big_folder_leave_no_cache(
    folder: Path, explorer_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_index, "BIG_FOLDER", 1)
    source = open_source(str(folder))
    for index in range(source.count):
        assert read_image(source, index).dtype == np.uint16
        assert read_image(source, index, 4).shape == (4, 3, 1)
    assert [*explorer_home.rglob("pixels")] == []
    source.read([0], Preprocessing.standard(SHAPE, reading=source.reading()))
    assert len([*explorer_home.rglob("pixels")]) == 1


def test_another_range_gives_other_pixels_and_a_warning(folder: Path) -> None:
    chosen = open_source(join(str(folder), Choices(range=(1000, 3000))))
    recipe = Preprocessing.standard(SHAPE, reading=TWELVE)

    pixels = chosen.read([0], recipe)

    expected = np.clip((values(0) - 1000.0) / 2000, 0, 1)
    np.testing.assert_allclose(to_floats(pixels)[0, ..., 0], expected, atol=1e-4)
    warning = str(range_differs(recipe, chosen))
    assert "learned from values of 0 … 4095, and the range of “cells” is 1000 … 3000" in warning
    assert range_differs(recipe, open_source(str(folder))) is None
    assert range_differs(Preprocessing.standard(SHAPE), open_source("digits")) is None


def test_an_imported_deep_image_is_read_with_the_range_of_the_model(folder: Path) -> None:
    """So the same file gives the same pixels as in the training, whatever range it fills alone."""
    source = open_source(str(folder))
    recipe = Preprocessing.standard(SHAPE, reading=source.reading())
    dark = folder / "dark.png"
    Image.fromarray((values(0) // 8).astype(np.uint16)).save(dark)

    for place, expected in ((folder / "0.png", values(0)), (dark, values(0) // 8)):
        imported = ImportedImage.open(place, place.name)
        pixels = imported.read([0], recipe)
        np.testing.assert_array_equal(TWELVE.values(to_floats(pixels))[0, ..., 0], expected)
        np.testing.assert_array_equal(imported.inverted().read([0], recipe), 65535 - pixels)
        again = ImportedImage.open(place.read_bytes(), place.name)
        np.testing.assert_array_equal(again.read([0], recipe), pixels)


def test_float_files_keep_their_fractions(tmp_path: Path) -> None:
    floats = np.linspace(0, 1, 30, dtype=np.float32).reshape(6, 5)
    floats[0, 1] = np.nan
    Image.fromarray(floats).save(tmp_path / "a.tif")
    source = open_source(str(tmp_path / "a.tif"))
    assert (source.depth, source.found.range) == ("float", (0, 1))

    pixels = source.read([0], Preprocessing.standard(SHAPE, reading=source.reading()))

    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[0, ..., 0], np.nan_to_num(floats), atol=1e-6)
