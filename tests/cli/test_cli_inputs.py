from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from explorer.cli.inputs import ImageReader, open_model, output_file, read_codes, sheet, short
from explorer.data.preprocessing import Preprocessing, Reading
from explorer.data.sources import open_source
from explorer.errors import DataError, ExplorerError, ExportError

STANDARD = Preprocessing.standard((28, 28, 1))


@pytest.fixture
def reader() -> ImageReader:
    return ImageReader(STANDARD)


def test_image_of_a_source_is_counted_over_the_whole_of_it(reader: ImageReader) -> None:
    source = open_source("digits")
    for index in (0, 17, 9_999):
        expected = source.read([index], STANDARD) / np.float32(255)
        np.testing.assert_array_equal(reader.read(f"digits:{index}"), expected)


def test_image_of_a_folder_and_of_a_file(reader: ImageReader, tmp_path: Path) -> None:
    for name, gray in (("a.png", 10), ("b.png", 200)):
        Image.new("L", (40, 30), gray).save(tmp_path / name)
    assert reader.read(f"{tmp_path}:1").shape == (1, 28, 28, 1)
    assert np.unique(reader.read(f"{tmp_path}:1") * 255).round().tolist() == [200]
    assert np.unique(reader.read(str(tmp_path / "a.png")) * 255).round().tolist() == [10]


@pytest.mark.parametrize("text", [r"C:\x.png", "digits:", "digits:-1", "digits:1.5", "digits:a", ":3x", "", "digits"])
def test_anything_else_is_a_file(reader: ImageReader, text: str) -> None:
    with pytest.raises(DataError, match="is neither an image file nor DATA:INDEX"):
        reader.read(text)


@pytest.mark.parametrize("text", ["digits:10000", "digits:99999999999999999999", "nosuch:3"])
def test_images_that_are_not_there(reader: ImageReader, text: str) -> None:
    with pytest.raises(ExplorerError):
        reader.read(text)


def test_codes_in_every_form_that_is_taken(tmp_path: Path, deep: Path) -> None:
    card = open_model(str(deep)).card
    codes = np.random.default_rng(0).standard_normal((5, 49))
    np.save(tmp_path / "many.npy", codes)
    np.save(tmp_path / "one.npy", codes[0].astype(np.float32))
    np.save(tmp_path / "whole.npy", np.arange(49))
    np.savez(tmp_path / "codes.npz", codes=codes, labels=np.arange(5))
    np.testing.assert_array_equal(read_codes(tmp_path / "many.npy", card), codes.astype(np.float32))
    np.testing.assert_array_equal(read_codes(tmp_path / "one.npy", card), codes[:1].astype(np.float32))
    np.testing.assert_array_equal(read_codes(tmp_path / "codes.npz", card), codes.astype(np.float32))
    assert read_codes(tmp_path / "whole.npy", card).dtype == np.float32


def write_bad(path: Path, kind: str) -> None:
    match kind:
        case "text":
            path.write_text("no array", encoding="utf-8")
        case "pickle":
            path.write_bytes(pickle.dumps(np.zeros((1, 49))))
        case "objects":
            np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
        case "size":
            np.save(path, np.zeros((3, 48)))
        case "words":
            np.save(path, np.full((3, 49), "a"))
        case "complex":
            np.save(path, np.zeros((3, 49), complex))
        case "nan":
            np.save(path, np.full((3, 49), np.nan))
        case "none":
            np.save(path, np.zeros((0, 49)))
        case "cut":
            np.save(path, np.zeros((3, 49)))
            path.write_bytes(path.read_bytes()[:200])
        case "empty":
            path.write_bytes(b"")
        case "archive":
            with path.open("wb") as file:
                np.savez(file, other=np.zeros((1, 49)))
        case "damaged archive":
            path.write_bytes(b"PK\x03\x04 and nothing more")


@pytest.mark.parametrize(
    "kind",
    [
        *("text", "pickle", "objects", "size", "words", "complex", "nan", "none", "cut", "empty", "archive"),
        *("damaged archive", "missing"),
    ],
)
def test_codes_that_are_refused(tmp_path: Path, deep: Path, kind: str) -> None:
    path = tmp_path / "codes.npy"
    write_bad(path, kind)
    with pytest.raises(DataError, match=r"codes\.npy"):
        read_codes(path, open_model(str(deep)).card)


def test_output_file_is_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert output_file("a.PNG", ".png") == tmp_path / "a.PNG"
    (tmp_path / "folder.png").mkdir()
    for bad in ("a.jpg", "a", "no/a.png", "folder.png"):
        with pytest.raises(ExportError):
            output_file(bad, ".png")


def test_an_image_file_of_many_channels_is_read_with_the_range_and_channels_of_the_model(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 900, (4, 6, 5)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells.ome.tif", values, metadata={"axes": "CYX"}, photometric="minisblack")
    image = str(tmp_path / "cells.ome.tif")
    twelve = Reading(low=0, high=4095, depth=16)
    read = ImageReader(Preprocessing.standard((6, 5, 4), reading=twelve)).read(image)
    np.testing.assert_allclose(read[0], np.moveaxis(values, 0, 2) / 4095, atol=1e-5)
    some = twelve.model_copy(update={"channels": (3, 0)})
    read = ImageReader(Preprocessing.standard((6, 5, 2), reading=some)).read(image)
    np.testing.assert_allclose(read[0], np.moveaxis(values[[3, 0]], 0, 2) / 4095, atol=1e-5)
    with pytest.raises(DataError, match="Images of 4 channels cannot become images of 1 channel"):
        ImageReader(Preprocessing.standard((6, 5, 1))).read(image)
    read = ImageReader(Preprocessing.standard((6, 5, 1))).read(f"{image}?channels=2&range=0,1000")
    np.testing.assert_allclose(read[0, ..., 0], values[2] / 1000, atol=0.002)


@given(hnp.arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_short_numbers_are_the_same_numbers(values: Any) -> None:
    assert np.array(short(values), np.float32).tolist() == values.tolist()


def test_short_numbers_are_short() -> None:
    assert short(np.array([0.3, -2.4, 1e-8], np.float32)) == [0.3, -2.4, 1e-8]


def test_sheet_is_as_square_as_whole_rows_allow() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    assert sheet(images)[..., 0].tolist() == [[0, 1, 2], [3, 4, 0]]
