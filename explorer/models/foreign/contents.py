"""What is in a Keras file, as the reader process finds it: its description, and its weights one by one.

Only the reader process calls `describe` and `weights`; others know the records. Little is imported here, since each
reading starts a process.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from explorer.errors import ModelError
from explorer.json_limits import CONFIGURATION, parse_json
from explorer.models.foreign.hdf5 import Window, attributes, hdf5_file, links_in, members, rows
from explorer.models.foreign.layout import (
    CONFIG_FILE,
    MAX_CONFIG_BYTES,
    MAX_INFLATED_BYTES,
    MAX_WEIGHTS_BYTES,
    METADATA_FILE,
    REMEDY,
    WEIGHTS_FILE,
    damaged,
)
from explorer.types import Bytes, Progress

if TYPE_CHECKING:
    from explorer.reader.handed import Handed

_STEP: Final = 64 << 20

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ZIP: Final = b"PK\x03\x04"
_OF_TRAINING: Final = frozenset({"optimizer_weights"})
_WRITTEN_ANEW: Final = frozenset({"model_config", "training_config"})


@dataclass(frozen=True)
class Described:
    """What a file says of itself.

    Attributes
    ----------
    kind
        ``keras``, a zip, or ``hdf5``.
    keras_version
        Version of the Keras that wrote it, empty where it does not say.
    config
        The model's configuration, as JSON.
    links
        Parts of it that lie in other files, by their place.
    """

    kind: Literal["keras", "hdf5"]
    keras_version: str
    config: str
    links: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A group of weights, and what is noted at it: plain values, strings, lists of strings, or arrays."""

    place: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Weights:
    """An array of weights; its values follow as `Rows`, in C order."""

    place: str
    dtype: str
    shape: tuple[int, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """The bytes of the next rows of the array that came last: along its first axis, or all of it where it has none."""

    values: Bytes


def describe(files: tuple[Handed, ...]) -> Iterator[Described | Progress]:
    """Read what a Keras file says of itself, and whether it is whole.

    Raises
    ------
    ModelError
        If it is no Keras model, is damaged, or holds only a part of a model; the message says what to do.
    """
    (handed,) = files
    head = handed.file.read(4096)
    if head.startswith(_ZIP):
        yield from _describe_zip(handed)
    elif head.startswith(_HDF5):
        yield _describe_hdf5(handed)
    else:
        raise ModelError("a Keras model (.keras, .h5 or a SavedModel folder)", *_other(handed.path, head))


def weights(files: tuple[Handed, ...], *, part: str = "") -> Iterator[Group | Weights | Rows]:
    """Read the weights of a file that was described, or those of a part of it; what belongs to a training is left out.

    Raises
    ------
    ModelError
        If there are none, or they are no numbers.
    """
    (handed,) = files
    with _weights_of(handed) as file:
        if part and part not in file:
            raise ModelError(f"weights of “{part}”", "none in the file", "Save the parts as models of their own.")
        for place, member in members(file[part] if part else file, without=_OF_TRAINING):
            if isinstance(member, str):
                raise ModelError("a model that brings its weights", f"{place}, {member}", REMEDY)
            noted = attributes(member, without=_WRITTEN_ANEW)
            if not hasattr(member, "dtype"):
                yield Group(place, noted)
            elif member.shape is not None:
                if member.dtype.kind not in "biufV" or member.dtype.fields is not None:
                    raise ModelError("numbers as weights", f"{place}, which holds {member.dtype}", REMEDY)
                yield Weights(place, member.dtype.str, tuple(map(int, member.shape)), noted)
                for values in rows(member, _STEP):
                    yield Rows(np.ascontiguousarray(values).reshape(-1).view(np.uint8))


@contextmanager
def _weights_of(handed: Handed) -> Iterator[Any]:
    handed.file.seek(0)
    if handed.file.read(4) == _ZIP:
        with zipfile.ZipFile(handed.file) as archive, _weights_in(archive, handed) as file:
            yield file
    else:
        with hdf5_file(handed.file) as file:
            yield file


@contextmanager
def _weights_in(archive: zipfile.ZipFile, handed: Handed) -> Iterator[Any]:
    info = _bounded(handed.name, archive.getinfo(WEIGHTS_FILE), MAX_WEIGHTS_BYTES)
    if info.compress_type == zipfile.ZIP_STORED:
        # Not through the zip, which would read from its beginning again for every step back.
        with hdf5_file(Window.of_member(handed.file, info)) as file:
            yield file
    else:
        _bounded(handed.name, info, MAX_INFLATED_BYTES)
        with archive.open(info) as opened, hdf5_file(opened) as file:
            yield file


def _describe_zip(handed: Handed) -> Iterator[Described | Progress]:
    with zipfile.ZipFile(handed.file) as archive:
        names = {info.filename: info for info in archive.infolist()}
        if CONFIG_FILE not in names:
            raise ModelError("a Keras model", *_other_zip(handed.name, set(names)))
        if WEIGHTS_FILE not in names:
            raise ModelError(f"{WEIGHTS_FILE} in {handed.name}", "none, so that the model has no weights", REMEDY)
        config = _parsed(archive.read(_bounded(handed.name, names[CONFIG_FILE], MAX_CONFIG_BYTES)), handed.name)
        metadata = _parsed(archive.read(_bounded(handed.name, names[METADATA_FILE], MAX_CONFIG_BYTES)), handed.name)
        size = _bounded(handed.name, names[WEIGHTS_FILE], MAX_WEIGHTS_BYTES).file_size
        # Read to its end once, since a loader finds out too late that it is cut short.
        with archive.open(WEIGHTS_FILE) as content:
            done = 0
            while part := content.read(_STEP):
                done += len(part)
                yield Progress(done, size)
        with _weights_in(archive, handed) as file:
            links = links_in(file, handed)
    version = metadata.get("keras_version", "")
    yield Described("keras", version if isinstance(version, str) else "", json.dumps(config), links)


def _describe_hdf5(handed: Handed) -> Described:
    with hdf5_file(handed.file) as file:
        config = file.attrs.get("model_config")
        if config is None:
            raise ModelError("a whole model", *_other_hdf5(handed.name, file))
        version = _text(file.attrs.get("keras_version", ""))
        links = links_in(file, handed)
        parsed = _parsed(_text(config).encode(), handed.name)
        if "model_weights" not in file:
            raise ModelError(f"weights in {handed.name}", "none, only the description of the model", REMEDY)
    return Described("hdf5", version, json.dumps(parsed), links)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _bounded(file: str, info: zipfile.ZipInfo, most: int) -> zipfile.ZipInfo:
    if info.file_size > most:
        raise ModelError(
            f"{info.filename} of at most {most >> 20} MB in {file}",
            f"{info.file_size >> 20} MB",
            "Do not open files you do not trust.",
        )
    return info


# -- configurations --------------------------------------------------------------------------------------------------


def _parsed(text: bytes, file: str) -> dict[str, Any]:
    try:
        config = parse_json(text, CONFIGURATION, "its configuration", ModelError)
        _check(config)
    except (ModelError, ValueError) as error:
        raise damaged(file, error) from error
    if not isinstance(config, dict):
        raise damaged(file, "its configuration is no JSON object")
    return config


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "class_name": (str,),
    "module": (str, type(None)),
    "registered_name": (str, type(None)),
    "layers": (list, dict),
    "inbound_nodes": (list,),
}
"""What some fields of a Keras object are; whoever looks at a configuration relies on it."""


def _check(config: object) -> None:
    """Raise ValueError where a Keras object in a configuration is none."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                _check_object(value)
            left += value.values()
        elif isinstance(value, list):
            left += value


def _check_object(value: dict[str, Any]) -> None:
    for name, types in _TYPES.items():
        if name in value and not isinstance(value[name], types):
            raise ValueError(f"“{name}” of an object in its configuration is {str(value[name])[:60]}")


# -- files of another kind -------------------------------------------------------------------------------------------


def _other(path: Path, head: bytes) -> tuple[str, str]:
    """Say what a file is that is no Keras model, and what to do."""
    if not head:
        return f"{path.name}, which is empty", "Copy or download it again."
    if head.startswith(b"version https://git-lfs"):
        return f"{path.name}, which only points to a large file in Git LFS", "Fetch it with: git lfs pull."
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return f"{path.name}, which is a web page", "Download the file itself, not the page about it."
    if head[4:8] == b"TFL3":
        return f"{path.name}, a TensorFlow Lite model", "It cannot be cut or changed any more; import the Keras model."
    if path.suffix.lower() == ".onnx":
        return f"{path.name}, an ONNX model", "Import the Keras model that it was made from."
    if head[:1] == b"\x80" or path.suffix.lower() in {".pkl", ".pickle", ".joblib"}:
        return f"{path.name}, a pickle, which would run code", f"Open it where it was made. {REMEDY}"
    if path.suffix.lower() in {".keras", ".h5", ".hdf5"}:
        return f"{path.name}, which is damaged from its first byte on", "Copy or download it again."
    return f"{path.name}, which is of another kind", REMEDY


def _other_zip(file: str, names: set[str]) -> tuple[str, str]:
    if any(name.endswith("data.pkl") for name in names):
        return f"{file}, a PyTorch file", "Latent Explorer reads Keras models only."
    if any(name.endswith((CONFIG_FILE, "saved_model.pb")) for name in names):
        return f"{file}, an archive with a model inside", "Unpack it and import what is in it."
    return f"{file}, a zip of other files", REMEDY


def _other_hdf5(file: str, opened: Any) -> tuple[str, str]:
    if "layer_names" in opened.attrs or "layers" in opened or "_layer_checkpoint_dependencies" in opened:
        remedy = "Build the model, load these weights into it, and save it whole: model.save(“model.keras”)."
        return f"{file}, which holds weights only", remedy
    return f"{file}, an HDF5 file without a model in it", REMEDY
