"""Files of other frameworks that hold no network are recognized, their shapes read, and nothing of them is run."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from explorer_testing.advice import has_advice

from explorer.data import extras
from explorer.errors import DataError
from explorer.models.file_kind import identify
from explorer.models.third_party.files import dangers, decoder_beside, files_of
from explorer.models.third_party.no_network import NoNetworkError, checking, export_recipe, format_of
from explorer.models.third_party.reading import finished
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.safety import Finding
from explorer.models.third_party.torch_weights import Tensors

SHAPES = {
    "encoder.0.weight": (32, 1, 4, 4),
    "encoder.0.bias": (32,),
    "encoder.3.weight": (16, 1568),
    "decoder.0.weight": (1568, 16),
    "decoder.0.bias": (1568,),
}


class Storage:
    """Stands for the storage of a tensor, which PyTorch pickles as a persistent ID."""


@dataclass(frozen=True)
class Tensor:
    """Is pickled as a tensor of PyTorch."""

    shape: tuple[int, ...]

    def __reduce__(self) -> Any:
        function = sys.modules["torch._utils"]._rebuild_tensor_v2
        return function, (Storage(), 0, self.shape, (1,) * len(self.shape), False, OrderedDict())


class TorchPickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return ("storage", "FloatStorage", "0", "cpu", 1) if isinstance(value, Storage) else None


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with the function that pickles of tensors name."""
    module = ModuleType("torch._utils")

    def _rebuild_tensor_v2(*arguments: Any) -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    module._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "torch._utils", module)


def pickled(value: Any) -> bytes:
    stream = BytesIO()
    TorchPickler(stream, 2).dump(value)
    return stream.getvalue()


def state(shapes: dict[str, tuple[int, ...]] = SHAPES) -> OrderedDict[str, Any]:
    return OrderedDict((name, Tensor(shape)) for name, shape in shapes.items())


def torch_zip(path: Path, content: bytes, *others: str) -> Path:
    """Write a file as ``torch.save`` does."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for name in ("archive/version", *others):
            archive.writestr(name, "3")
    return path


def said(path: Path) -> NoNetworkError:
    """Return the error of opening a file, which `identify` takes for a model."""
    assert identify(path) == "third_party"
    with pytest.raises(NoNetworkError) as caught:
        finished(dangers(ImportRequest(path, path.parent / "out")))
    return caught.value


def test_a_state_dict(tmp_path: Path) -> None:
    error = said(torch_zip(tmp_path / "model.pth", pickled(state())))
    assert "model.pth has only weights of PyTorch, and no network (encoder.0.weight 32×1×4×4, " in str(error)
    assert "and 1 more" in str(error)
    assert error.recipe.splitlines() == [
        "import torch",
        "model = Autoencoder()  # the class in your script",
        'model.load_state_dict(torch.load("model.pth", map_location="cpu"))',
        "model.eval()",
        'torch.onnx.export(model.encoder, torch.zeros(1, 1, HEIGHT, WIDTH), "encoder.onnx", dynamo=False)',
        'torch.onnx.export(model.decoder, torch.zeros(1, 16), "decoder.onnx", dynamo=False)',
    ]


RECIPE_SHAPES: dict[str, tuple[dict[str, tuple[int, ...]], str, str]] = {
    "a decoder that is listed first": (
        {"decoder.0.weight": (1568, 16), "encoder.0.weight": (32, 3, 4, 4), "encoder.0.bias": (32,)},
        "1, 3, HEIGHT, WIDTH",
        "1, 16",
    ),
    "a decoder of plain convolutions": (
        {
            "encoder.conv_in.weight": (128, 3, 3, 3),
            "encoder.conv_in.bias": (128,),
            "decoder.conv_in.weight": (512, 4, 3, 3),
            "decoder.conv_in.bias": (512,),
        },
        "1, 3, HEIGHT, WIDTH",
        "1, 4, CODE_HEIGHT, CODE_WIDTH",
    ),
    "transposed convolutions": (
        {
            "encoder.0.weight": (8, 1, 3, 3),
            "encoder.0.bias": (8,),
            "decoder.0.weight": (4, 16, 2, 2),
            "decoder.0.bias": (16,),
        },
        "1, 1, HEIGHT, WIDTH",
        "1, 4, CODE_HEIGHT, CODE_WIDTH",
    ),
    "a normalization in place of the bias": (
        {"decoder.up.weight": (64, 8, 3, 3), "decoder.norm.weight": (64,), "decoder.norm.bias": (64,)},
        "1, CHANNELS, HEIGHT, WIDTH",
        "1, 8, CODE_HEIGHT, CODE_WIDTH",
    ),
    "layers that are only numbered": (
        {
            "fc1.weight": (400, 784),
            "fc1.bias": (400,),
            "fc21.weight": (20, 400),
            "fc22.weight": (20, 400),
            "fc3.weight": (400, 20),
            "fc4.weight": (784, 400),
        },
        "1, 784",
        "1, 20",
    ),
    "numbered convolutions": (
        {
            "conv1.weight": (16, 3, 3, 3),
            "conv1.bias": (16,),
            "conv2.weight": (4, 16, 3, 3),
            "conv2.bias": (4,),
            "t_conv1.weight": (4, 16, 2, 2),
            "t_conv1.bias": (16,),
        },
        "1, 3, HEIGHT, WIDTH",
        "1, 4, CODE_HEIGHT, CODE_WIDTH",
    ),
    "an embedding of labels": (
        {"embed_label.weight": (10, 7), "encoder.0.weight": (64, 791), "decoder.0.weight": (64, 9)},
        "1, 791",
        "1, 9",
    ),
    "spectral normalization": (
        {"codec.encoder.0.weight_orig": (8, 1, 4, 4), "codec.encoder.0.bias": (8,), "codec.decoder.0.weight": (98, 5)},
        "1, 1, HEIGHT, WIDTH",
        "1, 5",
    ),
    "nothing": ({"step": ()}, "1, CHANNELS, HEIGHT, WIDTH", "1, LATENT"),
}


@pytest.mark.parametrize("what", RECIPE_SHAPES)
def test_shapes_in_the_weights_are_filled_in(what: str) -> None:
    shapes, image, code = RECIPE_SHAPES[what]
    recipe = export_recipe("model.pth", "weights", Tensors(tuple(shapes.items()), "", module=False))
    assert f"torch.onnx.export(model.encoder, torch.zeros({image})," in recipe
    assert f"torch.onnx.export(model.decoder, torch.zeros({code})," in recipe


def test_the_prefix_of_a_wrapper_is_removed() -> None:
    shapes = tuple((f"module.{name}", shape) for name, shape in SHAPES.items())
    recipe = export_recipe("model.pth", "weights", Tensors(shapes, "state", module=False))
    read = 'torch.load("model.pth", map_location="cpu")["state"]'
    assert f'{{name.removeprefix("module."): weight for name, weight in {read}.items()}}' in recipe


def test_a_state_dict_of_an_old_version(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, state()]
    path.write_bytes(b"".join(map(pickled, parts)) + b"\0" * 64)
    assert "encoder.0.weight 32×1×4×4" in str(said(path))


def test_weights_in_a_plain_pickle(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickled(state()))
    assert "encoder.0.weight 32×1×4×4" in str(said(path))


def test_weights_within_a_checkpoint(tmp_path: Path) -> None:
    path = torch_zip(tmp_path / "last.ckpt", pickled({"epoch": 3, "model": state(), "loss": [0.5]}))
    assert format_of(path) == "weights"
    assert 'torch.load("last.ckpt", map_location="cpu")["model"]' in said(path).recipe


def test_a_pickled_module_is_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    evil = b"cos\nsystem\n(S'touch " + str(touched).encode() + b"'\ntR."
    error = said(torch_zip(tmp_path / "evil.pt", evil))
    assert "is a pickled PyTorch module" in str(error)
    assert "weights_only=False" in error.recipe
    assert not touched.exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x02", b"\x80\x02]q\x00(h\x00h\x00e.", b"\x80\x02}\x94."])
def test_weights_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    error = said(torch_zip(tmp_path / "model.pth", content))
    assert "no network" in str(error)
    assert len(error.recipe.splitlines()) == 6


def test_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    header = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in SHAPES.items()}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    error = said(path)
    assert "encoder.0.weight 32×1×4×4" in str(error)
    assert 'safetensors.torch.load_file("model.safetensors")' in error.recipe


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("model.tflite", b"", "tflite"),
        ("model.bin", b"\x1c\0\0\0TFL3" + b"\0" * 20, "tflite"),
        ("model.json", b'{"format": "layers-model", "modelTopology": {}}', "tfjs"),
    ],
)
def test_models_of_tensorflow_are_imported(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert format_of(path) == kind
    assert list(checking(path)) == []


WEIGHTS = [(784, 16), (16,), (16, 784), (784,)]


def arrays(path: Path) -> None:
    np.savez(path, *(np.zeros(shape, np.float32) for shape in WEIGHTS))


def named_arrays(path: Path) -> None:
    names = [f"dense_{number // 2}/{('kernel', 'bias')[number % 2]}:0" for number in range(4)]
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(f"{name}.npy", b"")


def graph(path: Path) -> None:
    path.write_bytes(b"\n\x0f\n\x01x\x12\x0bPlaceholder")


def architecture(path: Path) -> None:
    path.write_text('{"class_name": "Functional", "config": {"layers": []}}')


@pytest.mark.parametrize(
    ("name", "write", "problem", "recipe"),
    [
        ("weights.npz", arrays, "has only weights, as NumPy arrays, and no network", "model.set_weights(["),
        ("named.npz", named_arrays, "has only weights, as NumPy arrays, and no network", 'np.load("named.npz")'),
        ("frozen.pb", graph, "is a TensorFlow graph without a SavedModel", "--graphdef frozen.pb"),
        ("model.ckpt.index", graph, "a part of a TensorFlow checkpoint", '.restore("model.ckpt")'),
        ("model.ckpt-3.data-00000-of-00001", graph, "a part of a TensorFlow checkpoint", '.restore("model.ckpt-3")'),
        ("model.json", architecture, "has only the architecture of a Keras model", "model_from_json"),
        ("old.ckpt", graph, "has only weights of PyTorch, and no network", "load_state_dict"),
    ],
)
def test_parts_of_models(tmp_path: Path, name: str, write: Callable[[Path], None], problem: str, recipe: str) -> None:
    write(tmp_path / name)
    error = said(tmp_path / name)
    assert str(error).startswith(f"{name} ")
    assert problem in str(error)
    assert has_advice(error)
    assert recipe in error.recipe


def test_datasets_are_not_mistaken_for_weights(tmp_path: Path) -> None:
    images, labels = np.zeros((9, 28, 28), np.float32), np.zeros(9, np.float32)
    np.savez(tmp_path / "four.npz", images, labels, images, labels)
    np.savez(tmp_path / "named.npz", x=images, weight=labels)
    for path in tmp_path.iterdir():
        assert identify(path) == "images"


def test_the_graph_of_a_saved_model_is_its_folder(tmp_path: Path) -> None:
    graph(tmp_path / "saved_model.pb")
    for name in ("saved_model.pb", "keras_metadata.pb"):
        (tmp_path / name).touch()
        assert identify(tmp_path / name) == "third_party"
        assert files_of(ImportRequest(tmp_path / name, tmp_path / "out")) == [tmp_path]


def test_programs_of_pytorch_need_an_extra_and_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [
        torch_zip(tmp_path / "encoder.pt", b"", "archive/constants.pkl", "archive/code/__torch__.py"),
        torch_zip(tmp_path / "decoder.pt2", b"", "archive/archive_format"),
    ]
    torch_zip(tmp_path / "weights.pt", pickled(state()))
    torch_zip(tmp_path / "other.pt", pickled(state()))
    monkeypatch.setitem(extras.EXTRAS, "torch", ("latent_explorer_has_no_such_package",))
    for program in programs:
        assert identify(program) == "third_party"
        with pytest.raises(DataError) as caught:
            finished(dangers(ImportRequest(program, tmp_path / "out")))
        assert str(caught.value) == (
            f"Cannot open {program.name}: a PyTorch program needs an optional library. Run: pip install '.[torch]'"
        )
    monkeypatch.setitem(extras.EXTRAS, "torch", ("numpy",))
    # The folder is read as a pair, without the files that hold only weights.
    assert finished(dangers(ImportRequest(tmp_path, tmp_path / "out"))) == (
        Finding("pytorch", "encoder.pt", "TorchScript"),
        Finding("pytorch", "decoder.pt2", "torch.export"),
    )
    assert decoder_beside(programs[0]) == programs[1]


def test_other_files_are_not_mistaken(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"a": 1}')
    (tmp_path / "data.pkl").write_bytes(pickle.dumps({"a": 1}))
    assert format_of(tmp_path / "notes.json") is None
    assert format_of(tmp_path / "data.pkl") is None
    assert format_of(tmp_path) is None
    assert format_of(tmp_path / "missing.pth") is None


def test_names_are_quoted() -> None:
    assert r'torch.load("a\"; b.pth"' in export_recipe('a"; b.pth', "weights")
