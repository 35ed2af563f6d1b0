"""The search for directions: the request, its result, and the directions that are kept.

Shown by the dialog that finds directions, served by `explorer.workers.analysis.AnalysisJobs`. Main thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from psygnal import Signal

from explorer.document.code_edits import CodeEdits
from explorer.document.state import NamedDirection
from explorer.errors import UsageError
from explorer.latent.directions import Method, orthogonal
from explorer.messages import NO_MESSAGE, Message, message


@dataclass(frozen=True)
class DirectionRequest:
    """A request for the directions of an attribute: a column of the open images, or None for their labels.

    `values` are categories, each with its own direction; empty for a numeric attribute, which is divided at its median.
    """

    attribute: str | None
    values: tuple[str, ...]
    method: Method = "means"


class Directions:
    """Requests for directions, their results, and edits; `announce` shows a message in the status bar."""

    requested = Signal(DirectionRequest)
    found_changed = Signal()

    def __init__(self, document: CodeEdits, announce: Callable[[Message], None]) -> None:
        self._document = document
        self._announce = announce
        self._found: tuple[NamedDirection, ...] = ()
        self._message: Message = NO_MESSAGE

    @property
    def found(self) -> tuple[NamedDirection, ...]:
        return self._found

    @property
    def message(self) -> Message:
        """Why fewer directions were found than requested, or empty."""
        return self._message

    def put_found(self, found: tuple[NamedDirection, ...], message: Message = NO_MESSAGE) -> None:
        self._found, self._message = found, message
        self.found_changed.emit()

    def keep(self, added: Sequence[NamedDirection]) -> None:
        """Keep directions; one replaces another of the same name. UsageError if one is not of the model's length."""
        model = self._document.state.model
        length = model.latent_dim if model is not None else 0
        if any(len(one.direction.vector) != length for one in added):
            raise UsageError(
                "These directions belong to another model: “{model}” has {length:# latent dimension|# latent "
                "dimensions}. Open their model.",
                model=model.name if model is not None else "",
                length=length,
            )
        names = {one.name: one for one in added}
        kept = [names.pop(one.name, one) for one in self._document.state.directions]
        if added:
            self._set(message("Add {count:direction|# directions}", count=len(added)), (*kept, *names.values()))

    def drop(self, numbers: Sequence[int]) -> None:
        before = self._document.state.directions
        left = tuple(one for number, one in enumerate(before) if number not in set(numbers))
        if len(left) < len(before):
            self._set(message("Delete {count:direction|# directions}", count=len(before) - len(left)), left)

    def part(self) -> None:
        """Orthogonalize the directions in order (Gram-Schmidt), so that a move along one does not change the others.

        Directions that depend on earlier ones are deleted and announced. Changed directions lose their effect sizes.
        """
        before = self._document.state.directions
        made = orthogonal([one.direction.vector for one in before])
        parted = tuple(
            one
            if np.allclose(vector, one.direction.vector, atol=1e-6)
            else replace(one, direction=one.direction.moved_to(vector))
            for one, vector in zip(before, made, strict=True)
            if vector.any()
        )
        if parted:
            self._set(message("Orthogonalize directions"), parted)
        gone = [one.name for one, vector in zip(before, made, strict=True) if not vector.any()]
        if gone:
            self._announce(message("Deleted as linear combinations of the other directions: {names}", names=gone))

    def _set(self, label: Message, kept: tuple[NamedDirection, ...]) -> None:
        self._document.edit(label, replace(self._document.state, directions=kept))
