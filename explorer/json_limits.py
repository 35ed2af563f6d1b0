"""Read untrusted JSON: size, depth and number of values are checked before it is parsed.

A parser takes more than a hundred bytes for a value of two (``[]``), so 30 MB of text become gigabytes. The counts come
from the bytes outside of strings; they are upper bounds, since every value comes with a comma or a bracket.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from explorer.errors import DataError, ExplorerError
from explorer.messages import Message, Value, message
from explorer.reading import size_text

if TYPE_CHECKING:
    from pydantic import ValidationError

DEPTH: Final = 64
_LONGEST: Final = 200

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, also an unterminated one; possessive quantifiers keep it linear."""

_STRUCTURE: Final = b"[]{},"
_DISTRUST: Final = message("Do not open files that you do not trust.")
_OTHERS: Final = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_STEPS: Final = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


@dataclass(frozen=True)
class JsonLimits:
    """Limits of a document: its bytes, the number of values at any depth, and the nesting of arrays and objects."""

    size: int
    values: int
    depth: int = DEPTH


SETTINGS: Final = JsonLimits(1_000_000, 10_000)
RECORD: Final = JsonLimits(1 << 20, 50_000)
"""Model cards, the facts of a run, one line of a log."""

SESSION: Final = JsonLimits(8 << 20, 500_000)
CONFIGURATION: Final = JsonLimits(32 << 20, 400_000, depth=200)
"""Of a Keras model: thousands of layers, and Python code in Base64, which is refused later."""

LARGE: Final = JsonLimits(64 << 20, 4_000_000)
"""Mostly numbers: directions of long codes."""


def json_text(content: bytes, limits: JsonLimits, where: Value, error: type[ExplorerError] = DataError) -> str:
    """Check a JSON document against limits and return it as text, unparsed.

    It is UTF-8, perhaps with a byte order mark. Raises `error` if it is larger, deeper or has more values than allowed,
    or is not UTF-8.
    """
    if len(content) > limits.size:
        raise error(
            "Cannot read {file}: its JSON is larger than {most}. {remedy}",
            file=where,
            most=size_text(limits.size),
            remedy=_DISTRUST,
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise error("Cannot read {file}: its JSON is not UTF-8. {remedy}", file=where, remedy=_DISTRUST) from wrong
    # Counting inside strings too is fast, and most documents are within the limits even so.
    if _values(content) > limits.values or _opened(content) > limits.depth:
        structure = _STRING.sub(b"", content).translate(None, _OTHERS)
        if _values(structure) > limits.values:
            raise error(
                "Cannot read {file}: its JSON has more than {most:# value|# values}. {remedy}",
                file=where,
                most=limits.values,
                remedy=_DISTRUST,
            )
        if _depth(structure) > limits.depth:
            raise error(
                "Cannot read {file}: its JSON is nested deeper than {most:# level|# levels}. {remedy}",
                file=where,
                most=limits.depth,
                remedy=_DISTRUST,
            )
    return text


def parse_json(content: bytes, limits: JsonLimits, where: Value, error: type[ExplorerError] = DataError) -> Any:
    """Parse a JSON document within limits; raises `error` like `json_text`, or if it is not JSON."""
    text = json_text(content, limits, where, error)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise error(
            "Cannot read {file} as JSON: {reason}. Choose another file, or an older copy.",
            file=where,
            reason=str(wrong)[:_LONGEST],
        ) from wrong


def invalid_field(error: ValidationError) -> Message:
    """Return the first invalid field of a record and what is wrong with it, without its untrusted value."""
    first = error.errors(include_url=False, include_input=False)[0]
    field, reason = ".".join(map(str, first["loc"]))[:_LONGEST], first["msg"][:_LONGEST]
    return message("“{field}”: {reason}", field=field, reason=reason) if field else message("{reason}", reason=reason)


def _opened(content: bytes) -> int:
    return content.count(b"[") + content.count(b"{")


def _values(content: bytes) -> int:
    """Return at least the number of values: each follows a comma or opens its container, or is the whole document."""
    return content.count(b",") + _opened(content)


def _depth(structure: bytes) -> int:
    steps = _STEPS[np.frombuffer(structure, np.uint8)]
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))
