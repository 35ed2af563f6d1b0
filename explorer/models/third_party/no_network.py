"""Formats of files of other frameworks: which hold no network, or one that must be exported first, and how."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

from explorer.data.extras import require
from explorer.errors import ExplorerError, ModelError
from explorer.messages import message
from explorer.models.third_party.incomplete import incomplete
from explorer.models.third_party.layout import MODEL_JSON
from explorer.models.third_party.recipe_shapes import code_arguments, image_arguments, wrapper_of
from explorer.models.third_party.torch_weights import LEGACY_MAGIC, Tensors

Format: TypeAlias = Literal["weights", "torchscript", "pt2", "safetensors", "tflite", "tfjs"]

_SUFFIXES: Final[dict[str, Format]] = {
    ".pt": "weights",
    ".pth": "weights",
    ".ckpt": "weights",
    ".pt2": "pt2",
    ".safetensors": "safetensors",
    ".tflite": "tflite",
}
PROGRAMS: Final[frozenset[Format | None]] = frozenset({"torchscript", "pt2"})
"""Programs of PyTorch, which are converted to ONNX once the user trusts them."""

IMPORTED: Final[frozenset[Format | None]] = frozenset({"tflite", "tfjs"})
"""Formats that are imported as they are."""

_OF_TFJS: Final = (b'"modelTopology"', b'"weightsManifest"', b"layers-model", b"graph-model")
"""Marks near the start of a JSON file; the topology may be behind a long list of weights."""

_HEAD_BYTES, _LISTED = 4096, 4


class NoNetworkError(ModelError):
    """A file cannot be imported as it is; `recipe` are the lines of a script that exports it."""

    recipe = ""

    def with_recipe(self, recipe: str) -> NoNetworkError:
        """Return the error itself, with a recipe."""
        self.recipe = recipe
        self.add_note(recipe)
        return self


def format_of(path: Path) -> Format | None:
    """Return the format of a file by its content, or its suffix; None if it is none of these."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head[4:8] == b"TFL3":
            return "tflite"
        if path.suffix.lower() == ".json":
            return "tfjs" if any(mark in head for mark in _OF_TFJS) else None
        if head.startswith(LEGACY_MAGIC) or (head.startswith(b"\x80") and b"torch" in head):
            return "weights"
        if head.startswith(b"PK"):
            return format_of_zip(path)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return None
    return _SUFFIXES.get(path.suffix.lower())


def tfjs_file(path: Path) -> Path | None:
    """Return the JSON file of a TensorFlow.js model: the path itself, or one in this folder; None if it is none."""
    path = path / MODEL_JSON if path.is_dir() else path
    return path if format_of(path) == "tfjs" else None


def format_of_zip(file: Path | BinaryIO) -> Format | None:
    """Return the format of a zip file by the names in it; None if it is none of these. BadZipFile if it is damaged."""
    with zipfile.ZipFile(file) as archive:
        names = {name.split("/", 1)[-1] for name in archive.namelist()}
    if "constants.pkl" in names:
        return "torchscript"
    if "archive_format" in names or "serialized_exported_program.json" in names or "models/model.json" in names:
        return "pt2"
    return "weights" if "data.pkl" in names else None


def checking(path: Path) -> Generator[None, None, None]:
    """Raise NoNetworkError if a file must be exported first; yields while its weights are read.

    DataError if it is a program of PyTorch, and the extra for these is not installed.
    """
    missing = incomplete(path)
    if missing is not None:
        raise NoNetworkError(missing.problem).with_recipe(missing.recipe)
    kind = format_of(path)
    if kind in PROGRAMS:
        require("torch", message("a PyTorch program"), path.name)
    if kind is None or kind in PROGRAMS or kind in IMPORTED:
        return
    tensors = yield from _tensors(path)
    raise no_network(path, kind, tensors)


def _tensors(path: Path) -> Generator[None, None, Tensors | None]:
    """Return the weights of a file; None if they cannot be read."""
    from explorer import reader

    found: Tensors | None = None
    try:
        with closing(reader.steps("torch weights", [path], (Tensors,))) as records:
            for record in records:
                found = record or found
                yield
    except ExplorerError:
        return None
    return found


def no_network(path: Path, kind: Format, tensors: Tensors | None) -> NoNetworkError:
    """Return the error of a file of a format, with the recipe to export it."""
    return _weights_only(path, tensors).with_recipe(export_recipe(path.name, kind, tensors))


def _weights_only(path: Path, tensors: Tensors | None) -> NoNetworkError:
    if tensors is not None and tensors.module:
        what = message("{file} is a pickled PyTorch module: it has weights, but no network", file=path.name)
    else:
        what = message("{file} has only weights of PyTorch, and no network", file=path.name)
    shapes = [f"{name} {'×'.join(map(str, shape))}" for name, shape in tensors.shapes] if tensors else []
    if not shapes:
        return NoNetworkError("{what}. Export encoder and decoder to ONNX in the script that made it.", what=what)
    if len(shapes) > _LISTED:
        what = message(
            "{what} ({shapes} and {count} more)", what=what, shapes=shapes[:_LISTED], count=len(shapes) - _LISTED
        )
    else:
        what = message("{what} ({shapes})", what=what, shapes=shapes)
    return NoNetworkError("{what}. Export encoder and decoder to ONNX in the script that made it.", what=what)


def export_recipe(file: str, kind: Format, tensors: Tensors | None = None) -> str:
    """Return the lines of a script that exports a file of PyTorch; shapes that are in the weights are filled in."""
    shapes = tensors.shapes if tensors is not None else ()
    image, code = image_arguments(shapes), code_arguments(shapes)
    named = json.dumps(file, ensure_ascii=False)
    both = [
        f'torch.onnx.export(model.encoder, torch.zeros({image}), "encoder.onnx", dynamo=False)',
        f'torch.onnx.export(model.decoder, torch.zeros({code}), "decoder.onnx", dynamo=False)',
    ]
    place = f"[{json.dumps(tensors.key)}]" if tensors is not None and tensors.key else ""
    load = f'torch.load({named}, map_location="cpu", weights_only=False){place}'
    if tensors is not None and tensors.module:
        lines = ["import torch", "from training import Autoencoder  # your script", f"model = {load}"]
        return "\n".join([*lines, "model.eval()", *both])
    weights = f'torch.load({named}, map_location="cpu"){place}'
    if kind == "safetensors":
        weights = f"safetensors.torch.load_file({named})"
    wrapper = wrapper_of(name for name, _ in shapes)
    if wrapper:
        weights = f'{{name.removeprefix("{wrapper}"): weight for name, weight in {weights}.items()}}'
    first = "import torch, safetensors.torch" if kind == "safetensors" else "import torch"
    lines = [first, "model = Autoencoder()  # the class in your script", f"model.load_state_dict({weights})"]
    return "\n".join([*lines, "model.eval()", *both])
