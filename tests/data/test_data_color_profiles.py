"""Images with a color profile (ICC) other than sRGB are converted to sRGB."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from explorer.data.formats import open_image
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def tags_of(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count)]
    return {name: profile[place : place + size] for name, place, size in entries}


def profile_of(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return an ICC profile of version 2 for a color space, with these tags."""
    place, table, content = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, place + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    head = bytearray(SRGB[:128])
    head[:4] = struct.pack(">I", place + len(content))
    head[8:24] = b"\x02\x20\0\0" + kind + space + connection
    return bytes(head) + struct.pack(">I", len(tags)) + table + content


def swapped() -> bytes:
    """Return sRGB with its red and green exchanged."""
    tags = tags_of(SRGB)
    return profile_of(b"RGB ", b"mntr", b"XYZ ", tags | {b"rXYZ": tags[b"gXYZ"], b"gXYZ": tags[b"rXYZ"]})


def linear_gray() -> bytes:
    """Return a profile of gray values that are proportional to light."""
    tags = tags_of(SRGB)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 1 << 8)
    return profile_of(b"GRAY", b"mntr", b"XYZ ", {b"desc": tags[b"desc"], b"wtpt": tags[b"wtpt"], b"kTRC": curve})


def ink() -> bytes:
    """Return a profile in which cyan alone prints a gray of L* = 50, and all else black, except bare paper."""
    corners = np.zeros((2, 2, 2, 2, 3), np.uint8)
    corners[..., 1:] = 128
    corners[0, 0, 0, 0, 0], corners[1, 0, 0, 0, 0] = 255, 128
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(np.eye(3, dtype=int).ravel() * 0x10000).tolist())
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + corners.tobytes() + ramp * 3
    tags = tags_of(SRGB)
    return profile_of(b"CMYK", b"prtr", b"Lab ", {b"desc": tags[b"desc"], b"wtpt": tags[b"wtpt"], b"A2B0": table})


def saved(pil_image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    pil_image.save(file, kind, **options)
    return file.getvalue()


COLOR = Image.new("RGB", (8, 8), (250, 20, 60))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_another_profile_is_converted(kind: str) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    opened = open_image(saved(COLOR, kind, icc_profile=swapped(), **options), "photo")
    np.testing.assert_allclose(np.asarray(opened)[0, 0].astype(int), (20, 250, 60), atol=3)
    assert "icc_profile" not in opened.info
    again = Preprocessing.standard((8, 8, 3)).pixels(opened)  # converted once, not twice
    np.testing.assert_array_equal(again, np.asarray(opened))


def test_alpha_and_palettes_are_converted_too() -> None:
    transparent = COLOR.copy()
    transparent.putalpha(99)
    opened = open_image(saved(transparent, "PNG", icc_profile=swapped()), "photo")
    assert opened.mode == "RGBA"
    np.testing.assert_allclose(np.asarray(opened)[0, 0].astype(int), (20, 250, 60, 99), atol=2)
    opened = open_image(saved(COLOR.quantize(2), "PNG", icc_profile=swapped()), "palette")
    np.testing.assert_allclose(np.asarray(opened)[0, 0].astype(int), (20, 250, 60), atol=3)


def test_srgb_and_damaged_profiles_change_nothing() -> None:
    tags = tags_of(SRGB)
    damaged = swapped()[:140] + b"\xff" * 60 + swapped()[200:]
    for profile in (SRGB, damaged, b"no profile", linear_gray(), ink(), b"", swapped()[:150]):
        opened = open_image(saved(COLOR, "PNG", icc_profile=profile), "photo")
        assert np.asarray(opened)[0, 0].tolist() == [250, 20, 60]
    assert tags[b"rXYZ"] != tags[b"gXYZ"]
    assert open_image(saved(COLOR, "PNG", icc_profile=SRGB), "photo").info["icc_profile"] == SRGB


def test_gray_is_converted_and_stays_gray() -> None:
    opened = open_image(saved(Image.new("L", (8, 8), 55), "PNG", icc_profile=linear_gray()), "gray")
    assert opened.mode == "L"
    light = 55 / 255
    expected = (1.055 * light ** (1 / 2.4) - 0.055) * 255
    np.testing.assert_allclose(np.asarray(opened), expected, atol=1.5)
    opened = open_image(saved(Image.new("LA", (8, 8), (55, 7)), "PNG", icc_profile=linear_gray()), "gray")
    assert opened.mode == "LA"
    np.testing.assert_allclose(np.asarray(opened)[0, 0], (expected, 7), atol=1.5)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_ink_is_converted_with_its_profile(kind: str) -> None:
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    plain = np.asarray(open_image(saved(cyan, kind), "plain"))[0, 0]
    np.testing.assert_allclose(plain.astype(int), (0, 255, 255), atol=4)
    opened = open_image(saved(cyan, kind, icc_profile=ink()), "printed")
    assert opened.mode == "RGB"
    np.testing.assert_allclose(np.asarray(opened)[0, 0].astype(int), 119, atol=4)


def test_the_images_of_a_folder_are_converted(tmp_path: Path) -> None:
    COLOR.save(tmp_path / "a.png", icc_profile=swapped())
    COLOR.save(tmp_path / "b.png")
    pixels = open_source(tmp_path).read([0, 1], Preprocessing.standard((8, 8, 3)))
    np.testing.assert_allclose(pixels[:, 0, 0].astype(int), [(20, 250, 60), (250, 20, 60)], atol=2)
