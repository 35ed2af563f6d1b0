"""Layers models of TensorFlow.js: a Keras configuration in JSON, and weights in binary files beside it (shards).

Only the reader process calls `describe` and `weights`. The shards of a group are one array of bytes, which has the
weights one after the other; a quantized one has integers, with a scale and a minimum, or float16.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from explorer.errors import ModelError
from explorer.messages import message
from explorer.models.third_party.contents import Described, Rows, Weights, parsed
from explorer.models.third_party.layout import MAX_CONFIG_BYTES, MAX_WEIGHTS_BYTES, damaged

if TYPE_CHECKING:
    from explorer.reader.handed import Handed

_STEP: Final = 16 << 20
_MOST_SHARDS: Final = 200
"""Maximum number of files, which are all open at once: macOS allows 256. The usual size of one is 4 MB."""

_MOST_DIMENSIONS: Final = 16
_TYPES: Final[dict[str, str]] = {"float32": "<f4", "int32": "<i4", "bool": "|u1", "uint8": "|u1"}
_QUANTIZED: Final[dict[str, str]] = {"uint8": "|u1", "uint16": "<u2", "float16": "<f2"}

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Entry:
    """An array of weights: its type as it is used and as it is stored, and how to compute the former."""

    name: str
    shape: tuple[int, ...]
    used: np.dtype[Any]
    stored: np.dtype[Any]
    scale: float | None
    least: float

    @property
    def size(self) -> int:
        return prod(self.shape) * self.stored.itemsize

    def values(self, data: bytes) -> Values:
        found: Values = np.frombuffer(data, self.stored)
        if self.scale is None:
            return found.astype(self.used)
        with np.errstate(all="ignore"):
            real = found * np.float64(self.scale) + np.float64(self.least)
            return (np.rint(real) if self.used.kind == "i" else real).astype(self.used)


@dataclass(frozen=True)
class _Group:
    """Weights that are stored together, and the names of their files."""

    shards: tuple[str, ...]
    entries: tuple[_Entry, ...]


def describe(files: tuple[Handed, ...]) -> Iterator[Described]:
    """Read the configuration of a layers model.

    ModelError if it is a graph model, is damaged, or has no list of weights.
    """
    (handed,) = files
    document = _document(handed)
    topology = document.get("modelTopology")
    topology = topology if isinstance(topology, dict) else {}
    if document.get("format") == "graph-model" or "node" in topology:
        raise ModelError(
            "{file} is a graph model of TensorFlow.js, which has no layers. "
            "Import the Keras model it was made from, or convert that with --output_format=tfjs_layers_model.",
            file=handed.name,
        )
    config = topology.get("model_config", topology)
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise damaged(handed.name, message("it has no model configuration"))
    version = topology.get("keras_version")
    # TensorFlow.js states its own version.
    version = version if isinstance(version, str) and version[:1].isdecimal() else ""
    shards = tuple(name for group in _groups(document, handed.name) for name in group.shards)
    yield Described("tfjs", version, json.dumps(config), (), shards)


def weights(files: tuple[Handed, ...]) -> Iterator[Weights | Rows]:
    """Read the weights of a layers model; `files` are its JSON file and its shards in the order of the manifest.

    ModelError if they do not match.
    """
    handed, *given = files
    opened = {shard.name: shard for shard in given}
    for group in _groups(_document(handed), handed.name):
        shards = [opened[name] for name in group.shards]
        stored, declared = sum(shard.size for shard in shards), sum(entry.size for entry in group.entries)
        if stored != declared:
            raise ModelError(
                "The weights of {file} do not match it: {shards} should have {declared:# byte|# bytes}, but have "
                "{stored:,}. Copy all files again.",
                file=handed.name,
                shards=list(group.shards[:4]),
                declared=declared,
                stored=stored,
            )
        joined = _Joined([shard.file for shard in shards])
        for entry in group.entries:
            yield Weights(entry.name, entry.used.str, entry.shape)
            yield from _rows(entry, joined)


def _rows(entry: _Entry, joined: _Joined) -> Iterator[Rows]:
    count = entry.shape[0] if entry.shape else 1
    row = prod(entry.shape[1:])
    if not count or not row:
        return
    together = max(1, _STEP // (row * entry.stored.itemsize))
    for start in range(0, count, together):
        data = joined.read(min(together, count - start) * row * entry.stored.itemsize)
        yield Rows(entry.values(data).view(np.uint8))


class _Joined:
    """Files that are read as one."""

    def __init__(self, files: Sequence[BinaryIO]) -> None:
        self._files = list(files)

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes; EOFError if there are fewer."""
        parts: list[bytes] = []
        while size:
            if not self._files:
                raise EOFError("a file of weights became smaller")
            part = self._files[0].read(size)
            if not part:
                self._files.pop(0)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _document(handed: Handed) -> dict[str, Any]:
    return parsed(handed.file.read(MAX_CONFIG_BYTES + 1), handed.name)


def _groups(document: dict[str, Any], file: str) -> list[_Group]:
    """Return the groups of weights of a model; ModelError if the manifest is missing, damaged, or too large."""
    manifest = document.get("weightsManifest")
    if not isinstance(manifest, list):
        raise ModelError(
            "{file} has no list of its weights (weightsManifest). Save the model with model.save(…), and import that.",
            file=file,
        )
    try:
        groups = [_Group(tuple(map(_text, group["paths"])), tuple(map(_entry, group["weights"]))) for group in manifest]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(file, message("the list of its weights is invalid")) from error
    shards = [name for group in groups for name in group.shards]
    if len(set(shards)) < len(shards):
        raise damaged(file, message("the list of its weights has a file twice"))
    size = sum(entry.size for group in groups for entry in group.entries)
    if len(shards) > _MOST_SHARDS or size > MAX_WEIGHTS_BYTES:
        raise ModelError(
            "{file} is too large: it has more than {shards} files of weights, or {most:,} MB. Import a smaller model.",
            file=file,
            shards=_MOST_SHARDS,
            most=MAX_WEIGHTS_BYTES >> 20,
        )
    return groups


def _entry(value: Any) -> _Entry:
    """Return an entry of the manifest; KeyError, TypeError or ValueError if it is invalid."""
    shape = tuple(value["shape"])
    if len(shape) > _MOST_DIMENSIONS or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("invalid shape")
    used = np.dtype(_TYPES[_text(value["dtype"])])
    quantization = value.get("quantization")
    if quantization is None:
        return _Entry(_text(value["name"]), shape, used, used, None, 0.0)
    stored = np.dtype(_QUANTIZED[_text(quantization["dtype"])])
    if stored.kind == "f":
        return _Entry(_text(value["name"]), shape, used, stored, None, 0.0)
    scale, least = float(quantization["scale"]), float(quantization["min"])
    return _Entry(_text(value["name"]), shape, used, stored, scale, least)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value
