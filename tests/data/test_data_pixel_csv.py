from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.data.sources import open_source, opening
from explorer.data.sources.pixel_csv import takes
from explorer.errors import DataError
from explorer.types import Progress

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = np.arange(12) % 10


def lines(images: np.ndarray, labels: np.ndarray | None = None, header: str = "") -> str:
    flat = images.reshape(len(images), -1)
    rows = [",".join(map(str, row)) for row in flat.tolist()]
    if labels is not None:
        rows = [f"{label},{row}" for label, row in zip(labels.tolist(), rows, strict=True)]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def named(pattern: str, count: int = 784, start: int = 0) -> str:
    return ",".join(pattern.format(number) for number in range(start, start + count))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def pixels(source: Source) -> np.ndarray:
    assert source.image_shape is not None
    return source.read(range(source.count), Preprocessing.standard(source.image_shape))


@pytest.mark.parametrize(
    "header",
    [
        f"label,{named('pixel{}')}",
        f"label,{named('pixel{}', start=1)}",
        "label," + ",".join(f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)),
        f"label,{named('{}')}",
        f'"label",{named(chr(34) + "pixel{}" + chr(34))}',
        f"\ufefflabel,{named('pixel{}')}",
        "0," + named("0.{}", start=1),
        "",
    ],
    ids=["kaggle", "fashion", "rows and columns", "numbers", "quoted", "mark", "duplicates", "no header"],
)
def test_a_line_for_each_image(header: str, tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "train.csv", lines(IMAGES, LABELS, header)))
    assert (source.count, source.image_shape, source.skipped, source.attributes) == (12, (28, 28, 1), (), {})
    np.testing.assert_array_equal(pixels(source)[..., 0], IMAGES)
    np.testing.assert_array_equal(source.labels, LABELS)
    assert source.label(3) == "3"
    assert (len(source.splits.train), len(source.splits.test)) == (10, 2)


def test_images_without_labels(tmp_path: Path) -> None:
    for header in ("", named("pixel{}")):
        source = open_source(write(tmp_path / "test.csv", lines(IMAGES, None, header)))
        assert (source.count, source.labels) == (12, None)
        np.testing.assert_array_equal(pixels(source)[..., 0], IMAGES)
    assert open_source(write(tmp_path / "one.csv", lines(IMAGES[:1]))).count == 1


def test_color_with_the_label_in_the_last_column(tmp_path: Path) -> None:
    color = RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    rows = [f"{line},{label}" for line, label in zip(lines(color).splitlines(), ("nv", "mel", "nv"), strict=True)]
    source = open_source(write(tmp_path / "ham.csv", "\n".join([f"{named('pixel{:04d}', 192)},label", *rows])))
    assert source.image_shape == (8, 8, 3)
    np.testing.assert_array_equal(pixels(source), color)
    assert [source.label(index) for index in range(3)] == ["nv", "mel", "nv"]


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, Usage, pixels"])
def test_the_faces_of_fer(header: str, tmp_path: Path) -> None:
    faces = IMAGES[:4, :12, :12]
    usages = ("Training", "PublicTest", "PrivateTest", "Training")
    rows = []
    for label, face, usage in zip((0, 3, 6, 3), faces, usages, strict=True):
        texts = {"emotion": str(label), "pixels": " ".join(map(str, face.ravel())), "Usage": usage}
        rows.append(",".join(texts[name.strip()] for name in header.split(",")))
    source = open_source(write(tmp_path / "fer2013.csv", "\n".join([header, *rows])))
    assert (source.count, source.image_shape, source.splits.origin) == (4, (12, 12, 1), "given")
    np.testing.assert_array_equal(pixels(source)[..., 0], faces)
    assert [source.label(index) for index in range(4)] == ["angry", "happy", "neutral", "happy"]
    splits = source.splits
    assert (splits.train.tolist(), splits.validation.tolist(), splits.test.tolist()) == ([0, 3], [1], [2])


def test_further_columns_are_attributes(tmp_path: Path) -> None:
    row = " ".join(map(str, IMAGES[0].ravel()))
    source = open_source(write(tmp_path / "faces.csv", f"age,gender,pixels\n31,f,{row}\n7,m,{row}\n"))
    assert source.labels is None
    assert [source.attributes["age"].text(index) for index in (0, 1)] == ["31", "7"]
    assert source.attributes["gender"].names == ("f", "m")


def test_a_folder_opens_the_files_of_its_splits(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    write(folder / "mnist_train.csv", lines(IMAGES[:9], LABELS[:9]))
    assert open_source(folder).count == 9
    write(folder / "mnist_test.csv", lines(IMAGES[9:], None, named("pixel{}")))
    write(folder / "sample_submission.csv", "ImageId,Label\n1,0\n")
    source = open_source(folder)
    np.testing.assert_array_equal(pixels(source)[..., 0], IMAGES)
    assert (source.splits.train.tolist(), source.splits.test.tolist()) == ([*range(9)], [9, 10, 11])
    np.testing.assert_array_equal(source.labels, [*LABELS[:9], -1, -1, -1])
    assert open_source(folder / "mnist_test.csv").count == 3
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for name in ("mnist_train.csv", "mnist_test.csv"):
            archive.write(folder / name, name)
    assert open_source(tmp_path / "archive.zip").splits.test.tolist() == [9, 10, 11]


def test_wrong_lines_are_left_out_by_number(tmp_path: Path) -> None:
    rows = lines(IMAGES, LABELS, f"label,{named('pixel{}')}").splitlines()
    rows[2] = rows[2].rsplit(",", 1)[0]
    rows[4] = rows[4].rsplit(",", 1)[0] + ",256"
    rows[6] = rows[6].rsplit(",", 1)[0] + ",x"
    rows[8] = ""
    source = open_source(write(tmp_path / "train.csv", "\n".join(rows)))
    assert source.count == 8
    np.testing.assert_array_equal(pixels(source)[..., 0], IMAGES[[0, 2, 4, 6, 8, 9, 10, 11]])
    assert [str(skipped.reason) for skipped in source.skipped] == [
        "line 3: not 785 columns",
        "line 5: values other than whole numbers from 0 to 255",
        "line 7: values other than whole numbers from 0 to 255",
    ]


def test_faces_of_another_size_are_left_out(tmp_path: Path) -> None:
    square, row, short = (" ".join(["7"] * count) for count in (64, 81, 70))
    source = open_source(write(tmp_path / "faces.csv", f"pixels\n{square}\n{row}\n{short}\n"))
    assert [str(skipped.reason) for skipped in source.skipped] == [
        "line 3: 81 pixels, not 8×8×1",
        "line 4: 70 pixels, not 8×8×1",
    ]


def test_no_line_is_an_image(tmp_path: Path) -> None:
    path = write(tmp_path / "faces.csv", "pixels\n" + " ".join(["300"] * 64) + "\n")
    with pytest.raises(DataError, match=r"none of its lines is an image\. First: line 2: values other than"):
        open_source(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file_name,label\n1.png,cat\n",
        "image,x1,x2\n1.png,3,4\n",
        "a,b,c\n1,2,3\n",
        f"label,{named('pixel{}', 783)}\n" + "1," * 783 + "1\n",
        f"label,{named('pixel{}')}\n" + "0.5," * 784 + "1\n",
        "pixels\n1 2 3\n",
    ],
    ids=["empty", "table", "points", "numbers", "no square", "fractions", "few"],
)
def test_other_tables_are_not_taken(text: str, tmp_path: Path) -> None:
    assert not takes(write(tmp_path / "a.csv", text))
    assert not takes(tmp_path)
    with pytest.raises(DataError, match="unknown type"):
        open_source(tmp_path / "a.csv")


def test_a_table_beside_images_stays_one(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    write(tmp_path / "train.csv", lines(IMAGES))
    assert (open_source(tmp_path).count, open_source(tmp_path / "train.csv").count) == (1, 12)


def test_zeros_and_ones_are_black_and_white(tmp_path: Path) -> None:
    path = write(tmp_path / "binary.csv", lines(IMAGES // 128))
    source = open_source(path)
    np.testing.assert_array_equal(pixels(source)[..., 0], IMAGES // 128 * 255)
    assert source.found.range == (0.0, 1.0)
    np.testing.assert_array_equal(pixels(open_source(f"{path}?range=0,255"))[..., 0], IMAGES // 128)
    with pytest.raises(DataError, match="there is nothing to choose"):
        open_source(f"{path}?array=x")


def test_progress_comes_while_lines_are_read_and_it_can_be_canceled(tmp_path: Path) -> None:
    path = write(tmp_path / "many.csv", lines(np.zeros((2_000, 8, 8), np.uint8)))
    steps = [item for item in opening(path) if isinstance(item, Progress)]
    assert len(steps) == 5
    assert 0 < steps[-1].done < steps[-1].total == path.stat().st_size
    job = opening(path)
    next(job)
    next(job)
    job.close()  # type: ignore[attr-defined]
