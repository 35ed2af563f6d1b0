from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.sources import describe, known_sources, open_source, opening
from explorer.data.sources.dogs import breed_name
from explorer.errors import DataError
from explorer.paths import datasets_dir
from explorer.types import Progress

PEOPLE = {"Aaron_Eckhart": 1, "George_W_Bush": 3, "Zico": 2}
BREEDS = {"n02085620-Chihuahua": 2, "n02086240-Shih-Tzu": 1, "n02113799-standard_poodle": 2}


def save(path: Path, size: tuple[int, int] = (250, 250)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 80, 70)).save(path)


def write_faces(folder: Path, size: tuple[int, int] = (250, 250)) -> Path:
    for person, count in PEOPLE.items():
        for number in range(1, count + 1):
            save(folder / person / f"{person}_{number:04d}.jpg", size)
    return folder


def write_attributes(folder: Path) -> None:
    lines = [
        "# lfw_attributes.txt - color_attr_scores",
        "#\tperson\timagenum\tMale\tSmiling",
        "Aaron Eckhart\t1\t1.568\t-0.5",
        "George W Bush\t2\t2.25\t1e-1",
        "Nobody Here\t1\t0\t0",
        "Zico\tfirst\t0\t0",
    ]
    (folder / "lfw_attributes.txt").write_text("\n".join(lines) + "\n")


def write_dogs(folder: Path) -> Path:
    for breed, count in BREEDS.items():
        for number in range(count):
            save(folder / breed / f"{breed.split('-')[0]}_{number}.jpg", (50, 37))
    return folder


def tarred(path: Path, folder: Path) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix in (".tgz", ".gz") else "w") as archive:
        archive.add(folder, folder.name)
    shutil.rmtree(folder)
    return path


def is_faces(source: object) -> None:
    facts = describe(source)  # type: ignore[arg-type]
    assert facts["count"] == 6
    assert facts["image_shape"] == [250, 250, 3]
    assert facts["labels"] == ["Aaron Eckhart", "George W Bush", "Zico"]


@pytest.mark.parametrize(
    ("built", "opened"),
    [
        ("lfw_funneled", "lfw_funneled"),
        ("lfw_home/lfw_funneled", "lfw_home"),
        ("lfw-deepfunneled/lfw-deepfunneled", "lfw-deepfunneled"),
        ("archive/lfw-deepfunneled/lfw-deepfunneled", "archive"),
        ("any/thing", "any/thing"),
    ],
)
def test_layouts_of_lfw(built: str, opened: str, tmp_path: Path) -> None:
    folder = write_faces(tmp_path / built)
    (folder / "pairs_01.txt").write_text("6\n")
    (folder.parent / "joblib").mkdir()
    source = open_source(tmp_path / opened)
    is_faces(source)
    assert source.crop == 80
    assert (source.name, source.spec) == (Path(opened).name, str(tmp_path / opened))
    assert source.attributes == {}


@pytest.mark.parametrize("name", ["lfw.tgz", "lfw-funneled.tgz", "lfw-deepfunneled.tgz"])
def test_archives_of_lfw(name: str, tmp_path: Path) -> None:
    path = tarred(tmp_path / name, write_faces(tmp_path / "lfw"))
    write_attributes(tmp_path)
    source = open_source(path)
    is_faces(source)
    assert (source.crop, source.name, list(source.attributes)) == (80, name, ["Male", "Smiling"])


@pytest.mark.parametrize("place", ["lfw", ".", ".."])
def test_measured_attributes_are_joined(place: str, tmp_path: Path) -> None:
    folder = write_faces(tmp_path / "in" / "lfw")
    write_attributes(tmp_path / "in" / place)
    source = open_source(folder)
    nan = np.nan
    np.testing.assert_array_equal(
        source.attributes["Male"].values, np.array([1.568, nan, 2.25, nan, nan, nan], np.float32)
    )
    assert source.attributes["Smiling"].values[2] == np.float32(0.1)
    assert source.label(2) == "George W Bush"
    assert [skipped.name for skipped in source.skipped] == ["lfw_attributes.txt"]
    assert "1 invalid line," in str(source.skipped[0].reason)


def test_a_table_of_another_kind_is_noted(tmp_path: Path) -> None:
    folder = write_faces(tmp_path / "lfw")
    (folder / "lfw_attributes.txt").write_text("something\nelse\n")
    source = open_source(folder)
    assert source.attributes == {}
    assert "no line with the column names" in str(source.skipped[0].reason)


def test_faces_that_were_cropped_already_are_not_cropped_again(tmp_path: Path) -> None:
    assert open_source(write_faces(tmp_path / "lfw", (64, 64))).crop == 0


@pytest.mark.parametrize("place", ["scikit", "ours"])
def test_lfw_by_its_name(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "scikit"))
    assert {entry.name: entry.status for entry in known_sources()}["lfw"] == "missing"
    with pytest.raises(DataError, match="fetch_lfw_people"):
        open_source("lfw")
    if place == "scikit":
        write_faces(tmp_path / "scikit" / "lfw_home" / "lfw_funneled")
    else:
        datasets_dir().mkdir(parents=True)
        tarred(datasets_dir() / "lfw-funneled.tgz", write_faces(tmp_path / "lfw_funneled"))
    assert {entry.name: entry.status for entry in known_sources()}["lfw"] == "present"
    items = list(opening("lfw"))
    assert isinstance(items[1], Progress)
    source = items[-1]
    assert not isinstance(source, Progress)
    is_faces(source)
    assert (source.name, source.spec, source.crop, source.status) == ("lfw", "lfw", 80, "present")


def test_folders_that_are_no_lfw(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "cat_1.png")
    save(tmp_path / "dog" / "dog.png")
    source = open_source(tmp_path)
    assert (source.crop, source.label_names) == (0, ("cat", "dog"))


@pytest.mark.parametrize(
    ("built", "opened"),
    [("Images", "Images"), ("images/Images", "."), ("images/Images", "images"), ("set/images/Images", "set")],
)
def test_layouts_of_stanford_dogs(built: str, opened: str, tmp_path: Path) -> None:
    write_dogs(tmp_path / built)
    for breed in BREEDS:
        (tmp_path / built).parent.joinpath("annotations", "Annotation", breed).mkdir(parents=True)
    source = open_source(tmp_path / opened)
    assert source.label_names == ("Chihuahua", "Shih-Tzu", "standard poodle")
    assert [source.label(index) for index in (0, 2, 4)] == ["Chihuahua", "Shih-Tzu", "standard poodle"]
    assert (source.count, source.image_shape) == (5, (37, 50, 3))


@pytest.mark.parametrize("opened", [".", "cropped"])
def test_cropped_dogs_keep_their_splits(opened: str, tmp_path: Path) -> None:
    write_dogs(tmp_path / "cropped" / "train")
    write_dogs(tmp_path / "cropped" / "test")
    source = open_source(tmp_path / opened)
    assert (source.count, source.splits.origin) == (10, "given")
    assert source.splits.test.tolist() == list(range(5, 10))
    assert source.label_names == ("Chihuahua", "Shih-Tzu", "standard poodle")
    assert open_source(tmp_path / "cropped" / "train").count == 5


def test_dogs_in_an_archive_and_by_their_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images\.tar"):
        open_source("stanford_dogs")
    path = tarred(tmp_path / "images.tar", write_dogs(tmp_path / "Images"))
    assert open_source(path).label(0) == "Chihuahua"
    (datasets_dir() / "stanford_dogs").mkdir(parents=True)
    path.rename(datasets_dir() / "stanford_dogs" / "images.tar")
    source = open_source("stanford-dogs")
    assert (source.name, source.label(4), source.status) == ("stanford_dogs", "standard poodle", "present")


def test_names_of_breeds() -> None:
    assert breed_name("n02105855-Shetland_sheepdog") == "Shetland sheepdog"
    assert breed_name("n02086240-Shih-Tzu") == "Shih-Tzu"
    assert breed_name("other_dogs") == "other dogs"
