"""Imported images that only the history has keep the content of their file, and are decoded again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import Depth, Preprocessing, Reading

SIDE = 48


def content_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def ramp(dtype: type[np.uint8 | np.uint16], *channels: int) -> Image.Image:
    most = np.iinfo(dtype).max
    count = int(np.prod((SIDE, SIDE, *channels)))
    return Image.fromarray(np.linspace(0, most, count).astype(dtype).reshape(SIDE, SIDE, *channels))


@pytest.mark.parametrize(
    "image", [ramp(np.uint8), ramp(np.uint8, 3), ramp(np.uint16)], ids=["gray", "color", "16 bits"]
)
@pytest.mark.parametrize("negative", [False, True], ids=["as it is", "negative"])
@pytest.mark.parametrize("depth", [8, "float"])
def test_an_image_at_rest_is_the_same_when_it_is_read(image: Image.Image, negative: bool, depth: Depth) -> None:
    imported = ImportedImage.open(content_of(image), "ramp")
    if negative:
        imported = imported.inverted()
    preprocessing = Preprocessing.standard((SIDE, SIDE, 1), reading=Reading(depth=depth))
    before, content_hash, most = imported.read([0], preprocessing), imported.content_hash(), imported.nbytes
    np.testing.assert_array_equal(imported.read([0, 0], preprocessing), np.concatenate([before, before]))
    reverse = imported.inverted().read([0], preprocessing)
    imported.rest()
    resting = imported.inverted()
    assert resting.nbytes == imported.nbytes == len(imported.content) < most, "nothing is decoded yet"
    np.testing.assert_array_equal(resting.read([0], preprocessing), reverse)
    assert resting.negative != negative
    assert resting.content_hash() != imported.content_hash()
    imported.rest()
    np.testing.assert_array_equal(imported.read([0], preprocessing), before)
    assert imported.content_hash() == content_hash
    assert imported.nbytes == most, "it is decoded again, once"
    assert before.min() < before.max()


def test_an_image_whose_file_is_not_known_does_not_rest() -> None:
    image = ramp(np.uint8, 3)
    imported = ImportedImage(image, "pasted", b"")
    imported.rest()
    assert imported.pil_image(0).tobytes() == image.tobytes()


def test_the_content_is_that_of_the_file_when_it_was_opened(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(content_of(ramp(np.uint8, 3)))
    imported = ImportedImage.open(file, "a.png")
    before = imported.pil_image(0).tobytes()
    imported.rest()
    file.unlink()
    assert imported.pil_image(0).tobytes() == before
