"""Directions that are looked for: what is asked, and what was found.

Shown by the dialog that finds directions, served by `explorer.workers.analyst.Analyst`. Belongs to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from explorer.document.state import NamedDirection
from explorer.latent.directions import Method


@dataclass(frozen=True)
class DirectionRequest:
    """An attribute whose directions are wanted.

    Attributes
    ----------
    attribute
        A column of the open pictures; None for their labels.
    values
        Names of the categories, each with a direction of its own; empty for a column of numbers, whose upper half is
        set against its lower.
    method
        How they are found.
    """

    attribute: str | None
    values: tuple[str, ...]
    method: Method = "means"


class Directions:
    """Questions about attributes, and the directions that answer them.

    Signals
    -------
    requested
        A `DirectionRequest`.
    found_changed
        Others were found, or none.
    """

    requested = Signal(DirectionRequest)
    found_changed = Signal()

    def __init__(self) -> None:
        self._found: tuple[NamedDirection, ...] = ()
        self._message = ""

    @property
    def found(self) -> tuple[NamedDirection, ...]:
        """What was found last."""
        return self._found

    @property
    def message(self) -> str:
        """Why there is less than was asked for, or empty."""
        return self._message

    def put_found(self, found: tuple[NamedDirection, ...], message: str = "") -> None:
        """Take in what was found."""
        self._found, self._message = found, message
        self.found_changed.emit()
