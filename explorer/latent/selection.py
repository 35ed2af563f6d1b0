"""Parses the filter of the latent code panel, such as “3, 10-20” or “c5”."""

from __future__ import annotations

import re
from math import prod

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.types import Indices, LatentShape

ACTIVE = "active"
"""Keyword for active dimensions only."""

_NUMBERS = re.compile(r"(\d{1,12})(?:(-)(\d{1,12})?)?")
_CHANNELS = re.compile(r"c(\d{1,12})(?:(-)(\d{1,12})?)?")
_POSITION = re.compile(r"(\d{1,12}),(\d{1,12}),c?(\d{1,12})")


def select(text: str, shape: LatentShape, active: NDArray[np.bool_]) -> Indices:
    """Return the dimensions selected by a filter text: positions in the flat code, increasing, unique.

    Numbers and ranges are separated by commas or spaces: ``3, 10-20``, ``90-`` to the end. For a spatial code,
    ``3,4,7`` without spaces is row 3, column 4, channel 7, and ``c5``, ``c5-8`` are whole channels. ``active`` keeps
    only active dimensions. Numbers start at 0; those out of range are ignored. Empty text selects all.

    `shape` is that of the code, or ``(k,)`` for k principal components; `active` is bool ``(prod(shape),)``. UsageError
    if the text cannot be parsed.
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
        if len(shape) == 3:
            raise UsageError(
                "Cannot read the filter “{word}”. "
                "Enter for example “3, 10-20”, “3,4,7” (row, column, channel), “c5” or “active”.",
                word=word,
            )
        raise UsageError("Cannot read the filter “{word}”. Enter for example “3, 10-20” or “active”.", word=word)


def _span(found: re.Match[str]) -> slice:
    first, dash, last = found.groups()
    if dash is None:
        return slice(int(first), int(first) + 1)
    return slice(int(first), None if last is None else int(last) + 1)
