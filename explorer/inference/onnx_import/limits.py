"""Limits of ONNX files and of their external data."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

MOST_BYTES: Final = 256 << 20
"""Maximum size of a file with its external data."""


def is_plain_name(name: str) -> bool:
    """Return whether a name is that of a file in the same folder on every system."""
    return bool(name) and name not in {".", ".."} and PurePosixPath(name).name == PureWindowsPath(name).name == name
