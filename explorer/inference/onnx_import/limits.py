"""Limits of ONNX files and of their external data."""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 256 << 20
"""Maximum size of a file with its external data."""
