"""A kind of file that can be read in every way of `explorer.data.choices`: an archive of NumPy arrays, ``*.toy``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.data.choices import ChoiceNeeded
from explorer.data.source import ArraySource, Facts, Found
from explorer.data.sources import SOURCES, PathKind
from explorer.data.splits import random_splits
from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Progress


def write_toy(path: Path, **arrays: NDArray[np.uint16]) -> Path:
    """Write arrays ``(n, frames, h, w)``; of a file named ``ask…`` one must be chosen, of ``turn…`` the layout."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return path


def _scan(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | ArraySource]:
    """Read as chosen; DataError if there is no such array, or the range lies above all values."""
    choices = facts.choices
    with np.load(path) as archive:
        arrays = dict(archive)
    if path.name.startswith("ask") and not choices.array:
        raise ChoiceNeeded("“{file}” has several arrays: {arrays}. Choose one.", file=path.name, arrays=tuple(arrays))
    if path.name.startswith("turn") and not choices.layout:
        layouts = ("channels-last", "channels-first")
        raise ChoiceNeeded("“{file}” can be read as {layouts}. Choose one.", file=path.name, layouts=layouts)
    name = choices.array or next(iter(arrays))
    if name not in arrays:
        raise DataError("“{file}” has no array “{array}”. Choose another.", file=path.name, array=name)
    values = arrays[name]
    low, high = choices.range or (0.0, float(values.max()))
    if low > values.max():
        raise DataError("Cannot read “{file}”: all values are below {low:g}. Choose a lower one.", file=path, low=low)
    frames = values.shape[1]
    if choices.frames.isdigit():
        values = values[:, int(choices.frames)]
    else:
        values = values[:, 0] if choices.frames == "first" else values.reshape(-1, *values.shape[2:])
    pixels = np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)[..., None]
    if choices.layout == "channels-first":
        pixels = pixels.swapaxes(1, 2)
    found = Found("uint16", (low, high), tuple(arrays), frames, choices.layout or "channels-last", 1)
    yield ArraySource(replace(facts, found=found), np.ascontiguousarray(pixels), random_splits(len(pixels)))


KIND = PathKind(message("a toy file"), lambda path: path.suffix == ".toy", _scan)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program open such files, for the time of a test."""
    monkeypatch.setattr("explorer.data.sources.SOURCES", (KIND, *SOURCES))
