"""Files with a part of a model of Keras or TensorFlow, which cannot be imported alone, and how to save the whole."""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from explorer.array_files import Header, read_header
from explorer.errors import ExplorerError
from explorer.messages import Message, message

_CHECKPOINT: Final = re.compile(r"\.ckpt(-\d+)?\.(index|meta)$|\.data-\d{5}-of-\d{5}$|^checkpoint$")
_OF_WEIGHTS: Final = re.compile(
    r"(^|[./_])(kernel|weights?|bias|gamma|beta|moving_(mean|variance)|running_(mean|var))(:\d+)?$"
)
_NUMBERED: Final = re.compile(r"arr_\d+$")
_HEAD_BYTES: Final = 4096
_MOST_ARRAYS, _FEWEST_ARRAYS = 1_000, 4
_SAVE: Final = message("Save the whole model as .keras where it was made, or export it to ONNX.")


@dataclass(frozen=True)
class Incomplete:
    """What a file is instead of a model, and the lines of a script that makes one of it."""

    problem: Message
    recipe: str


def incomplete(path: Path) -> Incomplete | None:
    """Return what is missing in a file, by its name and content; None if it may be a model, or something else."""
    named, quoted = json.dumps(path.name, ensure_ascii=False), shlex.quote(path.name)
    if not path.is_file():
        return None
    if path.suffix.lower() == ".pb" and saved_model_of(path) is None:
        return Incomplete(
            message(
                "{file} is a TensorFlow graph without a SavedModel around it. "
                "Convert it to ONNX, and import that file.",
                file=path.name,
            ),
            "pip install tf2onnx\n"
            f"python -m tf2onnx.convert --graphdef {quoted} --inputs INPUT:0 --outputs OUTPUT:0 --output model.onnx",
        )
    if _CHECKPOINT.search(path.name):
        start = json.dumps(re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name), ensure_ascii=False)
        return _weights(
            message("{file} is a part of a TensorFlow checkpoint: it has only weights, and no network", file=path.name),
            "import tensorflow as tf",
            f"tf.train.Checkpoint(model=model).restore({start}).expect_partial()",
        )
    if path.suffix.lower() == ".json" and _is_architecture(path):
        return Incomplete(
            message(
                "{file} has only the architecture of a Keras model, and no weights. {remedy}",
                file=path.name,
                remedy=_SAVE,
            ),
            f"import keras\nmodel = keras.models.model_from_json(open({named}).read())\n"
            'model.load_weights("model.weights.h5")\nmodel.save("model.keras")',
        )
    if path.suffix.lower() == ".npz" and _has_weights(path):
        return _weights(
            message("{file} has only weights, as NumPy arrays, and no network", file=path.name),
            "import numpy as np",
            f"arrays = np.load({named})",
            "model.set_weights([arrays[name] for name in arrays.files])",
        )
    return None


def saved_model_of(path: Path) -> Path | None:
    """Return the folder of a SavedModel if a file is one of its ``.pb`` files, else None."""
    there = path.suffix.lower() == ".pb" and (path.parent / "saved_model.pb").is_file()
    return path.parent if there else None


def _weights(problem: Message, first: str, *load: str) -> Incomplete:
    lines = [first, "model = Autoencoder()  # as in your script", *load, 'model.save("model.keras")']
    return Incomplete(message("{problem}. {remedy}", problem=problem, remedy=_SAVE), "\n".join(lines))


def _is_architecture(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        return b'"class_name"' in head and b'"config"' in head and b'"modelTopology"' not in head
    return False


def _has_weights(path: Path) -> bool:
    """Return whether arrays have names or shapes of weights: each vector has one value per column before it."""
    with suppress(OSError, ValueError, NotImplementedError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        members = archive.infolist()[:_MOST_ARRAYS]
        names = [member.filename.removesuffix(".npy") for member in members]
        if 2 * sum(map(bool, map(_OF_WEIGHTS.search, names))) > len(names) > 1:
            return True
        if len(names) >= _FEWEST_ARRAYS and all(map(_NUMBERED.match, names)):
            return _are_layers([_header(archive, member) for member in members])
    return False


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Header | None:
    with suppress(ExplorerError), archive.open(member) as file:
        return read_header(file, member.file_size, member.filename)
    return None


def _are_layers(headers: list[Header | None]) -> bool:
    columns = 0
    found = []
    for header in headers:
        if header is None or not np.issubdtype(header.dtype, np.floating) or not header.shape:
            return False
        if len(header.shape) > 1:
            columns = header.shape[-1]
        else:
            found.append(header.shape[0] == columns)
    return bool(found) and all(found)
