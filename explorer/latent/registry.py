"""Look-ups in the rooms' small registries of named functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from explorer.errors import UsageError

T = TypeVar("T")


def named(known: Mapping[str, T], name: str, what: str) -> T:
    """Return ``known[name]``.

    Raises
    ------
    UsageError
        If there is none of that name; the message lists the known ones.
    """
    try:
        return known[name]
    except KeyError:
        raise UsageError(f"a known {what}", f"“{name}”", f"Choose one of: {', '.join(known)}.") from None
