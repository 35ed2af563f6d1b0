"""Directions that are looked for: what is asked, what was found, and what of it is kept.

Shown by the dialog that finds directions, served by `explorer.workers.analyst.Analyst`. Belongs to the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from psygnal import Signal

from explorer.document.edit import Edit
from explorer.document.state import NamedDirection, State
from explorer.errors import UsageError
from explorer.latent.directions import Method, orthogonal


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
    """Questions about attributes, the directions that answer them, and edits of those that are kept.

    Parameters
    ----------
    state
        Gives the document's state.
    edit
        Edits it.
    announce
        Says something in the status bar.

    Signals
    -------
    requested
        A `DirectionRequest`.
    found_changed
        Others were found, or none.
    """

    requested = Signal(DirectionRequest)
    found_changed = Signal()

    def __init__(self, state: Callable[[], State], edit: Edit, announce: Callable[[str], None]) -> None:
        self._state = state
        self._edit = edit
        self._announce = announce
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

    def keep(self, added: Sequence[NamedDirection]) -> None:
        """Keep directions; one takes the place of another of its name.

        Raises
        ------
        UsageError
            If one is not of the model's length.
        """
        model = self._state().model
        length = model.latent_dim if model is not None else 0
        if any(len(one.direction.vector) != length for one in added):
            raise UsageError(f"directions of {length} numbers", "others", "Open the model that they are of.")
        names = {one.name: one for one in added}
        kept = [names.pop(one.name, one) for one in self._state().directions]
        if added:
            self._edit("Keep directions", directions=(*kept, *names.values()))

    def drop(self, numbers: Sequence[int]) -> None:
        """Forget directions by their numbers."""
        left = tuple(one for number, one in enumerate(self._state().directions) if number not in set(numbers))
        if len(left) < len(self._state().directions):
            self._edit("Drop directions", directions=left)

    def part(self) -> None:
        """Take from each direction what those before it hold, so that moving along one leaves the others be.

        One that holds nothing else goes, and is told of; what was changed has not been measured.
        """
        before = self._state().directions
        made = orthogonal([one.direction.vector for one in before])
        parted = tuple(
            one
            if np.allclose(vector, one.direction.vector, atol=1e-6)
            else replace(one, direction=one.direction.moved_to(vector))
            for one, vector in zip(before, made, strict=True)
            if vector.any()
        )
        if parted:
            self._edit("Part directions", directions=parted)
        gone = [one.name for one, vector in zip(before, made, strict=True) if not vector.any()]
        if gone:
            self._announce(f"{', '.join(gone)}: nothing that the others do not hold, and let go")
