"""Programs of PyTorch within an import: converted to ONNX in the reader process, which alone loads PyTorch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from explorer.inference.onnx_import.reading import Role
from explorer.inference.torch_import.reading import Converted, converting
from explorer.models.third_party.files import is_torch, torch_danger
from explorer.models.third_party.safety import check

Files = dict[Role, Path]


@dataclass
class _Last:
    """The last result, by the files: a conversion takes seconds, and each choice of the user needs it again."""

    key: object = None
    converted: dict[Role, Converted] | None = None


_last = _Last()


def onnx_from_torch(
    files: Files, folder: Path, *, trust: bool
) -> Generator[None, None, tuple[Files, list[float | None]]]:
    """Convert the programs of PyTorch among the files of a model, and write them into `folder`; yields while waiting.

    Return all files by role, those that were converted with their old name in `folder`, and the difference of each of
    these from PyTorch, see `Converted`. ModelError if the user does not trust them, or one cannot be converted; OSError
    if it cannot be written.
    """
    programs = {role: path for role, path in files.items() if is_torch(path)}
    if not programs:
        return files, []
    check(tuple(map(torch_danger, programs.values())), trust=trust)
    key = [(role, path, (stat := path.stat()).st_size, stat.st_mtime_ns) for role, path in programs.items()]
    if _last.converted is None or _last.key != key:
        _last.converted = yield from converting(programs)
        _last.key = key
    made: Files = {}
    for role, converted in _last.converted.items():
        made[role] = folder / role / programs[role].name
        made[role].parent.mkdir()
        made[role].write_bytes(converted.content.tobytes())
    return files | made, [converted.max_difference for converted in _last.converted.values()]
