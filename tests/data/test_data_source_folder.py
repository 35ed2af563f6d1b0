from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.image_listing import natural_key
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import describe, open_source
from explorer.data.sources.files import FileSource
from explorer.errors import DataError

RECIPE = Preprocessing.standard((8, 8, 1))


def save(path: Path, value: int = 0, size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, (value,) * len(mode) if len(mode) > 1 else value).save(path)


def names(source: object) -> list[str]:
    assert isinstance(source, FileSource)
    return [source.file_name(index) for index in range(source.count)]


def test_a_flat_folder_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        save(tmp_path / f"img{number}.png", number)
    save(tmp_path / "IMG3.PNG", 3)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image")
    source = open_source(tmp_path)
    assert names(source) == ["img1.png", "img2.png", "IMG3.PNG", "img10.png"]
    np.testing.assert_array_equal(source.read([3, 0], RECIPE)[:, 0, 0, 0], [10, 1])
    assert (source.image_shape, source.labels, source.skipped) == ((8, 8, 1), None, ())
    assert np.asarray(source.pil_image(1)).max() == 2


def test_natural_key() -> None:
    assert sorted(["b2", "a10", "a2", "B1", "a", "7", "٣"], key=natural_key) == ["7", "a", "a2", "a10", "B1", "b2", "٣"]


def test_one_unreadable_image_is_skipped_by_name_with_the_reason(tmp_path: Path) -> None:
    save(tmp_path / "good.png", 7)
    (tmp_path / "bad.png").write_bytes(b"not an image")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    noise.save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-2000])
    source = open_source(tmp_path)
    assert names(source) == ["good.png"]
    assert {skipped.name: bool(skipped.reason) for skipped in source.skipped} == {"bad.png": True, "cut.jpg": True}
    assert "unknown image format" in str(source.skipped[0].reason)
    assert describe(source)["skipped"][0]["file"] == "bad.png"


def test_a_folder_with_none_that_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no images \(\.avif, .*\) or IDX files"):
        open_source(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"its only image is unreadable\. First “bad\.png”"):
        open_source(tmp_path)


def test_train_and_test_folders_are_splits_and_sub_folders_labels(tmp_path: Path) -> None:
    for split, label, count in (("Train", "cat", 3), ("Train", "ant", 2), ("test", "ant", 1), ("test", "dog", 1)):
        for number in range(count):
            save(tmp_path / split / label / f"{number}.png")
    source = open_source(tmp_path)
    assert source.splits.origin == "given"
    np.testing.assert_array_equal(source.splits.train, np.arange(5))
    np.testing.assert_array_equal(source.splits.test, [5, 6])
    assert source.label_names == ("ant", "cat", "dog")
    assert [source.label(index) for index in range(7)] == ["ant", "ant", "cat", "cat", "cat", "ant", "dog"]
    assert names(source)[0] == "Train/ant/0.png"


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [(("train", "val"), ["train"], ["val"]), (("train", "val", "test"), ["train", "val"], ["test"])],
)
def test_validation_folders(folders: tuple[str, ...], train: list[str], test: list[str], tmp_path: Path) -> None:
    for folder in folders:
        save(tmp_path / folder / "a.png")
    source = open_source(tmp_path)
    parts = [Path(name).parts[0] for name in names(source)]
    assert sorted(parts[index] for index in source.splits.train) == train
    assert [parts[index] for index in source.splits.test] == test


def test_labels_are_the_first_folder_and_loose_images_have_none(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x" / "1.png")
    save(tmp_path / "ant" / "1.png")
    save(tmp_path / "loose.png")
    source = open_source(tmp_path)
    assert {name: source.label(index) for index, name in enumerate(names(source))} == {
        "ant/1.png": "ant",
        "cat/x/1.png": "cat",
        "loose.png": "",
    }
    assert describe(source)["labels"] == ["ant", "cat"]
    assert source.labels is not None
    assert source.labels.min() == -1


def test_a_folder_that_holds_one_folder_is_passed_through(tmp_path: Path) -> None:
    for label in ("n1-Chihuahua", "n2-Pug"):
        save(tmp_path / "images" / "Images" / label / "1.jpg")
    save(tmp_path / "__MACOSX" / "images" / "1.jpg")
    assert open_source(tmp_path).label_names == ("n1-Chihuahua", "n2-Pug")


def test_images_of_other_sizes_have_no_common_shape(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 50, (8, 8))
    save(tmp_path / "b.png", 60, (30, 20))
    source = open_source(tmp_path)
    assert source.image_shape is None
    assert describe(source)["image_shape"] is None
    np.testing.assert_array_equal(source.read([0, 1], RECIPE)[:, 4, 4, 0], [50, 60])


def test_gray_and_color_of_one_size_count_as_color(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", mode="RGB")
    assert open_source(tmp_path).image_shape == (8, 8, 3)


def test_a_file_that_vanished_meanwhile(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    source = open_source(tmp_path)
    (tmp_path / "b.png").unlink()
    assert source.read([0], RECIPE).shape == (1, 8, 8, 1)
    for use in (lambda: source.read([0, 1], RECIPE), lambda: source.pil_image(1), source.content_hash):
        with pytest.raises(DataError, match=r"b\.png"):
            use()


def test_a_crop_that_leaves_nothing_names_the_file(tmp_path: Path) -> None:
    save(tmp_path / "small.png")
    with pytest.raises(DataError, match=r"small\.png"):
        open_source(tmp_path).read([0], Preprocessing.standard((8, 8, 1), crop=4))


def test_damage_inside_a_large_file_shows_when_it_is_read(tmp_path: Path) -> None:
    # Of a PNG over 1 MB the checksums are not verified when the folder is opened.
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    save(tmp_path / "b.png", 9)
    source = open_source(tmp_path)
    assert source.count == 2
    with pytest.raises(DataError, match=r"a\.png"):
        source.pil_image(0)
    pixels, kept = source.read_available([0, 1], Preprocessing.standard((8, 8, 1)))
    assert (kept.tolist(), pixels.shape) == ([1], (1, 8, 8, 1))
    assert [skipped.name for skipped in source.skipped] == ["a.png"]
    assert source.unreadable == 1


def test_the_hash_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    save(tmp_path / "one" / "a.png", 1)
    save(tmp_path / "one" / "b.png", 2)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    first, second = open_source(tmp_path / "one").content_hash(), open_source(tmp_path / "two").content_hash()
    assert first == second
    assert len(bytes.fromhex(first)) == 32
    save(tmp_path / "two" / "b.png", 3)
    assert open_source(tmp_path / "two").content_hash() != first


def test_one_image(tmp_path: Path) -> None:
    save(tmp_path / "face.jpg", 90, (30, 20), "RGB")
    source = open_source(tmp_path / "face.jpg")
    assert (source.count, source.image_shape, source.name) == (1, (20, 30, 3), "face.jpg")
    assert (len(source.splits.train), len(source.splits.test)) == (0, 1)
    (tmp_path / "face.jpg").write_bytes(b"no")
    with pytest.raises(DataError, match=r"face\.jpg"):
        open_source(tmp_path / "face.jpg")


def test_emoji_as_users_have_them(shared_data: Path) -> None:
    source = open_source(shared_data / "emoji")
    assert (source.count, source.skipped, source.labels) == (3_786, (), None)
    assert source.read(source.splits.select("all", 50), Preprocessing.standard((32, 32, 3))).shape == (50, 32, 32, 3)


def test_the_layout_of_stanford_dogs(shared_data: Path) -> None:
    source = open_source(shared_data / "avatars" / "personas_224")
    assert (source.count, source.image_shape, source.splits.origin) == (1_500, (224, 224, 3), "given")
    assert source.label_names is not None
    assert "bald" in source.label_names
