"""Every reader of files that nobody vouches for: one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from explorer.errors import DataError, ExplorerError, ModelError

MB: Final = 1 << 20


@dataclass(frozen=True)
class Reader:
    """A function that reads a format, and what it may use.

    Attributes
    ----------
    function
        ``module:function``. It takes the files as `Handed` and the arguments by name, and yields records, each of which
        is progress. Its errors are `ExplorerError`; any other means that the file is damaged.
    preload
        Modules that it imports inside functions; they are imported before the limits are set, as none can be later.
    error
        Class of the errors about the file.
    memory_bytes
        Memory beyond what the interpreter takes with its libraries.
    cpu_seconds
        Seconds of computing, all threads together.
    """

    function: str
    preload: tuple[str, ...] = ()
    error: type[ExplorerError] = DataError
    memory_bytes: int = 1024 * MB
    cpu_seconds: int = 60


_KERAS: Final = ("h5py",)

READERS: Final[dict[str, Reader]] = {
    "nothing": Reader("explorer.reader.child:nothing"),
    "onnx": Reader(
        "explorer.inference.gate.admission:read_onnx",
        ("explorer.inference.gate.check",),
        ModelError,
        memory_bytes=2048 * MB,
    ),
    "keras description": Reader("explorer.models.foreign.contents:describe", _KERAS, ModelError),
    "keras weights": Reader(
        "explorer.models.foreign.contents:weights", _KERAS, ModelError, memory_bytes=2048 * MB, cpu_seconds=600
    ),
}
"""Readers by name."""
