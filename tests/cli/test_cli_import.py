"""``import`` with the networks of a bundled model, which are ordinary Keras models."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing import onnx_models
from explorer_testing.builders import write_bundle
from explorer_testing.shared_process import shared_process
from onnx import helper

from explorer.cli.inputs import open_model
from explorer.engine.client import ModelProcess
from explorer.models.bundle import open_bundle
from explorer.models.import_record import RANGES


@pytest.fixture(scope="module")
def shared(model_process: ModelProcess) -> Iterator[None]:
    with shared_process(model_process, "explorer.cli.commands.import_"):
        yield


@pytest.fixture
def parts(tmp_path: Path, vae: Path) -> Path:
    """A folder with a Keras encoder and decoder."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("encoder.keras", "decoder.keras"):
        shutil.copyfile(vae / name, folder / name)
    return folder


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
def test_two_parts_become_the_model_that_they_were(ask: Any, tmp_path: Path, parts: Path, vae: Path) -> None:
    out = tmp_path / "again"
    files = ("--encoder", parts / "encoder.keras", "--decoder", parts / "decoder.keras")
    result = ask("import", *files, "--out", out, "--data", "clothing")
    assert set(result) == {"name", "image_shape", "latent_shape", "engine", "max_difference"}
    assert (result["name"], result["image_shape"], result["latent_shape"]) == ("again", [28, 28, 1], [2])
    assert result["engine"] == "onnx"
    assert result["max_difference"] <= 1e-4
    card, original = open_bundle(out).card, open_bundle(vae).card
    assert card.variational
    assert card.data.name == "digits", "found by trying what ships, better than what was named"
    assert card.metrics["mse"] == pytest.approx(original.metrics["mse"], rel=0.1)
    assert (
        card.command
        == "latent-explorer import --out again --encoder encoder.keras --decoder decoder.keras --data clothing"
    )
    codes = np.array([[0.5, -1]], np.float32)
    np.testing.assert_allclose(
        open_model(str(out)).codec.decode(codes), open_model(str(vae)).codec.decode(codes), atol=1e-5
    )
    listed = ask("evaluate", "--model", out, "--data", "digits")
    assert listed["seen_in_training"] is False


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
def test_as_text_and_from_a_folder(call: Any, tmp_path: Path, parts: Path) -> None:
    options = ("--range-in", "-1,1", "--range-out", "logits", "--fit", "pad")
    outcome = call("import", parts, "--out", tmp_path / "again", *options)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == "again: images 28×28×1, code 2"
    assert lines[1].startswith("compiled to ONNX (max. deviation from Keras ")
    assert lines[-1] == f"written to {tmp_path / 'again'}"
    assert "The decoder gives logits, which a sigmoid turns into images" in lines
    card = open_bundle(tmp_path / "again").card
    record = card.imported
    assert record is not None
    assert (record.range_in, record.range_out, record.fit) == ((-1, 1), "logits", "pad")
    assert card.command.endswith(" --range-in=-1,1 --range-out=logits --fit=pad")


@pytest.mark.engine
def test_code_is_refused_in_one_line(call: Any, tmp_path: Path) -> None:
    config = {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "Lambda", "config": {"name": "evil"}, "name": "evil"}]},
    }
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.1.0"}))
        archive.write(_weights(tmp_path), "model.weights.h5")
    error = call("import", path, "--out", tmp_path / "out").error
    assert "“evil” (Lambda) runs Python code" in error
    assert "--trust" in error
    assert not (tmp_path / "out").exists()


def _weights(folder: Path) -> Path:
    import h5py

    path = folder / "weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("layers")
    return path


def test_what_cannot_be_meant(call: Any, tmp_path: Path) -> None:
    assert "No model to import" in call("import", "--out", tmp_path / "out").error
    assert "0,1 | -1,1 | 0,255" in call("import", "x.h5", "--out", "y", "--range-in", "0,2").error
    assert "0,255 | logits" in call("import", "x.h5", "--out", "y", "--range-out", "0,2").error
    assert "pad" in call("import", "x.h5", "--out", "y", "--fit", "crop").error
    assert "nowhere" in call("import", "x.h5", "--out", "y", "--data", "nowhere").error
    write_bundle(tmp_path / "there")
    assert "or replace it with --force" in call("import", "x.h5", "--out", tmp_path / "there").error


def test_onnx_files(ask: Any, call: Any, tmp_path: Path) -> None:
    encoder = onnx_models.save(onnx_models.encoder(batch=1), tmp_path / "encoder.onnx")
    decoder = onnx_models.save(onnx_models.by_number(onnx_models.decoder(classes=10)), tmp_path / "decoder.onnx")
    out = tmp_path / "mine"
    words = ("import", "--encoder", encoder, "--decoder", decoder, "--out", out)
    assert "Set the condition (--condition LABEL" in call(*words).error
    assert "neither a class, such as 3" in call(*words, "--condition", "a").err
    assert "--decoder-only is for whole Keras models" in call(*words, "--decoder-only").error
    result = ask(*words, "--condition", "3", "--layout", "nchw", "--range-in", "0,1")
    assert (result["engine"], result["latent_shape"]) == ("onnx", [10])
    assert result["max_difference"] <= 1e-4
    card = open_bundle(out).card
    assert card.command.endswith("--range-in=0,1 --layout=nchw --condition=3")
    code = np.zeros((1, 10), np.float32)
    (made,) = onnx_models.run(decoder, z=code, label=np.array([3]))
    np.testing.assert_allclose(open_model(str(out)).codec.decode(code), made.transpose(0, 2, 3, 1), atol=1e-4)
    (tmp_path / "pair").mkdir()
    for path in (encoder, decoder):
        path.rename(tmp_path / "pair" / path.name)
    folder = call("import", tmp_path / "pair", "--out", tmp_path / "again", "--condition", "3")
    assert "runs in ONNX Runtime (max. deviation from ONNX" in folder.out
    assert "The condition label is fixed at 3" in folder.out


@pytest.mark.engine
def test_a_quantized_file_of_tensorflow_lite(call: Any, tmp_path: Path) -> None:
    fixtures = Path(__file__).parents[1] / "fixtures" / "tflite"
    path = shutil.copyfile(fixtures / "whole-int8.tflite", tmp_path / "anything.bin")
    outcome = call("import", path, "--out", tmp_path / "mine")
    assert outcome.code == 0
    assert "compiled to ONNX (max. deviation from TensorFlow Lite " in outcome.out
    card = open_bundle(tmp_path / "mine").card
    assert (card.image_shape, card.latent_shape) == ((8, 8, 1), (4,))
    assert card.imported is not None
    assert (card.imported.range_in, card.imported.range_out) == (RANGES[0], RANGES[0]), "found by trying"
    codec, known = open_model(str(tmp_path / "mine")).codec, np.load(fixtures / "whole.npz")
    difference = np.abs(codec.decode(codec.encode(known["inputs"])) - known["whole-int8.decoder"])
    assert difference.mean() < 1 / 256, "the step of its output"


def test_random_networks_are_not_compared(call: Any, tmp_path: Path) -> None:
    decoder = onnx_models.decoder()
    decoder.graph.node.append(helper.make_node("RandomUniformLike", ["picture"], ["noise"], high=1e-3))
    decoder.graph.node.append(helper.make_node("Add", ["picture", "noise"], ["noisy"]))
    decoder.graph.output[0].name = "noisy"
    said = call("import", onnx_models.save(decoder, tmp_path / "decoder.onnx"), "--out", tmp_path / "mine")
    assert "runs in ONNX Runtime (random: not compared)" in said.out


def test_files_without_a_network_show_how_to_export_them(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    header = b'{"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    outcome = call("import", path, "--out", tmp_path / "mine")
    assert outcome.code == 2
    assert outcome.err == (
        "error: model.safetensors has only weights of PyTorch, and no network (weight 2×3). "
        "Export encoder and decoder to ONNX in the script that made it.\n"
    )
    assert 'safetensors.torch.load_file("model.safetensors")' in outcome.out
    assert call("import", path, "--out", tmp_path / "mine", "--json").out == ""
