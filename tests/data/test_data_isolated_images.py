"""AVIF, JPEG 2000 and HEIC images are decoded in the reader process; JPEG XL is named with its reason."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.heic import heic_file
from PIL import Image, features

from explorer.data import image_index
from explorer.data.decoding import open_image, open_request, open_with_header
from explorer.data.deep_pixels import Deep
from explorer.data.formats import Header, Request
from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import Preprocessing
from explorer.data.probing import probe_image, probe_together
from explorer.data.sources import open_source, opening
from explorer.errors import DataError
from explorer.types import Progress

HAS_HEIF = importlib.util.find_spec("pi_heif") is not None
needs_avif = pytest.mark.skipif("avif" not in features.get_supported(), reason="this Pillow has no AVIF")
needs_jpeg_2000 = pytest.mark.skipif("jpg_2000" not in features.get_supported(), reason="this Pillow has no JPEG 2000")
needs_heif = pytest.mark.skipif(not HAS_HEIF, reason="the extra heif is not installed")
KINDS = [
    pytest.param("photo.avif", {"quality": 100, "subsampling": "4:4:4"}, marks=needs_avif),
    pytest.param("photo.jp2", {}, marks=needs_jpeg_2000),
    pytest.param("photo.j2k", {}, marks=needs_jpeg_2000),
]
COLORS = np.zeros((48, 64, 3), np.uint8)
COLORS[:, :32], COLORS[:, 32:] = (200, 40, 40), (40, 60, 200)
RECIPE = Preprocessing.standard((48, 64, 3))


def save(path: Path, options: dict[str, Any]) -> Path:
    Image.fromarray(COLORS).save(path, **options)
    return path


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_avif_and_jpeg_2000_open(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = save(tmp_path / name, options)
    assert probe_image(path) == Header(48, 64, 3)
    source = open_source(path)
    assert (source.count, source.image_shape) == (1, (48, 64, 3))
    np.testing.assert_allclose(source.read([0], RECIPE)[0].astype(int), COLORS, atol=6)
    np.testing.assert_allclose(np.asarray(source.pil_image(0)).astype(int), COLORS, atol=6)
    imported = ImportedImage.open(path.read_bytes(), "pasted")
    np.testing.assert_allclose(imported.read([0], RECIPE)[0].astype(int), COLORS, atol=6)


@pytest.mark.parametrize(("name", "options"), KINDS)
@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_modes_and_orientation_come_through(name: str, options: dict[str, Any], mode: str, tmp_path: Path) -> None:
    gray = Image.fromarray(COLORS).convert(mode)
    if mode != "L":
        gray.putalpha(128)
    if name == "photo.avif":
        exif = Image.Exif()
        exif[0x0112] = 6
        options = options | {"exif": exif}
    gray.save(tmp_path / name, **options)
    opened = open_with_header(tmp_path / name)
    expected = gray if opened.pil_image.mode == mode else gray.convert(opened.pil_image.mode)  # AVIF has no LA
    np.testing.assert_allclose(np.asarray(opened.pil_image).astype(int), np.asarray(expected), atol=6)
    shape = (64, 48) if name == "photo.avif" else (48, 64)
    assert (opened.header.height, opened.header.width) == shape
    assert probe_image(tmp_path / name) == opened.header


@needs_jpeg_2000
def test_jpeg_2000_of_12_bits_has_its_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 4095, 48 * 64).astype(np.uint16).reshape(48, 64)
    Image.fromarray(ramp).save(tmp_path / "deep.jp2")
    source = open_source(tmp_path / "deep.jp2")
    assert (source.found.dtype, source.found.range) == ("uint16", (0, 4095))
    np.testing.assert_array_equal(np.asarray(source.pil_image(0)), np.rint(ramp / 4095 * 255))
    found = open_request(Request(tmp_path / "deep.jp2", "deep.jp2"), deep=True)
    assert isinstance(found, Deep)
    np.testing.assert_array_equal(found.values, ramp)


@needs_avif
def test_an_animated_avif_has_frames(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 48), (value, value, value)) for value in (10, 100, 200)]
    frames[0].save(tmp_path / "film.avif", save_all=True, append_images=frames[1:], quality=100)
    source = open_source(tmp_path / "film.avif")
    assert (source.count, source.found.frames) == (3, 3)
    np.testing.assert_allclose(source.read([2, 0, 1], RECIPE)[:, 5, 5, 0].astype(int), [200, 10, 100], atol=3)


@needs_heif
def test_heic_opens(tmp_path: Path) -> None:
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(heic_file())
    source = open_source(path)
    assert (source.count, source.image_shape, probe_image(path)) == (1, (64, 64, 3), Header(64, 64, 3))
    pixels = np.asarray(source.pil_image(0)).astype(int)
    np.testing.assert_allclose(pixels[:, :30], np.broadcast_to((200, 40, 40), (64, 30, 3)), atol=6)
    np.testing.assert_allclose(pixels[:, 34:], np.broadcast_to((40, 60, 200), (64, 30, 3)), atol=6)
    path.write_bytes(heic_file(turned=1))
    turned = Preprocessing.standard((64, 64, 3)).pixels(open_image(path)).astype(int)
    np.testing.assert_allclose(turned[34:], np.broadcast_to((200, 40, 40), (30, 64, 3)), atol=6)
    path.write_bytes(heic_file(images=3))
    assert [open_source(path).count, open_source(f"{path}?frames=first").count] == [3, 1]


def test_heic_without_its_extra_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "pi_heif" else find(name))
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(heic_file())
    for read in (open_image, probe_image):
        with pytest.raises(DataError, match=r"IMG_0001\.HEIC: .* optional library\. Run: pip install '\.\[heif\]'"):
            read(path)
    Image.new("L", (8, 8), 5).save(tmp_path / "a.png")
    source = open_source(tmp_path)
    assert (source.count, [one.name for one in source.skipped]) == (1, ["IMG_0001.HEIC"])
    assert "pip install '.[heif]'" in str(source.skipped[0].reason)


@pytest.mark.parametrize("content", [b"\xff\x0a" + bytes(50), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50)])
def test_jpeg_xl_is_named_with_what_to_do(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "photo.jxl").write_bytes(content)
    with pytest.raises(DataError, match=r"photo\.jxl: JPEG XL .* \(pillow-jxl-plugin is .* GPL-3\)\. Save it as PNG"):
        open_source(tmp_path / "photo.jxl")
    Image.new("L", (8, 8), 5).save(tmp_path / "a.png")
    assert [one.name for one in open_source(tmp_path).skipped] == ["photo.jxl"]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Four photos of three kinds, one text and one that is cut."""
    for name in ("a.jp2", "b.png", "c.j2k", "e.jp2"):
        save(tmp_path / name, {})
    (tmp_path / "d.jp2").write_text("no image")
    content = (tmp_path / "a.jp2").read_bytes()
    (tmp_path / "f.jp2").write_bytes(content[: len(content) // 2])
    return tmp_path


@needs_jpeg_2000
def test_a_folder_leaves_out_what_is_no_image_by_name(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(album)
    assert [source.file_name(index) for index in range(source.count)] == ["a.jp2", "b.png", "c.j2k", "e.jp2"]
    assert [one.name for one in source.skipped] == ["d.jp2", "f.jp2"]
    assert "truncated" in str(source.skipped[1].reason)
    pixels = source.read([3, 1, 0, 2], RECIPE)
    np.testing.assert_allclose(pixels.astype(int), np.broadcast_to(COLORS, (4, 48, 64, 3)), atol=6)
    monkeypatch.setattr(image_index, "BIG_FOLDER", 2)
    for _ in range(2):
        *_, whole = (item for item in opening(album) if not isinstance(item, Progress))
        assert (whole.count, len(whole.skipped)) == (4, 2)


@needs_jpeg_2000
def test_a_photo_that_is_damaged_later_costs_only_itself(album: Path) -> None:
    source = open_source(album)
    content = (album / "c.j2k").read_bytes()
    (album / "c.j2k").write_bytes(content[:60] + b"\xff" * 40 + content[100:])
    pixels, kept = source.read_available(range(4), RECIPE)
    assert kept.tolist() == [0, 1, 3]
    np.testing.assert_allclose(pixels.astype(int), np.broadcast_to(COLORS, (3, 48, 64, 3)), atol=6)
    assert "c.j2k" in [one.name for one in source.skipped]


@needs_jpeg_2000
def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = save(tmp_path / "really.jp2", {})
    path = path.rename(tmp_path / "photo.png")
    assert np.asarray(open_image(path)).shape == (48, 64, 3)
    assert probe_image(path) == Header(48, 64, 3)
    Image.fromarray(COLORS).save(tmp_path / "x.png")
    (tmp_path / "x.png").rename(tmp_path / "photo.jp2")
    np.testing.assert_array_equal(open_source(tmp_path / "photo.jp2").read([0], RECIPE)[0], COLORS)
    assert [*probe_together([path, tmp_path / "photo.jp2"])] == [Header(48, 64, 3)] * 2


@needs_jpeg_2000
def test_a_small_file_of_a_huge_image_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(COLORS).save(file, "JPEG2000", no_jp2=True)
    content = bytearray(file.getvalue())
    content[8:16] = (20_000).to_bytes(4) * 2  # width and height
    (tmp_path / "huge.j2k").write_bytes(content)
    for read in (open_image, probe_image):
        with pytest.raises(DataError, match=r"huge\.j2k: .*million"):
            read(tmp_path / "huge.j2k")


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_their_parsers_run_in_another_process(
    name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / name, options)
    for kind in ("AVIF", "JPEG2000"):
        if kind in Image.OPEN:
            monkeypatch.setitem(Image.OPEN, kind, (fail, Image.OPEN[kind][1]))
    assert (probe_image(path), open_image(path).size) == (Header(48, 64, 3), (64, 48))


def fail(*given: object) -> Image.Image:
    raise AssertionError("opened in the process of the window")
