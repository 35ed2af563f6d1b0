"""The state of a document with its history, and the views derived from it. Main thread only."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from psygnal import Signal, SignalGroup

from explorer.data.mixer import Mixer
from explorer.data.source import Source
from explorer.document.closed import Closed, Reopening
from explorer.document.history import History
from explorer.document.map_tiles import MapTiles
from explorer.document.state import OpenModel, State, StateSignals
from explorer.document.transitions import with_known_codes
from explorer.document.view_store import PLANE, Views
from explorer.latent.planes import Plane, QuantilePlane
from explorer.latent.tile_grid import TileGrid
from explorer.messages import Message
from explorer.types import Floats


class EditedState:
    """A state that is replaced as a whole by every edit, with undo; `views` and `map` follow it.

    Each part of the state has a signal without arguments, such as ``changed.code``. `reopen_requested`: closed models
    and images are to be opened before a step can be undone or redone.
    """

    history_changed = Signal()
    reopen_requested = Signal(Reopening)

    def __init__(self) -> None:
        self.changed: SignalGroup = StateSignals()
        self._state = State()
        self._history = History()
        self._stale_code = False
        self.views = Views()
        self.map = MapTiles()

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self._state

    @property
    def model(self) -> OpenModel | None:
        return self._state.model

    @property
    def source(self) -> Source | None:
        return self._state.source

    @property
    def code(self) -> Floats | None:
        """The latent cursor, ``(latent_dim,)``; do not modify it."""
        return self._state.code

    @property
    def mixer(self) -> Mixer:
        """How the channels of images are shown."""
        return self._state.mixer

    @property
    def plane(self) -> Plane | None:
        """None without a model of at least two latent dimensions; a 2-D latent space has only one plane."""
        model, code, grid = self._state.model, self._state.code, self._state.grid
        if model is None or model.latent_dim < 2:
            return None
        if grid.corners:
            first, second, third = (np.array(corner, np.float32) for corner in grid.corners)
            return Plane(first, second - first, third - first)
        at_rest = code is None or model.latent_dim == 2
        base = np.zeros(model.latent_dim, np.float32) if at_rest or code is None else code
        if grid.components:
            return Plane.of_components(base, model.sample.statistics, grid.dims)
        kind = QuantilePlane if grid.quantiles else Plane
        return kind.of_dimensions(base, grid.dims)

    @property
    def tile_grid(self) -> TileGrid:
        grid = self._state.grid
        return TileGrid(grid.low, (grid.high - grid.low) / (grid.steps - 1))

    @property
    def undo_label(self) -> Message | None:
        return self._history.undo_label

    @property
    def redo_label(self) -> Message | None:
        return self._history.redo_label

    @property
    def history(self) -> tuple[Message, ...]:
        """Labels of all edits in order: those that can be undone, then those that can be redone."""
        return self._history.labels

    @property
    def history_place(self) -> int:
        """Number of edits in `history` that can be undone."""
        return self._history.place

    # -- edits ---------------------------------------------------------------------------------------------------

    def edit(self, label: Message, state: State, gesture: str | None = None) -> None:
        """Replace the state, as one step of the history; consecutive edits with the same gesture are one step."""
        self._history.record(self._state, label, gesture)
        self._replace(state)
        self.history_changed.emit()

    def undo(self) -> None:
        self.go_to_step(self._history.place - 1)

    def redo(self) -> None:
        self.go_to_step(self._history.place + 1)

    def go_to_step(self, place: int) -> None:
        """Undo or redo to the state after the first `place` edits of `history`.

        Closed models and images are requested first; until they are open, and if they are missing, nothing changes.
        """
        missing = self._history.missing(place, self._state)
        if missing:
            self.reopen_requested.emit(Reopening(place, self._history.version, missing))
        else:
            state = self._history.jump(place, self._state)
            if state is not None:
                self._replace(state)
                self.history_changed.emit()

    def put_reopened(self, wanted: Reopening, reopened: Sequence[tuple[Closed, OpenModel | Source]]) -> None:
        """Add opened models and sources to the history, and restore the requested step if there was no other edit."""
        for closed, found in reopened:
            self._history.put_opened(closed, found)
        if self._history.version == wanted.version:
            self.go_to_step(wanted.place)

    def put_state(self, state: State) -> None:
        """Set the state of a session, with an empty history."""
        self._replace(state)
        self.forget_history()

    def close_unused(self) -> None:
        """Close the models and images that only the history references; undo reopens them."""
        self._history.close_all(self._state)

    def forget_history(self) -> None:
        self._history = History()
        self.history_changed.emit()

    def _replace(self, state: State) -> None:
        """Set a state, remove stale views and ask for new ones, then emit the signals of the changed parts."""
        before = self._state
        self._state = state = with_known_codes(before, state)
        self._stale_code = False
        if state.model is not before.model:
            self.map.clear()
        elif state.mixer != before.mixer:
            self.map.outdate()
        changed = {part for part, value in vars(state).items() if value is not vars(before)[part]}
        self.views.remove_stale(changed)
        self._keep_up()
        self._outdate(changed)
        for part in vars(state):
            if part in changed:
                self.changed[part].emit()
        if "mixer" in changed:
            self.views.redraw()

    def _keep_up(self) -> None:
        """Adapt to a new state before anyone is told of it."""

    def _outdate(self, parts: Set[str]) -> None:
        """Ask again for the views that depend on changed parts of the state."""
        model, code = self._state.model, self._state.code
        # The plane of a 2-D latent space does not depend on the current code; without a code there is none to show yet.
        moved = "code" in parts and code is not None and model is not None and model.latent_dim > 2
        if moved or parts & {"model", "grid"}:
            parts, plane = parts | {PLANE}, self.plane if self.map.window is not None else None
            if model is not None and plane is not None:
                # At once: tiles that are being decoded are of the plane before.
                self.map.show_plane(model.codec, plane)
        self.views.outdated.emit(parts)
