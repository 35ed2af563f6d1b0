"""TensorFlow Lite files within an import: converted to ONNX in the reader process, which alone loads TensorFlow."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from explorer import reader
from explorer.errors import ModelError
from explorer.models.third_party.files import is_tflite
from explorer.types import Bytes, Progress

R = TypeVar("R", bound=str)


@dataclass(frozen=True, eq=False)
class Converted:
    """An ONNX file, made from a TensorFlow Lite file; see `explorer.engine.third_party.tflite_reader`.

    Inputs and outputs that are quantized in the file are float32, with their real values. `place` is that among the
    files. `difference` is the largest between the outputs of both on random input, relative to the values if these are
    larger than 1; None if the network is random. `notes` are remarks for the user.
    """

    place: int
    content: Bytes
    difference: float | None
    notes: tuple[str, ...]


@dataclass
class _Last:
    """The last result, by the files: a conversion takes seconds, and each choice of the user needs it again."""

    key: object = None
    found: tuple[Converted, ...] = ()


_last = _Last()


def converting(files: Mapping[R, Path], folder: Path) -> Generator[None, None, tuple[dict[R, Path], list[Converted]]]:
    """Convert the TensorFlow Lite files among the files of a model, and write them into `folder`; yields while waiting.

    Return the files by role, those that were converted with their old name in `folder`, and the conversions. ModelError
    if one cannot be read or converted; OSError if it cannot be written.
    """
    given = {role: path.expanduser().absolute() for role, path in files.items() if is_tflite(path)}
    if not given:
        return dict(files), []
    key = _state_of(given.values())
    if key is None or _last.key != key:
        found = yield from _read(list(given.values()))
        _last.key, _last.found = key, tuple(sorted(found, key=lambda one: one.place))
    made = dict(files)
    for (role, path), one in zip(given.items(), _last.found, strict=True):
        made[role] = folder / str(one.place) / path.name
        made[role].parent.mkdir()
        made[role].write_bytes(one.content.tobytes())
    return made, list(_last.found)


def _state_of(paths: Iterable[Path]) -> object:
    """Return what changes when files change; None if they cannot be read, as the reader says."""
    try:
        return [(path, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in paths]
    except OSError:
        return None


def _read(paths: list[Path]) -> Generator[None, None, list[Converted]]:
    """Return the conversion of each file."""
    found: list[Converted] = []
    with closing(reader.steps("tflite", paths, (Converted, Progress))) as records:
        for record in records:
            found += [record] if isinstance(record, Converted) else []
            yield
    if sorted(one.place for one in found) != list(range(len(paths))):
        raise ModelError("{file} changed while it was read. Import it again.", file=paths[0].name)
    return found
