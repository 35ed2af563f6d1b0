"""Every small file that once failed, end to end: what the command line says of it, and how much memory that takes."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.limited import MB, Ended, command, run_limited
from onnx import TensorProto, helper
from PIL import Image

from explorer.models.bundle import CARD, COMPILED, seal
from explorer.models.card import read_card

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process need POSIX")

MOST_MORE = 100 * MB
"""Memory that refusing a file may take beyond what the same command takes for a name that is not there."""

FILES = Path(__file__).parent / "files"


# -- the files ---------------------------------------------------------------------------------------------------------


def deep_npy(folder: Path) -> Path:
    header = b"(" * 9000 + b"\n"
    path = folder / "header.npy"
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
    return path


def member_without_ending(folder: Path) -> Path:
    path = folder / "member.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images", b"not an array")
    return path


def large_card(folder: Path) -> Path:
    path = folder / "card"
    path.mkdir()
    (path / CARD).write_text('{"format":[' + "[]," * 21_000_000 + "[]]}")
    return path


def large_session(folder: Path) -> Path:
    path = folder / "json.latent"
    text = '{"format":"latent-explorer-session","version":3,"noise":[' + "[]," * 10_800_000 + "[]]}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("session.json", text)
    return path


def large_arrays(folder: Path) -> Path:
    path, side = folder / "arrays.latent", 16 << 20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("session.json", json.dumps({"format": "latent-explorer-session", "version": 3}))
        for index in range(9):
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (side,)})
            file.writestr(f"arrays/{index}.npy", head.getvalue() + bytes(4 * side))
    return path


def bundle_with(graph: onnx.GraphProto, folder: Path) -> Path:
    """Return a bundle with this decoder and its checksum."""
    path = folder / "bundle"
    write_bundle(path, MatrixCodec((2, 1, 1), 2))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path / COMPILED[1])
    seal(path, read_card((path / CARD).read_bytes(), str(path)))
    return path


CODE = helper.make_tensor_value_info("code", TensorProto.FLOAT, ["n", 2])
IMAGE = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 2])


def endless_decoder(folder: Path) -> Path:
    body = helper.make_graph(
        [helper.make_node("Identity", ["keep"], ["go"]), helper.make_node("Add", ["state", "state"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("keep", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    often = helper.make_tensor("often", TensorProto.INT64, [], [2**62])
    true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
    loop = helper.make_node("Loop", ["often", "true", "code"], ["image"], body=body)
    return bundle_with(helper.make_graph([loop], "loop", [CODE], [IMAGE], [often, true]), folder)


def vast_decoder(folder: Path) -> Path:
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [30_000, 30_000])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["code", "sum"], ["image"]),
    ]
    return bundle_with(helper.make_graph(nodes, "fill", [CODE], [IMAGE], [shape]), folder)


def vast_layer(folder: Path) -> Path:
    def layer(kind: str, config: dict[str, object], inputs: Sequence[object]) -> dict[str, object]:
        return {
            "module": "keras.layers",
            "class_name": kind,
            "name": config["name"],
            "config": config,
            "inbound_nodes": list(inputs),
        }

    tensor = {"shape": [None, 2], "dtype": "float32", "keras_history": ["i", 0, 0]}
    given = [{"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}]
    layers = [
        layer("InputLayer", {"batch_shape": [None, 2], "name": "i"}, []),
        layer("Dense", {"name": "d", "units": 2**31 - 1}, given),
    ]
    inside = {"name": "m", "layers": layers, "input_layers": [["i", 0, 0]], "output_layers": [["d", 0, 0]]}
    config = {"module": "keras.src.models.functional", "class_name": "Functional", "config": inside}
    path = folder / "dense.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        file.writestr("model.weights.h5", b"")
    return path


# -- what is refused ---------------------------------------------------------------------------------------------------

READ_SESSION = """
import sys
from pathlib import Path
from explorer.errors import SessionError
from explorer.document.session_file import read_session
try:
    read_session(Path(sys.argv[1]))
except SessionError as error:
    sys.exit(f"error: {error}")
"""


def describe(path: Path) -> Ended:
    return command("data", path)


def decode(path: Path) -> Ended:
    codes = path.parent / "codes.npy"
    np.save(codes, np.zeros((1, 2), np.float32))
    return command("decode", "--model", path, "--codes", codes, "--out", path.parent / "out.png")


def open_session(path: Path) -> Ended:
    ended = run_limited(["-c", READ_SESSION, str(path)])
    return Ended(2 if ended.code == 1 else ended.code, ended.out, ended.err, ended.peak_bytes)


@dataclass(frozen=True)
class Refused:
    """A file, the command that meets it, and a word that the one line of its refusal holds."""

    make: Callable[[Path], Path]
    meet: Callable[[Path], Ended]
    word: str


@pytest.mark.parametrize(
    "case",
    [
        Refused(deep_npy, describe, "header.npy"),
        Refused(member_without_ending, describe, "member.npz"),
        Refused(large_card, decode, "card"),
        Refused(large_session, open_session, "json.latent"),
        Refused(large_arrays, open_session, "arrays.latent"),
        Refused(endless_decoder, decode, "Loop"),
        Refused(vast_decoder, decode, "256 MB"),
    ],
    ids=lambda case: case.make.__name__,
)
def test_it_is_refused_in_one_line_and_little_memory(case: Refused, tmp_path: Path) -> None:
    path = case.make(tmp_path)
    usual = case.meet(tmp_path / "not-there.latent").peak_bytes
    ended = case.meet(path)
    assert case.word in ended.refusal
    assert ended.peak_bytes < usual + MOST_MORE


def test_a_large_card_does_not_keep_the_list_from_being_shown(tmp_path: Path) -> None:
    large_card(tmp_path)
    usual = command("models", "--json").peak_bytes
    ended = command("models", "--json", LATENT_EXPLORER_MODELS=str(tmp_path))
    assert ended.code == 0, ended.err
    assert len(json.loads(ended.out)) > 0
    assert ended.peak_bytes < usual + MOST_MORE


@pytest.mark.engine
@pytest.mark.parametrize("make", [vast_layer, lambda folder: FILES / "hdf5-hang.h5"], ids=["vast layer", "hdf5 hang"])
def test_a_third_party_model_is_refused_in_one_line(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    ended = command("import", path, "--out", tmp_path / "out")
    assert path.name in ended.refusal
    assert not (tmp_path / "out").exists()
    assert ended.peak_bytes < 2048 * MB


# -- what is opened, with what cannot be left out ----------------------------------------------------------------------


def truncated(folder: Path) -> None:
    for number in range(8):
        Image.new("RGB", (32, 32), "red").save(folder / f"{number}.png")
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, "BMP")
    (folder / "z.bmp").write_bytes(file.getvalue()[:1500])


def motion(folder: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, "JPEG")
    (folder / "PXL.MP.jpg").write_bytes(file.getvalue() + b"\0\0\0\x18ftypmp42" + b"\0" * 9000)


def without_end(folder: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, "JPEG")
    (folder / "cut.jpg").write_bytes(file.getvalue()[:-2])


def link_to_itself(folder: Path) -> None:
    Image.new("RGB", (32, 32), "red").save(folder / "0.png")
    os.symlink("me.png", folder / "me.png")


@pytest.mark.parametrize(
    ("make", "count", "left_out"),
    [(truncated, 8, "z.bmp"), (motion, 1, ""), (without_end, 1, ""), (link_to_itself, 1, "me.png")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_folder_opens_in_every_command_without_its_bad_image(
    make: Callable[[Path], None], count: int, left_out: str, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    make(folder)
    write_bundle(tmp_path / "model", MatrixCodec((32, 32, 3), 2))
    ended = command("data", folder, "--json")
    assert ended.code == 0, ended.err
    result = json.loads(ended.out)
    encoded = command("encode", "--model", tmp_path / "model", "--data", folder, "--out", tmp_path / "codes.npz")
    assert encoded.code == 0, encoded.err
    with np.load(tmp_path / "codes.npz") as file:
        assert len(file["codes"]) == count
    assert [entry["file"] for entry in result["skipped"]] == ([left_out] if left_out else [])
