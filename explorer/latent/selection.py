"""Which entries of a code somebody means who types “3, 10-20” or “c5”."""

from __future__ import annotations

import re
from math import prod

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.types import Indices, LatentShape

ACTIVE = "active"
"""The word that leaves those only which vary with the data."""

_NUMBERS = re.compile(r"(\d{1,12})(?:(-)(\d{1,12})?)?")
_CHANNELS = re.compile(r"c(\d{1,12})(?:(-)(\d{1,12})?)?")
_POSITION = re.compile(r"(\d{1,12}),(\d{1,12}),c?(\d{1,12})")


def select(text: str, shape: LatentShape, active: NDArray[np.bool_]) -> Indices:
    """Find the entries that a text names.

    Numbers and ranges are parted by commas or spaces: ``3, 10-20``, ``90-`` to the end. Of a code ``(h, w, c)``,
    ``3,4,7`` without spaces is the entry at row 3, column 4 of channel 7, and ``c5``, ``c5-8`` are whole channels. The
    word ``active`` leaves of those (of all, where it stands alone) the active ones only. Counting starts at 0; what
    lies outside names nothing.

    Parameters
    ----------
    text
        What was typed; empty for all entries.
    shape
        Shape of the code, or ``(k,)`` for k principal axes.
    active
        Bool ``(prod(shape),)``, which entries vary with the data.

    Returns
    -------
    Indices
        Positions in the flat code, rising, each once.

    Raises
    ------
    UsageError
        If a part of the text is none of these.
    """
    count = prod(shape)
    chosen = np.zeros(count, np.bool_)
    only_active = named = False
    for word in _words(text.lower(), spatial=len(shape) == 3):
        if word == ACTIVE:
            only_active = True
        else:
            named = True
            _mark(chosen, word, shape)
    if not named:
        chosen[:] = True
    if only_active:
        chosen &= active
    return np.flatnonzero(chosen).astype(np.int64)


def _words(text: str, *, spatial: bool) -> list[str]:
    words: list[str] = []
    for chunk in re.sub(r"\s*-\s*", "-", text).replace(";", " ").split():
        whole = spatial and _POSITION.fullmatch(chunk.strip(","))
        words += [chunk.strip(",")] if whole else [word for word in chunk.split(",") if word]
    return words


def _mark(chosen: NDArray[np.bool_], word: str, shape: LatentShape) -> None:
    if found := _NUMBERS.fullmatch(word):
        chosen[_span(found)] = True
    elif len(shape) == 3 and (found := _CHANNELS.fullmatch(word)):
        chosen.reshape(shape)[:, :, _span(found)] = True
    elif len(shape) == 3 and (found := _POSITION.fullmatch(word)):
        row, column, channel = (int(number) for number in found.groups())
        if row < shape[0] and column < shape[1] and channel < shape[2]:
            chosen.reshape(shape)[row, column, channel] = True
    else:
        example = "“3, 10-20”, “3,4,7” (row, column, channel), “c5” or “active”"
        raise UsageError(example if len(shape) == 3 else "“3, 10-20” or “active”", f"“{word}”")


def _span(found: re.Match[str]) -> slice:
    first, dash, last = found.groups()
    if dash is None:
        return slice(int(first), int(first) + 1)
    return slice(int(first), None if last is None else int(last) + 1)
