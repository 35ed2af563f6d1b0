"""JSON from anybody: size, depth and number of values are counted before anything is parsed.

A parser takes a hundred bytes and more for a value of two (``[]``), so 30 MB of text become gigabytes. The counts are
taken from the bytes outside of strings; they are upper bounds, since a comma or a bracket comes with every value.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from explorer.errors import DataError, ExplorerError
from explorer.reading import size_text

DEPTH: Final = 64

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, also one without an end; possessive, so that none takes more than one pass."""

_STRUCTURE: Final = b"[]{},"
_OTHERS: Final = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_STEPS: Final = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


@dataclass(frozen=True)
class JsonLimits:
    """What a document may have at most.

    Attributes
    ----------
    size
        Bytes.
    values
        Values, at any depth.
    depth
        Arrays and objects inside one another.
    """

    size: int
    values: int
    depth: int = DEPTH


SETTINGS: Final = JsonLimits(1_000_000, 10_000)
RECORD: Final = JsonLimits(1 << 20, 50_000)
"""Cards, the facts of a run, one line of a log."""

SESSION: Final = JsonLimits(8 << 20, 500_000)
CONFIGURATION: Final = JsonLimits(32 << 20, 400_000, depth=200)
"""Of a Keras model: networks of thousands of layers, and Python code in base 64 that is refused later."""

LARGE: Final = JsonLimits(64 << 20, 4_000_000)
"""Of numbers, mostly: directions of long codes."""


def json_text(content: bytes, limits: JsonLimits, where: str, error: type[ExplorerError] = DataError) -> str:
    """Return a JSON document as text, if it is within the limits; it is not parsed.

    Parameters
    ----------
    content
        UTF-8, perhaps with a byte order mark.
    limits
        What it may have.
    where
        What to call it in an error.
    error
        The class to raise.

    Raises
    ------
    ExplorerError
        If it is larger, deeper or has more values than allowed, or is no UTF-8.
    """
    told = "Do not open files that you do not trust; choose another."
    if len(content) > limits.size:
        raise error(f"JSON of at most {size_text(limits.size)} in {where}", size_text(len(content)), told)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise error(f"JSON in UTF-8 in {where}", "other bytes", told) from wrong
    # Most documents are within the limits even if what stands in strings is counted too, which takes no time.
    if _values(content) > limits.values or _opened(content) > limits.depth:
        structure = _STRING.sub(b"", content).translate(None, _OTHERS)
        if _values(structure) > limits.values:
            raise error(f"JSON of at most {limits.values:,} values in {where}", "more", told)
        if _depth(structure) > limits.depth:
            raise error(f"JSON at most {limits.depth} deep in {where}", "a deeper one", told)
    return text


def parse_json(content: bytes, limits: JsonLimits, where: str, error: type[ExplorerError] = DataError) -> Any:
    """Parse a JSON document within limits; see `json_text`.

    Raises
    ------
    ExplorerError
        As `json_text` does, or if it is no JSON.
    """
    text = json_text(content, limits, where, error)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise error(f"JSON in {where}", f"“{str(wrong)[:200]}”", "Choose another file, or an older copy.") from wrong


def _opened(content: bytes) -> int:
    return content.count(b"[") + content.count(b"{")


def _values(content: bytes) -> int:
    """Return at least the number of values: each follows a comma or opens its container, or is the whole document."""
    return content.count(b",") + _opened(content)


def _depth(structure: bytes) -> int:
    steps = _STEPS[np.frombuffer(structure, np.uint8)]
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))
