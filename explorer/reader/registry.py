"""The registry of readers of untrusted files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from explorer.errors import DataError, ExplorerError, ModelError

MB: Final = 1 << 20


@dataclass(frozen=True)
class Reader:
    """A function that reads a format, and its limits.

    Attributes
    ----------
    function
        ``module:function``. It gets the files as `Handed` and keyword arguments, and yields records, each within
        `PROGRESS_SECONDS`. Its errors are `ExplorerError`; any other exception means that the file is damaged.
    preload
        Modules that it imports inside functions; they are imported before the limits are set, since later imports fail.
    error
        Class of the errors about the file.
    memory_bytes
        Memory beyond that of the interpreter with its libraries.
    cpu_seconds
        CPU time of all threads together.
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
    "onnx import": Reader(
        "explorer.inference.onnx_import.reading:read_networks",
        ("explorer.inference.onnx_import.model", "numpy.random"),
        ModelError,
        memory_bytes=4096 * MB,
        cpu_seconds=120,
    ),
    "torch weights": Reader(
        "explorer.models.third_party.torch_weights:read_tensors", ("zipfile", "encodings.cp437"), ModelError, 512 * MB
    ),
    "keras description": Reader("explorer.models.third_party.contents:describe", _KERAS, ModelError),
    "keras weights": Reader(
        "explorer.models.third_party.contents:weights", _KERAS, ModelError, memory_bytes=2048 * MB, cpu_seconds=600
    ),
}
"""Readers by name."""
