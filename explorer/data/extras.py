"""The optional libraries that read further formats of images and models, as the extras of the package."""

from __future__ import annotations

import importlib.util
from typing import Final

from explorer.errors import DataError
from explorer.messages import Message, Value

EXTRAS: Final = {
    "heif": ("pi_heif",),
    "parquet": ("pyarrow",),
    "tiff": ("imagecodecs",),
    "zarr": ("zarr",),
    "dicom": ("pydicom", "pylibjpeg", "openjpeg", "rle"),
    "torch": ("torch", "onnxscript"),
}
"""Import packages by extra."""


def installed(extra: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in EXTRAS[extra])


def install_command(extra: str) -> str:
    return f"pip install '.[{extra}]'"


def lacks(extra: str, what: Message, file: Value) -> DataError:
    """Return the error with the command to run where an extra is not installed; `what` needs it, such as "Zarr"."""
    return DataError(
        "Cannot open {file}: {what} needs an optional library. Run: {command}",
        file=file,
        what=what,
        command=install_command(extra),
    )


def require(extra: str, what: Message, file: Value) -> None:
    """Raise the error of `lacks` if an extra is not installed."""
    if not installed(extra):
        raise lacks(extra, what, file)
