"""Lookup of functions by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from explorer.errors import UsageError
from explorer.messages import Message

T = TypeVar("T")


def named(known: Mapping[str, T], name: str, what: Message) -> T:
    """Return ``known[name]``; UsageError, with `what` and the known ones, if there is none."""
    try:
        return known[name]
    except KeyError:
        raise UsageError(
            "Unknown {what} “{name}”. Choose one of {names}.", what=what, name=name, names=list(known)
        ) from None
