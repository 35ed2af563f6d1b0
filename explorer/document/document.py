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
from explorer.document.state import (
    AXES_ABOVE,
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
from explorer.document.timeline import Timeline
from explorer.document.trainings import Trainings
from explorer.document.views import (
    BookmarksView,
    CloudView,
    CompareView,
    CursorView,
    FailedView,
    FilmView,
    HalfView,
    HoverView,
    KeyframesView,
    MeterView,
    NeighboursView,
    NoiseView,
    OverlayView,
    PictureView,
    SamplesView,
    SlotsView,
    ThumbnailsView,
    TilesView,
    TrainingFilmView,
    TraversalView,
    View,
)
from explorer.errors import UsageError
from explorer.latent.axes import move_axis, random_along_axes, take_axis
from explorer.latent.directions import Ruler, orthogonal
from explorer.latent.film import FilmSettings
from explorer.latent.lattice import Lattice
from explorer.latent.planes import Plane, QuantilePlane
from explorer.latent.presets import Preset
from explorer.models.settings import TrainingRequest
from explorer.types import Floats, Pixels

GRID_LIMIT = 40
"""Most pictures a side of the map's grid."""


@dataclass(frozen=True)
class Problem:
    """Something that went wrong: what to say, and what to copy into a report."""

    message: str
    details: str = ""


class Document:
    """What the user works on.

    Signals
    -------
    model_changed, source_changed, picture_changed, guest_changed, code_changed, noises_changed, jitter_changed,
    sampling_changed, traversal_changed, keyframes_changed, film_changed, times_changed, grid_changed,
    directions_changed, arithmetic_changed, bookmarks_changed
        A part of the state is another; no arguments, read the document.
    watched_changed
        A view's slot is looked at now, or no longer: its name.
    picture_view_changed, cursor_view_changed, noise_view_changed, cloud_view_changed, samples_view_changed,
    traversal_view_changed, neighbours_view_changed, nearest_view_changed, slots_view_changed, compare_view_changed,
    hover_view_changed,
    meter_view_changed, overlay_view_changed,
    points_view_changed, tiles_view_changed, keyframes_view_changed, film_view_changed, thumbnails_view_changed,
    bookmarks_view_changed,
    training_film_view_changed
        A derived view is another, or was taken away.
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
    watched_changed = Signal(str)

    picture_view_changed = Signal()
    cursor_view_changed = Signal()
    noise_view_changed = Signal()
    cloud_view_changed = Signal()
    samples_view_changed = Signal()
    traversal_view_changed = Signal()
    neighbours_view_changed = Signal()
    nearest_view_changed = Signal()
    compare_view_changed = Signal()
    slots_view_changed = Signal()
    hover_view_changed = Signal()
    meter_view_changed = Signal()
    overlay_view_changed = Signal()
    points_view_changed = Signal()
    tiles_view_changed = Signal()
    keyframes_view_changed = Signal()
    bookmarks_view_changed = Signal()
    film_view_changed = Signal()
    thumbnails_view_changed = Signal()
    training_film_view_changed = Signal()
    thumbnails_requested = Signal(object)

    history_changed = Signal()
    jobs_changed = Signal()
    training_changed = Signal()
    library_changed = Signal()
    problem_reported = Signal(Problem)
    exported = Signal(Path)
    announced = Signal(str)

    open_model_requested = Signal(Path)
    open_source_requested = Signal(str)
    training_expected = Signal()
    training_requested = Signal(TrainingRequest)
    training_cancel_requested = Signal()
    job_cancel_requested = Signal(int)

    def __init__(self) -> None:
        self._state = State()
        self._history = History()
        self._watched: set[str] = set()
        self._stale_code = False
        self._jobs: tuple[JobView, ...] = ()
        self._training = TrainingView()
        self._views: dict[str, View | None] = {}
        self.preparation = Preparation()
        self.trainings = Trainings()
        self.stock = Stock()
        self.studies = Studies()
        self.imports = Imports()
        self.intake = Intake()
        self.neighbours = Neighbours()
        self.finder = Directions()
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

    def watches(self, slot: str) -> bool:
        """Say whether somebody looks at a view that is not computed otherwise: the noise lab's, say."""
        return slot in self._watched

    def watch(self, slot: str, watched: bool) -> None:
        """Say whether somebody looks at the view of a slot."""
        if watched != (slot in self._watched):
            self._watched ^= {slot}
            self.watched_changed.emit(slot)

    @property
    def picture_view(self) -> PictureView | HalfView | FailedView | None:
        """The chosen picture and its reconstruction."""
        view = self._views.get("picture")
        return view if isinstance(view, PictureView | HalfView | FailedView) else None

    @property
    def cursor_view(self) -> CursorView | FailedView | None:
        """The latent cursor, decoded."""
        view = self._views.get("cursor")
        return view if isinstance(view, CursorView | FailedView) else None

    @property
    def noise_view(self) -> NoiseView | FailedView | None:
        """The corrupted picture and its reconstruction."""
        view = self._views.get("noise")
        return view if isinstance(view, NoiseView | FailedView) else None

    @property
    def cloud_view(self) -> CloudView | FailedView | None:
        """The codes around the cursor, decoded."""
        view = self._views.get("cloud")
        return view if isinstance(view, CloudView | FailedView) else None

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
        return _reach_of(self._state.model) if self._state.model is not None else GridSettings().high

    @property
    def lattice(self) -> Lattice:
        """Where the map's tiles lie at its first level of zoom."""
        grid = self._state.grid
        return Lattice(grid.low, (grid.high - grid.low) / (grid.steps - 1))

    @property
    def samples_view(self) -> SamplesView | FailedView | None:
        """Random codes, decoded."""
        view = self._views.get("samples")
        return view if isinstance(view, SamplesView | FailedView) else None

    @property
    def traversal_view(self) -> TraversalView | FailedView | None:
        """Rows of pictures around the cursor."""
        view = self._views.get("traversal")
        return view if isinstance(view, TraversalView | FailedView) else None

    @property
    def neighbours_view(self) -> NeighboursView | FailedView | None:
        """The pictures nearest to the cursor or the chosen picture."""
        view = self._views.get("neighbours")
        return view if isinstance(view, NeighboursView | FailedView) else None

    @property
    def nearest_view(self) -> NeighboursView | FailedView | None:
        """The one picture nearest to the cursor."""
        view = self._views.get("nearest")
        return view if isinstance(view, NeighboursView | FailedView) else None

    @property
    def compare_view(self) -> CompareView | FailedView | None:
        """The chosen picture through the open model and the one beside it."""
        view = self._views.get("compare")
        return view if isinstance(view, CompareView | FailedView) else None

    @property
    def slots_view(self) -> SlotsView | FailedView | None:
        """The codes in the slots, decoded."""
        view = self._views.get("slots")
        return view if isinstance(view, SlotsView | FailedView) else None

    @property
    def hover_view(self) -> HoverView | FailedView | None:
        """What was under the mouse on the map last."""
        view = self._views.get("hover")
        return view if isinstance(view, HoverView | FailedView) else None

    @property
    def meter_view(self) -> MeterView | None:
        """How far the cursor lies from the data's codes."""
        view = self._views.get("meter")
        return view if isinstance(view, MeterView) else None

    @property
    def overlay_view(self) -> OverlayView | FailedView | None:
        """What is laid over the map, as far as it is measured."""
        view = self._views.get("overlay")
        return view if isinstance(view, OverlayView | FailedView) else None

    @property
    def tiles_view(self) -> TilesView | FailedView | None:
        """The tiles of the map that were decoded last; `map` has all of them."""
        view = self._views.get("tiles")
        return view if isinstance(view, TilesView | FailedView) else None

    @property
    def keyframes_view(self) -> KeyframesView | FailedView | None:
        """The keyframes, decoded."""
        view = self._views.get("keyframes")
        return view if isinstance(view, KeyframesView | FailedView) else None

    @property
    def bookmarks_view(self) -> BookmarksView | FailedView | None:
        """The bookmarks, decoded."""
        view = self._views.get("bookmarks")
        return view if isinstance(view, BookmarksView | FailedView) else None

    def _thumbnails(self) -> Pixels | None:
        view = self.bookmarks_view
        return to_pixels(view.images) if isinstance(view, BookmarksView) else None

    @property
    def film_view(self) -> FilmView | FailedView | None:
        """The morph, measured."""
        view = self._views.get("film")
        return view if isinstance(view, FilmView | FailedView) else None

    @property
    def thumbnails_view(self) -> ThumbnailsView | FailedView | None:
        """The small pictures that were read last."""
        view = self._views.get("thumbnails")
        return view if isinstance(view, ThumbnailsView | FailedView) else None

    @property
    def points_view(self) -> ThumbnailsView | FailedView | None:
        """The small pictures of points of the map that were read last."""
        view = self._views.get("points")
        return view if isinstance(view, ThumbnailsView | FailedView) else None

    @property
    def training_film_view(self) -> TrainingFilmView | FailedView | None:
        """The frame of a training's film that was asked for last."""
        view = self._views.get("training_film")
        return view if isinstance(view, TrainingFilmView | FailedView) else None

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """Long jobs that run."""
        return self._jobs

    @property
    def training(self) -> TrainingView:
        """The training that runs, or the last one."""
        return self._training

    @property
    def undo_label(self) -> str | None:
        """What undo would take back."""
        return self._history.undo_label

    @property
    def redo_label(self) -> str | None:
        """What redo would do again."""
        return self._history.redo_label

    @property
    def history(self) -> tuple[str, ...]:
        """Names of all edits that can be undone, then of those that can be redone, the first one first."""
        return self._history.labels

    @property
    def history_place(self) -> int:
        """How many of them are done."""
        return self._history.place

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
        changes: dict[str, Any] = _codes_at_first(model or self._state.model)
        if model is not None:
            changes |= {"model": model, "keyframes": (), "times": None, "grid": _grid_for(model)}
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
        self._history.replace(lambda state: _refined(state, source))
        before, self._state = self._state, _refined(self._state, source)
        if self._state is not before:
            # A guest is none of the source's pictures: nothing of it goes.
            left_out = self._state.start_code is not before.start_code
            for slot in _STALE["picture"] if left_out else ():
                if self._views.pop(slot, None) is not None:
                    self._view_signal(slot)
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
        self._history.replace(lambda state: _newer(state, model))
        before = self._state
        if model is before.model or not model.continues(before.model):
            return
        self._stale_code = True
        self._state = replace(before, model=model, grid=_newer_grid(before, model))
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
            changes: dict[str, Any] = _codes_at_first(model) if model is None or model.card.encodes else {}
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
        changes: dict[str, Any] = _codes_at_first(model)
        self._edit(f"Bring in {guest.title}", guest=guest, **changes)

    def invert_guest(self) -> None:
        """Exchange dark and light of the picture that was brought in."""
        guest = self._state.guest
        if isinstance(guest, GuestSource):
            changes: dict[str, Any] = _codes_at_first(self._state.model)
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

    def keep_directions(self, added: Sequence[NamedDirection]) -> None:
        """Keep directions; one takes the place of another of its name.

        Raises
        ------
        UsageError
            If one is not of the model's length.
        """
        model = self._state.model
        length = model.latent_dim if model is not None else 0
        if any(len(one.direction.vector) != length for one in added):
            raise UsageError(f"directions of {length} numbers", "others", "Open the model that they are of.")
        names = {one.name: one for one in added}
        kept = [names.pop(one.name, one) for one in self._state.directions]
        if added:
            self._edit("Keep directions", directions=(*kept, *names.values()))

    def drop_directions(self, numbers: Sequence[int]) -> None:
        """Forget directions by their numbers."""
        left = tuple(one for number, one in enumerate(self._state.directions) if number not in set(numbers))
        if len(left) < len(self._state.directions):
            self._edit("Drop directions", directions=left)

    def part_directions(self) -> None:
        """Take from each direction what those before it hold, so that moving along one leaves the others be.

        One that holds nothing else goes, and is told of; what was changed has not been measured.
        """
        before = self._state.directions
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
            self.announced.emit(f"{', '.join(gone)}: nothing that the others do not hold, and let go")

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
        self._restore(self._history.undo(self._state))

    def redo(self) -> None:
        """Do the last undone edit again."""
        self._restore(self._history.redo(self._state))

    def go_to_step(self, place: int) -> None:
        """Undo or redo until so many edits of the history are done."""
        self._restore(self._history.jump(place, self._state))

    def put_state(self, state: State) -> None:
        """Put a whole state in place, with a history that begins there: that of a session."""
        self._replace(state)
        self.forget_history()

    def forget_history(self) -> None:
        """Begin the history here."""
        self._history = History()
        self.history_changed.emit()

    def _edit(self, label: str, gesture: str | None = None, **changes: Any) -> None:
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
        stale = {slot for part in changed for slot in _STALE.get(part, ())}
        gone = [slot for slot in stale if self._views.pop(slot, None) is not None]
        for slot in gone:
            self._view_signal(slot)
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

    def report(self, message: str, details: str = "") -> None:
        """Tell the user that something went wrong."""
        self.problem_reported.emit(Problem(message, details))

    def _view_signal(self, slot: str) -> None:
        getattr(self, f"{slot}_view_changed").emit()


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


def _refined(state: State, source: Source) -> State:
    """Return a state with `source` in place of the one that it continues."""
    old, picture = state.source, state.picture
    if old is None or old is source or not source.continues(old):
        return state
    if picture is None:
        return replace(state, source=source)
    found = old.position_in(source, picture)
    if found is not None:
        return replace(state, source=source, picture=found)
    if state.guest is not None:
        return replace(state, source=source, picture=min(picture, source.count - 1))
    return replace(state, source=source, picture=min(picture, source.count - 1), start_code=None, code=None)


def _newer(state: State, model: OpenModel) -> State:
    """Return a state with `model` in place of the older one that it continues; its picture is to be encoded anew."""
    if not model.continues(state.model):
        return state
    code = None if state.code is state.start_code else state.code
    return replace(state, model=model, start_code=None, code=code, grid=_newer_grid(state, model))


def _newer_grid(state: State, model: OpenModel) -> GridSettings:
    """Let the map grow and shrink with the codes of a model that learns, unless its range was set by hand."""
    old = state.model
    return _grid_for(model) if old is not None and state.grid == _grid_for(old) else state.grid


def _codes_at_first(model: OpenModel | None) -> dict[str, Floats | None]:
    """Where the cursor stands before the encoder has answered: nowhere; amidst the codes where there is no encoder."""
    if model is None or model.card.encodes:
        return {"start_code": None, "code": None}
    code = np.array(model.sample.statistics.mean, np.float32)
    code.flags.writeable = False
    return {"start_code": code, "code": code}


def _grid_for(model: OpenModel) -> GridSettings:
    """The first two dimensions; of a long code, in which these say little, the two widest axes."""
    if model.latent_dim > AXES_ABOVE and len(model.sample.statistics.axes) > 1:
        return GridSettings(axes=True)
    high = _reach_of(model)
    return GridSettings(low=-high, high=high)


def _reach_of(model: OpenModel) -> float:
    """Half the side of a square that holds nearly all codes of the sample, rounded up to halves, ones or tens.

    So coarsely that the range of a model that learns does not change with every step it takes.
    """
    reach = float(np.abs(model.sample.statistics.quantiles[:, :2][[1, -2]]).max())
    step = 0.5 if reach <= 5 else 10.0 ** np.ceil(np.log10(reach / 5) - 1)
    return float(max(2.0, np.ceil(reach / step) * step))
