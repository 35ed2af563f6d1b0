"""Damaged NumPy files, fonts, Keras configurations and indexes: one clear error, or made again."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import make_card
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.array_files import ZipLimits, read_arrays, read_member
from explorer.cli.inputs import read_codes
from explorer.data import image_index
from explorer.data.sources import fonts, open_source
from explorer.errors import DataError, ExplorerError, ModelError
from explorer.latent.neighbors import NeighborIndex
from explorer.messages import message
from explorer.models.third_party.files import dangers_of
from explorer.models.third_party.reading import ThirdPartyFile
from explorer.paths import index_dir, resources_dir
from explorer.reading import read_limited, reading

NPY = b"\x93NUMPY\1\0"


def with_header(header: bytes, version: bytes = b"\1\0") -> bytes:
    size = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + size + header


BROKEN = {
    "nested": with_header(b"(" * 9000 + b"\n"),
    "very nested": with_header(b"[" * 60_000 + b"\n"),
    "long": with_header(b" " * 3_000_000, b"\2\0"),
    "indented": with_header(b"{'descr': '<f4',\n  'a':\n 'b'\n"),
    "string without end": with_header(b"{'descr': '''"),
    "no dict": with_header(b"7\n"),
    "no shape": with_header(b"{'descr': '<f4', 'fortran_order': False}\n"),
    "shape of texts": with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': ('a',)}\n"),
    "negative": with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}\n"),
    "too much": with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**9, 28, 28)}\n"),
    "endless": with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}\n"),
    "nothing much": with_header(b"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}\n"),
    "no type": with_header(b"{'descr': 'evil', 'fortran_order': False, 'shape': (4,)}\n"),
    "objects": with_header(b"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}\n") + bytes(64),
    "version 3": with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}\n", b"\3\0") + bytes(16),
    "version 9": with_header(b"", b"\11\0"),
    "magic only": NPY,
    "empty": b"",
    "something else": b"not an array",
}


def npz_of(content: bytes, name: str = "images.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def read_all(path: Path) -> list[ExplorerError]:
    """Read a file as images and as codes; return the errors, which name the file and say what to do."""
    errors: list[ExplorerError] = []
    for read in (lambda: open_source(path), lambda: read_codes(path, make_card(MatrixCodec()))):
        try:
            read()
        except ExplorerError as error:
            errors.append(error)
    assert all(path.name in str(error) and has_advice(error) for error in errors)
    return errors


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("suffix", [".npy", ".npz", "member"])
def test_a_broken_array_is_one_clear_error(name: str, suffix: str, tmp_path: Path) -> None:
    content = BROKEN[name]
    path = tmp_path / f"file{suffix if suffix != 'member' else '.npz'}"
    path.write_bytes(npz_of(content) if suffix == "member" else content)
    assert len(read_all(path)) == 2
    if suffix == "member":
        path.write_bytes(npz_of(content, "images"))
        assert len(read_all(path)) == 2


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_text_with_an_invalid_character_is_refused(order: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.npz"
    labels = np.array([65, 0x110000, 66], f"{order}u4").view(f"{order}U1")
    np.savez(path, images=np.zeros((3, 8, 8), np.uint8), labels=labels)
    with pytest.raises(DataError, match="invalid character"):
        open_source(path)
    np.savez(path, images=np.zeros((3, 8, 8), np.uint8), labels=np.array(["😀", "b", "c"], f"{order}U1"))
    assert open_source(path).label_names == ("b", "c", "😀")


def small_npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, images=np.arange(64, dtype=np.uint8).reshape(1, 8, 8), labels=np.zeros(1, np.int64))
    return file.getvalue()


def small_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(64, dtype=np.uint8).reshape(1, 8, 8))
    return file.getvalue()


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Change, cut, repeat or insert a few bytes."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[place : place + rng.randint(1, 20)]
            case 2:
                changed[place:place] = changed[place : place + rng.randint(1, 20)]
            case _:
                changed[place:place] = rng.choice([b"(", b"'", b"\n", b"\xff" * 4, b"\0" * 4, b"9" * 20, b"{"])
    return bytes(changed)


@pytest.mark.parametrize(("suffix", "make"), [(".npz", small_npz), (".npy", small_npy)])
def test_mutated_files_raise_nothing_of_others(suffix: str, make: Callable[[], bytes], tmp_path: Path) -> None:
    content, rng, path = make(), random.Random(7), tmp_path / f"file{suffix}"
    # The header of an array is where numpy's own reader raises what it likes.
    start = content.index(b"\x93NUMPY") if suffix == ".npy" else 0
    refused = 0
    for _ in range(500):
        path.write_bytes(content[:start] + mutated(content[start:], rng))
        refused += bool(read_all(path))
    assert refused > 250


def test_a_member_never_gives_more_than_it_declares() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(64 << 20))
    with zipfile.ZipFile(file) as archive:
        member = archive.getinfo("a")
        member.file_size = 10
        with pytest.raises(zipfile.BadZipFile, match="CRC"):
            read_member(archive, member)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_inflates_in_pieces_of_any_size_is_refused(method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.npy", small_npy())
    with pytest.raises(DataError, match="deflated"):
        read_arrays(file, ZipLimits(1 << 20), "x")


# -- the wrapper -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [SystemError("bad"), RecursionError(), TypeError(), KeyError("a"), OSError(5, "I/O")])
def test_a_third_party_exception_becomes_ours_with_the_name(error: Exception) -> None:
    with (
        pytest.raises(ModelError, match=r"Cannot read a\.ttf as a font: .+\. Copy or download it again\.") as caught,
        reading(message("a font"), "a.ttf", ModelError),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_our_errors_memory_and_the_end_of_a_generator_keep_their_meaning() -> None:
    ours = DataError("ours")
    with pytest.raises(DataError) as caught, reading(message("a font"), "a.ttf", ModelError):
        raise ours
    assert caught.value is ours
    with (
        pytest.raises(ModelError, match="as a font: not enough memory"),
        reading(message("a font"), "a.ttf", ModelError),
    ):
        raise MemoryError
    with pytest.raises(KeyboardInterrupt), reading(message("a font"), "a.ttf"):
        raise KeyboardInterrupt
    with pytest.raises(GeneratorExit), reading(message("a font"), "a.ttf"):
        raise GeneratorExit


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes with names")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a regular file"):
        read_limited(tmp_path / "pipe", 10, message("a card"))


# -- fonts -------------------------------------------------------------------------------------------------------------


def test_a_broken_font_is_named_beside_a_whole_one(tmp_path: Path) -> None:
    whole = (resources_dir() / "fonts" / "Inter-Regular.otf").read_bytes()
    (tmp_path / "whole.otf").write_bytes(whole)
    rng = random.Random(3)
    for number in range(60):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 2_000)):
            broken[rng.randrange(len(broken) if number % 2 else 4_000)] = rng.randrange(256)
        (tmp_path / f"{number}.otf").write_bytes(broken)
    source = open_source(tmp_path)
    assert source.count >= len(fonts.ALPHABETS["Latin"])
    assert source.skipped
    assert all(one.name.endswith(".otf") and one.reason for one in source.skipped)


# -- Keras configurations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": ["Functional"], "config": {"layers": []}},
        {"class_name": "Mine", "config": {"a": {"class_name": ["Functional"], "config": {}}}},
        {"class_name": "Functional", "config": {"layers": [{"class_name": ["Dense"], "config": {}}]}},
        {"class_name": "Functional", "config": {"layers": [{"class_name": {}, "config": 3, "inbound_nodes": [[1]]}]}},
        {
            "class_name": "Functional",
            "config": {
                "layers": [
                    {
                        "class_name": "Mine",
                        "config": 3,
                        "inbound_nodes": [[["z_mean", 0, 0, {}], ["z_log_var", 0, 0, {}]]],
                    }
                ]
            },
        },
        {"class_name": "Dense", "module": ["keras"], "registered_name": {}, "config": {"activation": []}},
    ],
    ids=json.dumps,
)
def test_a_configuration_with_other_things_in_it_is_refused_or_found_wanting(config: dict[str, Any]) -> None:
    file = ThirdPartyFile(Path("model.keras"), "keras", "3.15.1", config)
    with suppress(ModelError):
        dangers_of(file)


# -- what is kept is made again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hnsw", "lsh"])
def test_a_damaged_index_is_built_again(kind: Any) -> None:
    codes = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    expected = NeighborIndex(codes, kind, folder=index_dir()).search(codes[:5], 4)
    (kept,) = index_dir().iterdir()
    whole = kept.read_bytes()
    rng = random.Random(5)
    damaged = [b"", whole[:40], whole[: len(whole) // 2], whole + b"\0", bytes(len(whole))]
    for _ in range(10):
        changed = bytearray(whole)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(changed))
    for content in damaged:
        kept.write_bytes(content)
        found = NeighborIndex(codes, kind, folder=index_dir()).search(codes[:5], 4)
        np.testing.assert_array_equal(found.indices, expected.indices)
        assert len(kept.read_bytes()) == len(whole)


def test_a_damaged_list_of_images_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_index, "BIG_FOLDER", 3)
    for number in range(5):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"no")
    assert open_source(tmp_path).count == 5
    kept = image_index._place(tmp_path)
    whole = kept.read_bytes()
    rng = random.Random(9)
    for number in range(80):
        kept.write_bytes(mutated(whole, rng) if number else b"")
        source = open_source(tmp_path)
        assert source.count == 5
        assert [one.name for one in source.skipped] == ["bad.png"]
        assert source.pil_image(4).getpixel((0, 0)) == 4
