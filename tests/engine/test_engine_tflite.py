"""Imports of TensorFlow Lite files give what the interpreter of TensorFlow Lite gives for them.

`tests/fixtures/tflite/build.py` wrote the files, and the outputs of the interpreter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer import reader
from explorer.engine.codecs import open_codec
from explorer.engine.messages import ImportFinished
from explorer.engine.third_party.importing import import_model
from explorer.engine.third_party.tflite import Converted
from explorer.errors import ModelError
from explorer.inference.sessions import open_session
from explorer.models.bundle import Bundle, open_bundle
from explorer.models.import_record import RANGES
from explorer.models.third_party.request import Choices, ImportRequest
from explorer.reader import Handed
from explorer.types import Progress

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"
CLOSE = 1e-4
STEPS = {"int8": 1 / 256, "uint8": 1 / 256, "dynamic": 1 / 255, "int16": 1 / 32768}
"""Quantization steps of decoded images."""

NAMES = ["encoder-float32", "decoder-float32", *(f"whole-{kind}" for kind in ("float32", "float16", *STEPS))]
USUAL = Choices(range_in=RANGES[0], range_out=RANGES[0])


def given_by_tensorflow(model: str) -> Any:
    """Return the inputs of a model and the outputs of its files."""
    return np.load(FIXTURES / f"{model}.npz")


@pytest.fixture(scope="module")
def converted() -> dict[str, Converted]:
    """All models, converted in one process."""
    paths = [FIXTURES / f"{name}.tflite" for name in NAMES]
    found = [one for one in reader.read("tflite", paths, (Converted, Progress)) if isinstance(one, Converted)]
    return {NAMES[one.place]: one for one in found}


def imported(tmp_path: Path, choices: Choices = USUAL, **files: Path) -> tuple[Bundle, ImportFinished]:
    out = tmp_path / "out"
    request = ImportRequest(files.get("whole"), out, files.get("encoder"), files.get("decoder"), choices)
    finished = list(import_model(request))[-1]
    assert isinstance(finished, ImportFinished)
    assert (finished.engine, finished.framework) == ("onnx", "TensorFlow Lite")
    return open_bundle(out), finished


@pytest.mark.parametrize("name", NAMES)
def test_the_outputs_are_those_of_tensorflow_lite(name: str, converted: dict[str, Converted]) -> None:
    model, _, kind = name.partition("-")
    known = given_by_tensorflow(model)
    found = converted[name]
    session = open_session(found.content.tobytes(), threads=1)
    names = [output.name for output in session.get_outputs()]
    assert sorted(names) == sorted(key.split(".")[1] for key in known if key.startswith(name)), "as in the signature"
    (given,) = session.get_inputs()
    assert given.type == "tensor(float)"
    for output, values in zip(names, session.run(names, {given.name: known["inputs"]}), strict=True):
        difference = np.abs(values - known[f"{name}.{output}"])
        if kind == "int16":
            assert difference.max() <= 1e-3
            assert difference.mean() <= CLOSE
        elif kind in STEPS:
            # Where two programs round a value differently, those behind it differ by more than a step.
            assert difference.mean() < STEPS[kind] / 4
            assert np.median(difference) <= STEPS[kind]
        else:
            assert difference.max() <= CLOSE
    assert found.difference is not None
    assert found.difference <= (0.2 if kind in STEPS else CLOSE)
    assert bool(found.notes) == (found.difference > CLOSE)


def test_codes_do_not_depend_on_the_other_images(converted: dict[str, Converted]) -> None:
    session = open_session(converted["whole-dynamic"].content.tobytes(), threads=1)
    images = given_by_tensorflow("whole")["inputs"]
    (together,) = session.run(None, {"image": images})
    (alone,) = session.run(None, {"image": images[:1]})
    np.testing.assert_allclose(together[:1], alone, atol=1e-6)


@pytest.mark.engine
def test_a_pair_becomes_a_variational_model(tmp_path: Path) -> None:
    bundle, finished = imported(
        tmp_path, encoder=FIXTURES / "encoder-float32.tflite", decoder=FIXTURES / "decoder-float32.tflite"
    )
    assert finished.max_difference is not None
    assert finished.max_difference <= CLOSE
    codec, known = open_codec(bundle), given_by_tensorflow("encoder")
    mean, log_variance = codec.encode_distribution(known["inputs"])
    assert log_variance is not None
    np.testing.assert_allclose(mean, known["encoder-float32.z_mean"], atol=CLOSE)
    np.testing.assert_allclose(log_variance, known["encoder-float32.z_log_var"], atol=CLOSE)
    known = given_by_tensorflow("decoder")
    images = codec.decode(known["inputs"])
    np.testing.assert_allclose(images, known["decoder-float32.conv2d_transpose"], atol=CLOSE)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("flex", r"flex\.tflite uses an operator of TensorFlow, MatrixDeterminant, which no other program has\. Conv"),
        ("custom", r"custom\.tflite uses a custom operator, MatrixDeterminant, which no other program has\. Convert"),
        ("loop", r"loop\.tflite uses control flow \(the operator WHILE\), which cannot be imported\. Convert encoder"),
    ],
)
def test_what_no_other_program_has_is_refused(file: str, said: str) -> None:
    from explorer.engine.third_party.tflite_reader import read_tflite

    path = FIXTURES / f"{file}.tflite"
    with path.open("rb") as opened, pytest.raises(ModelError, match=said):
        list(read_tflite((Handed(path, opened),)))


def test_a_truncated_file_gives_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes((FIXTURES / "whole-float32.tflite").read_bytes()[:3000])
    with pytest.raises(ModelError, match=r"^Cannot read model\.tflite as a TensorFlow Lite model: .+ again\.$"):
        list(reader.read("tflite", [path], (Converted, Progress)))
