"""Reads the names and shapes of PyTorch weights, in the reader process; nothing of the pickle is imported or called."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from explorer.reader import Handed

MOST_BYTES: Final = 16 << 20
"""Maximum size of a pickle without its weights, which are elsewhere in the file."""

_MOST_TENSORS, _MOST_DEPTH, _MOST_DIMENSIONS = 10_000, 12, 8
_LONGEST_NAME: Final = 200
LEGACY_MAGIC: Final = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
"""The magic number of PyTorch before version 1.6, as a pickle. Version, system and the weights follow."""


@dataclass(frozen=True)
class Tensors:
    """Names and shapes of the weights in a file, in its order.

    `key` is where they are in a checkpoint, such as ``state_dict``, else empty. `module` is whether the file has a
    whole module, whose class is not in it.
    """

    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    key: str
    module: bool


def read_tensors(files: Sequence[Handed]) -> Iterator[Tensors]:
    """Yield the tensors of a PyTorch or safetensors file; nothing if it cannot be read so."""
    stream = files[0].file
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(b"PK"):
        loaded = _from_zip(stream)
    elif head.startswith(b"\x80"):
        loaded = _from_pickles(stream)
    else:
        yield _from_safetensors(stream, int.from_bytes(head, "little"))
        return
    yield _tensors_in(loaded)


def _from_zip(stream: BinaryIO) -> Any:
    with zipfile.ZipFile(stream) as archive:
        member = next(one for one in archive.infolist() if one.filename.rsplit("/", 1)[-1] == "data.pkl")
        if member.file_size > MOST_BYTES:
            raise ValueError("the pickle is too large")
        with archive.open(member) as file:
            return _Reader(io.BytesIO(file.read(MOST_BYTES))).load()


def _from_pickles(stream: BinaryIO) -> Any:
    content = io.BytesIO(stream.read(MOST_BYTES))
    loaded: Any = None
    for _ in range(4 if content.getvalue().startswith(LEGACY_MAGIC) else 1):
        loaded = _Reader(content).load()
    return loaded


def _from_safetensors(stream: BinaryIO, size: int) -> Tensors:
    if not 2 <= size <= MOST_BYTES:
        raise ValueError("no header")
    stream.seek(8)
    header = json.loads(stream.read(size))
    shapes = [
        (str(name)[:_LONGEST_NAME], tuple(int(side) for side in entry["shape"]))
        for name, entry in header.items()
        if name != "__metadata__"
    ]
    return Tensors(tuple(shapes[:_MOST_TENSORS]), "", module=False)


class _Any:
    """Stands for every class and function that a pickle names, and for what they would make."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None
        self.items: dict[Any, Any] = {}

    def __new__(cls, *arguments: Any) -> _Any:
        made = super().__new__(cls)
        made.arguments, made.state, made.items = arguments, None, {}
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, value: Any) -> None:
        """Ignore an item of a list."""

    def extend(self, values: Any) -> None:
        """Ignore items of a list."""

    def add(self, value: Any) -> None:
        """Ignore an item of a set."""


class _Tensor(_Any):
    """Stands for a tensor; the arguments of its function are storage, offset, shape and strides."""


class _Module(_Any):
    pass


_STAND_INS: Final[dict[tuple[str, str], Any]] = {
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _Any,
    ("collections", "OrderedDict"): _Any,
}


class _Reader(pickle.Unpickler):
    """Unpickler that resolves every name to a stand-in."""

    def find_class(self, module: str, name: str, /) -> Any:
        return _STAND_INS.get(
            (module, name), _Any if module.startswith("torch.") and module.count(".") < 2 else _Module
        )

    def persistent_load(self, pid: Any) -> Any:
        return None


def _tensors_in(loaded: Any) -> Tensors:
    module = isinstance(loaded, _Module)
    key = ""
    if not module:
        own = _entries(loaded)
        if not any(isinstance(_tensor(value), _Tensor) for value in own.values()):
            nested = {str(name): len(_shapes(value)) for name, value in own.items()}
            key = max(nested, key=lambda name: nested[name], default="")
            loaded = own.get(key)
            module = isinstance(loaded, _Module)
    return Tensors(tuple(_shapes(loaded)[:_MOST_TENSORS]), key[:_LONGEST_NAME], module)


def _entries(value: Any) -> dict[str, Any]:
    """Return the named parts of a dict, or of a stand-in for one or for a module."""
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, _Any):
        return {}
    entries = {str(key): item for key, item in value.items.items()}
    state = value.state if isinstance(value.state, dict) else {}
    for name in ("_parameters", "_buffers", "_modules"):
        entries |= _entries(state.get(name))
    return entries


def _tensor(value: Any) -> Any:
    """Return a tensor, also from within a parameter."""
    if isinstance(value, _Any) and not isinstance(value, _Tensor) and value.arguments:
        inner = value.arguments[0]
        return inner if isinstance(inner, _Tensor) else value
    return value


def _shapes(value: Any, prefix: str = "", depth: int = 0) -> list[tuple[str, tuple[int, ...]]]:
    found: list[tuple[str, tuple[int, ...]]] = []
    for name, item in _entries(value).items():
        tensor = _tensor(item)
        path = f"{prefix}{name}"[:_LONGEST_NAME]
        if isinstance(tensor, _Tensor):
            shape = tensor.arguments[2] if len(tensor.arguments) > 2 else None
            if isinstance(shape, tuple) and len(shape) <= _MOST_DIMENSIONS and all(type(side) is int for side in shape):
                found.append((path, shape))
        elif depth < _MOST_DEPTH and len(found) < _MOST_TENSORS:
            found += _shapes(item, f"{path}.", depth + 1)
    return found
