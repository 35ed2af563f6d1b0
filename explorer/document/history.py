"""Undo and redo as two stacks of states."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from explorer.data.imported_image import ImportedImage
from explorer.data.source import Source
from explorer.document.closed import Closed, ClosedModel, ClosedSource, is_deleted
from explorer.document.state import OpenModel, State
from explorer.document.transitions import newer
from explorer.messages import NO_MESSAGE, Message

PAUSE_SECONDS = 1.0
LIMIT = 500
"""Most steps that can be undone; states share unchanged parts, so a step costs little."""

CODE_BYTES = 32 * 2**20
"""Most memory for the codes of all steps; a spatial code takes 400 KB, and every edit creates another."""

IMPORTED_IMAGE_BYTES = 32 * 2**20
"""Most memory for the imported images of all steps."""

OPEN_MODELS, OPEN_SOURCES = 1, 1
"""Models and sources that stay open beside the current ones, those of the nearest steps; others are opened again."""

UNSAVED_MODELS = 4
"""Models without a file that stay open: those of canceled trainings."""


@dataclass(frozen=True, eq=False)
class Step:
    """A state to restore, and the label of the edit between it and the next.

    `model` and `source` are what is missing in the state because it was closed; None if nothing is missing.
    """

    state: State
    label: Message
    model: ClosedModel | None = None
    source: ClosedSource | None = None

    @property
    def missing(self) -> tuple[Closed, ...]:
        """What must be opened again before the state is complete."""
        return tuple(closed for closed in (self.model, self.source) if closed is not None and closed.alive() is None)

    def whole(self) -> State:
        """Return the complete state; nothing may be missing."""
        state = self.state
        if self.model is not None:
            state = replace(state, model=self.model.alive())
        return state if self.source is None else replace(state, source=self.source.alive())

    def refined(self, model: OpenModel) -> Step:
        """Return the step with a newer version of its model, if it is one; also if its model was closed."""
        closed = self.model
        if closed is not None and closed.run is not None and closed.run == model.run:
            return self.opening(closed, model).refined(model)
        return replace(self, state=newer(self.state, model))

    def closing(self, models: set[OpenModel], sources: set[Source]) -> Step:
        step, model, source = self, self.state.model, self.state.source
        if model is not None and model in models:
            step = replace(step, state=replace(step.state, model=None), model=ClosedModel.of(model))
        if source is not None and source in sources:
            step = replace(step, state=replace(step.state, source=None), source=ClosedSource.of(source))
        return step

    def opening(self, closed: Closed, opened: OpenModel | Source) -> Step:
        if isinstance(opened, OpenModel) and self.model == closed:
            return replace(self, state=replace(self.state, model=opened), model=None)
        if isinstance(opened, Source) and self.source == closed:
            return replace(self, state=replace(self.state, source=opened), source=None)
        return self


class History:
    """The steps that can be undone and redone.

    Edits of one gesture, such as the drag of a slider, are one step. A gesture whose name starts with ``~`` has no
    explicit end, such as repeated key presses: it ends with a pause of `PAUSE_SECONDS`.
    """

    def __init__(self) -> None:
        self._edited = -PAUSE_SECONDS
        self._past: list[Step] = []
        self._future: list[Step] = []
        self._gesture: str | None = None
        self._version = 0

    @property
    def version(self) -> int:
        """A number that changes with every edit and every undo or redo."""
        return self._version

    @property
    def undo_label(self) -> Message | None:
        return self._past[-1].label if self._past else None

    @property
    def redo_label(self) -> Message | None:
        return self._future[-1].label if self._future else None

    @property
    def labels(self) -> tuple[Message, ...]:
        """Labels of all edits in order: those that can be undone, then those that can be redone."""
        return tuple(step.label for step in (*self._past, *reversed(self._future)))

    @property
    def place(self) -> int:
        """Number of edits in `labels` that can be undone."""
        return len(self._past)

    def record(self, before: State, label: Message, gesture: str | None) -> None:
        """Store the state before an edit, unless the edit continues the last gesture."""
        now = time.monotonic()
        continues = gesture is not None and gesture == self._gesture and bool(self._past)
        if gesture is not None and gesture.startswith("~") and now - self._edited > PAUSE_SECONDS:
            continues = False
        self._edited = now
        self._gesture = gesture
        self._version += 1
        self._future.clear()
        if continues:
            self._past[-1] = replace(self._past[-1], label=_extended(self._past[-1].label, label))
        else:
            last = self._past[-1].state if self._past else before
            if last.imported_image is not before.imported_image:
                self._rest_images(before)
            self._past.append(Step(before, label))
            del self._past[: -_fitting(self._past)]
            if last.model is not before.model or last.source is not before.source:
                self._close_far()

    def replace(self, change: Callable[[State], State]) -> None:
        self._change(lambda step: replace(step, state=change(step.state)))

    def refine_model(self, model: OpenModel) -> None:
        self._change(lambda step: step.refined(model))

    def missing(self, place: int, current: State) -> tuple[Closed, ...]:
        """Return what must be opened again before `jump` to a place.

        Another model than the current one is missing, too, if its folder was deleted while it stayed open here.
        """
        steps = (*self._past, None, *reversed(self._future))
        step = steps[place] if 0 <= place < len(steps) else None
        if step is None:
            return ()
        if step.missing:
            return step.missing
        model = step.whole().model
        if model is None or model is current.model or not is_deleted(model):
            return ()
        return (ClosedModel.of(model),)

    def put_opened(self, closed: Closed, opened: OpenModel | Source) -> None:
        """Add an opened model or source to every step where it was closed."""
        self._change(lambda step: step.opening(closed, opened))

    def _change(self, change: Callable[[Step], Step]) -> None:
        for steps in (self._past, self._future):
            steps[:] = [change(step) for step in steps]

    def close_all(self, current: State) -> None:
        """Close all models and sources of the steps that can be reopened, also those of the nearest step."""
        self._close_far(0, 0)
        self._rest_images(current)

    def _rest_images(self, current: State) -> None:
        """Free the pixels of all imported images but the current one."""
        for step in (*self._past, *self._future):
            image = step.state.imported_image
            if isinstance(image, ImportedImage) and image is not current.imported_image:
                image.rest()

    def _close_far(self, open_models: int = OPEN_MODELS, open_sources: int = OPEN_SOURCES) -> None:
        """Close models and sources that only distant steps have, if they can be opened again."""
        pairs = zip_longest(reversed(self._past), reversed(self._future))
        near = [step.state for step in chain.from_iterable(pairs) if step is not None]
        models = list(dict.fromkeys(state.model for state in near if state.model is not None))
        saved = [model for model in models if model.card.files]
        unsaved = [model for model in models if not model.card.files]
        sources = dict.fromkeys(state.source for state in near if state.source is not None)
        known = [source for source in sources if not source.provisional]
        far_models = {*saved[open_models:], *unsaved[UNSAVED_MODELS:]}
        far_sources = set(known[open_sources:])
        if far_models or far_sources:
            self._change(lambda step: step.closing(far_models, far_sources))

    def jump(self, place: int, current: State) -> State | None:
        """Return the state after the first `place` edits of `labels`; None if it is the current one, or out of range.

        Nothing may be `missing` there.
        """
        if place == self.place or not 0 <= place <= len(self._past) + len(self._future):
            return None
        self._gesture = None
        self._version += 1
        at = Step(current, NO_MESSAGE)
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


def _extended(first: Message, last: Message) -> Message:
    """Return the label of a gesture: it changes a value from the ``start`` of its first edit to the end of its last."""
    before, after = dict(first.values), dict(last.values)
    if first.template != last.template or "start" not in before or before["name"] != after["name"]:
        return first
    return replace(last, values=tuple(sorted((after | {"start": before["start"]}).items())))


def _fitting(steps: list[Step]) -> int:
    """Return how many of the last steps fit into the limits: at least one."""
    seen: set[int] = set()
    held = imported_images = 0
    for count, step in enumerate(reversed(steps)):
        imported_image = step.state.imported_image
        if isinstance(imported_image, ImportedImage) and id(imported_image) not in seen:
            seen.add(id(imported_image))
            imported_images += imported_image.nbytes
        for code in (step.state.code, step.state.start_code):
            if code is not None and id(code) not in seen:
                seen.add(id(code))
                held += code.nbytes
        if count and (count >= LIMIT or held > CODE_BYTES or imported_images > IMPORTED_IMAGE_BYTES):
            return count
    return len(steps)
