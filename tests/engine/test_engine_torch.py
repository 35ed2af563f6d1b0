"""Imports of PyTorch programs, and of ONNX files that PyTorch exported, compute what PyTorch computed.

`scripts/torch_fixtures.py` wrote the files. CI has no PyTorch: what needs it is skipped there.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_python

from explorer.data import extras
from explorer.engine.messages import ImportFinished
from explorer.engine.third_party.importing import import_model
from explorer.engine.third_party.onnx_model import OnnxCodec, OnnxModel, open_onnx
from explorer.errors import ModelError
from explorer.models.bundle import open_bundle
from explorer.models.third_party.request import Choices, ImportRequest

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "torch"
needs_torch = pytest.mark.skipif(not extras.installed("torch"), reason=extras.install_command("torch"))
FORMATS = [".onnx", ".script.onnx", pytest.param(".pt2", marks=needs_torch), pytest.param(".pt", marks=needs_torch)]
CLOSE = 1e-4

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing.torch_models import main
main(Path(json.loads(sys.argv[1])))
print("null")
"""


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    with np.load(FOLDER / "values.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with programs of PyTorch."""
    folder = tmp_path_factory.mktemp("torch")
    (folder / "secret").write_bytes(b"password")
    run_python(_WRITE, str(folder))
    return folder


def request(*paths: Path, trust: bool = True) -> ImportRequest:
    """Return the import of a whole model, or of encoder and decoder."""
    whole, encoder, decoder = (paths[0], None, None) if len(paths) == 1 else (None, *paths)
    return ImportRequest(whole, Path("out"), encoder, decoder, trust=trust)


def result(steps: Generator[Any, None, OnnxModel]) -> OnnxModel:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            model: OnnxModel = end.value
            return model


def opened(*paths: Path) -> tuple[OnnxModel, OnnxCodec]:
    """Import networks of images in [0, 1]; and their codec."""
    model = result(open_onnx(request(*paths)))
    difference = model.described.max_difference
    assert difference is not None
    assert difference <= CLOSE
    assert model.framework == ("ONNX" if paths[0].suffix == ".onnx" else "PyTorch")
    return model, OnnxCodec(model, model.record("x"))


def refusal(*paths: Path, trust: bool = True) -> str:
    with pytest.raises(ModelError) as caught:
        result(open_onnx(request(*paths, trust=trust)))
    return str(caught.value)


def last(images: Any) -> Any:
    return images.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("name", "code"), [("whole", (6,)), ("spatial", (4, 4, 2))])
def test_a_whole_autoencoder(suffix: str, name: str, code: tuple[int, ...], values: dict[str, Any]) -> None:
    model, codec = opened(FOLDER / f"{name}{suffix}")
    assert (model.image_shape, model.latent_shape) == ((16, 16, 1), code)
    made = codec.decode(codec.encode_distribution(last(values[f"{name}.in0"]))[0])
    np.testing.assert_allclose(made, last(values[f"{name}.out0"]), atol=CLOSE)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("names", [("vae",), ("vae_encoder", "vae_decoder")])
def test_a_vae_whole_and_as_a_pair(suffix: str, names: tuple[str, ...], values: dict[str, Any]) -> None:
    model, codec = opened(*(FOLDER / f"{name}{suffix}" for name in names))
    assert (model.image_shape, model.latent_shape) == ((16, 16, 1), (3,))
    mean, log_variance = codec.encode_distribution(last(values["vae_encoder.in0"]))
    np.testing.assert_allclose(mean, values["vae_encoder.out0"], atol=CLOSE)
    assert log_variance is not None
    np.testing.assert_allclose(log_variance, values["vae_encoder.out1"], atol=CLOSE)
    made = codec.decode(values["vae_decoder.in0"])
    np.testing.assert_allclose(made, last(values["vae_decoder.out0"]), atol=CLOSE)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_class_of_a_decoder_is_at_the_end_of_the_code(suffix: str, values: dict[str, Any]) -> None:
    model, codec = opened(FOLDER / f"conditional_decoder{suffix}")
    (control,) = model.described.controls
    assert (model.described.parts, control.choices, model.latent_shape) == ("decoder", 10, (4,))
    codes, labels = values["conditional_decoder.in0"], values["conditional_decoder.in1"]
    made = codec.decode(np.concatenate([codes, labels[:, None].astype(np.float32)], 1))
    np.testing.assert_allclose(made, last(values["conditional_decoder.out0"]), atol=CLOSE)


@pytest.mark.parametrize(("name", "kind"), [("whole.pt2", "torch.export"), ("whole.pt", "TorchScript")])
def test_a_program_must_be_trusted(name: str, kind: str) -> None:
    said = refusal(FOLDER / name, trust=False)
    assert said.startswith(f"The model is not safe to load: “{name}” ({kind}) is a PyTorch program. ")
    assert "--trust" in said


@needs_torch
def test_a_program_becomes_a_bundle(tmp_path: Path, values: dict[str, Any]) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("vae_encoder.pt2", "vae_decoder.pt2"):
        shutil.copyfile(FOLDER / name, tmp_path / "parts" / name)
    stated = Choices(range_in=(0.0, 1.0), range_out=(0.0, 1.0))
    finished = list(import_model(ImportRequest(tmp_path / "parts", tmp_path / "out", choices=stated, trust=True)))[-1]
    assert isinstance(finished, ImportFinished)
    assert (finished.engine, finished.framework) == ("onnx", "PyTorch")
    card = open_bundle(tmp_path / "out").card
    assert card.variational
    assert card.command.endswith(" --trust")


@needs_torch
@pytest.mark.parametrize(
    ("names", "image", "code"),
    [
        (("dense.pt",), (28, 28, 1), (5,)),
        (("frozen.pt",), (28, 28, 1), (5,)),
        (("layers.pt",), (16, 16, 3), (6,)),
        (("traced.pt",), (16, 16, 3), (6,)),
        (("layers.pt2",), (16, 16, 3), (6,)),
        (("attention.pt2",), (8, 8, 1), (3,)),
        (("attention.pt",), (8, 8, 1), (3,)),
        (("scaled.pt2",), (8, 8, 1), (3,)),
        (("spatial_encoder.pt", "spatial_decoder.pt"), (64, 64, 3), (16, 16, 2)),
        (("free_encoder.pt2", "spatial_decoder.pt"), (64, 64, 3), (16, 16, 2)),
    ],
)
def test_shapes_are_found(written: Path, names: tuple[str, ...], image: tuple[int, ...], code: tuple[int, ...]) -> None:
    model, _ = opened(*(written / name for name in names))
    assert (model.image_shape, model.latent_shape) == (image, code)


@needs_torch
def test_a_condition_of_a_script_is_found_beside_its_encoder(written: Path) -> None:
    pair = written / "labeled_encoder.pt", written / "labeled_decoder.pt"
    model, _ = opened(*pair)
    assert (model.image_shape, model.latent_shape) == ((8, 8, 1), (7,)), "a code of 4, and 3 classes"
    assert "Cannot find out the shape" in refusal(pair[1])


@needs_torch
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flagged.pt", "flagged.pt takes x (Tensor), sample (bool), not only images or codes"),
        ("branching.pt", "it uses control flow"),
        ("half.pt", "cannot convert half.pt to ONNX: Got unsupported ScalarType BFloat16"),
        ("reading.pt", "Cannot find out the shape"),
    ],
)
def test_what_cannot_be_imported(written: Path, name: str, said: str) -> None:
    assert said in refusal(written / name)


@needs_torch
def test_a_program_with_the_suffix_of_another_format(tmp_path: Path) -> None:
    named = Path(shutil.copyfile(FOLDER / "whole.pt", tmp_path / "whole.tflite"))
    assert opened(named)[0].image_shape == (16, 16, 1)


@needs_torch
@pytest.mark.parametrize("name", ["whole.pt", "whole.pt2"])
def test_damaged_programs(tmp_path: Path, name: str) -> None:
    content = bytearray((FOLDER / name).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    (tmp_path / name).write_bytes(content)
    assert name in refusal(tmp_path / name)
