"""Undo and redo as two stacks of states."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from explorer.document.state import State

PAUSE_SECONDS = 1.0
LIMIT = 500
"""Steps that can be undone; states share what did not change, so a step costs little."""

CODE_BYTES = 64 * 2**20
"""Codes that the steps may hold together; a spatial code takes 400 KB, and every stroke on it makes another."""


@dataclass(frozen=True, eq=False)
class Step:
    """A state to go back (or forward) to, and what the edit between was called."""

    state: State
    label: str


class History:
    """What can be undone and redone.

    Edits of one gesture (a drag of one slider, say) are one step. A gesture whose name starts with ``~`` has no end of
    its own (keys pressed one after another, say): it ends with a pause of `PAUSE_SECONDS`.

    Parameters
    ----------
    clock
        Gives seconds; only their differences count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._edited = -PAUSE_SECONDS
        self._past: list[Step] = []
        self._future: list[Step] = []
        self._gesture: str | None = None

    @property
    def undo_label(self) -> str | None:
        """Name of the edit that undo would take back, or None."""
        return self._past[-1].label if self._past else None

    @property
    def redo_label(self) -> str | None:
        """Name of the edit that redo would do again, or None."""
        return self._future[-1].label if self._future else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of all edits, the first one first: those that can be undone, then those that can be redone."""
        return tuple(step.label for step in (*self._past, *reversed(self._future)))

    @property
    def place(self) -> int:
        """How many of them are done."""
        return len(self._past)

    def record(self, before: State, label: str, gesture: str | None) -> None:
        """Remember the state before an edit, unless the edit goes on with the last gesture."""
        now = self._clock()
        continues = gesture is not None and gesture == self._gesture and bool(self._past)
        if gesture is not None and gesture.startswith("~") and now - self._edited > PAUSE_SECONDS:
            continues = False
        self._edited = now
        self._gesture = gesture
        self._future.clear()
        if not continues:
            self._past.append(Step(before, label))
            del self._past[: -_fitting(self._past)]

    def replace(self, change: Callable[[State], State]) -> None:
        """Put another state in the place of each."""
        for steps in (self._past, self._future):
            steps[:] = [Step(change(step.state), step.label) for step in steps]

    def undo(self, current: State) -> State | None:
        """Return the state before the last edit, or None."""
        return self._move(self._past, self._future, current)

    def redo(self, current: State) -> State | None:
        """Return the state that was undone last, or None."""
        return self._move(self._future, self._past, current)

    def jump(self, place: int, current: State) -> State | None:
        """Return the state after so many edits of `labels`; None where that is this one, or there are not so many."""
        if place == self.place or not 0 <= place <= len(self._past) + len(self._future):
            return None
        state: State | None = current
        while state is not None and place != self.place:
            state = self.undo(state) if place < self.place else self.redo(state)
        return state

    def _move(self, source: list[Step], target: list[Step], current: State) -> State | None:
        if not source:
            return None
        self._gesture = None
        step = source.pop()
        target.append(Step(current, step.label))
        return step.state


def _fitting(steps: list[Step]) -> int:
    """Return how many of the last steps may be kept: at least one, for memory's sake not more than hold so much."""
    seen: set[int] = set()
    held = 0
    for count, step in enumerate(reversed(steps)):
        for code in (step.state.code, step.state.start_code):
            if code is not None and id(code) not in seen:
                seen.add(id(code))
                held += code.nbytes
        if count and (count >= LIMIT or held > CODE_BYTES):
            return count
    return len(steps)
