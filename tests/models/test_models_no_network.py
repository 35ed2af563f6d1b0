"""Files of other frameworks that hold no network are recognized, their shapes read, and nothing of them is run."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from explorer.models.file_kind import identify
from explorer.models.third_party.files import dangers
from explorer.models.third_party.no_network import NoNetworkError, checking, export_recipe, format_of
from explorer.models.third_party.reading import finished
from explorer.models.third_party.request import ImportRequest

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


def test_programs_of_pytorch(tmp_path: Path) -> None:
    script = torch_zip(tmp_path / "script.pt", b"", "archive/constants.pkl", "archive/code/__torch__.py")
    assert "a TorchScript model" in str(said(script))
    assert "torch.jit.load" in said(script).recipe
    program = torch_zip(tmp_path / "program.pt2", b"", "archive/archive_format")
    assert "an exported PyTorch program" in str(said(program))
    assert "torch.export.load" in said(program).recipe


def test_other_files_are_not_mistaken(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"a": 1}')
    (tmp_path / "data.pkl").write_bytes(pickle.dumps({"a": 1}))
    assert format_of(tmp_path / "notes.json") is None
    assert format_of(tmp_path / "data.pkl") is None
    assert format_of(tmp_path) is None
    assert format_of(tmp_path / "missing.pth") is None


def test_names_are_quoted() -> None:
    assert r'torch.load("a\"; b.pth"' in export_recipe('a"; b.pth', "weights")
