from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from explorer.data.decoding import open_image, plain_mode
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.probing import probe_image
from explorer.errors import DataError

GRADIENT = np.arange(256, dtype=np.uint8).reshape(16, 16)


def saved(pil_image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    pil_image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    ("mode", "kind", "expected"),
    [
        ("L", "PNG", "L"),
        ("1", "PNG", "L"),
        ("LA", "PNG", "LA"),
        ("RGB", "JPEG", "RGB"),
        ("RGBA", "PNG", "RGBA"),
        ("P", "PNG", "RGB"),
        ("P", "GIF", "RGB"),
        ("CMYK", "JPEG", "RGB"),
        ("CMYK", "TIFF", "RGB"),
        ("RGB", "WEBP", "RGB"),
        ("RGB", "BMP", "RGB"),
        ("L", "PPM", "L"),
        ("RGB", "TGA", "RGB"),
    ],
)
def test_every_mode_becomes_a_plain_one(mode: str, kind: str, expected: str) -> None:
    color = Image.new("RGB", (20, 10), (255, 255, 255) if mode == "1" else (200, 200, 200))
    image = color.quantize(4) if mode == "P" else color.convert(mode)
    opened = open_image(saved(image, kind), "some image")
    assert opened.mode == expected
    assert opened.size == (20, 10)
    np.testing.assert_allclose(np.asarray(opened.convert("RGB")), np.asarray(color), atol=2)


def test_sixteen_bit_gray_is_scaled_and_not_cut() -> None:
    deep = (GRADIENT.astype(np.uint16) * 257).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        np.testing.assert_array_equal(np.asarray(open_image(saved(Image.fromarray(deep), kind), "deep")), GRADIENT)


def test_dark_sixteen_bit_gray_stays_dark_in_its_range() -> None:
    deep = Image.fromarray(np.full((4, 4), 300, np.uint16))
    assert np.asarray(open_image(saved(deep, "PNG"), "dark")).max() == 75
    assert np.asarray(open_image(saved(deep, "PNG"), "dark", value_range=(0, 65535))).max() == 1


def test_float_gray_from_0_to_1_and_from_0_to_255() -> None:
    unit = Image.fromarray((GRADIENT / 255).astype(np.float32))
    np.testing.assert_array_equal(np.asarray(open_image(saved(unit, "TIFF"), "unit")), GRADIENT)
    wide = Image.fromarray(GRADIENT.astype(np.float32))
    np.testing.assert_array_equal(np.asarray(open_image(saved(wide, "TIFF"), "wide")), GRADIENT)
    with pytest.raises(DataError, match="no finite value"):
        open_image(saved(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), "nothing")


def test_palette_with_transparency_keeps_it() -> None:
    pil_image = Image.fromarray(GRADIENT).convert("P")
    opened = open_image(saved(pil_image, "PNG", transparency=0), "palette")
    assert opened.mode == "RGBA"
    alpha = np.asarray(opened)[..., 3]
    assert (alpha[0, 0], alpha[5, 5]) == (0, 255)


def test_gray_with_a_transparent_value_keeps_it() -> None:
    opened = open_image(saved(Image.fromarray(GRADIENT), "PNG", transparency=7), "gray")
    assert opened.mode == "LA"
    assert opened.getpixel((7, 0)) == (7, 0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation_and_first_page(kind: str) -> None:
    frames = [Image.new("L", (6, 6), value) for value in (10, 200)]
    options = {"lossless": True} if kind == "WEBP" else {}
    animation = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert np.asarray(open_image(animation, "film").convert("L")).max() == 10


COLORS = np.stack([GRADIENT, GRADIENT[::-1], GRADIENT.T], axis=-1)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "TGA", "PPM"])
def test_colors_come_through_unchanged(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    opened = open_image(saved(Image.fromarray(COLORS), kind, **options), "colors")
    np.testing.assert_array_equal(np.asarray(opened), COLORS)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "TGA"])
def test_alpha_comes_through(kind: str) -> None:
    pil_image = Image.fromarray(COLORS)
    alpha = Image.new("L", (16, 16), 255)
    alpha.paste(7, (0, 0, 8, 16))
    pil_image.putalpha(alpha)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    opened = open_image(saved(pil_image, kind, **options), "alpha")
    assert opened.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(pil_image))


def test_gray_and_color_jpeg() -> None:
    smooth = np.repeat(np.linspace(0, 255, 16).astype(np.uint8)[np.newaxis], 16, axis=0)
    opened = open_image(saved(Image.fromarray(smooth), "JPEG", quality=95), "gray")
    assert opened.mode == "L"
    np.testing.assert_allclose(np.asarray(opened).astype(int), smooth, atol=4)
    block = np.zeros((16, 16, 3), np.uint8) + np.array([200, 40, 90], np.uint8)
    opened = open_image(saved(Image.fromarray(block), "JPEG", quality=95), "color")
    np.testing.assert_allclose(np.asarray(opened).astype(int), block, atol=4)


def test_cmyk_jpeg_of_adobe_and_of_others() -> None:
    ink = Image.new("CMYK", (16, 16), (10, 200, 100, 30))
    wanted = np.asarray(ink.convert("RGB")).astype(int)
    adobe = saved(ink, "JPEG", quality=95)
    assert b"Adobe" in adobe
    np.testing.assert_allclose(np.asarray(open_image(adobe, "adobe")).astype(int), wanted, atol=4)
    # Adobe's values are negatives; another program's are not, and have no mark.
    other = without_adobe_mark(saved(ImageChops.invert(ink), "JPEG", quality=95))
    opened = open_image(other, "other")
    assert opened.mode == "RGB"
    np.testing.assert_allclose(np.asarray(opened).astype(int), wanted, atol=4)


def without_adobe_mark(content: bytes) -> bytes:
    start = content.index(b"Adobe") - 4
    assert content[start : start + 2] == b"\xff\xee"
    return content[:start] + content[start + 2 + struct.unpack(">H", content[start + 2 : start + 4])[0] :]


def test_sixteen_bit_color() -> None:
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).tobytes() for row in COLORS)
    content = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0))
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(np.asarray(open_image(content, "deep")), COLORS)


def test_one_bit_is_black_and_white() -> None:
    mask = GRADIENT > 127
    for kind in ("PNG", "TIFF", "BMP", "GIF"):
        opened = open_image(saved(Image.fromarray(mask), kind), "mask").convert("L")
        np.testing.assert_array_equal(np.asarray(opened), mask * 255)


def test_an_image_is_known_by_its_content_and_not_by_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(saved(Image.fromarray(GRADIENT), "PNG"))
    assert np.asarray(open_image(path)).tolist() == GRADIENT.tolist()
    assert (probe_image(path).height, probe_image(path).width) == (16, 16)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_orientation_is_kept_for_later_and_seen_in_the_header(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    path = tmp_path / "turned.image"
    path.write_bytes(saved(Image.new("RGB", (20, 10)), kind, exif=exif))
    assert open_image(path).getexif()[0x0112] == 8
    header = probe_image(path)
    assert (header.height, header.width, header.channels) == (20, 10, 3)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 1), ("1", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)])
def test_header_counts_channels_without_alpha(mode: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new(mode, (5, 3)).save(path)
    header = probe_image(path)
    assert (header.height, header.width, header.channels) == (3, 5, channels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file_is_found_by_header_and_by_decoding(kind: str, tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path = tmp_path / "half.image"
    path.write_bytes(saved(noise, kind)[:-3000])
    for opener in (open_image, probe_image):
        with pytest.raises(DataError, match=r"half\.image"):
            opener(path)


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum(tmp_path: Path) -> None:
    content = bytearray(saved(Image.fromarray(GRADIENT), "PNG"))
    content[60] ^= 0x10
    path = tmp_path / "flipped.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"flipped\.png"):
        probe_image(path)


def test_a_decompression_bomb_is_refused_before_it_unfolds() -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(1000)))
    with pytest.raises(DataError, match=r"bomb\.png: more than 80 million pixels\. Make the image smaller"):
        open_image(bomb + png_chunk(b"IEND", b""), "bomb.png")


def test_formats_that_run_programs_are_not_opened() -> None:
    with pytest.raises(DataError, match="unknown image format"):
        open_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n", "page.eps")
    assert ".eps" not in IMAGE_SUFFIXES
    assert ".svg" not in IMAGE_SUFFIXES


def test_missing_and_third_party_files_are_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png: no such file"):
        open_image(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"Cannot open .*: Is a directory"):
        open_image(tmp_path)
    text = tmp_path / "text.png"
    text.write_text("not an image")
    with pytest.raises(DataError, match=r"text\.png: unknown image format"):
        open_image(text)
    text.write_bytes(b"")
    with pytest.raises(DataError, match=r"text\.png"):
        probe_image(text)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA"]), st.data())
def test_broken_files_raise_nothing_but_data_errors(kind: str, data: st.DataObject) -> None:
    content = bytearray(saved(Image.fromarray(GRADIENT).convert("RGB"), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        opened = open_image(bytes(content[: data.draw(st.integers(0, len(content)))]), "fuzzed")
    except DataError:
        return
    assert opened.mode in ("L", "LA", "RGB", "RGBA")


def test_plain_mode_makes_an_image_of_its_own() -> None:
    pil_image = Image.new("L", (3, 3), 5)
    plain = plain_mode(pil_image)
    plain.putpixel((0, 0), 9)
    assert pil_image.getpixel((0, 0)) == 5
