"""Undo and redo as two stacks of states."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from explorer.data.guest import GuestSource
from explorer.data.source import Source
from explorer.document.closed import Closed, ClosedModel, ClosedSource
from explorer.document.state import OpenModel, State
from explorer.document.succession import newer
from explorer.messages import Wording

PAUSE_SECONDS = 1.0
LIMIT = 500
"""Steps that can be undone; states share what did not change, so a step costs little."""

CODE_BYTES = 32 * 2**20
"""Codes that the steps may hold together; a spatial code takes 400 KB, and every stroke on it makes another."""

GUEST_BYTES = 32 * 2**20
"""Images that were dropped or pasted, which the steps may hold together."""

OPEN_MODELS, OPEN_SOURCES = 1, 1
"""Models and sources that the steps keep open beside the current ones; others are opened again when needed."""

UNSAVED_MODELS = 4
"""Models held open that no file has: unfinished ones of trainings that were canceled."""


@dataclass(frozen=True, eq=False)
class Step:
    """A state to go back (or forward) to, and what the edit between was called.

    Attributes
    ----------
    model, source
        What the state lacks, since the step does not hold it open; None where it lacks nothing.
    """

    state: State
    label: Wording
    model: ClosedModel | None = None
    source: ClosedSource | None = None

    @property
    def missing(self) -> tuple[Closed, ...]:
        """What must be opened again before the state is whole."""
        return tuple(closed for closed in (self.model, self.source) if closed is not None and closed.alive() is None)

    def whole(self) -> State:
        """Return the whole state; nothing may be missing."""
        state = self.state
        if self.model is not None:
            state = replace(state, model=self.model.alive())
        return state if self.source is None else replace(state, source=self.source.alive())

    def refined(self, model: OpenModel) -> Step:
        """Return the step with a newer version of its model, where it is one; also where it was not held open."""
        closed = self.model
        if closed is not None and closed.run is not None and closed.run == model.run:
            return self.opening(closed, model).refined(model)
        return replace(self, state=newer(self.state, model))

    def closing(self, models: set[OpenModel], sources: set[Source]) -> Step:
        """Return the step without these."""
        step, model, source = self, self.state.model, self.state.source
        if model is not None and model in models:
            step = replace(step, state=replace(step.state, model=None), model=ClosedModel.of(model))
        if source is not None and source in sources:
            step = replace(step, state=replace(step.state, source=None), source=ClosedSource.of(source))
        return step

    def opening(self, closed: Closed, opened: OpenModel | Source) -> Step:
        """Return the step with `opened` in the place of what was closed."""
        if isinstance(opened, OpenModel) and self.model == closed:
            return replace(self, state=replace(self.state, model=opened), model=None)
        if isinstance(opened, Source) and self.source == closed:
            return replace(self, state=replace(self.state, source=opened), source=None)
        return self


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
        self._version = 0

    @property
    def version(self) -> int:
        """A number that is another one after every edit and every step."""
        return self._version

    @property
    def undo_label(self) -> Wording | None:
        """Name of the edit that undo would take back, or None."""
        return self._past[-1].label if self._past else None

    @property
    def redo_label(self) -> Wording | None:
        """Name of the edit that redo would do again, or None."""
        return self._future[-1].label if self._future else None

    @property
    def labels(self) -> tuple[Wording, ...]:
        """Names of all edits, the first one first: those that can be undone, then those that can be redone."""
        return tuple(step.label for step in (*self._past, *reversed(self._future)))

    @property
    def place(self) -> int:
        """How many of them are done."""
        return len(self._past)

    def record(self, before: State, label: Wording, gesture: str | None) -> None:
        """Remember the state before an edit, unless the edit goes on with the last gesture."""
        now = self._clock()
        continues = gesture is not None and gesture == self._gesture and bool(self._past)
        if gesture is not None and gesture.startswith("~") and now - self._edited > PAUSE_SECONDS:
            continues = False
        self._edited = now
        self._gesture = gesture
        self._version += 1
        self._future.clear()
        if not continues:
            last = self._past[-1].state if self._past else before
            self._past.append(Step(before, label))
            del self._past[: -_fitting(self._past)]
            if last.model is not before.model or last.source is not before.source:
                self._close_far()

    def replace(self, change: Callable[[State], State]) -> None:
        """Put another state in the place of each."""
        self._change(lambda step: replace(step, state=change(step.state)))

    def refine_model(self, model: OpenModel) -> None:
        """Put a newer version of a model that learns in the place of each older one."""
        self._change(lambda step: step.refined(model))

    def missing(self, place: int) -> tuple[Closed, ...]:
        """Return what must be opened again before `jump` can go to a place."""
        steps = (*self._past, None, *reversed(self._future))
        step = steps[place] if 0 <= place < len(steps) else None
        return () if step is None else step.missing

    def put_opened(self, closed: Closed, opened: OpenModel | Source) -> None:
        """Put what was opened again into every step that lacks it."""
        self._change(lambda step: step.opening(closed, opened))

    def _change(self, change: Callable[[Step], Step]) -> None:
        for steps in (self._past, self._future):
            steps[:] = [change(step) for step in steps]

    def _close_far(self) -> None:
        """Let go of models and sources that only steps far from here have, and that can be opened again."""
        pairs = zip_longest(reversed(self._past), reversed(self._future))
        near = [step.state for step in chain.from_iterable(pairs) if step is not None]
        models = list(dict.fromkeys(state.model for state in near if state.model is not None))
        saved = [model for model in models if model.card.files]
        unsaved = [model for model in models if not model.card.files]
        sources = dict.fromkeys(state.source for state in near if state.source is not None)
        known = [source for source in sources if not source.provisional]
        far_models = {*saved[OPEN_MODELS:], *unsaved[UNSAVED_MODELS:]}
        far_sources = set(known[OPEN_SOURCES:])
        if far_models or far_sources:
            self._change(lambda step: step.closing(far_models, far_sources))

    def undo(self, current: State) -> State | None:
        """Return the state before the last edit, or None."""
        return self.jump(self.place - 1, current)

    def redo(self, current: State) -> State | None:
        """Return the state that was undone last, or None."""
        return self.jump(self.place + 1, current)

    def jump(self, place: int, current: State) -> State | None:
        """Return the state after so many edits of `labels`; None where that is this one, or there are not so many.

        Nothing may be `missing` there.
        """
        if place == self.place or not 0 <= place <= len(self._past) + len(self._future):
            return None
        self._gesture = None
        self._version += 1
        at = Step(current, "")
        while place != self.place:
            back = place < self.place
            source, target = (self._past, self._future) if back else (self._future, self._past)
            step = source.pop()
            target.append(replace(at, label=step.label))
            at = step
        state = at.whole()
        if state.model is not current.model or state.source is not current.source:
            self._close_far()
        return state


def _fitting(steps: list[Step]) -> int:
    """Return how many of the last steps may be kept: at least one, for memory's sake not more than hold so much."""
    seen: set[int] = set()
    held = guests = 0
    for count, step in enumerate(reversed(steps)):
        guest = step.state.guest
        if isinstance(guest, GuestSource) and id(guest) not in seen:
            seen.add(id(guest))
            guests += guest.nbytes
        for code in (step.state.code, step.state.start_code):
            if code is not None and id(code) not in seen:
                seen.add(id(code))
                held += code.nbytes
        if count and (count >= LIMIT or held > CODE_BYTES or guests > GUEST_BYTES):
            return count
    return len(steps)
