"""Bundles from a stranger: links, bombs, pickles, absurd shapes, weights that lie elsewhere. All are refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from numpy.typing import NDArray
from onnx import TensorProto

from explorer.errors import ModelError
from explorer.inference.codec import Network
from explorer.models.bundle import CARD, CODES, COMPILED, file_hash, open_bundle
from explorer.models.codes import load_codes
from explorer.workers.loading import open_model


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "tiny"
    write_bundle(folder)
    return folder


def sealed(folder: Path) -> None:
    """Put the right checksums into the card, as a stranger would."""
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["files"] = {name: file_hash(folder / name) for name in card["files"]}
    (folder / CARD).write_text(json.dumps(card), "utf-8")


def refused(folder: Path, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        _ = open_model(folder).sample.codes
    assert has_advice(caught.value)


def arrays_of(folder: Path) -> dict[str, NDArray[Any]]:
    with np.load(folder / CODES) as file:
        return {name: file[name] for name in file.files}


def test_a_link_out_of_the_folder_is_refused(bundle: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.onnx"
    (bundle / COMPILED[0]).rename(elsewhere)
    (bundle / COMPILED[0]).symlink_to(elsewhere)
    sealed(bundle)
    refused(bundle, "is a link to another folder")


# -- weights in another file -------------------------------------------------------------------------------------------


def with_external_data(path: Path, where: str) -> None:
    """Have a network say that its weights lie in a file of that name."""
    network = onnx.load(path)
    weights = next(tensor for tensor in network.graph.initializer if tensor.name == "basis")
    size = len(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", where), ("length", str(size))):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(network.SerializeToString())


@pytest.mark.parametrize("way", ["beside", "up", "absolute", "the working folder"])
def test_weights_in_another_file_are_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Also where the file is there and would fit."""
    monkeypatch.chdir(tmp_path)
    for folder in (bundle, bundle.parent, tmp_path):
        (folder / "weights.bin").write_bytes(MatrixCodec().basis.tobytes())
    where = {
        "beside": "weights.bin",
        "up": "../weights.bin",
        "absolute": str(tmp_path / "weights.bin"),
        "the working folder": "./weights.bin",
    }[way]
    with_external_data(bundle / COMPILED[0], where)
    sealed(bundle)
    refused(bundle, r"encoder\.onnx: .*weights in other files")
    # Nor would ONNX Runtime find them, were there no check.
    with pytest.raises(ModelError, match="Cannot load the compiled network"):
        Network((bundle / COMPILED[0]).read_bytes())


# -- codes -------------------------------------------------------------------------------------------------------------


class Evil:
    """Would write a file where it was unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_among_the_codes_is_not_run(bundle: Path, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    arrays = arrays_of(bundle) | {"labels": np.array([Evil(mark)], object)}
    np.savez(bundle / CODES, allow_pickle=True, **arrays)
    sealed(bundle)
    refused(bundle, "holds Python objects")
    assert not mark.exists()


def test_a_bomb_among_the_codes_is_refused_before_it_is_inflated(bundle: Path) -> None:
    """5 GB, as its own entry says; the few bytes that are there would be inflated to nothing like it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("codes.npy", bytes(1000))
        archive.getinfo("codes.npy").file_size = 5 << 30
    (bundle / CODES).write_bytes(content.getvalue())
    sealed(bundle)
    refused(bundle, "more than 4,096 MB")


@pytest.mark.parametrize("shape", [(10**12, 2), (10**9, 10**9), (2**62, 4)])
def test_a_huge_shape_asks_for_no_memory(bundle: Path, shape: tuple[int, ...]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(bundle / CODES, "a") as archive:
        archive.writestr("kl.npy", header.getvalue() + bytes(64))
    sealed(bundle)
    refused(bundle, "its header declares")


def test_arrays_that_are_there_twice_are_refused(bundle: Path) -> None:
    with zipfile.ZipFile(bundle / CODES, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("codes.npy", b"")
    sealed(bundle)
    refused(bundle, "two entries of the same name")


@pytest.mark.parametrize(
    "change",
    [
        {"codes": np.full((40, 2), np.nan, np.float32)},
        {"codes": np.full((40, 2), 1e300)},
        {"sigma": np.array([np.inf, 1], np.float32)},
        {"mean": np.zeros(3, np.float32)},
        {"indices": np.zeros(3, np.int64)},
        {"thumbnails": np.zeros((40, 12, 10), np.uint8)},
        {"axes": np.zeros((2, 3), np.float32)},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_codes_that_are_absurd_are_refused(bundle: Path, change: dict[str, NDArray[Any]]) -> None:
    np.savez(bundle / CODES, allow_pickle=False, **(arrays_of(bundle) | change))
    sealed(bundle)
    with pytest.raises(ModelError):
        load_codes(bundle / CODES, 2)
    refused(bundle, "codes")


# -- the card ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"image_shape": [10**9, 10**9, 1]},
        {"image_shape": [0, 10, 1]},
        {"image_shape": [-12, 10, 1]},
        {"latent_shape": [10**9]},
        {"latent_shape": []},
        {"latent_shape": [0]},
        {"latent_shape": [2**70]},
        {"image_shape": [2**70, 1, 1]},
        {"value_range": [float("nan"), 1]},
        {"value_range": [1e300, -1e300]},
        {"value_range": [0, 0]},
        {"format_version": 10**30},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_card_with_absurd_numbers_is_refused(bundle: Path, change: dict[str, Any]) -> None:
    card = json.loads((bundle / CARD).read_text("utf-8"))
    (bundle / CARD).write_text(json.dumps(card | change), "utf-8")
    with pytest.raises(ModelError):
        open_model(bundle)


def test_a_card_without_end_is_refused(bundle: Path) -> None:
    with (bundle / CARD).open("ab") as file:
        file.truncate(2 << 20)
    with pytest.raises(ModelError, match="larger than 1 MB"):
        open_bundle(bundle)
