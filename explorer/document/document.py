"""The document: one state, its history, the views derived from it, and what the user asks for.

It belongs to the main thread. Panels read it, hear its signals and call its methods; they never call one another.
Requests that need a thread (open a folder, train, export) leave as ``…_requested`` signals, which
`explorer.workers.studio.Studio` serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal

from explorer.data.corruption import Noise
from explorer.data.guest import GuestSource
from explorer.data.preprocessing import to_pixels
from explorer.data.source import Source
from explorer.document.activity import JobView, TrainingView
from explorer.document.beside import Beside
from explorer.document.bookmarks import Bookmarks
from explorer.document.closed import Closed, Reopening
from explorer.document.directions import Directions
from explorer.document.history import History
from explorer.document.imports import Imports
from explorer.document.intake import Intake
from explorer.document.map_tiles import MapTiles
from explorer.document.morph import morph_of
from explorer.document.neighbours import Neighbours
from explorer.document.preparation import Preparation
from explorer.document.selection import Selection
from explorer.document.sessions import Sessions
from explorer.document.shown import Shown
from explorer.document.state import (
    Arithmetic,
    GridSettings,
    Jitter,
    Keyframe,
    NamedDirection,
    OpenModel,
    Sampling,
    State,
    Traversal,
)
from explorer.document.stock import Stock
from explorer.document.studies import Studies
from explorer.document.succession import codes_at_first, grid_for, newer_grid, reach_of, refined
from explorer.document.timeline import Timeline
from explorer.document.trainings import Trainings
from explorer.document.views import (
    BookmarksView,
    CursorView,
    HalfView,
    PictureView,
    TilesView,
    View,
)
from explorer.errors import UsageError
from explorer.latent.axes import move_axis, random_along_axes, take_axis
from explorer.latent.directions import Ruler
from explorer.latent.film import FilmSettings
from explorer.latent.lattice import Lattice
from explorer.latent.planes import Plane, QuantilePlane
from explorer.latent.presets import Preset
from explorer.messages import Wording
from explorer.models.settings import TrainingRequest
from explorer.types import Floats, Pixels

GRID_LIMIT = 40
"""Most pictures a side of the map's grid."""


@dataclass(frozen=True)
class Problem:
    """Something that went wrong: what to say, and what to copy into a report."""

    message: Wording
    details: str = ""


class Document(Shown):
    """What the user works on; what is shown of it is in `explorer.document.shown`.

    Signals
    -------
    model_changed, source_changed, picture_changed, guest_changed, code_changed, noises_changed, jitter_changed,
    sampling_changed, traversal_changed, keyframes_changed, film_changed, times_changed, grid_changed,
    directions_changed, arithmetic_changed, bookmarks_changed
        A part of the state is another; no arguments, read the document.
    slot_requested
        Pictures are to be put into a slot: positions int64 ``(n,)``, and the slot.
    thumbnails_requested
        Positions of the pictures that the gallery shows: int64 ``(n,)``.
    history_changed
        What can be undone or redone is another.
    jobs_changed, training_changed, library_changed
        Background work, training, the list of bundles on disk.
    problem_reported
        Something went wrong: a `Problem`.
    exported, announced
        A file was written: its path. Something is worth saying: words for the status bar.
    open_model_requested, open_source_requested
        A bundle's folder; a source's name or path.
    reopen_requested
        What a step of the history needs is to be opened again: a `Reopening`.
    training_expected, training_requested, training_cancel_requested
        The user looks at the settings; a `TrainingRequest`; nothing.
    job_cancel_requested
        The key of a job.
    """

    model_changed = Signal()
    source_changed = Signal()
    picture_changed = Signal()
    guest_changed = Signal()
    code_changed = Signal()
    noises_changed = Signal()
    jitter_changed = Signal()
    sampling_changed = Signal()
    traversal_changed = Signal()
    keyframes_changed = Signal()
    film_changed = Signal()
    times_changed = Signal()
    grid_changed = Signal()
    directions_changed = Signal()
    arithmetic_changed = Signal()
    bookmarks_changed = Signal()
    slot_requested = Signal(object, int)

    thumbnails_requested = Signal(object)

    history_changed = Signal()
    jobs_changed = Signal()
    training_changed = Signal()
    library_changed = Signal()
    problem_reported = Signal(Problem)
    exported = Signal(Path)
    announced = Signal(object)

    open_model_requested = Signal(Path)
    open_source_requested = Signal(str)
    reopen_requested = Signal(Reopening)
    training_expected = Signal()
    training_requested = Signal(TrainingRequest)
    training_cancel_requested = Signal()
    job_cancel_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._state = State()
        self._history = History()
        self._stale_code = False
        self._jobs: tuple[JobView, ...] = ()
        self._training = TrainingView()
        self.preparation = Preparation()
        self.trainings = Trainings()
        self.stock = Stock()
        self.studies = Studies()
        self.imports = Imports()
        self.intake = Intake()
        self.neighbours = Neighbours()
        self.finder = Directions(lambda: self._state, self._edit, self.announced.emit)
        self.beside = Beside()
        self.selection = Selection()
        self.map = MapTiles()
        self.timeline = Timeline(lambda: self._state, self._edit, self.set_code)
        self.bookmarks = Bookmarks(lambda: self._state, self._edit, self.set_code)
        self.sessions = Sessions(
            lambda: self._state, lambda: self.selection.picked, lambda: self.timeline.playhead, self._thumbnails
        )
        # Positions in other pictures mean others, also where only some were left out.
        self.source_changed.connect(lambda: self.selection.put(None))

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The whole state; frozen."""
        return self._state

    @property
    def model(self) -> OpenModel | None:
        """The open model."""
        return self._state.model

    @property
    def source(self) -> Source | None:
        """The open pictures."""
        return self._state.source

    @property
    def picture(self) -> int | None:
        """Position of the chosen picture."""
        return self._state.picture

    @property
    def guest(self) -> Source | None:
        """A picture of its own that is looked at in the place of the chosen one."""
        return self._state.guest

    @property
    def code(self) -> Floats | None:
        """The latent cursor, ``(latent_dim,)``; do not write into it."""
        return self._state.code

    @property
    def start_code(self) -> Floats | None:
        """The chosen picture's own code, ``(latent_dim,)``; do not write into it."""
        return self._state.start_code

    @property
    def noises(self) -> tuple[Noise, ...]:
        """The noise lab's corruptions, applied first to last; none leave the picture as it is."""
        return self._state.noises

    @property
    def jitter(self) -> Jitter:
        """The noise lab's noise on the code."""
        return self._state.jitter

    @property
    def sampling(self) -> Sampling:
        """How random codes are drawn."""
        return self._state.sampling

    @property
    def traversal(self) -> Traversal:
        """The rows of pictures around the cursor."""
        return self._state.traversal

    @property
    def keyframes(self) -> tuple[Keyframe, ...]:
        """The morph's keyframes, in order."""
        return self._state.keyframes

    @property
    def film(self) -> FilmSettings:
        """How the morph runs between its keyframes."""
        return self._state.film

    @property
    def directions(self) -> tuple[NamedDirection, ...]:
        """The directions that are kept, in order."""
        return self._state.directions

    @property
    def arithmetic(self) -> Arithmetic:
        """The codes that the cursor is made of, where it is."""
        return self._state.arithmetic

    @property
    def grid(self) -> GridSettings:
        """What the map shows."""
        return self._state.grid

    @property
    def plane(self) -> Plane | None:
        """The plane that the map shows; None without a model of two dimensions or more.

        That of a 2-D code does not depend on the cursor.
        """
        model, code, grid = self._state.model, self._state.code, self._state.grid
        if model is None or model.latent_dim < 2:
            return None
        if grid.corners:
            first, second, third = (np.array(corner, np.float32) for corner in grid.corners)
            return Plane(first, second - first, third - first)
        at_rest = code is None or model.latent_dim == 2
        base = np.zeros(model.latent_dim, np.float32) if at_rest or code is None else code
        if grid.axes:
            return Plane.of_axes(base, model.sample.statistics, grid.dims)
        kind = QuantilePlane if grid.quantiles else Plane
        return kind.of_dimensions(base, grid.dims)

    @property
    def home_reach(self) -> float:
        """How far from 0 nearly all codes of the model reach, in code units: the end of the map's first range."""
        return reach_of(self._state.model) if self._state.model is not None else GridSettings().high

    @property
    def lattice(self) -> Lattice:
        """Where the map's tiles lie at its first level of zoom."""
        grid = self._state.grid
        return Lattice(grid.low, (grid.high - grid.low) / (grid.steps - 1))

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """Long jobs that run."""
        return self._jobs

    @property
    def training(self) -> TrainingView:
        """The training that runs, or the last one."""
        return self._training

    @property
    def undo_label(self) -> Wording | None:
        """What undo would take back."""
        return self._history.undo_label

    @property
    def redo_label(self) -> Wording | None:
        """What redo would do again."""
        return self._history.redo_label

    @property
    def history(self) -> tuple[Wording, ...]:
        """Names of all edits that can be undone, then of those that can be redone, the first one first."""
        return self._history.labels

    @property
    def history_place(self) -> int:
        """How many of them are done."""
        return self._history.place

    def _thumbnails(self) -> Pixels | None:
        view = self.bookmarks_view
        return to_pixels(view.images) if isinstance(view, BookmarksView) else None

    # -- edits ---------------------------------------------------------------------------------------------------

    def open(self, model: OpenModel | None = None, source: Source | None = None, morph: Preset | None = None) -> None:
        """Put another model, other pictures, or both in place, as one step; and a morph of that model, if there is one.

        The keyframes and the cursor are codes of the old model and go with it (undo brings them back); the chosen
        picture stays where only the model changes.

        Raises
        ------
        UsageError
            If the morph's keys are not of the model's length.
        """
        changes: dict[str, Any] = codes_at_first(model or self._state.model)
        if model is not None:
            changes |= {"model": model, "keyframes": (), "times": None, "grid": grid_for(model)}
            changes |= {"directions": (), "arithmetic": Arithmetic(), "bookmarks": ()}
        if model is not None and morph is not None:
            changes |= morph_of(model, morph)
        if source is not None:
            changes |= {"source": source, "picture": 0 if source.count else None, "guest": None}
        before = self._state
        self._edit(f"Open {model.name if model else source.title if source else ''}", **changes)
        if model is not None and before.model is not None and (before.keyframes or before.bookmarks):
            kept = ("keyframes" if before.keyframes else "", "bookmarks" if before.bookmarks else "")
            what = " and ".join(part for part in kept if part)
            self.announced.emit(f"The {what} belong to {before.model.name}; undo brings them back.")

    def refine_source(self, source: Source) -> None:
        """Put a source in the place of the provisional one that it continues, here and in the history.

        That is no edit: picture, cursor and keyframes stay. A picture that is left out now gives way to another.
        """
        self._history.replace(lambda state: refined(state, source))
        before, self._state = self._state, refined(self._state, source)
        if self._state is not before:
            # A guest is none of the source's pictures: nothing of it goes.
            left_out = self._state.start_code is not before.start_code
            self._take_away(_STALE["picture"] if left_out else ())
            self.source_changed.emit()
            if left_out or self._state.picture != before.picture:
                self.picture_changed.emit()
            if left_out:
                self.code_changed.emit()

    def refine_model(self, model: OpenModel) -> None:
        """Put a newer version of a model that learns in the place of the older, here and in the history.

        That is no edit: picture, keyframes and an edited cursor stay, and what is shown stays until the new answers
        come. A cursor that stands on the chosen picture's own code goes where the new encoder puts it.
        """
        self._history.refine_model(model)
        before = self._state
        if model is before.model or not model.continues(before.model):
            return
        self._stale_code = True
        self._state = replace(before, model=model, grid=newer_grid(before, model))
        self.model_changed.emit()
        if self._state.grid != before.grid:
            self.grid_changed.emit()

    def choose_picture(self, index: int) -> None:
        """Choose a picture by its position; its code becomes the cursor once the encoder has answered.

        Raises
        ------
        UsageError
            If there is no such picture.
        """
        source = self._state.source
        if source is None or not 0 <= index < source.count:
            raise UsageError(f"a picture from 0 to {source.count - 1 if source else 'none'}", str(index))
        if index != self._state.picture or self._state.guest is not None:
            model = self._state.model
            changes: dict[str, Any] = codes_at_first(model) if model is None or model.card.encodes else {}
            self._edit("Choose picture", "~picture", picture=index, guest=None, **changes)

    def receive(self, guest: Source) -> None:
        """Look at a picture of its own, a source of one, in the place of the chosen one; its code becomes the cursor.

        Raises
        ------
        UsageError
            If no model is open that could encode it.
        """
        model = self._state.model
        if model is None or not model.card.encodes:
            found = "none" if model is None else f"{model.name}, which has none"
            raise UsageError("a model with an encoder", found, "Open one, and bring the picture again.")
        changes: dict[str, Any] = codes_at_first(model)
        self._edit(f"Bring in {guest.title}", guest=guest, **changes)

    def invert_guest(self) -> None:
        """Exchange dark and light of the picture that was brought in."""
        guest = self._state.guest
        if isinstance(guest, GuestSource):
            changes: dict[str, Any] = codes_at_first(self._state.model)
            self._edit("Invert picture", guest=guest.inverted(), **changes)

    def step_picture(self, by: int) -> None:
        """Choose the picture `by` places on, stopping at the ends."""
        source, picture = self._state.source, self._state.picture
        if source is not None and picture is not None:
            self.choose_picture(min(max(picture + by, 0), source.count - 1))

    def set_code(self, code: Floats, label: str = "Move cursor", gesture: str | None = None) -> None:
        """Move the latent cursor.

        Parameters
        ----------
        code
            ``(latent_dim,)``, any float type; copied.
        label
            What the edit is called in the history.
        gesture
            Edits with the same gesture, one after another, are one step.

        Raises
        ------
        UsageError
            If the code has not the model's size, or is not finite.
        """
        model = self._state.model
        code = np.array(code, np.float32)
        if model is None or code.shape != (model.latent_dim,) or not np.isfinite(code).all():
            size = model.latent_dim if model else 0
            raise UsageError(f"a finite code of {size} values", f"one of shape {code.shape}")
        code.flags.writeable = False
        if self._state.code is None or not np.array_equal(code, self._state.code):
            self._edit(label, gesture, code=code)

    def set_dimension(self, dimension: int, value: float, gesture: str | None = None) -> None:
        """Set one dimension of the cursor, in code units."""
        if self._state.code is not None:
            code = self._state.code.copy()
            code[dimension] = value
            self.set_code(code, f"Dimension {dimension}", gesture)

    def reset_dimension(self, dimension: int, gesture: str | None = None) -> None:
        """Set one dimension back to the chosen picture's own value."""
        if self._state.start_code is not None:
            self.set_dimension(dimension, float(self._state.start_code[dimension]), gesture)

    def set_axis(self, axis: int, value: float, gesture: str | None = None) -> None:
        """Move the cursor along one principal axis, to a value in σ of the data; the rest of the code is kept."""
        model, code = self._state.model, self._state.code
        if model is not None and code is not None:
            self.set_code(move_axis(code, model.sample.statistics, axis, value), f"Axis {axis}", gesture)

    def reset_axis(self, axis: int, gesture: str | None = None) -> None:
        """Move the cursor along one principal axis to where the chosen picture is; the rest of the code is kept."""
        model, code, start = self._state.model, self._state.code, self._state.start_code
        if model is not None and code is not None and start is not None:
            self.set_code(take_axis(code, start, model.sample.statistics, axis), f"Axis {axis}", gesture)

    def set_along(self, number: int, value: float, gesture: str | None = None) -> None:
        """Move the cursor along one of the directions, to a value in σ of the data; the rest of the code is kept."""
        model, code = self._state.model, self._state.code
        if model is not None and code is not None:
            kept = self._state.directions[number]
            ruler = Ruler(kept.direction.vector, model.sample.codes)
            self.set_code(ruler.moved(code, value), f"Direction {kept.name}", gesture)

    def reset_along(self, number: int, gesture: str | None = None) -> None:
        """Move the cursor along one of the directions to where the chosen picture is; the rest of the code is kept."""
        model, start = self._state.model, self._state.start_code
        if model is not None and start is not None:
            ruler = Ruler(self._state.directions[number].direction.vector, model.sample.codes)
            self.set_along(number, ruler.value(start), gesture)

    def set_arithmetic(self, arithmetic: Arithmetic, gesture: str | None = None) -> None:
        """Make the cursor of other codes; where one is missing it stays where it is.

        Raises
        ------
        UsageError
            If a code is not of the model's length.
        """
        model = self._state.model
        length = model.latent_dim if model is not None else 0
        if any(code.shape != (length,) for slot in arithmetic.slots for code in slot.codes):
            raise UsageError(f"codes of {length} numbers", "others", "Choose pictures of the open model.")
        code = arithmetic.result()
        changes: dict[str, Any] = {"arithmetic": arithmetic}
        if code is not None:
            code.flags.writeable = False
            changes["code"] = code
        self._edit("Arithmetic", gesture, **changes)

    def add_to_slot(self, number: int, codes: Floats) -> None:
        """Put codes ``(n, latent_dim)`` into a slot."""
        slots = list(self._state.arithmetic.slots)
        slots[number] = replace(slots[number], codes=(*slots[number].codes, *np.asarray(codes, np.float32)))
        first, second, third = slots
        self.set_arithmetic(replace(self._state.arithmetic, slots=(first, second, third)))

    def reset_code(self) -> None:
        """Set the cursor back to the chosen picture's own code."""
        if self._state.start_code is not None:
            self.set_code(self._state.start_code, "Reset code")

    def shuffle_code(self, rng: np.random.Generator) -> None:
        """Set the cursor to a random code: from the normal distribution of the data along their principal axes."""
        model = self._state.model
        if model is not None:
            self.set_code(random_along_axes(model.sample.statistics, rng), "Shuffle code")

    def set_noises(self, noises: Sequence[Noise], gesture: str | None = None) -> None:
        """Set the noise lab's corruptions."""
        if tuple(noises) != self._state.noises:
            self._edit("Noise", gesture, noises=tuple(noises))

    def set_jitter(self, jitter: Jitter, gesture: str | None = None) -> None:
        """Set the noise lab's noise on the code.

        Raises
        ------
        UsageError
            If its strength is below 0 or not finite.
        """
        if not 0 <= jitter.sigma < np.inf:
            raise UsageError("a strength of 0 or more", f"{jitter.sigma:g}", "Choose another.")
        if jitter != self._state.jitter:
            self._edit("Latent noise", gesture, jitter=jitter)

    def set_sampling(self, sampling: Sampling, gesture: str | None = None) -> None:
        """Set how random codes are drawn.

        Raises
        ------
        UsageError
            If the temperature is below 0 or not finite.
        """
        if not 0 <= sampling.temperature < np.inf:
            raise UsageError("a temperature of 0 or more", f"{sampling.temperature:g}", "1 is the prior itself.")
        if sampling != self._state.sampling:
            self._edit("Samples", gesture, sampling=sampling)

    def set_traversal(self, traversal: Traversal, gesture: str | None = None) -> None:
        """Set the rows of pictures around the cursor.

        Raises
        ------
        UsageError
            If the reach is not above 0, or not finite.
        """
        if not 0 < traversal.reach < np.inf:
            raise UsageError("a reach above 0 σ", f"{traversal.reach:g}", "3 covers nearly all of the data.")
        if traversal != self._state.traversal:
            self._edit("Traversals", gesture, traversal=traversal)

    def set_grid(self, grid: GridSettings) -> None:
        """Set what the map shows.

        Raises
        ------
        UsageError
            If the range is empty, there are too few or too many steps, or the corners span no plane.
        """
        if not (grid.low < grid.high and 2 <= grid.steps <= GRID_LIMIT):
            raise UsageError(
                f"a range from low to high and 2 to {GRID_LIMIT} steps", f"{grid.low:g} to {grid.high:g}, {grid.steps}"
            )
        if grid.quantiles and (grid.axes or grid.corners or not 0 < grid.low < grid.high < 1):
            raise UsageError("quantiles between 0 and 1, of dimensions", f"{grid.low:g} to {grid.high:g}")
        if grid.corners:
            sizes = {len(corner) for corner in grid.corners}
            if len(grid.corners) != 3 or sizes != {self._state.model.latent_dim if self._state.model else 0}:
                raise UsageError("three codes of the model's length", f"{len(grid.corners)} of {sizes}")
            first, second, third = (np.array(corner, np.float32) for corner in grid.corners)
            Plane(first, second - first, third - first)
        if grid != self._state.grid:
            self._edit("Map range", grid=grid)

    def undo(self) -> None:
        """Take the last edit back."""
        self.go_to_step(self._history.place - 1)

    def redo(self) -> None:
        """Do the last undone edit again."""
        self.go_to_step(self._history.place + 1)

    def go_to_step(self, place: int) -> None:
        """Undo or redo until so many edits of the history are done.

        A model or images that the history does not hold open are asked for first; until they are there, and where they
        are gone, everything stays.
        """
        missing = self._history.missing(place)
        if missing:
            self.reopen_requested.emit(Reopening(place, self._history.version, missing))
        else:
            self._restore(self._history.jump(place, self._state))

    def put_reopened(self, wanted: Reopening, opened: Sequence[tuple[Closed, OpenModel | Source]]) -> None:
        """Take in what was opened again, and go to the step that needs it, unless there was another edit meanwhile."""
        for closed, found in opened:
            self._history.put_opened(closed, found)
        if self._history.version == wanted.version:
            self.go_to_step(wanted.place)

    def put_state(self, state: State) -> None:
        """Put a whole state in place, with a history that begins there: that of a session."""
        self._replace(state)
        self.forget_history()

    def forget_history(self) -> None:
        """Begin the history here."""
        self._history = History()
        self.history_changed.emit()

    def _edit(self, label: Wording, gesture: str | None = None, **changes: Any) -> None:
        before = self._state
        self._history.record(before, label, gesture)
        self._replace(replace(before, **changes))
        self.history_changed.emit()

    def _restore(self, state: State | None) -> None:
        if state is not None:
            self._replace(state)
            self.history_changed.emit()

    def _replace(self, state: State) -> None:
        """Put a state in place, take away the views it makes stale, then say which parts are others."""
        before, self._state = self._state, state
        self._stale_code = False
        if state.model is not before.model:
            self.map.clear()
        changed = {part.name for part in fields(State) if getattr(before, part.name) is not getattr(state, part.name)}
        self._take_away({slot for part in changed for slot in _STALE.get(part, ())})
        self.timeline.keep_playhead()
        for part in _ORDER:
            if part in changed:
                getattr(self, f"{part}_changed").emit()
        view = self.picture_view
        if isinstance(view, PictureView | HalfView):
            # An undo may lead to the moment before the encoder answered; nobody would ask it again.
            self._place_cursor(view)

    # -- what the workers put in -----------------------------------------------------------------------------------

    def put_view(self, slot: str, view: View) -> None:
        """Show what the codec thread answered.

        A `PictureView` for a picture whose code is not known yet gives the cursor its place; that is the end of the
        choice, not an edit of its own.
        """
        self._views[slot] = view
        if isinstance(view, PictureView | HalfView):
            self._place_cursor(view)
        if isinstance(view, TilesView):
            self.map.put(view)
        self._view_signal(slot)

    def _place_cursor(self, view: PictureView | HalfView) -> None:
        start, cursor = self._state.start_code, self._state.code
        if view.code is None or (start is not None and not self._stale_code):
            return
        self._stale_code = False
        code = np.array(view.code, np.float32)
        code.flags.writeable = False
        if cursor is None or cursor is start:
            cursor = code
            if isinstance(view, PictureView):
                self._views["cursor"] = CursorView(view.reconstruction, 0.0)
        self._state = replace(self._state, start_code=code, code=cursor)
        self.code_changed.emit()
        self._view_signal("cursor")

    def put_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show which jobs run."""
        self._jobs = jobs
        self.jobs_changed.emit()

    def put_training(self, training: TrainingView) -> None:
        """Show how far the training is."""
        self._training = training
        self.training_changed.emit()

    def report(self, message: Wording, details: str = "") -> None:
        """Tell the user that something went wrong."""
        self.problem_reported.emit(Problem(message, details))


_ORDER = (
    "source",
    "model",
    "picture",
    "guest",
    "keyframes",
    "film",
    "times",
    "grid",
    "noises",
    "jitter",
    "sampling",
    "traversal",
    "directions",
    "arithmetic",
    "bookmarks",
    "code",
)
"""What is told first: whoever hears of a code reads the model that it belongs to."""

_STALE = {
    "model": (
        "picture",
        "cursor",
        "noise",
        "cloud",
        "samples",
        "traversal",
        "neighbours",
        "nearest",
        "compare",
        "slots",
        "hover",
        "meter",
        "overlay",
        "tiles",
        "keyframes",
        "bookmarks",
        "film",
    ),
    "source": ("picture", "cursor", "noise", "compare", "neighbours", "nearest", "thumbnails", "points"),
    "picture": ("picture", "cursor", "noise"),
    "guest": ("picture", "cursor", "noise", "compare"),
    "keyframes": ("keyframes", "film"),
    "film": ("film",),
    "times": ("film",),
    "grid": ("tiles",),
    "arithmetic": ("slots",),
    "bookmarks": ("bookmarks",),
}
"""Views that no longer belong to the state when a part of it is another."""
