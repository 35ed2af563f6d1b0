from __future__ import annotations

import builtins
import functools
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.data import restricted_pickle
from explorer.data.preprocessing import Preprocessing
from explorer.data.restricted_pickle import load_plain_pickle
from explorer.data.sources import known_sources, open_source, opening
from explorer.errors import DataError
from explorer.types import Progress

RNG = np.random.default_rng(0)
DATA = RNG.integers(0, 256, (6, 3072), dtype=np.uint8)
LABELS = [3, 1, 4, 1, 5, 9]


def python2(data: np.ndarray, labels: list[int], names: bytes = b"") -> bytes:
    """Write a batch as Python 2 with an old numpy did: protocol 2, byte strings, `numpy.core`."""

    def short(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    dtype = (
        b"cnumpy\ndtype\n"
        + short(b"u1")
        + b"K\0K\1\x87R(K\3"
        + short(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    )
    raw = data.tobytes()
    shape = b"".join(b"M" + struct.pack("<H", size) for size in data.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
        + short(b"b")
        + b"\x87Rq\1(K\1"
        + shape
        + b"\x86"
        + dtype
        + b"\x89"
        + (b"T" + struct.pack("<i", len(raw)) + raw)
        + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    items = short(b"data") + array + short(b"labels") + numbers + short(b"batch_label") + short(b"testing batch 1 of 1")
    return b"\x80\2}(" + items + b"u."


def write_set(folder: Path, batches: int = 2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, batches + 1):
        (folder / f"data_batch_{number}").write_bytes(python2(DATA, LABELS))
    (folder / "test_batch").write_bytes(python2(DATA[::-1].copy(), LABELS[::-1]))
    meta = {b"label_names": [f"thing {number}".encode() for number in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, 2))
    return folder


def expected_images(data: np.ndarray) -> np.ndarray:
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def test_a_folder_of_batches(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "cifar-10-batches-py")
    assert open_source(tmp_path).count == 18
    source = open_source(folder)
    assert (source.count, source.image_shape, source.splits.origin) == (18, (32, 32, 3), "given")
    assert source.splits.test.tolist() == list(range(12, 18))
    pixels = source.read(range(18), Preprocessing.standard((32, 32, 3)))
    np.testing.assert_array_equal(pixels[6:12], expected_images(DATA))
    np.testing.assert_array_equal(pixels[12:], expected_images(DATA[::-1]))
    assert source.label(0) == "thing 3"
    assert source.label(12) == "thing 9"


def test_a_batch_that_is_named_is_opened_alone_with_its_labels(tmp_path: Path) -> None:
    source = open_source(write_set(tmp_path) / "test_batch")
    pixels = source.read(range(source.count), Preprocessing.standard((32, 32, 3)))
    np.testing.assert_array_equal(pixels, expected_images(DATA[::-1]))
    assert [source.label(index) for index in range(6)] == [f"thing {label}" for label in LABELS[::-1]]
    assert source.splits.origin.startswith("random")


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_a_batch_that_python_3_wrote(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "test_batch"
    path.write_bytes(pickle.dumps({"data": DATA, "labels": LABELS, "filenames": ["a.png"] * 6}, protocol))
    source = open_source(path)
    np.testing.assert_array_equal(source.read(range(6), Preprocessing.standard((32, 32, 3))), expected_images(DATA))
    assert source.label(2) == "deer"
    assert (len(source.splits.train), len(source.splits.test)) == (5, 1)


@pytest.mark.parametrize(
    "place",
    [
        "cifar-10-batches-py-target/cifar-10-batches-py",
        "cifar-10-batches-py",
        "cifar-10-python.tar.gz",
        "cifar-10-batches-py.tar.gz",
    ],
)
def test_the_known_name(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    home = tmp_path / "keras" / "datasets"
    home.mkdir(parents=True)
    with pytest.raises(DataError, match=r"keras\.datasets\.cifar10"):
        open_source("cifar10")
    if place.endswith(".gz"):
        folder = write_set(tmp_path / "cifar-10-batches-py")
        with tarfile.open(home / place, "w:gz") as archive:
            archive.add(folder, folder.name)
    else:
        write_set(home / place)
    assert {entry.name: entry.status for entry in known_sources()}["cifar10"] == "present"
    assert sum(isinstance(item, Progress) for item in opening("cifar10")) >= 4
    source = open_source("cifar10")
    assert (source.name, source.spec, source.count, source.label(0)) == ("cifar10", "cifar10", 18, "thing 3")


def test_the_archive_as_a_path(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "cifar-10-batches-py")
    path = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, folder.name)
    source = open_source(path)
    assert (source.name, source.count, source.spec) == (path.name, 18, str(path))


FINE, COARSE = [99, 0, 55, 3, 3, 7], [19, 0, 2, 1, 1, 4]


def write_hundred(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, step in (("train", 1), ("test", -1)):
        batch = {"data": DATA[::step].copy(), "fine_labels": FINE[::step], "coarse_labels": COARSE[::step]}
        (folder / name).write_bytes(pickle.dumps(batch, 2))
    names = {
        "fine_label_names": [f"fine {n}" for n in range(100)],
        "coarse_label_names": [f"group {n}" for n in range(20)],
    }
    (folder / "meta").write_bytes(pickle.dumps(names, 2))
    return folder


def write_binary(folder: Path, names: tuple[str, ...], labels: list[list[int]]) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(np.hstack([np.array(labels, np.uint8).T, DATA]).tobytes())
    return folder


def test_the_hundred_classes(tmp_path: Path) -> None:
    folder = write_hundred(tmp_path / "cifar-100-python")
    for path in (tmp_path, folder):
        source = open_source(path)
        assert (source.count, source.image_shape, source.splits.origin) == (12, (32, 32, 3), "given")
        assert source.splits.test.tolist() == list(range(6, 12))
        assert [source.label(index) for index in (0, 2, 11)] == ["fine 99", "fine 55", "fine 99"]
        assert [source.attributes["coarse label"].text(index) for index in (0, 2)] == ["group 19", "group 2"]
        pixels = source.read(range(12), Preprocessing.standard((32, 32, 3)))
        np.testing.assert_array_equal(pixels[:6], expected_images(DATA))
    with tarfile.open(tmp_path / "cifar-100-python.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    assert open_source(tmp_path / "cifar-100-python.tar.gz").label(0) == "fine 99"
    (folder / "test").write_bytes(pickle.dumps({"data": DATA, "fine_labels": FINE, "coarse_labels": [20] * 6}, 2))
    with pytest.raises(DataError, match="does not have 6 labels from 0 to 19"):
        open_source(folder)


def test_the_binary_batches_of_ten_classes(tmp_path: Path) -> None:
    names = ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")
    folder = write_binary(tmp_path / "cifar-10-batches-bin", names, [LABELS])
    for path, count, train in ((tmp_path, 18, 12), (folder / "test_batch.bin", 6, 5)):
        source = open_source(path)
        assert (source.count, len(source.splits.train), source.label(0)) == (count, train, "cat")
        np.testing.assert_array_equal(source.read(range(6), Preprocessing.standard((32, 32, 3))), expected_images(DATA))
    (folder / "batches.meta.txt").write_text("\n".join(f"thing{number}" for number in range(10)) + "\n\n")
    assert open_source(folder).label(0) == "thing3"
    (folder / "test_batch.bin").write_bytes(b"x" * 3000)
    with pytest.raises(DataError, match=r"its 3,000 bytes are not images of 3,073 bytes each\. Copy"):
        open_source(folder)
    (folder / "test_batch.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(DataError, match="does not have 1 label from 0 to 9"):
        open_source(folder)


@pytest.mark.parametrize("named", [True, False])
def test_the_binary_batches_of_a_hundred_classes(named: bool, tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "cifar-100-binary", ("train.bin", "test.bin"), [COARSE, FINE])
    if named:
        for kind, count in (("fine", 100), ("coarse", 20)):
            (folder / f"{kind}_label_names.txt").write_text("".join(f"{kind}{n}\n" for n in range(count)))
    source = open_source(tmp_path)
    assert (source.count, len(source.splits.train)) == (12, 6)
    assert source.label(2) == ("fine55" if named else "55")
    assert source.attributes["coarse label"].text(2) == ("coarse2" if named else "2")


def test_choices_have_no_meaning(tmp_path: Path) -> None:
    write_hundred(tmp_path / "cifar-100-python")
    with pytest.raises(DataError, match="there is nothing to choose"):
        open_source(f"{tmp_path}?range=0,4")


# -- What must not be run ----------------------------------------------------------------------------------------------


class _Calls:
    """Pickles as the call of anything."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self._call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self._call


def hostile(tmp_path: Path) -> dict[str, bytes]:
    mark = str(tmp_path / "executed")
    reconstruct = pickle.loads(b"cnumpy._core.multiarray\n_reconstruct\n.")
    objects = np.array([_Calls(os.mkdir, mark)], object)
    laughs: list[object] = [1]
    for _ in range(7):
        laughs = [laughs] * 20
    huge = (1, (1 << 40,), np.dtype("u1"), False, b"x")
    return {
        "system": pickle.dumps(_Calls(os.system, f"mkdir {mark}")),
        "mkdir": pickle.dumps({"data": _Calls(os.mkdir, mark)}, 2),
        "eval": pickle.dumps(_Calls(builtins.eval, f"__import__('os').mkdir({mark!r})"), 4),
        "getattr": pickle.dumps(_Calls(getattr, _Calls(builtins.__import__, "os"), "mkdir")),
        "partial": pickle.dumps(functools.partial(os.mkdir, mark)),
        "nested": pickle.dumps({"data": [_Calls(reconstruct, _Calls(os.mkdir, mark), (0,), b"b")]}, 2),
        "objects": pickle.dumps({"data": objects, "labels": [0]}, 2),
        "other class": pickle.dumps(np.zeros(3, np.uint8).view(np.recarray)),
        "object dtype": pickle.dumps(np.dtype("O")),
        "record dtype": pickle.dumps(np.zeros(1, [("a", "u1"), ("b", "O")])),
        "huge": pickle.dumps(_Calls(reconstruct, np.ndarray, (0,), b"b", state=huge), 2),
        "instance": pickle.dumps(Path(mark), 2),
        "persistent": b"Pmkdir\n.",
        "extension": b"\x80\2\x82\1.",
        "inst": b"(S'" + mark.encode() + b"'\nios\nmkdir\n.",
        "obj": b"(cos\nmkdir\nS'" + mark.encode() + b"'\no.",
        "dotted name": b"\x80\4\x8c\5numpy\x8c\x11ndarray.__class__\x93.",
        "numpy's load": b"cnumpy\nload\n(S'" + mark.encode() + b"'\ntR.",
        "codec": b"c_codecs\nencode\n(VA\nVrot13\ntR.",
        "code of a stand-in": b"cnumpy\nndarray\n(N}S'__reduce__'\nNstb.",
        "memo": b"\x80\2]r\xff\xff\xff\x7f.",
        "recursive": b"\x80\2]q\0h\0a.",
        "laughs": pickle.dumps(laughs),
        "cut": pickle.dumps({"data": DATA}, 2)[:-100],
        "text": b"no pickle",
        "empty": b"",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("system", "mkdir", "eval", "getattr", "partial", "nested", "objects", "other class", "object dtype"),
        *("record dtype", "huge", "instance", "persistent", "extension", "inst", "obj", "dotted name", "numpy's load"),
        *("codec", "code of a stand-in", "memo", "recursive", "laughs", "cut", "text", "empty"),
    ],
)
def test_a_hostile_pickle_is_refused_and_nothing_is_executed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "test_batch"
    path.write_bytes(hostile(tmp_path)[name])
    with pytest.raises(DataError, match="Nothing was executed"):
        open_source(path)
    assert not (tmp_path / "executed").exists()


def test_the_hostile_pickles_would_do_harm(tmp_path: Path) -> None:
    pickle.loads(hostile(tmp_path)["objects"])
    assert (tmp_path / "executed").is_dir()


def test_plain_data_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    for array in (np.arange(6.0).reshape(2, 3), np.asfortranarray(DATA), np.array([1, 2], ">i4"), np.array(7)):
        path.write_bytes(pickle.dumps({"x": array, "y": (1, 2.5, None, True, "ü", b"b")}, 2))
        read = load_plain_pickle(path)
        np.testing.assert_array_equal(read["x"], array)
        assert read["y"] == [1, 2.5, None, True, "ü", b"b"]


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_set(tmp_path) / "test_batch"
    monkeypatch.setattr(restricted_pickle, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="larger than 0 MB"):
        open_source(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": DATA, "labels": LABELS[:-1]}, "does not have 6 labels from 0 to 9"),
        ({"data": DATA, "labels": [*LABELS[:-1], 10]}, "does not have 6 labels from 0 to 9"),
        ({"data": DATA[:, :100], "labels": LABELS}, r"not a uint8 array of shape \(n, 3072\)"),
        ({"data": DATA.astype(np.float32), "labels": LABELS}, "not a uint8 array"),
        ({"data": DATA}, "6 labels"),
        ([1], "not a uint8 array"),
    ],
)
def test_a_batch_of_something_else(content: object, message: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pickle.dump(content, buffer, 2)
    (tmp_path / "test_batch").write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match=message):
        open_source(tmp_path)
