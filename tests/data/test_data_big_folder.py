"""A large folder: shown before it is read, opened again without reading, and noticing what happened to its files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.data import image_index, image_listing
from explorer.data.decoding import open_here
from explorer.data.deep_pixels import Deep
from explorer.data.formats import Request
from explorer.data.image_index import ImageIndex, load_index
from explorer.data.preprocessing import Preprocessing
from explorer.data.probing import probe_image
from explorer.data.source import PixelRows, Source
from explorer.data.sources import files, folder, open_source, opening
from explorer.data.sources.files import FileSource
from explorer.errors import DataError
from explorer.paths import cache_dir
from explorer.types import Progress

RECIPE = Preprocessing.standard((8, 8, 1))
COUNT = 400


@pytest.fixture(autouse=True)
def _small_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_index, "BIG_FOLDER", 50)


class Opened:
    """Which files were opened, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.probed: list[str] = []
        self.decoded: list[str] = []
        monkeypatch.setattr(image_index, "probe_image", self._probe)
        monkeypatch.setattr(files, "open_here", self._decode)

    def _probe(self, path: Path) -> object:
        self.probed.append(path.name)
        return probe_image(path)

    def _decode(self, request: Request, *how: Any, deep: bool) -> Image.Image | Deep:
        self.decoded.append(Path(str(request.path_or_bytes)).name)
        return open_here(request, *how, deep=deep)

    def forget(self) -> None:
        self.probed.clear()
        self.decoded.clear()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    return Opened(monkeypatch)


@pytest.fixture(scope="module")
def _images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("images")
    for number in range(COUNT):
        path = place / f"class{number % 4}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), number % 256).save(path)
    return place


@pytest.fixture
def images(_images: Path, tmp_path: Path) -> Path:
    """A folder of 400 gray images in four sub-folders, this test's own."""
    return shutil.copytree(_images, tmp_path / "images")


def sources(items: Iterator[Progress | Source]) -> list[FileSource]:
    return [item for item in items if isinstance(item, FileSource)]


def test_splits_and_notes_of_links_are_cached(images: Path, opened: Opened) -> None:
    for number, name in enumerate(("train", "val", "test")):
        (images / f"class{number}").rename(images / name)
    (images / "class3").rename(images.with_name("elsewhere"))
    (images / "train" / "more").symlink_to(images.with_name("elsewhere"))
    (images / "train" / "loop").symlink_to(images)
    long_ago = 1_600_000_000_000_000_000
    for place in (images, *images.iterdir(), images.with_name("elsewhere")):
        os.utime(place, ns=(long_ago, long_ago))
    for probed in (COUNT, 0):
        opened.forget()
        source = open_source(images)
        splits = source.splits
        assert [len(part) for part in (splits.train, splits.test, splits.validation)] == [200, 100, 100]
        assert [one.name for one in source.skipped] == ["train/loop"]
        assert len(opened.probed) == probed


def names(source: FileSource) -> list[str]:
    return [source.file_name(index) for index in range(source.count)]


def spoil(path: Path) -> None:
    path.write_bytes(b"no image at all")


def value_of(source: Source, name: str) -> int:
    assert isinstance(source, FileSource)
    return int(source.read([names(source).index(name)], RECIPE)[0, 0, 0, 0])


def test_it_is_shown_before_it_is_read(images: Path, opened: Opened) -> None:
    spoil(images / "class1" / "5.png")
    scan = opening(images)
    listed = next(item for item in scan if isinstance(item, FileSource))
    assert listed.provisional
    assert listed.count == COUNT
    assert len(opened.probed) < COUNT / 4
    assert listed.image_shape == (8, 8, 1)
    (whole,) = sources(scan)
    assert not whole.provisional
    assert whole.continues(listed)
    assert [skipped.name for skipped in whole.skipped] == ["class1/5.png"]
    assert names(whole) == [name for name in names(listed) if name != "class1/5.png"]
    at = names(listed).index("class1/5.png")
    assert [listed.position_in(whole, index) for index in (0, at - 1, at, at + 1, COUNT - 1)] == [
        *(0, at - 1, None, at, COUNT - 2)
    ]
    assert listed.label(at + 1) == whole.label(at) == "class1"


def test_small_folders_come_once_and_leave_nothing_behind(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (source,) = sources(opening(tmp_path))
    source.read([0], RECIPE)
    assert not source.provisional
    assert not cache_dir().exists()


def test_a_second_opening_reads_no_image(images: Path, opened: Opened) -> None:
    first = open_source(images)
    pixels = first.read(np.arange(COUNT), RECIPE)
    opened.forget()
    second = sources(opening(images))[-1]
    np.testing.assert_array_equal(second.read(np.arange(COUNT), RECIPE), pixels)
    assert (opened.probed, opened.decoded) == ([], [])
    assert names(second) == names(sources(opening(images))[-1])
    assert (second.image_shape, second.label_names) == (first.image_shape, first.label_names)
    assert [second.label(index) for index in range(COUNT)] == [first.label(index) for index in range(COUNT)]


def test_progress_is_reported_while_files_without_an_extension_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_listing, "_LISTED_AT_ONCE", 5)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    for number in range(30):
        (tmp_path / f"{number}").write_bytes(bytes(128) + (b"DICM" if number % 2 else b"data"))
    found: list[ImageIndex] = []

    def listing() -> Iterator[Progress]:
        found.append((yield from image_listing.list_folder(tmp_path)))

    assert len(list(listing())) >= 31 // 5
    assert found[0].names == ("a.png",)
    assert [str(note.reason) for note in found[0].notes] == [
        "15 DICOM files are not read together with other images. Open a folder with only these"
    ]


def test_a_folder_that_has_not_changed_is_not_even_listed(
    images: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = 10**18
    for place, _, _ in os.walk(images):
        os.utime(place, ns=(long_ago, long_ago))
    before = open_source(images)
    monkeypatch.setattr(folder, "list_folder", None)
    assert isinstance(before, FileSource)
    assert names(sources(opening(images))[0]) == names(before)


def test_what_came_went_and_changed_is_noticed_and_nothing_else_is_read(images: Path, opened: Opened) -> None:
    first = open_source(images)
    first.read(np.arange(COUNT), RECIPE)
    (images / "class0" / "8.png").unlink()
    Image.new("L", (8, 8), 77).save(images / "class0" / "9999.png")
    Image.new("RGB", (9, 9), (200, 200, 200)).save(images / "class2" / "2.png")
    opened.forget()
    second = sources(opening(images))[-1]
    assert sorted(opened.probed) == ["2.png", "9999.png"]
    assert "class0/8.png" not in names(second)
    assert second.image_shape is None
    pixels = second.read(np.arange(second.count), RECIPE)
    assert sorted(opened.decoded) == ["2.png", "9999.png"]
    found = dict(zip(names(second), pixels[:, 0, 0, 0].tolist(), strict=True))
    assert (found["class0/9999.png"], found["class2/2.png"], found["class3/399.png"]) == (77, 200, 399 % 256)


def test_what_was_unreadable_is_looked_at_again(images: Path, opened: Opened) -> None:
    bad = images / "class0" / "4.png"
    spoil(bad)
    assert open_source(images).count == COUNT - 1
    found = bad.stat()
    Image.new("L", (8, 8), 4).save(bad)
    os.utime(bad, ns=(found.st_atime_ns, found.st_mtime_ns))
    opened.forget()
    assert open_source(images).count == COUNT
    assert opened.probed == ["4.png"]


def test_ended_in_the_midst_it_goes_on_where_it_was(images: Path, opened: Opened) -> None:
    scan = opening(images)
    for item in scan:
        if isinstance(item, Progress) and item.done >= COUNT // 2:
            break
    scan.close()  # type: ignore[attr-defined]
    seen = set(opened.probed)
    assert COUNT // 2 <= len(seen) < COUNT
    opened.forget()
    assert open_source(images).count == COUNT
    assert not seen & set(opened.probed)
    assert len(seen) + len(opened.probed) == COUNT


def test_an_index_that_is_damaged_is_made_again(images: Path, opened: Opened) -> None:
    open_source(images)
    (path,) = (cache_dir() / "index").iterdir()
    path.write_bytes(path.read_bytes()[:-500])
    opened.forget()
    assert load_index(images) is None
    assert open_source(images).count == COUNT
    assert len(opened.probed) == COUNT


def test_an_index_that_leads_elsewhere_is_not_believed(images: Path, tmp_path: Path) -> None:
    open_source(images)
    (path,) = (cache_dir() / "index").iterdir()
    with np.load(path, allow_pickle=False) as file:
        parts = dict(file)
    blob = parts["names"].tobytes()
    parts["names"] = np.frombuffer(blob.replace(b"class0/", b"../../x", 1), np.uint8)
    np.savez(path, **parts)
    assert load_index(images) is None


@pytest.mark.parametrize(
    ("column", "number"),
    [(0, 0), (1, -3), (1, 2**31 - 1), (2, 0), (2, 17)],
    ids=["flat", "negative", "wide", "no", "many"],
)
def test_an_index_of_impossible_images_is_made_again(images: Path, opened: Opened, column: int, number: int) -> None:
    open_source(images)
    (path,) = (cache_dir() / "index").iterdir()
    with np.load(path, allow_pickle=False) as file:
        parts = dict(file)
    parts["headers"][3, column] = number
    np.savez(path, **parts)
    opened.forget()
    assert load_index(images) is None
    assert open_source(images).count == COUNT


def test_a_changed_file_is_decoded_again_and_a_removed_one_says_so(images: Path, opened: Opened) -> None:
    source = open_source(images)
    assert value_of(source, "class0/0.png") == 0
    Image.new("L", (10, 10), 99).save(images / "class0" / "0.png")
    assert value_of(source, "class0/0.png") == 99
    assert value_of(source, "class3/3.png") == 3
    (images / "class3" / "3.png").unlink()
    with pytest.raises(DataError, match=r"class3/3\.png.*no such file"):
        value_of(source, "class3/3.png")
    assert value_of(source, "class3/7.png") == 7


def test_given_splits_and_labels_survive_what_is_left_out(images: Path) -> None:
    root = images.parent / "set"
    for split, parts in (("train", ("class0", "class1", "class2")), ("test", ("class3",))):
        for part in parts:
            shutil.move(images / part, root / split / part)
    spoil(root / "train" / "class1" / "1.png")
    source = sources(folder.scan(root, label_of=lambda name: f"no. {name[-1]}"))[-1]
    assert [len(source.splits.train), len(source.splits.test)] == [299, 100]
    assert source.label_names == ("no. 0", "no. 1", "no. 2", "no. 3")
    assert {source.label(int(index)) for index in source.splits.test} == {"no. 3"}
    assert np.bincount(source.labels if source.labels is not None else []).tolist() == [100, 99, 100, 100]


def test_a_table_beside_the_images(images: Path) -> None:
    lines = [f"{number}.png,{number / 2}" for number in range(COUNT)]
    (images / "attributes.csv").write_text("\n".join(["file,size", *lines]))
    listed, whole = sources(opening(images))
    assert (listed.provisional, dict(listed.attributes)) == (True, {})
    assert whole.attributes["size"].text(names(whole).index("class1/5.png")) == "2.5"
    listed, whole = sources(opening(images))  # the second time, too: a table takes a while
    assert len(whole.attributes["size"]) == COUNT


def test_others_may_bring_columns_of_their_own(images: Path) -> None:
    from explorer.data.attributes import Attribute

    def columns(root: Path, names: object) -> tuple[dict[str, Attribute], list[object]]:
        assert root == images
        return {"one": Attribute(np.ones(COUNT, np.float32))}, []

    whole = sources(folder.scan(images, attributes=columns))[-1]  # type: ignore[arg-type]
    assert list(whole.attributes) == ["one"]


# -- streaming ---------------------------------------------------------------------------------------------------------


def stream(source: Source, room: int) -> PixelRows:
    last = list(source.streaming(source.splits.train, RECIPE, room))[-1]
    assert isinstance(last, PixelRows)
    return last


def test_rows_are_the_images_in_memory_or_not(images: Path) -> None:
    source = open_source(images)
    held, streamed = stream(source, 10**9), stream(source, 0)
    wanted = source.read(source.splits.train, RECIPE)
    assert held.pixels is not None
    assert streamed.pixels is None
    order = np.random.default_rng(0).permutation(len(wanted))[:50]
    for rows in (held, streamed):
        assert (rows.shape, rows.nbytes, len(rows)) == (wanted.shape, wanted.nbytes, len(wanted))
        np.testing.assert_array_equal(rows[order], wanted[order])
        np.testing.assert_array_equal(rows[10:30], wanted[10:30])
        np.testing.assert_array_equal(rows.first(7)[:], wanted[:7])


def test_streamed_rows_outlast_their_files_and_the_cache(images: Path, opened: Opened) -> None:
    source = open_source(images)
    rows = stream(source, 0)
    wanted = rows[:]
    opened.forget()
    np.testing.assert_array_equal(rows[:], wanted)
    assert opened.decoded == []
    shutil.rmtree(cache_dir())
    np.testing.assert_array_equal(rows[:], wanted)
    shutil.rmtree(images)
    np.testing.assert_array_equal(rows[:], wanted)


@pytest.mark.parametrize("room", [0, 10**9])
def test_what_cannot_be_read_is_left_out_and_reported(images: Path, room: int) -> None:
    source = open_source(images)
    assert isinstance(source, FileSource)
    gone, bad = (int(index) for index in source.splits.train[[3, 200]])
    (images / source.file_name(gone)).unlink()
    spoil(images / source.file_name(bad))
    rows = stream(source, room)
    assert [skipped.name for skipped in rows.left_out] == [source.file_name(gone), source.file_name(bad)]
    assert "no such file" in str(rows.left_out[0].reason)
    np.testing.assert_array_equal(rows.indices, np.setdiff1d(source.splits.train, [gone, bad]))
    np.testing.assert_array_equal(rows[:], source.read(rows.indices, RECIPE))
    assert source.content_hash()


def test_where_nothing_can_be_read_it_says_why_at_once(images: Path, opened: Opened) -> None:
    source = open_source(images)
    with pytest.raises(DataError, match=r"\.png: Cannot crop 5 pixels"):
        list(source.streaming(source.splits.train, Preprocessing.standard((8, 8, 1), crop=5), 0))
    assert len(opened.decoded) < COUNT / 2
