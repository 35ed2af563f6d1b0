"""Images with a color profile (ICC) other than sRGB are converted to sRGB."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from explorer_testing.deep_files import png_16
from numpy.typing import NDArray
from PIL import Image, ImageCms

from explorer.data import isolated_images
from explorer.data.color_profiles import has_tables, values_to_srgb
from explorer.data.decoding import open_image
from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.errors import DataError
from explorer.models.third_party.reading import finished
from explorer.models.value_files import read_values
from explorer.reader import read

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
    if kind == "JPEG":  # as in `test_a_jpeg_without_its_end_mark_is_one`
        np.testing.assert_array_equal(open_image(saved(cyan, kind, icc_profile=ink())[:-2], "printed"), opened)
        with pytest.raises(DataError, match=r"printed: .*[Tt]runcated"):
            open_image(saved(cyan, kind, icc_profile=ink())[:-20], "printed")


def test_the_images_of_a_folder_are_converted(tmp_path: Path) -> None:
    COLOR.save(tmp_path / "a.png", icc_profile=swapped())
    COLOR.save(tmp_path / "b.png")
    pixels = open_source(tmp_path).read([0, 1], Preprocessing.standard((8, 8, 3)))
    np.testing.assert_allclose(pixels[:, 0, 0].astype(int), [(20, 250, 60), (250, 20, 60)], atol=2)


# -- more than 8 bits, and what runs where -----------------------------------------------------------------------------


def display_p3(curve: bytes) -> bytes:
    """Return a profile with the primaries of Display P3 (adapted to D50, as Apple writes them) and a curve."""
    primaries = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
    color = {
        name: b"XYZ " + bytes(4) + struct.pack(">3i", *(round(one * 0x10000) for one in xyz))
        for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    tags = tags_of(SRGB)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return profile_of(b"RGB ", b"mntr", b"XYZ ", {b"desc": tags[b"desc"], b"wtpt": tags[b"wtpt"], **color, **curves})


def parametric(kind: int, *numbers: float) -> bytes:
    fixed = (round(number * 0x10000) for number in numbers)
    return b"para" + bytes(4) + struct.pack(f">HH{len(numbers)}i", kind, 0, *fixed)


GAMMA = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 0x100))
TABLE = b"curv" + bytes(4) + struct.pack(">I256H", 256, *(round(65535 * (step / 255) ** 1.8) for step in range(256)))
LIFTED = b"curv" + bytes(4) + struct.pack(">I2H", 2, 4_000, 65_535)
CURVES = {
    "gamma": GAMMA,
    "table": TABLE,
    "identity": b"curv" + bytes(8),
    "black point": LIFTED,
    "power": parametric(0, 2.4),
    "kind 1": parametric(1, 2.2, 0.9, 0.1),
    "kind 2": parametric(2, 2.2, 0.895, 0.1, 0.01096),
    "sRGB": parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "kind 4": parametric(4, 2.4, 0.945, 0.052, 1 / 12.92, 0.04045, 0.0072, 0.0072),
}


def by_little_cms(colors: NDArray[np.uint8], profile: bytes) -> NDArray[np.int64]:
    """Return colors in sRGB without the tables by which Little CMS is fast and up to 11 of 255 wrong."""
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.buildTransform(source, target, "RGB", "RGB", intent, flags)
    return np.asarray(transform.apply(Image.fromarray(colors))).astype(np.int64)


@pytest.mark.parametrize("curve", CURVES)
def test_profiles_without_tables_give_what_little_cms_gives(curve: str) -> None:
    profile = display_p3(CURVES[curve])
    assert not has_tables(profile)
    levels = np.linspace(0, 255, 16).round().astype(np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(64, 64, 3)
    found = values_to_srgb(colors, profile)
    assert np.abs(found.astype(int) - by_little_cms(colors, profile)).max() <= 1
    deep = values_to_srgb(colors.astype(np.uint16) * 257, profile)
    assert np.abs(deep / 257 - found).max() <= 0.6
    floats = values_to_srgb(colors / np.float32(255), profile)
    np.testing.assert_allclose(floats, deep / 65535, atol=1e-4)


def test_red_of_display_p3_is_clipped_and_gray_stays_gray() -> None:
    colors = np.array([[[255, 0, 0], [128, 128, 128], [200, 120, 90]]], np.uint8)
    found = values_to_srgb(colors, display_p3(CURVES["sRGB"]))
    # The matrix of the light is that of CSS Color 4.
    matrix = [[1.2249401, -0.2249402, 0], [-0.0420570, 1.0420571, 0], [-0.0196376, -0.0786361, 1.0982736]]
    light = np.array(matrix) @ (((np.array([200, 120, 90]) / 255 + 0.055) / 1.055) ** 2.4)
    skin = (1.055 * light ** (1 / 2.4) - 0.055) * 255
    np.testing.assert_allclose(found[0].astype(int), np.array([(255, 0, 0), (128, 128, 128), skin]), atol=1)


DEEP = np.random.default_rng(3).integers(0, 65536, (8, 8, 3), dtype=np.uint16)
DEEP[0, 0] = 65535


@pytest.mark.parametrize("kind", ["png", "tif", "lzw"])
def test_16_bits_of_color_are_trained_in_srgb(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"deep.{'png' if kind == 'png' else 'tif'}"
    if kind == "png":
        path.write_bytes(png_16(DEEP, swapped()))
    else:
        pytest.importorskip("imagecodecs") if kind == "lzw" else None
        packed = kind if kind == "lzw" else None
        tifffile.imwrite(path, DEEP, photometric="rgb", iccprofile=swapped(), metadata=None, compression=packed)
    expected = DEEP[..., [1, 0, 2]]
    recipe = Preprocessing.standard((8, 8, 3), reading=open_source(path).reading())
    for place in (path, tmp_path):  # TIFF files alone are read by tifffile, in folders by Pillow
        source = open_source(place)
        assert (source.depth, source.found.range) == (16, (0, 65535))
        assert source.reading() == recipe.reading
        found = source.read([0], recipe)[0]
        assert found.dtype == np.uint16
        assert np.abs(found.astype(int) - expected).max() <= 100
        assert np.abs(np.asarray(source.pil_image(0)).astype(int) - expected / 257).max() <= 1.6
    imported = ImportedImage.open(path, path.name)
    assert np.abs(imported.read([0], recipe)[0].astype(int) - expected).max() <= 100
    values = finished(read_values(path, 3))  # as `denoise` takes them
    assert values is not None
    assert np.abs(values.images[0].astype(int) - expected).max() <= 100


def darker(space: bytes) -> bytes:
    """Return a profile with a table: half as light."""
    tags, inputs = tags_of(SRGB), 3 if space == b"RGB " else 1
    grid = np.zeros((2,) * inputs + (3,), np.uint8)
    grid[...] = [0, 128, 128]
    grid[..., 0] = np.indices((2,) * inputs).mean(0) * 128
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(np.eye(3, dtype=int).ravel() * 0x10000).tolist())
    table = b"mft1" + bytes(4) + bytes([inputs, 3, 2, 0]) + matrix + ramp * inputs + grid.tobytes() + ramp * 3
    return profile_of(space, b"scnr", b"Lab ", {b"desc": tags[b"desc"], b"wtpt": tags[b"wtpt"], b"A2B0": table})


def test_tables_apply_to_8_and_16_bits(tmp_path: Path) -> None:
    profile = darker(b"RGB ")
    assert has_tables(profile)
    middle = np.full((8, 8, 3), 128 * 257, np.uint16)
    (tmp_path / "deep.png").write_bytes(png_16(middle, profile))
    Image.fromarray((middle >> 8).astype(np.uint8)).save(tmp_path / "shallow.png", icc_profile=profile)
    gray = Image.new("L", (8, 8), 128)
    gray.save(tmp_path / "gray.png", icc_profile=darker(b"GRAY"))
    source = open_source(f"{tmp_path}?range=0,65535")
    recipe = Preprocessing.standard((8, 8, 3), reading=source.reading())
    found = source.read(range(3), recipe)[:, 0, 0, 0] / 257
    np.testing.assert_allclose(found, 60, atol=1)  # L* = 25 is sRGB 60


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_tables_leave_alpha_as_it_is(mode: str, tmp_path: Path) -> None:
    image = Image.new(mode[:-1], (8, 8), "#808080")
    image.putalpha(99)
    profile = darker(b"GRAY" if mode == "LA" else b"RGB ")
    expected = [60] * (len(mode) - 1) + [99]
    opened = open_image(saved(image, "PNG", icc_profile=profile), "photo")
    assert opened.mode == mode
    np.testing.assert_allclose(np.asarray(opened)[0, 0].astype(int), expected, atol=1)
    colors = np.asarray(image)
    options: dict[str, Any] = {"photometric": "minisblack" if mode == "LA" else "rgb", "planarconfig": "contig"}
    options |= {"extrasamples": ["unassalpha"], "iccprofile": profile}
    tifffile.imwrite(tmp_path / "8.tif", colors, **options)
    on_white = (60 * 99 + 255 * 156) / 255
    pixels = open_source(tmp_path / "8.tif").read([0], Preprocessing.standard((8, 8, len(mode) - 1)))
    np.testing.assert_allclose(pixels.astype(int), on_white, atol=1)
    tifffile.imwrite(tmp_path / "16.tif", colors.astype(np.uint16) * 257, **options)
    found = finished(read_values(tmp_path / "16.tif", 3))
    assert found is not None
    assert found.alpha is not None
    np.testing.assert_allclose(found.images / 257, 60, atol=1)
    np.testing.assert_array_equal(found.alpha, 99 * 257)


def refuse(*given: object) -> Any:
    raise AssertionError("a native parser in the process of the window")


def test_libtiff_and_little_cms_run_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colors = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    for name, compression in (("a.tif", "tiff_lzw"), ("b.tif", "jpeg"), ("c.tif", "packbits"), ("d.tif", "raw")):
        Image.fromarray(colors).save(tmp_path / name, compression=compression)
    Image.fromarray(colors.astype(np.uint16)[..., 0] * 257).save(tmp_path / "e.tif", compression="tiff_lzw")
    Image.new("CMYK", (7, 9), (255, 0, 0, 0)).save(tmp_path / "f.jpg", icc_profile=ink())
    COLOR.resize((7, 9)).save(tmp_path / "g.png", icc_profile=swapped())
    monkeypatch.setattr("PIL.Image.core.libtiff_decoder", refuse)
    monkeypatch.setattr(ImageCms, "ImageCmsProfile", refuse)
    started: list[str] = []

    def counted(name: str, *given: Any) -> Any:
        started.append(name)
        return read(name, *given)

    monkeypatch.setattr(isolated_images, "read", counted)
    source = open_source(tmp_path)
    assert (source.count, source.image_shape, source.skipped) == (7, (9, 7, 3), ())
    assert len(started) == 2, "the files are checked together, and the range is found"
    found = source.read(range(7), Preprocessing.standard((9, 7, 3)))
    assert len(started) == 3, "all are decoded together"
    for place in (0, 2, 3):
        np.testing.assert_array_equal(found[place], colors)
    np.testing.assert_array_equal(found[4, ..., 0], colors[..., 0])
    np.testing.assert_allclose(found[5].astype(int), 119, atol=4)
    np.testing.assert_allclose(found[6, 0, 0].astype(int), (20, 250, 60), atol=2)
    np.testing.assert_array_equal(np.asarray(source.pil_image(0)), colors)
    np.testing.assert_array_equal(np.asarray(open_image((tmp_path / "a.tif").read_bytes(), "pasted")), colors)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    damaged = open_source(tmp_path)
    assert (damaged.count, [one.name for one in damaged.skipped]) == (6, ["a.tif"])
