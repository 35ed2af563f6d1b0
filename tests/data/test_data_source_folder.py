from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.image_listing import natural_key
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
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


def test_images_of_formats_that_are_not_read_are_noted_once_for_each_folder(tmp_path: Path) -> None:
    for place in ("a/1.png", "b/2.png"):
        save(tmp_path / place)
    for place in ("a/1.CR2", "a/2.psd", "a/1.npy", "b/2.MOV", "b/notes.txt", "b/.hidden.psd"):
        (tmp_path / place).write_bytes(b"")
    save_as = "Save images as PNG"
    assert [(one.name, str(one.reason)) for one in open_source(tmp_path).skipped] == [
        ("a", f"2 files of formats that are not read: .cr2, .psd. {save_as}"),
        ("a", "1 file is not read together with images: .npy. Open such a file alone"),
        ("b", f"1 file of a format that is not read: .mov. {save_as}"),
    ]


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


@pytest.mark.parametrize("name", ["val", "Valid", "validation", "dev"])
def test_validation_folders(name: str, tmp_path: Path) -> None:
    for folder in ("train", name):
        save(tmp_path / folder / "cat" / "a.png")
    source = open_source(tmp_path)
    assert (source.splits.train.tolist(), source.splits.test.tolist()) == ([0], [1])
    assert (len(source.splits.validation), source.splits.origin) == (0, "given")
    save(tmp_path / "test" / "cat" / "a.png")
    source = open_source(tmp_path)
    parts = [Path(name).parts[0] for name in names(source)]
    assert [parts[index] for index in source.splits.train] == ["train"]
    assert [parts[index] for index in source.splits.validation] == [name]
    assert [parts[index] for index in source.splits.test] == ["test"]
    assert describe(source)["validation"] == 1


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


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target, target_is_directory=True)


def left_out(source: Source) -> dict[str, str]:
    return {skipped.name: str(skipped.reason) for skipped in source.skipped}


def test_class_folders_that_are_links(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        save(tmp_path / "elsewhere" / label / "1.png")
        link(tmp_path / "set" / label, tmp_path / "elsewhere" / label)
    source = open_source(tmp_path / "set")
    assert (names(source), source.label_names, source.skipped) == (["cat/1.png", "dog/1.png"], ("cat", "dog"), ())
    assert source.read([0, 1], RECIPE).shape == (2, 8, 8, 1)
    link(tmp_path / "other" / "images", tmp_path / "set")
    assert open_source(tmp_path / "other").label_names == ("cat", "dog")


def test_split_folders_that_are_links(tmp_path: Path) -> None:
    save(tmp_path / "all" / "1" / "a.png")
    save(tmp_path / "all" / "2" / "b.png")
    link(tmp_path / "set" / "train", tmp_path / "all" / "1")
    link(tmp_path / "set" / "test", tmp_path / "all" / "2")
    link(tmp_path / "set" / "val", tmp_path)
    source = open_source(tmp_path / "set")
    assert names(source) == ["train/a.png", "test/b.png"]
    assert (source.splits.train.tolist(), source.splits.test.tolist()) == ([0], [1])
    assert left_out(source) == {"val": "A link to a folder that contains it"}


def test_a_link_is_followed_once(tmp_path: Path) -> None:
    save(tmp_path / "set" / "cat" / "1.png")
    save(tmp_path / "set" / ".store" / "ant" / "1.png")
    save(tmp_path / "elsewhere" / "1.png")
    save(tmp_path / "private" / "1.png")
    link(tmp_path / "set" / "ant", tmp_path / "set" / ".store" / "ant")
    link(tmp_path / "set" / "bee", tmp_path / "set" / "cat")
    link(tmp_path / "set" / "up", tmp_path)
    link(tmp_path / "set" / "me", tmp_path / "set")
    link(tmp_path / "set" / "cat" / "again", tmp_path / "set" / "cat")
    link(tmp_path / "set" / "dog", tmp_path / "elsewhere")
    link(tmp_path / "set" / "fox", tmp_path / "elsewhere")
    link(tmp_path / "elsewhere" / "private", tmp_path / "private")
    link(tmp_path / "set" / "itself", tmp_path / "set" / "itself")
    link(tmp_path / "set" / "gone", tmp_path / "nothing")
    source = open_source(tmp_path / "set")
    assert names(source) == ["ant/1.png", "cat/1.png", "dog/1.png"]
    loop, listed = "A link to a folder that contains it", "A link to a folder that is listed already"
    assert left_out(source) == {
        "bee": listed,
        "cat/again": loop,
        "dog/private": "A link that leads out of the folder; only those of classes may",
        "fox": listed,
        "gone": "A link to nothing, or to itself",
        "itself": "A link to nothing, or to itself",
        "me": loop,
        "up": loop,
    }


def test_a_link_to_itself_that_is_named_like_an_image(tmp_path: Path) -> None:
    save(tmp_path / "0.png")
    link(tmp_path / "me.png", tmp_path / "me.png")
    source = open_source(tmp_path)
    assert (source.count, [*left_out(source)]) == (1, ["me.png"])


@pytest.mark.parametrize("opened", ["", "Img", "Img/img_align_celeba"])
def test_celeba_as_its_authors_share_it(opened: str, tmp_path: Path) -> None:
    for number in range(1, 4):
        save(tmp_path / "Img" / "img_align_celeba" / f"{number:06d}.jpg")
    (tmp_path / "Anno").mkdir()
    (tmp_path / "Eval").mkdir()
    rows = "000001.jpg -1 1\n000002.jpg 1 1\n000003.jpg 1 -1\n"
    (tmp_path / "Anno" / "list_attr_celeba.txt").write_text(f"3\nBald Smiling\n{rows}")
    (tmp_path / "Eval" / "list_eval_partition.txt").write_text("000001.jpg 2\n000002.jpg 0\n000003.jpg 1\n")
    source = open_source(tmp_path / opened)
    assert (names(source), source.labels, source.skipped) == ([f"{number:06d}.jpg" for number in (1, 2, 3)], None, ())
    assert [source.attributes["Bald"].text(index) for index in range(3)] == ["false", "true", "true"]
    splits = source.splits
    assert (splits.train.tolist(), splits.validation.tolist(), splits.test.tolist()) == ([1], [2], [0])


def test_the_labels_of_stylegan_replace_its_folders(tmp_path: Path) -> None:
    for folder in ("00000", "00001"):
        save(tmp_path / folder / "img.png")
    labels = {"labels": [["00000/img.png", 3], ["00001/img.png", 1]]}
    (tmp_path / "dataset.json").write_text(json.dumps(labels))
    assert [open_source(tmp_path).label(index) for index in (0, 1)] == ["3", "1"]
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("00000/img.png", "00001/img.png", "dataset.json"):
            archive.write(tmp_path / name, name)
    assert [open_source(tmp_path / "set.zip").label(index) for index in (0, 1)] == ["3", "1"]
    (tmp_path / "dataset.json").write_text('{"labels": null}')
    assert (open_source(tmp_path).labels, open_source(tmp_path).skipped) == (None, ())


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
