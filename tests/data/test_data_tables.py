from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.data import attributes, table_files
from explorer.data.attributes import Attribute, column_of
from explorer.data.source import Skipped
from explorer.data.tables import Beside, find_tables, read_tables, take_labels
from explorer.errors import DataError

NAMES = ("cat/1.png", "cat/2.png", "ant/10.JPG", "ü.png")


def read_beside(folder: Path, names: Sequence[str]) -> tuple[dict[str, Attribute], list[Skipped]]:
    beside = read_tables(find_tables([folder], folder), names)
    return beside.columns, beside.notes


def read(folder: Path, name: str, text: str | bytes) -> dict[str, Attribute]:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_beside(folder, NAMES)[0]


def texts(column: Attribute) -> list[str]:
    return [column.text(index) for index in range(len(column))]


def test_numbers_and_categories(tmp_path: Path) -> None:
    columns = read(
        tmp_path,
        "attributes.csv",
        "file,age,hair,empty\ncat/1.png,3,red,\ncat/2.png,,blue,\nant/10.JPG,1e1,red,\nelsewhere.png,5,green,\n",
    )
    assert list(columns) == ["age", "hair"]
    np.testing.assert_array_equal(columns["age"].values, np.array([3, np.nan, 10, np.nan], np.float32))
    assert columns["hair"].names == ("blue", "red")
    assert columns["hair"].values.tolist() == [1, 0, 1, -1]


@pytest.mark.parametrize(
    "key",
    ["ant/10.JPG", "ANT/10.jpg", "10.jpg", "10", "ant/10", "./ant/10.jpg", "images\\ant\\10.jpg", "/x/y/10.png.jpg"],
)
def test_how_a_table_may_name_an_image(key: str, tmp_path: Path) -> None:
    columns = read(tmp_path, "metadata.csv", f"note,id\nthis,{key}\n")
    found = columns["note"].text(2) if columns else ""
    assert found == ("" if "png.jpg" in key else "this")


def test_a_name_that_two_images_share_names_neither(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,v\n1.png,5\nb/2.png,7\n")
    columns, _ = read_beside(tmp_path, ("a/1.png", "b/1.png", "a/2.png", "b/2.png"))
    np.testing.assert_array_equal(columns["v"].values, [np.nan, np.nan, np.nan, 7])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", "\ufefffile;size\r\n1.png;0,5\r\n2.png;-2\r\n".encode()),
        ("labels.tsv", b"file\tsize\n1.png\t0.5\n2.png\t-2\n"),
        ("labels.csv", "file\tsize\n1.png\t0.5\n2.png\t-2\n".encode("utf-16")),
        ("labels.csv", b'"file","size"\n"1.png","0.5"\n\n"2.png","-2"'),
        ("labels.jsonl", b'{"file": "1.png", "size": 0.5}\n\n{"size": -2, "file": "2.png", "more": [1]}\n'),
        ("whatever.csv", b",size,n\n1.png,0.5,1\n2.png,-2,2\n"),
    ],
    ids=["semicolon", "tab", "utf-16", "quoted", "jsonl", "any name"],
)
def test_layouts(name: str, content: bytes, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, name, content)["size"].values[:2], [0.5, -2])


def test_a_table_in_an_old_code_page(tmp_path: Path) -> None:
    columns = read(tmp_path, "labels.csv", "file,sort\nü.png,größer\n".encode("cp1252"))
    assert columns["sort"].text(3) == "größer"


def test_a_table_without_a_line_of_names(tmp_path: Path) -> None:
    columns = read(tmp_path, "labels.csv", "1.png,7\n2.png,10\n10.jpg,7\n")
    labels = take_labels(columns)
    assert labels is not None
    assert labels[0].tolist() == [0, 1, 0, -1]
    assert labels[1] == ("7", "10")
    assert columns == {}


@pytest.mark.parametrize("header", ["label", "Class"])
def test_a_column_of_labels_is_one_of_categories(header: str, tmp_path: Path) -> None:
    columns = read(tmp_path, "labels.csv", f"file,{header},v\n1.png,2,2\n")
    assert columns[header].names == ("2",)
    assert columns["v"].names is None
    assert take_labels(columns) is not None
    assert list(columns) == ["v"]
    assert take_labels(columns) is None


def test_wrong_lines_are_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,v\n1.png,1\nbroken\na,b,c\n2.png,2\n")
    columns, notes = read_beside(tmp_path, NAMES)
    np.testing.assert_array_equal(columns["v"].values[:2], [1, 2])
    assert [note.name for note in notes] == ["labels.csv"]
    assert str(notes[0].reason) == "2 lines, first line 3: not 2 columns"
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "labels.jsonl").write_text('{"file": "1.png", "v": 1}\nnonsense\n[1]\n')
    columns, notes = read_beside(tmp_path, NAMES)
    assert columns["v"].values[0] == 1
    assert "2 lines, first line 2: not a JSON object" in str(notes[0].reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n", "file names"),
        ("", "its first line is empty"),
        ("file\n1.png\n", ""),
        ('file,v\n1.png,"' + "x" * 200_000, "field larger than"),
    ],
)
def test_tables_of_no_use(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(content)
    columns, notes = read_beside(tmp_path, ("cat.png", "1.png") if "1.png" in content else ("cat.png",))
    assert columns == {}
    assert (reason in str(notes[0].reason)) if reason else not notes


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.png" for number in range(6)]
    lines = [f"{name},{name},{number}" for number, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,caption,v", *lines]))
    monkeypatch.setattr(attributes, "MAX_CATEGORIES", 3)
    columns, notes = read_beside(tmp_path, names)
    assert list(columns) == ["v"]
    assert "“caption” is ignored: more than" in str(notes[0].reason)
    monkeypatch.setattr(table_files, "MAX_LINES", 4)
    columns, notes = read_beside(tmp_path, names)
    assert np.isnan(columns["v"].values).tolist() == [False] * 4 + [True] * 2
    assert any("Only the first 4 lines" in str(note.reason) for note in notes)
    monkeypatch.setattr(table_files, "MAX_COLUMNS", 2)
    assert any("first 2 of 3 columns are used" in str(note.reason) for note in read_beside(tmp_path, names)[1])
    monkeypatch.setattr(table_files, "MAX_BYTES", 10)
    columns, notes = read_beside(tmp_path, names)
    assert columns == {}
    assert "more than 0 MB" in str(notes[0].reason)


def test_which_tables_are_taken(tmp_path: Path) -> None:
    def found() -> list[str]:
        return [path.name for path in find_tables([tmp_path], tmp_path / "images").paths]

    assert found() == []
    assert find_tables([tmp_path / "nowhere"], tmp_path / "nowhere").paths == []
    assert read_beside(tmp_path, NAMES) == ({}, [])
    for ignored in (".hidden.csv", "sample_submission.csv", "other.json"):
        (tmp_path / ignored).write_text("x")
    assert found() == []
    (tmp_path / "b.csv").write_text("x")
    assert found() == ["b.csv"]
    (tmp_path / "c.jsonl").write_text("x")
    assert found() == ["b.csv", "c.jsonl"]
    (tmp_path / "test.csv").write_text("x")
    (tmp_path / "train_labels.csv").write_text("x")
    (tmp_path / "Metadata.CSV").write_text("x")
    assert found() == ["Metadata.CSV", "test.csv", "train_labels.csv"]


def notes_on(folders: Sequence[Path]) -> list[tuple[str, str]]:
    return [(note.name, str(note.reason)) for note in read_tables(find_tables(folders, folders[0]), NAMES).notes]


def test_tables_that_are_left_out_are_named(tmp_path: Path) -> None:
    inner = tmp_path / "images"
    inner.mkdir()
    for path in (inner / "labels.csv", inner / "results.csv", tmp_path / "train.csv"):
        path.write_text("file,label\n1.png,a\n")
    (inner / "sample_submission.csv").write_text("id,label\n")
    since = "Not read, since labels.csv is. Rename it attributes.csv to use both"
    assert notes_on([inner, tmp_path]) == [
        ("results.csv", since),
        ("sample_submission.csv", "Not read, since it is a template for submissions"),
        ("train.csv", "Not read, since labels.csv is"),
    ]
    (inner / "attributes.csv").write_text("file,label\n1.png,a\n")
    (inner / "results.csv").rename(inner / "results.jsonl")
    assert notes_on([inner])[0] == (
        "results.jsonl",
        "Not read, since attributes.csv is. Rename it metadata.jsonl to use both",
    )


def test_of_many_tables_none_is_taken(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"box{number:02}.csv").write_text("file,label\n1.png,a\n")
    since = "Not read, since there are more than 8 tables. Name one metadata.csv"
    assert notes_on([tmp_path]) == [
        *((f"box{number:02}.csv", since) for number in range(7)),
        ("box07.csv", f"It and 4 other tables: {since}"),
    ]


def test_lines_that_are_left_out_are_noted(tmp_path: Path) -> None:
    lines = ["file,v", "1.png,5", "9.png,1", "cat/1.png,6", "8.png,1"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    assert notes_on([tmp_path]) == [
        ("labels.csv", "2 lines, first line 3: names none of these images, or several"),
        ("labels.csv", "line 4: names an image that a line above names"),
    ]


def test_values_of_json_that_are_left_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "1.png", "objects": {"bbox": []}, "v": 1, "w": 2}\n')
    monkeypatch.setattr(table_files, "MAX_COLUMNS", 2)
    assert notes_on([tmp_path]) == [
        ("metadata.jsonl", "Only the first 2 columns are used"),
        ("metadata.jsonl", "Lists and objects are not read: objects"),
    ]


def test_two_tables_of_the_same_images_are_both_used(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label,age\n1.png,cat,3\n2.png,dog,\n")
    (tmp_path / "attributes.csv").write_text("name,weight,age\n2.png,7,5\n1.png,4,6\n")
    columns, notes = read_beside(tmp_path, NAMES)
    assert notes == []
    assert sorted(columns) == ["age", "label", "weight"]
    np.testing.assert_array_equal(columns["weight"].values[:3], np.array([4, 7, np.nan], np.float32))
    np.testing.assert_array_equal(columns["age"].values[:2], np.array([6, 5], np.float32))
    assert texts(columns["label"]) == ["cat", "dog", "", ""]


def test_a_damaged_table_leaves_the_other_one(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\n1.png,cat\n")
    (tmp_path / "metadata.csv").write_text("file,v\n" + "1.png,1\n" * 300 + f'2.png,"{"x" * 200_000}"\n')
    columns, notes = read_beside(tmp_path, NAMES)
    assert list(columns) == ["label"]
    assert {note.name for note in notes} == {"metadata.csv"}


def test_tables_of_the_splits(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("file,label\n1.png,a\n10.jpg,b\n")
    (tmp_path / "valid.csv").write_text("file,label\n2.png,b\n")
    beside = read_tables(find_tables([tmp_path], tmp_path), NAMES)
    assert texts(beside.columns["label"]) == ["a", "b", "b", ""]
    splits = beside.splits()
    assert splits is not None
    assert (splits.train.tolist(), splits.test.tolist(), splits.validation.tolist()) == ([0, 2, 3], [1], [])
    (tmp_path / "test.csv").write_text("file,label\nü.png,a\n")
    splits = read_tables(find_tables([tmp_path], tmp_path), NAMES).splits()
    assert splits is not None
    assert (splits.train.tolist(), splits.test.tolist(), splits.validation.tolist()) == ([0, 2], [3], [1])


CELEBA = tuple(f"{number:06d}.jpg" for number in range(1, 5))


@pytest.mark.parametrize("inside", ["", "Anno"])
def test_the_lists_of_celeba(inside: str, tmp_path: Path) -> None:
    (tmp_path / inside).mkdir(exist_ok=True)
    lines = ["000001.jpg -1  1", "000002.jpg  1 -1", "000003.jpg -1 -1", "000009.jpg 1 1"]
    (tmp_path / inside / "list_attr_celeba.txt").write_text("\n".join(["4", "Bald Smiling", *lines]))
    (tmp_path / inside / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")
    (tmp_path / inside / "identity_CelebA.txt").write_text("000001.jpg 2880\n")
    beside = read_tables(find_tables([], tmp_path / "img_align_celeba"), CELEBA)
    assert [(note.name, str(note.reason)) for note in beside.notes] == [
        ("identity_CelebA.txt", "Of the lists of CelebA, only those of attributes and splits are read"),
        ("list_attr_celeba.txt", "line 6: names none of these images, or several"),
    ]
    assert texts(beside.columns["Bald"]) == ["false", "true", "false", ""]
    assert texts(beside.columns["Smiling"]) == ["true", "false", "false", ""]
    splits = beside.splits()
    assert splits is not None
    assert (splits.train.tolist(), splits.validation.tolist(), splits.test.tolist()) == ([0, 3], [1], [2])


def test_the_tables_of_celeba_at_kaggle(tmp_path: Path) -> None:
    (tmp_path / "list_attr_celeba.csv").write_text("image_id,Bald,Male\n000001.jpg,-1,1\n000002.jpg,1,-1\n")
    (tmp_path / "list_eval_partition.csv").write_text("image_id,partition\n000001.jpg,0\n000002.jpg,2\n")
    (tmp_path / "list_bbox_celeba.csv").write_text("image_id,x_1\n000001.jpg,95\n")
    beside = read_tables(find_tables([tmp_path], tmp_path / "img" / "img"), CELEBA)
    assert {name: texts(column)[:2] for name, column in beside.columns.items()} == {
        "Bald": ["false", "true"],
        "Male": ["true", "false"],
    }
    splits = beside.splits()
    assert splits is not None
    assert splits.test.tolist() == [1]
    assert [(note.name, str(note.reason)) for note in beside.notes] == [
        ("list_bbox_celeba.csv", "Not read, since list_attr_celeba.csv is. Rename it attributes.csv to use both")
    ]


def test_a_truncated_list_of_celeba(tmp_path: Path) -> None:
    (tmp_path / "list_attr_celeba.txt").write_text("3\nBald Smiling\n000001.jpg 1 1\n000002.jpg 1\n")
    columns, notes = read_beside(tmp_path, CELEBA)
    assert texts(columns["Bald"]) == ["true", "", "", ""]
    assert [str(note.reason) for note in notes] == ["2 lines, not 3 as its first line says", "line 4: not 3 columns"]
    (tmp_path / "list_attr_celeba.txt").write_text("3\nBald Smiling\n")
    assert "no line begins with an image’s name" in str(read_beside(tmp_path, CELEBA)[1][0].reason)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"labels": [["1.png", 3], ["cat/2.png", 0], [7]]}, {"label": ["3", "0", "", ""]}),
        ({"labels": [["1.png", [0, 1]], ["2.png", [1, 0]]]}, {"label": ["1", "0", "", ""]}),
        (
            {"labels": [["1.png", [0.5, 1]], ["2.png", [2]]]},
            {"label 0": ["0.5", "2", "", ""], "label 1": ["1", "", "", ""]},
        ),
        ({"labels": None}, {}),
        ({"other": 1}, {}),
        ([], {}),
    ],
)
def test_labels_of_stylegan(content: object, expected: dict[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    columns, notes = read_beside(tmp_path, NAMES)
    assert {name: texts(column) for name, column in columns.items()} == expected
    wrong = {"1 entry of “labels” without file name and label"} if expected.get("label", [""])[0] == "3" else set()
    if not isinstance(content, dict) or "labels" not in content:
        wrong = {"Cannot use dataset.json: it has no list “labels” of file names and labels. Rename it."}
    assert {str(note.reason) for note in notes} == wrong


@given(st.dictionaries(st.sampled_from(NAMES[:3]), st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_numbers_come_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, float]) -> None:
    folder = tmp_path_factory.mktemp("table")
    text = "".join(json.dumps({"file": name, "v": value}) + "\n" for name, value in values.items())
    columns = read(folder, "labels.jsonl", text)
    for position, name in enumerate(NAMES):
        if columns:
            assert columns["v"].values[position] == values.get(name, np.nan) or name not in values
    assert bool(columns) == bool(values)


@given(st.binary(max_size=300), st.sampled_from(["labels.csv", "labels.jsonl"]))
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("table")
    for column in read(folder, name, b"file,v\n1.png," + content).values():
        assert len(column) == len(NAMES)


def test_columns_of_arrays() -> None:
    assert texts(column_of(np.array(["b", "", "a"]), "x")) == ["b", "", "a"]
    assert texts(column_of(np.array([[1.5], [np.inf]]), "x")) == ["1.5", ""]
    assert texts(column_of(np.array([True, False]), "x")) == ["true", "false"]
    assert texts(column_of(np.array([b"u", b"v"]), "x")) == ["u", "v"]
    for wrong in (np.zeros((2, 3)), np.array([None, 1], object), np.zeros(2, complex)):
        with pytest.raises(DataError, match="x must have one number or text per image"):
            column_of(wrong, "x")


class Unread(tuple[str, ...]):
    """Names that fail if somebody goes through them."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("The names were read.")


def test_without_a_table_a_hundred_thousand_names_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "sample_submission.csv").write_text("file_name,label\n1.png,0\n")
    found = find_tables([tmp_path], tmp_path)
    assert read_tables(found, Unread(NAMES)) == Beside(notes=found.notes)
