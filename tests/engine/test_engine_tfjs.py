"""Imports of TensorFlow.js give what TensorFlow.js gives for the models.

`tests/fixtures/tfjs/build.mjs` wrote them, and the outputs, with npm's package; `quantize.py` the quantized one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from explorer.engine.codecs import open_codec
from explorer.engine.messages import ImportFinished
from explorer.engine.third_party.by_name import load_by_name
from explorer.engine.third_party.importing import import_model
from explorer.engine.third_party.loading import Generation, keras_of, load
from explorer.errors import ModelError
from explorer.models.bundle import open_bundle
from explorer.models.import_record import RANGES
from explorer.models.third_party.request import Choices, ImportRequest

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tfjs"
CLOSE = 1e-4
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def known() -> Any:
    """The inputs, and the outputs of each file."""
    return {name: np.array(value, np.float32) for name, value in outputs().items()}


def outputs() -> Any:
    return json.loads((FIXTURES / "outputs.json").read_text())


@pytest.mark.engine
@pytest.mark.parametrize("file", ["pair/encoder.json", "pair/decoder.json", "whole/model.json", "quantized/model.json"])
def test_the_outputs_are_those_of_tensorflow_js(file: str, known: Any) -> None:
    loaded = load(FIXTURES / file)
    assert loaded.generation == 2
    made = loaded.models[""](known["codes" if "decoder" in file else "images"], training=False)
    made = made if isinstance(made, list) else [made]
    assert len(made) == len(known[file])
    for values, expected in zip(made, known[file], strict=True):
        np.testing.assert_allclose(values, expected, atol=CLOSE)


@pytest.mark.engine
@pytest.mark.parametrize("given", ["pair", "whole"])
def test_a_folder_becomes_a_model(given: str, known: Any, tmp_path: Path) -> None:
    choices = Choices(range_in=RANGES[0], range_out=RANGES[0])
    finished = list(import_model(ImportRequest(FIXTURES / given, tmp_path / "out", choices=choices)))[-1]
    assert isinstance(finished, ImportFinished)
    assert (finished.engine, finished.framework) == ("onnx", "Keras")
    codec = open_codec(open_bundle(tmp_path / "out"))
    if given == "pair":
        mean, log_variance = codec.encode_distribution(known["images"])
        assert log_variance is not None
        for values, expected in zip((mean, log_variance), known["pair/encoder.json"], strict=True):
            np.testing.assert_allclose(values, expected, atol=CLOSE)
        np.testing.assert_allclose(codec.decode(known["codes"]), known["pair/decoder.json"][0], atol=CLOSE)
    else:
        made = codec.decode(codec.encode(known["images"]))
        np.testing.assert_allclose(made, known["whole/model.json"][0], atol=CLOSE)


@pytest.mark.engine
@pytest.mark.parametrize("generation", [2, 3])
def test_keras_itself_keeps_code_from_running_without_trust(generation: Generation, tmp_path: Path) -> None:
    library = keras_of(generation)
    model = library.Sequential([library.Input((2,)), library.layers.Lambda(lambda values: values * 2)])
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = model.to_json()
    with pytest.raises(ValueError, match="safe_mode=False"):
        load_by_name(library, path, {}, "mine", trust=False)
    loaded = load_by_name(library, path, {}, "mine", trust=True)
    np.testing.assert_array_equal(loaded(np.ones((1, 2), np.float32)), [[2, 2]])


# -- what is refused ---------------------------------------------------------------------------------------------------


def changed(tmp_path: Path, edit: Edit) -> Path:
    """Return a copy of the whole model with a change in its JSON file."""
    folder = Path(shutil.copytree(FIXTURES / "whole", tmp_path / "whole"))
    document = json.loads((folder / "model.json").read_text())
    edit(document)
    (folder / "model.json").write_text(json.dumps(document))
    return folder / "model.json"


def _dense(document: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the first layer of the decoder."""
    found: dict[str, Any] = document["modelTopology"]["config"]["layers"][2]["config"]["layers"][0]
    return found


def _manifest(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["weightsManifest"][0]
    return found


def _weight(document: dict[str, Any], **changes: object) -> None:
    _manifest(document)["weights"][0].update(changes)


REFUSED: dict[str, tuple[Edit, str]] = {
    "a shard outside": (
        lambda d: _manifest(d).update(paths=["../secret.bin"]),
        r"has its weights in “\.\./secret\.bin”, which is not a file in the same folder\. Save the model into",
    ),
    "an absolute shard": (lambda d: _manifest(d).update(paths=["/etc/passwd"]), r"in “/etc/passwd”, which is not a"),
    "a missing shard": (lambda d: _manifest(d).update(paths=["no.bin"]), r"in “no\.bin”, in the same folder: No such"),
    "a shard twice": (lambda d: _manifest(d)["paths"].append("group1-shard1of2.bin"), r"has a file twice\)\. Copy or"),
    "a shard too few": (lambda d: _manifest(d)["paths"].pop(), r"should have 2,956 bytes, but have 1,479\. Copy all"),
    "a huge shape": (lambda d: _weight(d, shape=[2**40]), r"too large: .+ files of weights, or 8,192 MB\. Import a sm"),
    "a larger shape": (lambda d: _weight(d, shape=[99, 3]), r"do not match it: .+ should have .+ Copy all files again"),
    "a negative shape": (lambda d: _weight(d, shape=[-1, 4]), r"damaged \(the list of its weights is invalid\)\. Cop"),
    "a type that is none": (lambda d: _weight(d, dtype="string"), r"the list of its weights is invalid"),
    "no scale": (lambda d: _weight(d, quantization={"dtype": "uint8"}), r"the list of its weights is invalid"),
    "no list": (lambda d: d.pop("weightsManifest"), r"has no list of its weights \(weightsManifest\)\. Save the mod"),
    "another name": (lambda d: _weight(d, name="other/kernel"), r"does not match its weights: there are none for “con"),
    "huge layers": (lambda d: _dense(d)["config"].update(units=2**31 - 1), r"does not match its weights: layer “dense"),
    "code": (
        lambda d: _dense(d).update(class_name="Lambda", config={"name": "evil", "function": ["4wEA", None, None]}),
        r"not safe to load: “evil” \(Lambda\) runs Python code\. Replace it",
    ),
    "an unknown class": (lambda d: _dense(d).update(class_name="Mine"), r"“dense_Dense1” \(Mine\) is of a class that"),
    "no configuration": (lambda d: d.update(modelTopology={"config": {}}), r"it has no model configuration\)\. Copy"),
    "a graph model": (lambda d: d.update(format="graph-model"), r"is a graph model of TensorFlow\.js, .+ Import the K"),
}


@pytest.mark.engine
@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_together_is_refused(what: str, tmp_path: Path) -> None:
    edit, said = REFUSED[what]
    (tmp_path / "secret.bin").write_bytes(bytes(2956))
    with pytest.raises(ModelError, match=said):
        load(changed(tmp_path, edit))


@pytest.mark.engine
def test_a_link_to_weights_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda document: None)
    shard = path.with_name("group1-shard1of2.bin")
    shard.rename(tmp_path / "elsewhere.bin")
    shard.symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(ModelError, match=r"which is not a file in the same folder"):
        load(path)
