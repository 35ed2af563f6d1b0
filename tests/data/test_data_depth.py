"""Image files of more than 8 bits: scaled by the range of their values, which is known and can be chosen."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from explorer.data.depth import to_bytes
from explorer.data.formats import Header, open_deep, open_image, open_with_header, probe_image
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.errors import DataError

RAMP = np.linspace(0, 4095, 16 * 16).astype(np.uint16).reshape(16, 16)
RECIPE = Preprocessing.standard((16, 16, 1))


def png_16(values: NDArray[np.uint16]) -> bytes:
    """Return a PNG of 16-bit color ``(h, w, 3 | 4)``, which Pillow cannot write."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff_16(values: NDArray[np.uint16], order: str, packed: bool, orientation: int = 1) -> bytes:
    """Return a TIFF of 16-bit color ``(h, w, 3)``, which Pillow cannot write; `order` is ``<`` or ``>``."""
    height, width, channels = values.shape
    content = values.astype(f"{order}u2").tobytes()
    content = zlib.compress(content) if packed else content
    bits = 8 + 2 + 10 * 12 + 4
    tags = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 4, 1, 8 if packed else 1), (262, 4, 1, 2)),
        *((273, 4, 1, bits + 6), (274, 4, 1, orientation), (277, 4, 1, channels), (278, 4, 1, height)),
        (279, 4, 1, len(content)),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    entries = b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags)
    return head + entries + struct.pack(f"{order}I3H", 0, 16, 16, 16) + content


@pytest.mark.parametrize(
    ("highest", "top"),
    [(6, 255), (200, 255), (256, 1023), (1023, 1023), (1024, 4095), (4095, 4095), (16383, 16383), (40000, 65535)],
)
def test_integers_have_the_smallest_number_of_bits_that_covers_them(highest: int, top: int) -> None:
    assert found_range(np.array([[5, highest]], np.uint16)) == (0, top)


def test_a_mask_of_16_bits_is_black_and_white(tmp_path: Path) -> None:
    mask = np.eye(8, dtype=np.uint16)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    source = open_source(tmp_path / "mask.png")
    np.testing.assert_array_equal(np.asarray(source.pil_image(0)), mask * 255)
    assert source.found.range == (0, 1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.9], (0, 1)),
        ([-0.9, 0.9], (-1, 1)),
        ([0.0, 250.0], (0, 255)),
        ([0.0, 0.0, 0.5, 0.5, np.nan, np.inf], (0, 1)),
        ([7.0, 7.0], (7, 8)),
    ],
)
def test_floats_have_a_usual_range_that_they_fill(values: list[float], expected: tuple[float, float]) -> None:
    assert found_range(np.array([values], np.float32)) == expected


def test_other_floats_are_scaled_by_percentiles_and_outliers_do_not_count() -> None:
    values = np.linspace(0, 16, 10_001).astype(np.float32)
    low, high = found_range(values)
    assert (low, high) == pytest.approx((0.016, 15.984), abs=1e-3)
    values[5] = 1e9
    assert found_range(values)[1] == pytest.approx(15.985, abs=1e-2)
    values = np.linspace(100, 200, 10_001).astype(np.float32)
    values[5] = 60_000
    assert found_range(values)[1] == pytest.approx(199.9, abs=0.1), "one hot pixel does not fill 16 bits"
    assert found_range(np.array([-5, 70_000], np.int32))[0] == pytest.approx(65.0, abs=1)
    assert to_bytes(np.array([-1, 0, 8, 16, np.nan, np.inf], np.float32), (0, 16)).tolist() == [0, 0, 128, 255, 0, 255]
    large = np.arange(100_000).astype(np.uint16).reshape(2, -1)
    np.testing.assert_array_equal(to_bytes(large, (0, 65535)), np.rint(large / 257))
    np.testing.assert_array_equal(to_bytes(large.astype(np.float32), (0, 65535)), np.rint(large / 257))
    with pytest.raises(DataError, match="no finite value"):
        found_range(np.full((2, 2), np.nan, np.float32))


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_12_bits_in_a_16_bit_file_are_not_nearly_black(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"bits12.{kind}"
    Image.fromarray(RAMP).save(path)
    source = open_source(path)
    assert (source.found.dtype, source.found.range, source.found.channels) == ("uint16", (0, 4095), 1)
    expected = np.rint(RAMP / 4095 * 255)
    np.testing.assert_array_equal(source.read([0], RECIPE)[0, ..., 0], expected)
    np.testing.assert_array_equal(np.asarray(source.pil_image(0)), expected)
    assert probe_image(path) == Header(16, 16, 1, 1, "uint16")
    chosen = open_source(f"{path}?range=0,65535")
    assert (chosen.found.range, chosen.read([0], RECIPE).max()) == ((0, 65535), 16)


@pytest.mark.parametrize("kind", ["png", "tif <", "tif >", "tif < packed", "tif > packed"])
def test_12_bits_of_color_come_through_with_all_bits(kind: str, tmp_path: Path) -> None:
    values = np.stack([RAMP, RAMP[::-1], RAMP.T], -1)
    path = tmp_path / f"color.{kind[:3]}"
    path.write_bytes(png_16(values) if kind == "png" else tiff_16(values, kind[4], "packed" in kind))
    found = open_deep(path)
    assert found is not None
    assert [*found[1]] == [0, 4095]
    np.testing.assert_array_equal(found[0], values)
    expected = np.rint(values / 4095 * 255)
    np.testing.assert_array_equal(np.asarray(open_image(path)), expected)
    np.testing.assert_array_equal(np.asarray(open_image(path.read_bytes())), expected)
    source = open_source(path)
    assert (source.found.dtype, source.found.range, source.image_shape) == ("uint16", (0, 4095), (16, 16, 3))
    np.testing.assert_array_equal(source.read([0], Preprocessing.standard((16, 16, 3)))[0], expected)


def test_alpha_of_16_bits_has_its_whole_range(tmp_path: Path) -> None:
    values = np.stack([RAMP, RAMP, RAMP, np.full_like(RAMP, 0xFFFF)], -1)
    values[0, 0, 3] = 0x8000
    opened = open_with_header(png_16(values), "alpha")
    assert (opened.pil_image.mode, opened.range) == ("RGBA", (0, 4095))
    assert np.asarray(opened.pil_image)[0, :2].tolist() == [[0, 0, 0, 128], [1, 1, 1, 255]]
    (tmp_path / "alpha.png").write_bytes(png_16(values))
    found = open_deep(tmp_path / "alpha.png")
    assert found is not None
    assert (found[0].shape, found[1]) == ((16, 16, 3), (0, 4095))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_values_are_upright_as_the_image_is(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(RAMP[:, :12]).save(path, exif=exif)
    found = open_deep(path)
    assert found is not None
    height, width = found[0].shape
    pixels = Preprocessing.standard((height, width, 1)).pixels(open_image(path))[..., 0]
    np.testing.assert_array_equal(to_bytes(found[0], found[1]), pixels)
    assert open_deep(path) is not None
    header = probe_image(path)
    assert (header.height, header.width) == (height, width)


def test_images_of_a_folder_share_one_range(tmp_path: Path) -> None:
    for number, factor in enumerate((0.1, 1.0, 0.5)):
        Image.fromarray((RAMP * factor).astype(np.uint16)).save(tmp_path / f"{number}.png")
    Image.new("L", (16, 16), 77).save(tmp_path / "plain.png")
    source = open_source(tmp_path)
    assert (source.found.range, source.found.dtype) == ((0, 4095), "uint16")
    assert source.read(range(4), RECIPE).max((1, 2, 3)).tolist() == [25, 255, 127, 77]
    assert open_source(f"{tmp_path}?range=0,2047").read([2], RECIPE).max() == 255
    with pytest.raises(DataError, match="Invalid choice of range"):
        open_source(f"{tmp_path}?range=5,5")


def test_8_bits_have_no_range(tmp_path: Path) -> None:
    Image.new("L", (16, 16), 77).save(tmp_path / "plain.png")
    source = open_source(f"{tmp_path / 'plain.png'}?range=0,100")
    assert (source.found.range, source.read([0], RECIPE).max()) == (None, 77)
    assert open_deep(tmp_path / "plain.png") is None


def test_a_format_that_declares_its_largest_value_keeps_it() -> None:
    content = b"P5 16 16 65535\n" + np.full((16, 16), 257 * 10, ">u2").tobytes()
    assert np.asarray(open_image(content, "dark.pgm")).max() == 10


def test_float_tiff_says_its_range() -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(-3, 9, 256).astype(np.float32).reshape(16, 16)).save(file, "TIFF")
    opened = open_with_header(file.getvalue(), "heights")
    assert opened.header.dtype == "float32"
    assert opened.range == pytest.approx((-2.988, 8.988), abs=1e-2)
    assert (np.asarray(opened.pil_image).min(), np.asarray(opened.pil_image).max()) == (0, 255)
