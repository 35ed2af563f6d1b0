"""Files of other frameworks that hold no network, or one that must be exported first, and how to export it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, TypeAlias

from explorer.errors import ExplorerError, ModelError
from explorer.messages import message
from explorer.models.third_party.layout import MODEL_JSON
from explorer.models.third_party.torch_weights import LEGACY_MAGIC, Tensors

Format: TypeAlias = Literal["weights", "torchscript", "pt2", "safetensors", "tflite", "tfjs"]

_SUFFIXES: Final[dict[str, Format]] = {
    ".pt": "weights",
    ".pth": "weights",
    ".pt2": "pt2",
    ".safetensors": "safetensors",
    ".tflite": "tflite",
}
IMPORTED: Final[frozenset[Format]] = frozenset({"tflite", "tfjs"})
"""Formats that are imported as they are."""

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
            return "tfjs" if b'"modelTopology"' in head or b"layers-model" in head or b"graph-model" in head else None
        if head.startswith(LEGACY_MAGIC) or (head.startswith(b"\x80") and b"torch" in head):
            return "weights"
        if head.startswith(b"PK"):
            return _format_of_zip(path)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return None
    return _SUFFIXES.get(path.suffix.lower())


def tfjs_file(path: Path) -> Path | None:
    """Return the JSON file of a TensorFlow.js model: the path itself, or one in this folder; None if it is none."""
    path = path / MODEL_JSON if path.is_dir() else path
    return path if format_of(path) == "tfjs" else None


def _format_of_zip(path: Path) -> Format | None:
    with zipfile.ZipFile(path) as archive:
        names = {name.split("/", 1)[-1] for name in archive.namelist()}
    if "constants.pkl" in names:
        return "torchscript"
    if "archive_format" in names or "serialized_exported_program.json" in names or "models/model.json" in names:
        return "pt2"
    return "weights" if "data.pkl" in names else None


def checking(path: Path) -> Generator[None, None, None]:
    """Raise NoNetworkError if a file must be exported first; yields while its weights are read."""
    kind = format_of(path)
    if kind is None or kind in IMPORTED:
        return
    tensors: Tensors | None = None
    if kind in {"weights", "safetensors"}:
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
    found = _weights_only(path, tensors) if kind in {"weights", "safetensors"} else _other_framework(path, kind)
    return found.with_recipe(export_recipe(path.name, kind, tensors))


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


def _other_framework(path: Path, kind: Format) -> NoNetworkError:
    titles = {
        "torchscript": message("a TorchScript model"),
        "pt2": message("an exported PyTorch program"),
    }
    return NoNetworkError(
        "{file} is {title}, which cannot be opened directly. Export it to ONNX, and import that file.",
        file=path.name,
        title=titles[kind],
    )


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
    match kind:
        case "weights" if tensors is not None and tensors.module:
            lines = [
                "import torch",
                "from training import Autoencoder  # your script",
                f"model = {load}",
                "model.eval()",
            ]
            return "\n".join([*lines, *both])
        case "weights" | "safetensors":
            weights = f'torch.load({named}, map_location="cpu"){place}'
            if kind == "safetensors":
                weights = f"safetensors.torch.load_file({named})"
            first = "import torch, safetensors.torch" if kind == "safetensors" else "import torch"
            lines = [first, "model = Autoencoder()  # the class in your script", f"model.load_state_dict({weights})"]
            return "\n".join([*lines, "model.eval()", *both])
        case "torchscript":
            return "\n".join(["import torch", f'model = torch.jit.load({named}, map_location="cpu").eval()', *both])
        case _:
            lines = ["import torch", f"program = torch.export.load({named})"]
            return "\n".join([*lines, 'torch.onnx.export(program, dynamo=True).save("model.onnx")'])


def image_arguments(shapes: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    """Return the shape of one image as arguments, as far as the first layer tells it."""
    for name, shape in shapes:
        if name.endswith("weight") and len(shape) == 4:
            return f"1, {shape[1]}, HEIGHT, WIDTH"
        if name.endswith("weight") and len(shape) == 2:
            return f"1, {shape[1]}"
    return "1, CHANNELS, HEIGHT, WIDTH"


def code_arguments(shapes: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    """Return the shape of one code as arguments, as far as the first layer of the decoder tells it."""
    for name, shape in shapes:
        if "dec" in name.lower() and name.endswith("weight") and len(shape) in {2, 4}:
            # The weights of a transposed convolution begin with the input channels.
            return f"1, {shape[1]}" if len(shape) == 2 else f"1, {shape[0]}, HEIGHT, WIDTH"
    return "1, LATENT"
