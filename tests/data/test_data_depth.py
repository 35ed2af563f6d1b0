"""Image files of more than 8 bits: scaled by the range of their values, which is known and can be chosen."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from explorer_testing.deep_files import png_16, tiff_16
from PIL import Image

from explorer.data.decoding import open_image, open_request, open_with_header
from explorer.data.deep_pixels import Deep
from explorer.data.depth import to_bytes
from explorer.data.formats import Header, Request
from explorer.data.preprocessing import Preprocessing
from explorer.data.probing import probe_image
from explorer.data.ranges import file_range
from explorer.data.sources import open_source
from explorer.errors import DataError

RAMP = np.linspace(0, 4095, 16 * 16).astype(np.uint16).reshape(16, 16)
RECIPE = Preprocessing.standard((16, 16, 1))


def deep_of(path: Path) -> Deep:
    found = open_request(Request(path, path.name), deep=True)
    assert isinstance(found, Deep)
    return found


@pytest.mark.parametrize(
    ("highest", "top"),
    [
        (6, 16),
        (17, 255),
        (200, 255),
        (256, 1023),
        (1023, 1023),
        (1024, 4095),
        (4095, 4095),
        (16383, 16383),
        (40000, 65535),
    ],
)
def test_integers_have_the_smallest_number_of_bits_that_covers_them(highest: int, top: int) -> None:
    assert file_range(np.array([[5, highest]], np.uint16)) == (0, top)


@pytest.mark.parametrize(
    ("hot", "dim", "top"),
    [
        (5, 3000, 4095),  # of a sensor
        (50, 3000, 65535),  # stars
        (5, 9000, 65535),  # not dark beside them
        (5, 0, 65535),  # of a mask
    ],
)
def test_hot_pixels_do_not_make_the_rest_nearly_black(hot: int, dim: int, top: int) -> None:
    values = np.random.default_rng(0).integers(0, dim + 1, (256, 256), np.uint16)
    values[0, :hot] = 65535
    assert file_range(values) == (0, top)


def test_a_bright_channel_or_object_is_no_hot_pixel() -> None:
    rng = np.random.default_rng(1)
    color = np.zeros((1000, 1000, 3), np.uint16)
    color[..., 0] = rng.integers(0, 1001, color.shape[:2])
    color[..., 1] = rng.integers(0, 65536, color.shape[:2])
    assert file_range(color) == (0, 65535), "a sample of values must not be one of channels"
    stripes = rng.integers(0, 200, (2000, 2000), np.uint16)
    stripes[:, 1::4] = 40_000
    assert file_range(stripes) == (0, 65535)
    cells = rng.poisson(200, (1024, 1024)).astype(np.uint16)
    cells[500:510, 500:510] = 60_000
    assert file_range(cells) == (0, 65535)
    labels = np.ones((2048, 2048), np.uint16)
    labels.reshape(-1)[:: 2048 * 8][:15] = np.arange(2, 17)
    assert file_range(labels) == (0, 16)


def test_a_sample_of_floats_is_of_all_channels() -> None:
    values = np.zeros((2000, 1500, 2), np.float32)
    values[..., 1] = np.random.default_rng(2).uniform(0, 5000, values.shape[:2])
    bottom, top = file_range(values)
    assert bottom == 0
    assert top == pytest.approx(4990, abs=10)


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
    assert file_range(np.array([values], np.float32)) == expected


def test_other_floats_are_scaled_by_percentiles_and_outliers_do_not_count() -> None:
    values = np.linspace(0, 16, 10_001).astype(np.float32)
    low, high = file_range(values)
    assert (low, high) == pytest.approx((0.016, 15.984), abs=1e-3)
    values[5] = 1e9
    assert file_range(values)[1] == pytest.approx(15.985, abs=1e-2)
    values = np.linspace(100, 200, 10_001).astype(np.float32)
    values[5] = 60_000
    assert file_range(values)[1] == pytest.approx(199.9, abs=0.1), "one hot pixel does not fill 16 bits"
    assert file_range(np.array([-5, 70_000], np.int32))[0] == pytest.approx(65.0, abs=1)
    assert to_bytes(np.array([-1, 0, 8, 16, np.nan, np.inf], np.float32), (0, 16)).tolist() == [0, 0, 128, 255, 0, 255]
    large = np.arange(100_000).astype(np.uint16).reshape(2, -1)
    np.testing.assert_array_equal(to_bytes(large, (0, 65535)), np.rint(large / 257))
    np.testing.assert_array_equal(to_bytes(large.astype(np.float32), (0, 65535)), np.rint(large / 257))
    with pytest.raises(DataError, match="no finite value"):
        file_range(np.full((2, 2), np.nan, np.float32))


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
    found = deep_of(path)
    assert file_range(found.colors) == (0, 4095)
    np.testing.assert_array_equal(found.values, values)
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
    found = deep_of(tmp_path / "alpha.png")
    assert (found.values.shape, file_range(found.colors)) == ((16, 16, 4), (0, 4095))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_values_are_upright_as_the_image_is(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(RAMP[:, :12]).save(path, exif=exif)
    values = deep_of(path).values
    height, width = values.shape
    pixels = Preprocessing.standard((height, width, 1)).pixels(open_image(path))[..., 0]
    np.testing.assert_array_equal(to_bytes(values, (0, 4095)), pixels)
    header = probe_image(path)
    assert (header.height, header.width) == (height, width)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_deep_tiff_files_are_upright(orientation: int, packed: bool, tmp_path: Path) -> None:
    values = np.stack([RAMP, RAMP[::-1], RAMP.T], -1)[:, :12]
    path = tmp_path / "turned.tif"
    path.write_bytes(tiff_16(values, "<", packed, orientation))
    expected = np.rot90(values, {1: 0, 3: 2, 6: 3, 8: 1}[orientation])
    header = probe_image(path)
    assert (header.height, header.width) == expected.shape[:2]
    np.testing.assert_array_equal(deep_of(path).values, expected)
    for place in (path, tmp_path):  # TIFF files alone are read by tifffile, in folders by Pillow
        source = open_source(place)
        assert source.image_shape == expected.shape
        found = source.read([0], Preprocessing.standard(expected.shape))[0]
        np.testing.assert_array_equal(found, np.rint(expected / 4095 * 255))


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
    assert isinstance(open_request(Request(tmp_path / "plain.png", "plain"), deep=True), Image.Image)


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


# -- transparency ------------------------------------------------------------------------------------------------------

COLORS = np.stack([RAMP * 16, RAMP[::-1] * 16, RAMP.T * 16], -1)
OPACITY = np.where(np.arange(16) < 8, 0xFFFF, 0).astype(np.uint16) * np.ones((16, 1), np.uint16)
OPACITY[:, 8] = 0x4000
OVER_WHITE = np.rint(COLORS * (OPACITY / 65535)[..., None] + 65535 * (1 - OPACITY / 65535)[..., None])


@pytest.mark.parametrize("kind", ["png", "straight", "multiplied", "unspecified", "lzw"])
def test_16_bits_with_alpha_are_composited_over_white(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"rgba.{'png' if kind == 'png' else 'tif'}"
    values = np.dstack([COLORS, OPACITY])
    if kind == "png":
        path.write_bytes(png_16(values))
    else:
        if kind == "multiplied":
            values = np.dstack([np.rint(COLORS * (OPACITY / 65535)[..., None]).astype(np.uint16), OPACITY])
        extra = {"multiplied": "assocalpha", "unspecified": kind}.get(kind, "unassalpha")
        packed = pytest.importorskip("imagecodecs") and "lzw" if kind == "lzw" else None
        tifffile.imwrite(path, values, photometric="rgb", extrasamples=[extra], metadata=None, compression=packed)
    for place in (path, tmp_path):
        if kind == "unspecified" and place == tmp_path:
            continue  # Pillow leaves out a channel of which the file does not say what it is
        source = open_source(place)
        assert (source.depth, source.found.range, source.image_shape) == (16, (0, 65535), (16, 16, 3))
        recipe = Preprocessing.standard((16, 16, 3), reading=source.reading())
        assert np.abs(source.read([0], recipe)[0] - OVER_WHITE).max() <= (6 if kind == "multiplied" else 1)
        shown = Preprocessing.standard((16, 16, 3)).pixels(source.pil_image(0))
        assert np.abs(shown - OVER_WHITE / 257).max() <= 1.1
    if kind != "png":
        every = open_source(f"{path}?channels=0,1,2,3")
        assert every.image_shape == (16, 16, 4)
        assert open_source(path).found.alpha


def test_four_channels_of_16_bits_without_transparency_stay_four(tmp_path: Path) -> None:
    values = np.dstack([COLORS, RAMP * 16])
    tifffile.imwrite(tmp_path / "four.tif", values, photometric="rgb", extrasamples=["unspecified"], metadata=None)
    assert open_source(tmp_path / "four.tif").image_shape == (16, 16, 4)
