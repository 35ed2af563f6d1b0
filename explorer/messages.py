"""Messages as data: a template with named placeholders, and its values.

Errors, labels of the history, titles and notes of jobs are messages. They become text where they are shown, by `text`,
so that a translation needs the templates only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, Union

import numpy as np

Plain: TypeAlias = str | int | float
Value: TypeAlias = Union[Plain, "Message", tuple[Union[Plain, "Message"], ...]]

PLACEHOLDER = re.compile(r"\{(\w+)(?::([^{}]*))?\}")


@dataclass(frozen=True)
class Message:
    """A template and the values of its placeholders; made by `message`. False where it is empty.

    Attributes
    ----------
    template
        ``{name}`` stands for a value, ``{size:.1f}`` for a formatted one, ``{count:# image|# images}`` for the form
        that agrees with a number, where ``#`` is the number itself.
    values
        Names with their values, in the order of the names. A tuple reads as a list with commas.
    """

    template: str
    values: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        return message_text(self)

    def __bool__(self) -> bool:
        return bool(self.template)


NO_MESSAGE: Final = Message("")
"""Where there is nothing to say."""


def message(template: str, /, **values: object) -> Message:
    """Return a message; values that are neither numbers, strings nor messages become strings."""
    return Message(template, tuple((name, _value(value)) for name, value in sorted(values.items())))


def message_text(shown: Message, translate: Callable[[str], str] = str) -> str:
    """Return a message, and messages among its values, as one line of text.

    `translate` gives a template in another language.
    """
    values = dict(shown.values)

    def replaced(found: re.Match[str]) -> str:
        name, spec = found[1], found[2] or ""
        # What is missing stays as it is: an error must be shown even where its own message is wrong.
        return _formatted(values[name], spec, translate) if name in values else found[0]

    return " ".join(PLACEHOLDER.sub(replaced, translate(shown.template)).split())


def begins_with_a_name(shown: Message) -> bool:
    """Return whether a message begins with a value, such as the name of a file, and not with a word of its own."""
    first = PLACEHOLDER.match(shown.template)
    value = dict(shown.values).get(first[1]) if first is not None else None
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
