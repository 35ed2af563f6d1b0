"""Frames between two processes: every record comes back as it was, and nothing malformed gets past."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from explorer.errors import IpcError
from explorer.ipc import LIMITS, Limits, pack, unpack
from explorer.ipc.frame import DTYPES, MAGIC
from explorer.types import Floats, Pixels


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    choice: Literal["a", "b"] = "a"


@dataclass(frozen=True, eq=False)
class Held:
    pixels: Pixels
    floats: Floats | None = None


@dataclass(frozen=True, eq=False)
class Record:
    name: str
    value: float = 0.0
    path: Path | None = None
    parts: tuple[Part, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    held: Held | None = None
    arrays: tuple[NDArray[Any], ...] = ()
    raw: bytes = b""


@dataclass(frozen=True)
class Tree:
    branches: tuple[Tree, ...] = ()


def frame(record: object, limits: Limits = LIMITS) -> bytes:
    return b"".join(pack(record, limits))


def made_up(header: Any, arrays: bytes = b"", *, pad: bool = True) -> bytes:
    packed = header if isinstance(header, bytes) else b"".join(map(msgpack.packb, header))
    start = struct.pack("<4sI", MAGIC, len(packed)) + packed
    return start + (bytes(-len(start) % 16) + arrays if pad and arrays else arrays)


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(IpcError) as caught:
        unpack(data, (Record, Held, Tree), limits)
    return str(caught.value)


FULL = Record(
    "näme \udcff",
    float("inf"),
    Path("a", "b"),
    (Part(shape=(1, 2)), Part(shape=(), choice="b")),
    {"mse": 0.5},
    Held(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), np.zeros((0, 4), np.float32)),
    (np.array(True), np.arange(6).reshape(2, 3).T, np.array([1, 2], ">i4")),
    b"\x00\xff",
)


def test_a_record_comes_back_as_it_was() -> None:
    back = unpack(frame(FULL), (Tree, Record))
    assert isinstance(back, Record)
    for name in ("name", "value", "path", "parts", "metrics", "raw"):
        assert getattr(back, name) == getattr(FULL, name)
    assert isinstance(back.path, Path)
    assert isinstance(back.parts, tuple)
    assert back.held is not None
    assert FULL.held is not None
    assert FULL.held.floats is not None
    assert back.held.floats is not None
    pairs: list[tuple[NDArray[Any], NDArray[Any]]]
    pairs = [(back.held.pixels, FULL.held.pixels), (back.held.floats, FULL.held.floats)]
    pairs += zip(back.arrays, FULL.arrays, strict=True)
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype.newbyteorder("<")
        assert np.array_equal(ours, theirs)
        assert ours.flags.writeable
        assert ours.flags.c_contiguous


@given(
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
    )
)
def test_every_kind_of_array_comes_back_bit_for_bit(array: NDArray[Any]) -> None:
    (back,) = unpack(frame(Record("", arrays=(array,))), (Record,)).arrays
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_an_array_does_not_keep_the_frame_in_memory() -> None:
    back = unpack(frame(FULL), (Record,))
    assert all(array.base is None or array.base.nbytes == array.nbytes for array in back.arrays)


@pytest.mark.parametrize(
    "record",
    [
        Record("", arrays=(np.array([None]),)),
        Record("", arrays=(np.array(["text"]),)),
        Record("", arrays=(np.array([1j]),)),
        Record("", metrics={1: 1.0}),  # type: ignore[dict-item]  # the test is about that
        Record("", metrics={"set": {1}}),  # type: ignore[dict-item]
        Record("", value=2**64),
        Record("x" * (1 << 20)),
        Record("", arrays=(np.zeros(1 << 13, np.uint8),) * 1001),
        Record("", arrays=(np.zeros((1,) * 17),)),
        Tree((Tree(),) * 60_000),
        object(),
    ],
)
def test_what_cannot_be_sent_is_refused_where_it_is_sent(record: object) -> None:
    with pytest.raises(IpcError):
        pack(record)


def test_a_record_that_nests_too_deep_is_refused_at_both_ends() -> None:
    tree = Tree()
    for _ in range(20):
        tree = Tree((tree,))
    with pytest.raises(IpcError, match="nest"):
        pack(tree)
    data = frame(tree, Limits(depth=64))
    assert unpack(data, (Tree,), Limits(depth=64)) == tree
    assert "nest" in refused(data)


def test_only_expected_records_are_accepted() -> None:
    with pytest.raises(IpcError, match="'Record'"):
        unpack(frame(FULL), (Tree,))


@pytest.mark.parametrize(
    ("header", "arrays", "reason"),
    [
        (["Held", [["|u1", [4]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"abc", "declared"),
        (["Held", [["|u1", [4]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"abcde", "declared"),
        (["Held", [["|u1", [1 << 62]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"abcd", "more than"),
        (["Held", [["|u1", [0, 1 << 62]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"", "more than"),
        (["Held", [["|u1", [-4]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"abcd", "shape"),
        (["Held", [["|u1", [4.0]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"abcd", "shape"),
        (["Held", [["|u1", [True]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"a", "shape"),
        (["Held", [["|O", [1]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"12345678", "array of dtype"),
        (["Held", [["<i8", [1]]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"12345678", "uint8"),
        (["Held", [["|u1", [1] * 17]], {"pixels": msgpack.ExtType(1, bytes(4))}], b"a", "dimensions"),
        (["Held", [["|u1", [0]]] * 1001, {"pixels": msgpack.ExtType(1, bytes(4))}], b"", "1000 arrays"),
        (["Held", [], {"pixels": msgpack.ExtType(1, bytes(4))}], b"", "range"),
        (["Held", [], {"pixels": msgpack.ExtType(2, bytes(4))}], b"", "unknown extension type"),
        (["Held", [], {"pixels": msgpack.Timestamp(1)}], b"", "uint8"),
        (["Tree", [], {}, None], b"", "trailing bytes"),
        (["Held", [], {"pixels": [1, 2]}], b"", "uint8"),
        (["Record", [["|b1", [2]]], {"name": "", "arrays": [msgpack.ExtType(1, bytes(4))]}], b"\x01\x02", "booleans"),
        (["Record", [], {}], b"", "Record.name"),
        (["Record", [], {"name": "", "more": 1}], b"", "Record.more"),
        (["Record", [], {"name": "", "parts": [{"shape": ["x"]}]}], b"", "Record.parts.0.shape.0"),
        (["Record", [], {"name": "", "parts": [{"shape": "x"}] * 200}], b"", "200 invalid"),
        (["Record", []], b"", ""),
        (["Record", {}, {"name": ""}], b"", "invalid header"),
        (["Record", [["|u1"]], {"name": ""}], b"", "unpack"),
        ([["Record"], [], {"name": ""}], b"", "invalid header"),
        ([[["Record"]], [], {"name": ""}], b"", "nest"),
        (["Tree", [], {"branches": [[]] * 102_000}], b"", "lists and maps"),
        (b"\x93", b"", ""),
        (b"\x91" * 2_000, b"", ""),
        (b"\xa1\xff", b"", ""),
        (b"\xdf\xff\xff\xff\xff", b"", ""),
        (b"\xdd\xff\xff\xff\xff", b"", ""),
    ],
)
def test_a_malformed_frame_is_one_kind_of_error(header: Any, arrays: bytes, reason: str) -> None:
    assert reason in refused(made_up(header, arrays))


@pytest.mark.parametrize(
    "data", [b"", MAGIC, b"LXF\x02" + frame(Tree())[4:], frame(Tree())[:-1], frame(Tree()) + b"\x00", frame(FULL)[:-1]]
)
def test_another_version_or_length_is_refused(data: bytes) -> None:
    refused(data)


def test_the_limits_of_size_hold_at_both_ends() -> None:
    record = Record("", arrays=(np.zeros(1_000, np.uint8),))
    for limits in (Limits(frame_bytes=1_000), Limits(array_bytes=999), Limits(header_bytes=20), Limits(arrays=0)):
        with pytest.raises(IpcError):
            pack(record, limits)
        refused(frame(record), limits)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_one_error(data: bytes) -> None:
    refused(data)
    refused(struct.pack("<4sI", MAGIC, len(data)) + data)


@given(st.data())
def test_a_mutated_frame_is_a_record_or_one_error(data: st.DataObject) -> None:
    changed = bytearray(frame(FULL))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(changed) - 1))
        how = data.draw(st.sampled_from(["replace", "insert", "delete"]))
        new = data.draw(st.binary(min_size=1, max_size=5))
        changed[place : place + {"replace": len(new), "insert": 0, "delete": 3}[how]] = b"" if how == "delete" else new
        if not changed:
            break
    with suppress(IpcError):
        assert isinstance(unpack(changed, (Record, Held, Tree)), Record | Held | Tree)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=6)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
TABLES = st.lists(
    st.tuples(
        st.sampled_from(["|u1", "<f4", "|O", "<f3"]), st.lists(st.integers(-2, 2**63) | st.integers(0, 3), max_size=4)
    ),
    max_size=3,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("name", "value", "path", "parts", "metrics", "held", "arrays", "raw", "pixels", "branches"), VALUES
    ),
)


@given(
    st.sampled_from(["Record", "Held", "Tree"]) | st.text(max_size=3),
    TABLES | VALUES,
    FIELDS | VALUES,
    st.binary(max_size=40),
)
def test_any_header_is_a_record_or_one_error(name: str, table: Any, fields: Any, arrays: bytes) -> None:
    with suppress(IpcError):
        unpack(made_up([name, table, fields], arrays), (Record, Held, Tree))
