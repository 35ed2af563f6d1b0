"""Configuration and weights of a Keras file, read in the reader process.

Only the reader process calls `describe` and `weights`; other processes use the records. Imports are few, since a
process is started for each file.
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
from explorer.messages import message
from explorer.models.third_party.hdf5 import Window, attributes, hdf5_file, links_in, members, rows
from explorer.models.third_party.layout import (
    CONFIG_FILE,
    MAX_CONFIG_BYTES,
    MAX_INFLATED_BYTES,
    MAX_WEIGHTS_BYTES,
    METADATA_FILE,
    MODEL_JSON,
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
_REWRITTEN: Final = frozenset({"model_config", "training_config"})


@dataclass(frozen=True)
class Described:
    """Configuration, in JSON, and metadata of a file.

    `kind` is ``keras``, a zip; ``hdf5``; or ``tfjs``, JSON; the Keras version that wrote it empty if unknown; `links`
    are paths of parts that are stored in other files; `shards` names of the files with the weights of ``tfjs``.
    """

    kind: Literal["keras", "hdf5", "tfjs"]
    keras_version: str
    config: str
    links: tuple[str, ...]
    shards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A group of weights and its attributes: plain values, strings, lists of strings, or arrays."""

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
    """The bytes of the next rows of the last `Weights`, along its first axis; all of it if it is a scalar."""

    values: Bytes


def describe(files: tuple[Handed, ...]) -> Iterator[Described | Progress]:
    """Read the configuration of a Keras file, and check that the file is complete.

    ModelError if it is not a Keras model, is damaged, or holds only a part of a model.
    """
    (handed,) = files
    head = handed.file.read(4096)
    if head.startswith(_ZIP):
        yield from _describe_zip(handed)
    elif head.startswith(_HDF5):
        yield _describe_hdf5(handed)
    else:
        raise _other(handed.path, head)


def weights(files: tuple[Handed, ...], *, part: str = "") -> Iterator[Group | Weights | Rows]:
    """Read the weights of a file or of a part of it, without optimizer weights.

    ModelError if there are none, or they are not numbers.
    """
    (handed,) = files
    with _weights_of(handed) as file:
        found = list(_members_of(file, part))
        if part and not found:
            raise ModelError(
                "{file} has no weights of “{part}”. Save the parts as separate models.", file=handed.name, part=part
            )
        for place, member in found:
            if isinstance(member, str):
                raise ModelError(
                    "{file} stores “{place}” in another file. {remedy}", file=handed.name, place=place, remedy=REMEDY
                )
            noted = attributes(member, without=_REWRITTEN)
            if not hasattr(member, "dtype"):
                yield Group(place, noted)
            elif member.shape is not None:
                if member.dtype.kind not in "biufV" or member.dtype.fields is not None:
                    raise ModelError(
                        "The weights “{place}” of {file} are not numbers, but {dtype}. {remedy}",
                        place=place,
                        file=handed.name,
                        dtype=member.dtype,
                        remedy=REMEDY,
                    )
                yield Weights(place, member.dtype.str, tuple(map(int, member.shape)), noted)
                for values in rows(member, _STEP):
                    yield Rows(np.ascontiguousarray(values).reshape(-1).view(np.uint8))


def _members_of(file: Any, part: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of a file or of a part of it.

    Keras 2 on Windows joined the names of groups in a zip by backslashes.
    """
    for name, member in members(file, without=_OF_TRAINING):
        place = name if "model_weights" in file else name.replace("\\", "/")
        if not part:
            yield place, member
        elif place == part or place.startswith(f"{part}/"):
            yield place[len(part) + 1 :], member


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
        # Not through zipfile, which reads from the beginning again for every seek backward.
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
            raise _other_zip(handed.name, set(names))
        if WEIGHTS_FILE not in names:
            raise ModelError(
                "{file} has no weights: {member} is missing. {remedy}",
                file=handed.name,
                member=WEIGHTS_FILE,
                remedy=REMEDY,
            )
        config = parsed(archive.read(_bounded(handed.name, names[CONFIG_FILE], MAX_CONFIG_BYTES)), handed.name)
        metadata = parsed(archive.read(_bounded(handed.name, names[METADATA_FILE], MAX_CONFIG_BYTES)), handed.name)
        size = _bounded(handed.name, names[WEIGHTS_FILE], MAX_WEIGHTS_BYTES).file_size
        # Read completely once: Keras would report a truncated file too late.
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
            raise _other_hdf5(handed.name, file)
        version = _text(file.attrs.get("keras_version", ""))
        links = links_in(file, handed)
        checked = parsed(_text(config).encode(), handed.name)
        if "model_weights" not in file:
            raise ModelError(
                "{file} has no weights, only the model's configuration. {remedy}", file=handed.name, remedy=REMEDY
            )
    return Described("hdf5", version, json.dumps(checked), links)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _bounded(file: str, info: zipfile.ZipInfo, most: int) -> zipfile.ZipInfo:
    if info.file_size > most:
        raise ModelError(
            "{member} in {file} is larger than {most:,} MB. Do not open files that you do not trust.",
            member=info.filename,
            file=file,
            most=most >> 20,
        )
    return info


# -- configurations --------------------------------------------------------------------------------------------------


def parsed(text: bytes, file: str) -> dict[str, Any]:
    """Parse the configuration of a model, and check the fields of its objects; ModelError if it is damaged."""
    try:
        config = parse_json(text, CONFIGURATION, file, ModelError)
        _check(config)
    except (ModelError, ValueError) as error:
        raise damaged(file, error) from error
    if not isinstance(config, dict):
        raise damaged(file, message("its configuration is not a JSON object"))
    return config


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "class_name": (str,),
    "module": (str, type(None)),
    "registered_name": (str, type(None)),
    "layers": (list, dict),
    "inbound_nodes": (list,),
}
"""Types of fields of a Keras object, which all code that reads configurations relies on."""


def _check(config: object) -> None:
    """Check the field types of all Keras objects in a configuration."""
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
            raise ModelError(
                "its configuration has the invalid value {value} for “{field}”",
                field=name,
                value=str(value[name])[:60],
            )


# -- files of another kind -------------------------------------------------------------------------------------------


def _other(path: Path, head: bytes) -> ModelError:
    file, suffix = path.name, path.suffix.lower()
    if not head:
        return ModelError("{file} is empty. Copy or download it again.", file=file)
    if head.startswith(b"version https://git-lfs"):
        return ModelError("{file} is a Git LFS pointer, not a model. Download the model with: git lfs pull.", file=file)
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return ModelError("{file} is a web page, not a model. Download the file itself.", file=file)
    if suffix == ".onnx":
        return ModelError("{file} is an ONNX model. Import it with a decoder of the same kind.", file=file)
    if head[:1] == b"\x80" or suffix in {".pkl", ".pickle", ".joblib"}:
        return ModelError(
            "{file} is a pickle file, which would run code. Open it in Python. {remedy}", file=file, remedy=REMEDY
        )
    if suffix in {".keras", ".h5", ".hdf5"}:
        return ModelError("{file} is damaged: it has no valid header. Copy or download it again.", file=file)
    return ModelError(
        "{file} is not a model that can be imported (.keras, .h5, .onnx, .tflite, model.json, a SavedModel folder). "
        "{remedy}",
        file=file,
        remedy=REMEDY,
    )


def _other_zip(file: str, names: set[str]) -> ModelError:
    if any(name.endswith("data.pkl") for name in names):
        return ModelError("{file} is a PyTorch file. Export it to ONNX, and import that.", file=file)
    if any(name.endswith((CONFIG_FILE, MODEL_JSON, "saved_model.pb")) for name in names):
        return ModelError("{file} is an archive that contains a model. Unpack it and import its content.", file=file)
    return ModelError("{file} is a zip file, but not a Keras model. {remedy}", file=file, remedy=REMEDY)


def _other_hdf5(file: str, opened: Any) -> ModelError:
    if "layer_names" in opened.attrs or "layers" in opened or "_layer_checkpoint_dependencies" in opened:
        return ModelError(
            "{file} holds only weights. Build the model, load these weights, and save it with "
            "model.save(“model.keras”).",
            file=file,
        )
    return ModelError("{file} is an HDF5 file without a model. {remedy}", file=file, remedy=REMEDY)
