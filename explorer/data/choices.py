"""How a file is read where it can be read in several ways: the choices, as part of the spec of a source.

A spec with choices is ``path?array=images&range=0,4095``. So whatever keeps a spec (sessions, caches, recent files, the
command line) reads the file in the same way again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, quote, urlencode

from explorer.errors import DataError

Layout = Literal["", "channels-first", "channels-last", "flat"]
Choosable: TypeAlias = tuple[Literal["array", "layout"], tuple[str, ...]]
"""A field of `Choices`, and the values that fit a file."""

MAX_CHANNELS: Final = 16
_MARK: Final = "?"
_MOST_DIGITS: Final = 9


@dataclass(frozen=True)
class Choices:
    """What was chosen; the defaults are found from the file.

    Attributes
    ----------
    array
        Name of the array in a file of several.
    range
        The values that become 0 and 1.
    frames
        ``all`` frames or pages of each file, the ``first``, or one by its number from 0; empty for the default.
    layout
        The order of the axes of an array; ``flat`` for square images as the rows of a table.
    channels
        Positions of the channels to use, in this order; empty for all.
    """

    array: str = ""
    range: tuple[float, float] | None = None
    frames: str = ""
    layout: Layout = ""
    channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.range is not None and not (all(map(math.isfinite, self.range)) and self.range[0] < self.range[1]):
            raise _invalid("range", self.range, "two numbers, the lower one first: 0,4095")
        number = self.frames.isascii() and self.frames.isdigit() and len(self.frames) <= _MOST_DIGITS
        if self.frames not in ("", "all", "first") and not number:
            raise _invalid("frames", self.frames, "all, first, or the number of one")
        if self.layout not in get_args(Layout):
            raise _invalid("layout", self.layout, "channels-first, channels-last or flat")
        unique = len(set(self.channels)) == len(self.channels) <= MAX_CHANNELS
        if not unique or any(channel < 0 for channel in self.channels):
            raise _invalid("channels", self.channels, "different numbers from 0: 0,2")

    def __bool__(self) -> bool:
        return self != NO_CHOICES


NO_CHOICES: Final = Choices()
"""Everything as found."""


class ChoiceNeeded(DataError):
    """A file can be read in several ways; the values ``arrays`` or ``layouts`` of the message are those to choose from.

    The window asks; the command line names the option.
    """

    @property
    def options(self) -> Choosable:
        values = dict(self.message.values)
        choice: Literal["array", "layout"] = "array" if "arrays" in values else "layout"
        found = values[f"{choice}s"]
        assert isinstance(found, tuple)
        return choice, tuple(map(str, found))


def join(place: str | Path, choices: Choices) -> str:
    """Return the spec of a path or known name with these choices."""
    values = {one.name: _text(getattr(choices, one.name)) for one in fields(choices)}
    chosen = urlencode({name: value for name, value in values.items() if value}, safe=",/", quote_via=quote)
    return f"{place}{_MARK}{chosen}" if chosen else str(place)


def split(spec: str | Path) -> tuple[str, Choices]:
    """Return the path or known name in a spec, and the choices.

    An existing file whose name has a question mark is a path without choices. DataError for an unknown choice.
    """
    text = str(spec)
    place, mark, chosen = text.rpartition(_MARK)
    if not mark or not isinstance(spec, str) or os.path.lexists(os.path.expanduser(text)):
        return text, NO_CHOICES
    given = dict(parse_qsl(chosen, keep_blank_values=True, separator="&"))
    unknown = set(given) - {one.name for one in fields(Choices)}
    if unknown or not given:
        return text, NO_CHOICES  # part of a name; the error says that there is no such file
    return place, Choices(
        array=given.get("array", ""),
        range=_range(given["range"]) if given.get("range") else None,
        frames=given.get("frames", ""),
        layout=given.get("layout", ""),  # type: ignore[arg-type]  # checked by the class
        channels=_channels(given["channels"]) if given.get("channels") else (),
    )


def place_of(spec: str | Path) -> str:
    """Return the path or known name in a spec, without the choices; the spec itself if the choices are invalid."""
    try:
        return split(spec)[0]
    except DataError:
        return str(spec)


def refuse_unused(choices: Choices, allowed: Collection[str], name: str) -> None:
    """Raise DataError if there are other choices than the `allowed` ones, by the fields of `Choices`.

    `name` is that of the file or dataset.
    """
    unused = [one.name for one in fields(choices) if one.name not in allowed and getattr(choices, one.name)]
    if unused:
        raise DataError(
            "Cannot read “{name}” with {unused}: there is nothing to choose. Leave it out.",
            name=name,
            unused=[f"{one}={_text(getattr(choices, one))}" for one in unused],
        )


def _range(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise _invalid("range", text, "two numbers, the lower one first: 0,4095") from None
    return low, high


def _channels(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise _invalid("channels", text, "different numbers from 0: 0,2") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    return (
        ",".join(f"{part:.17g}" if isinstance(part, float) else str(part) for part in value)
        if isinstance(value, tuple)
        else str(value)
    )


def _invalid(name: str, value: object, expected: str) -> DataError:
    return DataError(
        "Invalid choice of {name}: “{value}”. Expected: {expected}.", name=name, value=_text(value), expected=expected
    )
