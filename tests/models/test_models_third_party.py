"""Models of others are read as data: what is more than a description is found, and nothing is fetched elsewhere."""

from __future__ import annotations

import base64
import json
import marshal
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import ModelError
from explorer.models.third_party.builtin import LAYERS, SAMPLING, STAND_IN
from explorer.models.third_party.files import dangers_of, decoder_beside, looks_third_party, parts_in
from explorer.models.third_party.layout import MAX_CONFIG_BYTES
from explorer.models.third_party.reading import FileKind, ThirdPartyFile, read_third_party
from explorer.models.third_party.rewriting import rewrite
from explorer.models.third_party.safety import Finding, check, findings

Config = dict[str, Any]


def layer(name: str, class_name: str, **config: Any) -> Config:
    """Return a layer as Keras 3 writes it."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [],
    }


def model(*layers: Config) -> Config:
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "model", "layers": list(layers)},
        "registered_name": None,
    }


def zipped(path: Path, config: Config, version: str = "3.15.1") -> Path:
    """Write a .keras file; its weights are empty."""
    with h5py.File(path.with_suffix(".h5.part"), "w") as weights:
        weights.create_group("layers")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.write(path.with_suffix(".h5.part"), "model.weights.h5")
    return path


def found_in(*layers: Config) -> list[Finding]:
    return list(findings(ThirdPartyFile(Path("model.keras"), "keras", "3.15.1", model(*layers))))


def test_a_description_is_nothing_to_fear(tmp_path: Path) -> None:
    dense = layer(
        "dense", "Dense", units=3, activation="relu", kernel_initializer={"class_name": "Zeros", "config": {}}
    )
    path = zipped(tmp_path / "model.keras", model(dense))
    file = read_third_party(path)
    assert (file.kind, file.keras_version, file.links) == ("keras", "3.15.1", ())
    assert dangers_of(file) == ()
    check(dangers_of(file), trust=False)


HARMFUL: dict[str, tuple[Config, str, bool]] = {
    "lambda": (
        layer("scale", "Lambda", function={"class_name": "__lambda__", "config": {"code": "4wEA"}}),
        "code",
        True,
    ),
    "lambda of Keras 2": (layer("scale", "Lambda", function=["4wEA", None, None]), "code", True),
    "code in an activation": (
        layer("dense", "Dense", activation={"class_name": "__lambda__", "config": {"code": "4wEA"}}),
        "code",
        True,
    ),
    "a function of TensorFlow": (layer("tf.io", "TFOpLambda", function="io.write_file"), "tensorflow", True),
    "a function of Python": (
        layer("dense", "Dense", activation={"module": "os", "class_name": "function", "config": "system"}),
        "unknown",
        False,
    ),
    "a function of Keras that fetches": (
        layer("dense", "Dense", activation={"module": "keras.utils", "class_name": "function", "config": "get_file"}),
        "unknown",
        False,
    ),
    "a class of Python": (
        layer("x", "Dense", kernel_initializer={"module": "subprocess", "class_name": "Popen", "config": {}}),
        "unknown",
        False,
    ),
    "a class by another registered name": (layer("x", "Dense") | {"registered_name": "mine>Dense"}, "unknown", False),
    "an unknown class": (layer("x", "Mine"), "unknown", False),
    "an unknown activation": (layer("x", "Dense", activation="mine"), "unknown", False),
    "a SavedModel elsewhere": (layer("x", "TFSMLayer", filepath="/somewhere"), "external", False),
    "words of a file": (layer("x", "TextVectorization", vocabulary="/etc/passwd"), "external", False),
    "another framework": (layer("x", "TorchModuleWrapper", module="UEsDBA=="), "external", False),
}


@pytest.mark.parametrize("what", HARMFUL)
def test_what_would_run_is_found_and_named(what: str) -> None:
    harmful, danger, can_be_trusted = HARMFUL[what]
    nested = layer("wrapped", "TimeDistributed", layer=harmful)
    for config in (harmful, nested, model(harmful)):
        (finding,) = found_in(layer("dense", "Dense", units=2), config)
        assert (finding.danger, finding.can_be_trusted) == (danger, can_be_trusted)
        assert finding.where in {harmful["name"], "dense"}
        with pytest.raises(ModelError, match=finding.where) as refused:
            check((finding,), trust=False)
        assert ("--trust" in str(refused.value)) == can_be_trusted
        if can_be_trusted:
            check((finding,), trust=True)
        else:
            with pytest.raises(ModelError):
                check((finding,), trust=True)


def test_what_trust_does_not_help_with_is_said_first() -> None:
    found = tuple(found_in(HARMFUL["lambda"][0], layer("odd", "Mine")))
    with pytest.raises(ModelError, match=r"“odd”.*and 1 more part\."):
        check(found, trust=False)


@given(st.text(min_size=1, max_size=20), st.sampled_from(["keras.layers", "keras", None, "mine", "os", "keras_hub"]))
def test_only_known_classes_of_keras_pass(class_name: str, module: str | None) -> None:
    config = layer("x", class_name) | {"module": module}
    passes = not found_in(config)
    if passes:
        assert module in {"keras.layers", "keras", None}
        assert class_name in LAYERS or not class_name.isidentifier() or class_name[0].isupper()


def test_optimizer_and_loss_are_left_out_also_of_models_within() -> None:
    training = {"compile_config": {"loss": {"module": "os", "class_name": "function", "config": "system"}}}
    inner = model(layer("dense", "Dense")) | training
    file = ThirdPartyFile(Path("model.keras"), "keras", "3.15.1", model(inner) | training)
    assert len(findings(file)) == 1
    assert dangers_of(file) == ()
    assert "compile_config" not in json.dumps(rewrite(file).models)


# -- files -----------------------------------------------------------------------------------------------------------


def test_weights_that_lie_in_another_file_are_found(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["numbers"] = np.arange(3)
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(model(layer("dense", "Dense")))
        file.attrs["keras_version"] = "2.15.0"
        group = file.create_group("model_weights")
        group["link"] = h5py.ExternalLink(str(secret), "numbers")
        group.create_dataset("raw", (3,), np.float32, external=[(str(tmp_path / "raw.bin"), 0, 12)])
        layout = h5py.VirtualLayout((3,), np.int64)
        layout[:] = h5py.VirtualSource(str(secret), "numbers", (3,))
        group.create_virtual_dataset("virtual", layout)
        group["round"] = h5py.SoftLink("/model_weights")
        group["again"] = group
    read = read_third_party(path)
    assert sorted(read.links) == ["model_weights/link", "model_weights/raw", "model_weights/virtual"]
    with pytest.raises(ModelError, match="needs code or files outside the model file"):
        check(dangers_of(read), trust=True)


def test_weights_in_a_zip_are_looked_into_too(tmp_path: Path) -> None:
    weights = tmp_path / "weights.h5"
    with h5py.File(weights, "w") as file:
        file["link"] = h5py.ExternalLink("/elsewhere.h5", "x")
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(model()))
        archive.writestr("metadata.json", "{}")
        archive.write(weights, "model.weights.h5")
    assert read_third_party(path).links == ("link",)


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (MAX_CONFIG_BYTES + 1))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")


def _endless(path: Path) -> None:
    deep = "[" * 500 + "]" * 500
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", f'{{"class_name": "Sequential", "config": {deep}}}')
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")


def _no_object(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[1, 2]")
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")


def _weights_of_another_kind(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model()))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"nothing of the kind")


def _torch(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"")


def _lfs(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def _description_alone(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(model())


BAD: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a bomb": (_bomb, "larger than 32 MB", "you do not trust"),
    "nested without end": (_endless, "nested deeper than 200 levels", "again"),
    "no object": (_no_object, "not a JSON object", "again"),
    "other weights": (_weights_of_another_kind, "damaged", "again"),
    "PyTorch": (_torch, "is a PyTorch file", "Export it to ONNX"),
    "a pointer": (_lfs, "Git LFS", "git lfs pull"),
    "no weights": (_description_alone, "only the model's configuration", "model.save"),
}


@pytest.mark.parametrize("what", BAD)
def test_other_files_are_refused_by_what_they_are(what: str, tmp_path: Path) -> None:
    write, said, remedy = BAD[what]
    path = tmp_path / "model.keras"
    write(path)
    with pytest.raises(ModelError) as refused:
        read_third_party(path)
    assert said in str(refused.value)
    assert remedy in str(refused.value)


def test_folders_are_reported_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no saved_model\.pb"):
        read_third_party(tmp_path)
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ModelError, match="holds only weights"):
        read_third_party(tmp_path)
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ModelError, match=r"already a model of Latent Explorer\. Open it instead"):
        read_third_party(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert read_third_party(tmp_path).kind == "saved_model"


def test_models_are_known_at_a_glance(tmp_path: Path) -> None:
    assert looks_third_party(zipped(tmp_path / "anything.bin", model()))
    assert not looks_third_party(tmp_path)
    (tmp_path / "MyEncoder.h5").write_bytes(b"")
    assert not looks_third_party(tmp_path)
    (tmp_path / "my_decoder_v2.keras").write_bytes(b"")
    assert looks_third_party(tmp_path)
    assert {key: path.name for key, path in parts_in(tmp_path).items()} == {
        "encoder": "MyEncoder.h5",
        "decoder": "my_decoder_v2.keras",
    }
    image = tmp_path / "image.png"
    image.write_bytes(b"\x89PNG")
    assert not looks_third_party(image)


# -- what is replaced ------------------------------------------------------------------------------------------------


def tensor(name: str) -> Config:
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 2], "keras_history": [name, 0, 0]}}


def drawn(name: str, class_name: str, inputs: list[Config], **config: Any) -> Config:
    made = layer(name, class_name, **config) | {"module": None, "registered_name": class_name}
    return made | {"inbound_nodes": [{"args": [inputs], "kwargs": {}}]}


@pytest.mark.parametrize(
    ("name", "class_name", "inputs", "replaced"),
    [
        ("sampling", "Sampling", ["z_mean", "z_log_var"], True),
        ("z", "Lambda", ["z_mean", "z_log_var"], True),
        ("lambda", "Lambda", ["dense_1", "dense_2"], False),
        ("reparameterize", "Lambda", ["dense_1", "dense_2"], True),
        ("mix", "Mix", ["mu", "logvar"], True),
        ("mix", "Mix", ["dense_1", "dense_2"], False),
        ("add", "Add", ["z_mean", "z_log_var"], False),
        ("z", "Lambda", ["z_mean"], False),
    ],
)
def test_a_sampling_layer_is_known_by_its_place(name: str, class_name: str, inputs: list[str], replaced: bool) -> None:
    made = drawn(name, class_name, [tensor(source) for source in inputs])
    if class_name == "Add":
        made |= {"module": "keras.layers", "registered_name": None}
    config = model(made)
    file = ThirdPartyFile(Path("model.keras"), "keras", "3.15.1", config)
    rewritten = rewrite(file)
    assert rewritten.replaced == ((name,) if replaced else ())
    assert (dangers_of(file) == ()) == (replaced or class_name == "Add")
    assert file.config == config, "what was read stays as it was"


@pytest.mark.parametrize(
    ("units", "sources", "activation", "replaced"),
    [
        ((2, 2), ("h", "h"), "linear", True),
        ((2, 3), ("h", "h"), "linear", False),
        ((2, 2), ("h", "g"), "linear", False),
        ((2, 2), ("h", "h"), "relu", False),
    ],
)
def test_two_equal_layers_of_one_tensor_are_mean_and_log_variance(
    units: tuple[int, int], sources: tuple[str, str], activation: str, replaced: bool
) -> None:
    dense = [
        layer(f"dense_{number}", "Dense", units=count, activation=activation)
        | {"inbound_nodes": [{"args": [tensor(source)], "kwargs": {}}]}
        for number, (count, source) in enumerate(zip(units, sources, strict=True))
    ]
    config = model(*dense, drawn("lambda", "Lambda", [tensor("dense_0"), tensor("dense_1")], function=SAMPLE))
    file = ThirdPartyFile(Path("model.keras"), "keras", "3.15.1", config)
    assert rewrite(file).replaced == (("lambda",) if replaced else ())


def code_of(function: Any) -> Config:
    """Return a function as Keras 3 saves it."""
    code = base64.b64encode(marshal.dumps(function.__code__)).decode()
    return {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}


K: Any = None
"""Stands for Keras in code that is saved, and not run."""
SAMPLE = code_of(lambda a: a[0] + K.exp(a[1] / 2) * K.random_normal(K.shape(a[0])))
GATE = code_of(lambda a: a[0] * K.sigmoid(a[1]))
# The name of the file that code is from says nothing.
GATE_IN_SAMPLES = code_of(eval(compile("lambda a: a[0] * a[1]", "/home/me/samples_epsilon/normal.py", "eval")))
COUPLING = code_of(lambda a: K.l2_normalize(a[0] * K.exp(a[1])))


@pytest.mark.parametrize(
    ("name", "class_name", "function", "widest", "replaced"),
    [
        ("lambda", "Lambda", SAMPLE, 32, True),
        ("lambda", "Lambda", GATE, 32, False),
        ("lambda", "Lambda", GATE_IN_SAMPLES, 32, False),
        ("lambda", "Lambda", COUPLING, 32, False),
        ("z", "Lambda", GATE, 32, False),
        ("lambda", "Lambda", [SAMPLE["config"]["code"], None, None], 32, True),
        ("lambda", "Lambda", [GATE["config"]["code"], None, None], 32, False),
        ("mix", "Mix", None, 32, True),
        ("mix", "Mix", None, 1, False),
        ("glu", "GatedLinearUnit", None, 32, False),
        ("latent_gate", "Mix", None, 32, False),
    ],
)
def test_a_gated_linear_unit_is_no_sampling_layer(
    name: str, class_name: str, function: Any, widest: int, replaced: bool
) -> None:
    """Both take two linear layers of one tensor: one multiplies them, the other draws from a distribution."""
    dense = [
        layer(f"dense_{number}", "Dense", units=2) | {"inbound_nodes": [{"args": [tensor("h")], "kwargs": {}}]}
        for number in range(2)
    ]
    last = layer("last", "Dense", units=widest) | {"inbound_nodes": [{"args": [tensor(name)], "kwargs": {}}]}
    options = {} if function is None else {"function": function}
    config = model(*dense, drawn(name, class_name, [tensor("dense_0"), tensor("dense_1")], **options), last)
    file = ThirdPartyFile(Path("model.keras"), "keras", "3.15.1", config)
    assert rewrite(file).replaced == ((name,) if replaced else ())
    assert bool(dangers_of(file)) == (not replaced)


@pytest.mark.parametrize(
    ("kind", "version", "spare"), [("keras", "2.15", []), ("keras", "3.5", ["spare"]), ("hdf5", "2.15", ["spare"])]
)
def test_layers_that_no_output_needs_are_left_out(kind: FileKind, version: str, spare: list[str]) -> None:
    """A spare layer of Keras stays where weights are counted."""

    def node(name: str) -> list[Config]:
        return [{"args": [tensor(name)], "kwargs": {}}]

    layers = [
        layer("image", "InputLayer"),
        layer("dense", "Dense") | {"inbound_nodes": node("image")},
        layer("spare", "Dense") | {"inbound_nodes": node("dense")},
        layer("loss", "AddLoss") | {"inbound_nodes": node("spare")},
        layer("after", "Dense") | {"inbound_nodes": node("loss")},
    ]
    config = model(*layers)
    config["config"] |= {"output_layers": [["dense", 0, 0]]}
    rewritten = rewrite(ThirdPartyFile(Path("m"), kind, version, config))
    kept = [each["name"] for each in rewritten.models[""]["config"]["layers"]]
    assert kept == ["image", "dense", *spare]
    assert rewritten.notes == ("What only the training needs is left out: after, loss",)
    config["config"] |= {"output_layers": [["after", 0, 0]]}
    assert rewrite(ThirdPartyFile(Path("m"), kind, version, config)).notes == ()


def test_models_of_a_folder_are_known_by_their_names(tmp_path: Path) -> None:
    def read(*names: str) -> dict[str, str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"")
        return {role: part.name for role, part in parts_in(folder).items()}

    assert read("autoencoder.keras", "encoder.keras") == {"whole": "autoencoder.keras"}
    assert read("vae.h5", "notes.txt") == {"whole": "vae.h5"}
    pair = {"encoder": "encoder.h5", "decoder": "decoder.h5"}
    assert read("autoencoder.h5", "encoder.h5", "decoder.h5", "encoder_weights.h5") == pair
    one = {"encoder": "autoencoder_encoder.keras", "decoder": "autoencoder_decoder.keras"}
    assert read("autoencoder_encoder.h5", "autoencoder_encoder.keras", "autoencoder_decoder.keras") == one
    onnx = {"encoder": "encoder.onnx", "decoder": "decoder.onnx"}
    assert read("encoder.keras", "encoder.onnx", "decoder.onnx") == onnx
    assert read("encoder.h5", "encoder.onnx", "decoder.h5", "decoder.onnx") == pair
    for names in (("a_encoder.h5", "b_encoder.h5", "decoder.h5"), ("vae_1.h5", "vae_2.h5")):
        with pytest.raises(ModelError, match="can be read in several ways"):
            read(*names)


def test_the_decoder_of_an_encoder_is_found_beside_it(tmp_path: Path) -> None:
    for name in ("mnist_encoder.h5", "mnist_decoder.h5", "faces_enc.h5", "faces_dec.h5", "autoencoder.h5"):
        (tmp_path / name).write_bytes(b"")
    assert decoder_beside(tmp_path / "mnist_encoder.h5") == tmp_path / "mnist_decoder.h5"
    assert decoder_beside(tmp_path / "faces_enc.h5") == tmp_path / "faces_dec.h5"
    assert decoder_beside(tmp_path / "autoencoder.h5") is None
    for name in ("mnist_encoder.onnx", "mnist_decoder.onnx", "faces_enc.onnx"):
        (tmp_path / name).write_bytes(b"")
    assert decoder_beside(tmp_path / "mnist_encoder.onnx") == tmp_path / "mnist_decoder.onnx"
    assert decoder_beside(tmp_path / "mnist_encoder.h5") == tmp_path / "mnist_decoder.h5"
    assert decoder_beside(tmp_path / "faces_enc.onnx") is None, "the other decoder is of Keras"


def test_mean_comes_first_whatever_the_order() -> None:
    config = model(drawn("sampling", "Sampling", [tensor("log_var"), tensor("mu")]))
    (stand_in,) = rewrite(ThirdPartyFile(Path("m"), "keras", "3.1", config)).models[""]["config"]["layers"]
    ((first, second),) = stand_in["inbound_nodes"][0]["args"]
    assert [part["config"]["keras_history"][0] for part in (first, second)] == ["mu", "log_var"]


def test_a_standard_deviation_is_no_log_variance() -> None:
    config = model(drawn("sampling", "Sampling", [tensor("mean"), tensor("stddev")]))
    assert rewrite(ThirdPartyFile(Path("m"), "keras", "3.1", config)).deviations == ("sampling",)


def test_a_subclass_gives_up_the_models_that_it_holds() -> None:
    part = model(layer("dense", "Dense"))
    held = {"module": None, "class_name": "VAE", "config": {"encoder": part, "decoder": part, "beta": 2}}
    file = ThirdPartyFile(Path("m"), "keras", "3.1", held)
    assert rewrite(file).models == {"encoder": part, "decoder": part}
    assert dangers_of(file) == ()
    evil = replace(file, config=held | {"config": {"encoder": part, "decoder": model(HARMFUL["lambda"][0])}})
    assert [finding.danger for finding in dangers_of(evil)] == ["code"], "what is in them is looked at as ever"


def test_a_subclass_made_of_inputs_and_outputs_is_its_functional_model() -> None:
    config: Config = {"layers": [], "input_layers": [], "output_layers": []}
    file = ThirdPartyFile(Path("m"), "keras", "3.1", {"module": "mine", "class_name": "GAN", "config": config})
    assert rewrite(file).models[""]["class_name"] == "Functional"
    assert dangers_of(file) == ()


def test_code_of_a_known_shape_gets_a_stand_in(tmp_path: Path) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEA"}}
    stated = layer("stated", "Lambda", function=code, output_shape=[28, 28, 10])
    taken = layer("taken", "Lambda", function=code)
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 7, 3], "keras_history": ["taken", 0, 0]}}
    after = {**layer("flatten", "Flatten"), "inbound_nodes": [{"args": [tensor], "kwargs": {}}]}
    unknown = layer("unknown", "Lambda", function=code)
    config = {"class_name": "Functional", "config": {"layers": [stated, taken, unknown, after]}}
    file = ThirdPartyFile(tmp_path / "model.keras", "keras", "3.0", config)
    (rewritten,) = rewrite(file, without_code=True).models.values()
    kinds = [(one["class_name"], one["config"].get("shape")) for one in rewritten["config"]["layers"]]
    assert kinds == [(STAND_IN, [28, 28, 10]), (STAND_IN, [7, 3]), ("Lambda", None), ("Flatten", None)]
    assert [finding.where for finding in dangers_of(file, without_code=True)] == ["unknown"]
    assert [finding.where for finding in dangers_of(file)] == ["stated", "taken", "unknown"]
    own = replace(file, config={"class_name": STAND_IN, "config": {"name": "trick", "shape": [1]}})
    assert [finding.danger for finding in dangers_of(own)] == ["unknown"], "a file cannot name it itself"
    for class_name in (SAMPLING, STAND_IN):
        other = {"class_name": class_name, "registered_name": "keras>Other", "config": {"name": "trick"}}
        assert dangers_of(replace(file, config=other), without_code=True), "registered under another name"
