"""Messages as data: a template with named placeholders, and its values.

Errors, labels of the history, titles and notes of jobs are messages. They become text where they are shown, by `text`,
so that a translation needs the templates only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, Union

import numpy as np

Plain: TypeAlias = str | int | float
Value: TypeAlias = Union[Plain, "Message", tuple[Union[Plain, "Message"], ...]]

PLACEHOLDER = re.compile(r"\{(\w+)(?::([^{}]*))?\}")


@dataclass(frozen=True)
class Message:
    """A template and the values of its placeholders; made by `message`.

    Attributes
    ----------
    template
        ``{name}`` stands for a value, ``{size:.1f}`` for a formatted one, ``{count:# image|# images}`` for the form
        that agrees with a number, where ``#`` is the number itself.
    values
        By name. A tuple reads as a list with commas.
    """

    template: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return message_text(self)


Wording: TypeAlias = Message | str
"""A message, or text that is one already."""


def message(template: str, /, **values: object) -> Message:
    """Return a message; values that are neither numbers, strings nor messages become strings."""
    return Message(template, {name: _value(value) for name, value in values.items()})


def message_text(shown: Wording, translate: Callable[[str], str] = str) -> str:
    """Return a message, and messages among its values, as one line of text.

    `translate` gives a template in another language.
    """
    if isinstance(shown, str):
        return shown
    values = shown.values

    def replaced(found: re.Match[str]) -> str:
        name, spec = found[1], found[2] or ""
        # What is missing stays as it is: an error must be shown even where its own message is wrong.
        return _formatted(values[name], spec, translate) if name in values else found[0]

    return " ".join(PLACEHOLDER.sub(replaced, translate(shown.template)).split())


def begins_with_a_name(shown: Wording) -> bool:
    """Return whether a message begins with a value, such as the name of a file, and not with a word of its own."""
    first = PLACEHOLDER.match(shown.template) if isinstance(shown, Message) else None
    if first is None or isinstance(shown, str):
        return False
    value = shown.values.get(first[1])
    return begins_with_a_name(value) if isinstance(value, Message) else isinstance(value, str)


def _value(value: object) -> Value:
    if isinstance(value, list | tuple):
        return tuple(_item(item) for item in value)
    return _item(value)


def _item(value: object) -> Plain | Message:
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, str | int | float | Message) else str(value)


def _formatted(value: Value, spec: str, translate: Callable[[str], str]) -> str:
    if "|" in spec and isinstance(value, int | float):
        return spec.split("|")[value != 1].replace("#", f"{value:,}")
    if isinstance(value, tuple):
        return ", ".join(_formatted(item, spec, translate) for item in value)
    if isinstance(value, Message):
        return message_text(value, translate)
    return format(value, spec)
