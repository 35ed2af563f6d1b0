"""Animations and files of several pages: every frame is an image, or one of them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.data import image_index
from explorer.data.decoding import open_image, open_together, open_with_header
from explorer.data.formats import Request
from explorer.data.frames import MAX_FRAMES
from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import Preprocessing
from explorer.data.probing import probe_image
from explorer.data.source import Source
from explorer.data.sources import describe, open_source, opening
from explorer.data.sources.files import FileSource
from explorer.errors import DataError
from explorer.types import Progress

RECIPE = Preprocessing.standard((6, 8, 1))
VALUES = [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]
KINDS = {"frames.gif": {}, "pages.tif": {}, "frames.webp": {"lossless": True}, "frames.png": {}}


def save(path: Path, values: list[int], **options: Any) -> Path:
    """Write an image of 8×6 pixels for each gray value into one file."""
    frames = [Image.new("L", (8, 6), value) for value in values]
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


def values(source: Source) -> list[int]:
    return [int(value) for value in source.read(range(source.count), RECIPE)[:, 0, 0, 0]]


def names(source: Source) -> list[str]:
    return [source.file_name(index) for index in range(source.count)]


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_of_a_file_is_an_image(name: str, tmp_path: Path) -> None:
    path = save(tmp_path / name, VALUES, **KINDS[name])
    for spec in (path, f"{path}?frames=all"):
        source = open_source(spec)
        assert (source.count, source.found.frames, source.image_shape) == (10, 10, (6, 8, source.found.channels))
        assert values(source) == VALUES
        assert np.asarray(source.pil_image(7).convert("L")).max() == 140
        assert names(source)[:2] == [f"{name}#0", f"{name}#1"]
    assert open_source(path).read([9, 0, 9], RECIPE)[:, 0, 0, 0].tolist() == [180, 0, 180]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("frames", "value"), [("first", 0), ("0", 0), ("3", 60), ("9", 180)])
def test_one_frame_of_a_file_can_be_chosen(name: str, frames: str, value: int, tmp_path: Path) -> None:
    path = save(tmp_path / name, VALUES, **KINDS[name])
    source = open_source(f"{path}?frames={frames}")
    assert (values(source), source.found.frames, source.choices.frames) == ([value], 10, frames)
    assert open_image(path, frame=VALUES.index(value)).convert("L").getpixel((0, 0)) == value


def test_a_frame_that_is_not_there_is_an_error_with_those_that_are(tmp_path: Path) -> None:
    path = save(tmp_path / "pages.tif", VALUES)
    with pytest.raises(DataError, match=r"no frame 10: “pages\.tif” has frames 0 to 9"):
        open_source(f"{path}?frames=10")
    with pytest.raises(DataError, match=r"pages\.tif: it has no frame 10"):
        open_image(path, frame=10)
    with pytest.raises(DataError, match=r"with array=x: there is nothing to choose"):
        open_source(f"{path}?array=x")
    Image.new("L", (8, 6), 9).save(tmp_path / "one.png")
    source = open_source(f"{tmp_path / 'one.png'}?frames=all")
    assert (values(source), names(source), source.found.frames) == ([9], ["one.png"], 0)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two classes of four files with 7 frames, and a table with a number for each file."""
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
    save(tmp_path / "a" / "film.gif", [10, 20, 30])
    Image.new("L", (8, 6), 40).save(tmp_path / "a" / "one.png")
    save(tmp_path / "b" / "pages.tif", [50, 60])
    Image.new("L", (8, 6), 70).save(tmp_path / "b" / "two.png")
    (tmp_path / "table.csv").write_text("file,age\na/film.gif,1\na/one.png,2\nb/pages.tif,3\nb/two.png,4\n")
    return tmp_path


def test_every_frame_in_a_folder_has_the_label_and_attributes_of_its_file(mixed: Path) -> None:
    source = open_source(mixed)
    assert values(source) == [10, 20, 30, 40, 50, 60, 70]
    assert names(source) == [
        *("a/film.gif#0", "a/film.gif#1", "a/film.gif#2", "a/one.png"),
        *("b/pages.tif#0", "b/pages.tif#1", "b/two.png"),
    ]
    assert [source.label(index) for index in range(7)] == ["a"] * 4 + ["b"] * 3
    assert source.attributes["age"].values.tolist() == [1, 1, 1, 2, 3, 3, 4]
    assert source.found.frames == 5
    for group in ([0, 1, 2], [4, 5]):  # a frame in the training and its neighbor in the test would be the same image
        assert set(group) <= set(source.splits.train.tolist()) or set(group) <= set(source.splits.test.tolist())
    assert describe(source)["count"] == 7


@pytest.mark.parametrize(
    ("frames", "wanted", "left_out"),
    [("first", [10, 40, 50, 70], []), ("1", [20, 40, 60, 70], []), ("2", [30, 40, 70], ["b/pages.tif"])],
)
def test_one_frame_of_every_file_in_a_folder(mixed: Path, frames: str, wanted: list[int], left_out: list[str]) -> None:
    source = open_source(f"{mixed}?frames={frames}")
    assert values(source) == wanted
    assert [one.name for one in source.skipped] == left_out
    assert source.attributes["age"].values.tolist() == [1, 2, 3, 4][: len(wanted)] if not left_out else [1, 2, 4]


def test_frames_in_a_large_folder_are_cached_and_their_provisional_source_goes_on(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_index, "BIG_FOLDER", 2)
    listed, whole = (item for item in opening(mixed) if not isinstance(item, Progress))
    assert isinstance(listed, FileSource)
    assert isinstance(whole, FileSource)
    assert (listed.provisional, whole.provisional) == (True, False)
    assert [listed.position_in(whole, index) for index in range(listed.count)][-1] == 6
    for _ in range(2):
        assert values(open_source(mixed)) == [10, 20, 30, 40, 50, 60, 70]
    save(mixed / "a" / "film.gif", [11, 22])
    assert values(open_source(mixed)) == [11, 22, 40, 50, 60, 70]


def test_pages_of_several_sizes_have_no_common_shape(tmp_path: Path) -> None:
    pages = [Image.new("L", (8, 6), 10), Image.new("L", (4, 4), 20)]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    source = open_source(tmp_path / "scan.tif")
    assert (source.image_shape, source.pil_image(1).size) == (None, (4, 4))
    assert values(source) == [10, 20]


def test_a_smaller_copy_of_a_page_is_not_a_page(tmp_path: Path) -> None:
    """As in TIFF files with a preview or a pyramid: NewSubfileType with bit 0."""
    path = tmp_path / "pyramid.tif"
    first, reduced = Image.new("L", (8, 6), 10), Image.new("L", (4, 3), 10)
    first.save(path, save_all=True, append_images=[reduced], tiffinfo={254: 0})
    content = bytearray(path.read_bytes())
    entry = struct.pack("<HHI", 254, 4, 1)
    at = content.rindex(entry) + len(entry)
    content[at : at + 4] = struct.pack("<I", 1)
    path.write_bytes(content)
    assert open_source(path).count == 1


def test_a_damaged_frame_is_left_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    rng = np.random.default_rng(0)
    pages = [Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)) for _ in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_adobe_deflate")
    content = bytearray(path.read_bytes())
    with Image.open(path) as opened:
        opened.seek(1)
        start = opened.tag_v2[273][0]
    content[start : start + 400] = bytes(400)
    path.write_bytes(content)
    source = open_source(path)
    pixels, kept = source.read_available(range(3), Preprocessing.standard((40, 40, 1)))
    assert kept.tolist() == [0, 2]
    np.testing.assert_array_equal(pixels[1, ..., 0], np.asarray(pages[2]))
    assert [one.name for one in source.skipped] == ["pages.tif#1"]


def test_counts_that_a_file_declares_are_not_believed(tmp_path: Path) -> None:
    path = save(tmp_path / "frames.png", [1, 2, 3])
    content = path.read_bytes()
    at = content.index(b"acTL") + 4
    declared = struct.pack(">I", 0xFFFFFF) + content[at + 4 : at + 8]
    checksum = struct.pack(">I", zlib.crc32(b"acTL" + declared))
    path.write_bytes(content[:at] + declared + checksum + content[at + 12 :])
    assert probe_image(path).frames == 3
    many = save(tmp_path / "many.gif", [0, 255] * 5)
    head, tail = many.read_bytes()[:-1], b"\x2c" + struct.pack("<4H", 0, 0, 1, 1) + b"\0\x02\x02\x4c\x01\0"
    many.write_bytes(head + tail * (MAX_FRAMES + 5) + b";")
    source = open_source(many)
    assert (source.count, source.found.frames, probe_image(many).frames) == (MAX_FRAMES, MAX_FRAMES, MAX_FRAMES + 1)
    assert [(one.name, str(one.reason)) for one in source.skipped] == [
        ("many.gif", "Only its first 10,000 frames are read")
    ]
    assert open_source(f"{many}?frames=first").skipped == ()


def test_requests_of_one_file_are_answered_each(tmp_path: Path) -> None:
    path = save(tmp_path / "frames.gif", VALUES)
    requests = [Request(path, f"#{frame}", frame) for frame in (9, 0, 20, 5)]
    found = dict(open_together(requests))
    assert sorted(found) == [0, 1, 2, 3]
    assert "it has no frame 20" in str(found.pop(2))
    assert {at: one.convert("L").getpixel((0, 0)) for at, one in found.items() if isinstance(one, Image.Image)} == {
        0: 180,
        1: 0,
        3: 100,
    }


def test_an_imported_animation_is_its_first_frame_and_knows_of_the_others(tmp_path: Path) -> None:
    path = save(tmp_path / "film.gif", VALUES)
    for content in (path.read_bytes(), path):
        imported = ImportedImage.open(content, "film.gif")
        assert (imported.count, imported.found.frames) == (1, 10)
        assert imported.read([0], RECIPE)[0, 0, 0, 0] == 0
    imported = ImportedImage.open(path, "film.gif")
    assert imported.inverted().found.frames == 10
    Image.new("L", (8, 6)).save(tmp_path / "one.png")
    assert ImportedImage.open(tmp_path / "one.png", "one").found.frames == 0


# -- photos with more behind the image ---------------------------------------------------------------------------------


def jpeg(value: int, size: tuple[int, int] = (32, 24)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(file, "JPEG", quality=95)
    return file.getvalue()


def with_gain_map(first: bytes, second: bytes, *, named: bool, offset: int | None = None) -> bytes:
    """Return two JPEG files with an index of both (MPF), as an Ultra HDR photo, whose XMP data names the gain map."""
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description hdrgm:Version="1.0"/></x:xmpmeta>'
    segments = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp if named else b""
    size = len(first) + len(segments) + 4 + 86
    entries = struct.pack("<IIIHH", 0x30000, size, 0, 0, 0)
    start = 2 + len(segments) + 8  # of the index, from which the offset counts
    entries += struct.pack("<IIIHH", 0, len(second), size - start if offset is None else offset, 0, 0)
    index = b"II*\0" + struct.pack("<IH", 8, 3)
    index += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100") + struct.pack("<HHII", 0xB001, 4, 1, 2)
    index += struct.pack("<HHII", 0xB002, 7, 32, 50) + struct.pack("<I", 0) + entries
    index = b"MPF\0" + index
    segments += b"\xff\xe2" + struct.pack(">H", len(index) + 2) + index
    return first[:2] + segments + first[2:] + second


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("offset", [None, 0, 0x7FFFFFFF])
def test_a_photo_with_a_gain_map_is_one_image(named: bool, offset: int | None, tmp_path: Path) -> None:
    path = tmp_path / "hdr.jpg"
    path.write_bytes(with_gain_map(jpeg(200), jpeg(30, (8, 6)), named=named, offset=offset))
    opened = open_with_header(path)
    assert (opened.header.frames, opened.pil_image.size) == (1, (32, 24))
    np.testing.assert_allclose(np.asarray(opened.pil_image), 200, atol=2)
    source = open_source(path)
    assert (source.count, source.found.frames, probe_image(path).frames) == (1, 0, 1)
    assert open_source(tmp_path).count == 1


def test_a_motion_photo_is_one_image(tmp_path: Path) -> None:
    path = tmp_path / "PXL.MP.jpg"
    path.write_bytes(jpeg(200) + b"\0\0\0\x18ftypmp42" + bytes(9_000))
    source = open_source(path)
    assert (source.count, source.image_shape) == (1, (24, 32, 3))
    np.testing.assert_allclose(np.asarray(source.pil_image(0)), 200, atol=2)
