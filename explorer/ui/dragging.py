"""What is dragged within the window: pictures by their positions, and codes; and files from the desktop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData

from explorer.types import Floats

PICTURES = "application/x-latent-explorer-pictures"
CODE = "application/x-latent-explorer-code"
_LONGEST = 4_000_000
"""Bytes of a drag that are read; other programs may call theirs the same."""


def pictures_mime(positions: Sequence[int]) -> QMimeData:
    """Return a drag of pictures of the open source."""
    mime = QMimeData()
    mime.setData(PICTURES, json.dumps([int(position) for position in positions]).encode())
    return mime


def code_mime(code: Floats) -> QMimeData:
    """Return a drag of one code ``(latent_dim,)``."""
    mime = QMimeData()
    mime.setData(CODE, json.dumps(code.astype(float).tolist()).encode())
    return mime


def pictures_of(mime: QMimeData) -> list[int]:
    """Return the positions that a drag holds; none where it holds something else."""
    numbers = _numbers(mime, PICTURES)
    return [int(number) for number in numbers if number >= 0 and float(number).is_integer()]


def code_of(mime: QMimeData) -> Floats | None:
    """Return the code that a drag holds, ``(n,)`` float32; None where it holds something else."""
    numbers = _numbers(mime, CODE)
    return np.array(numbers, np.float32) if numbers else None


def files_of(mime: QMimeData) -> list[Path]:
    """Return the files and folders of this machine that a drag holds."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def _numbers(mime: QMimeData, kind: str) -> list[float]:
    if not mime.hasFormat(kind):
        return []
    raw = bytes(mime.data(kind).data())
    try:
        numbers = json.loads(raw) if len(raw) <= _LONGEST else []
    except ValueError:
        return []
    good = isinstance(numbers, list) and all(type(number) in {int, float} for number in numbers)
    return numbers if good else []
