"""The document: one state, its history, the views derived from it, and the requests of the user.

Main thread only. Panels read it, connect to its signals and call its methods; they never call one another. Requests
that need a thread (open a folder, train, export) are ``…_requested`` signals, served by
`explorer.workers.backend.Backend`.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from psygnal import Signal, SignalGroup

from explorer.data.choices import Choices, join, place_of
from explorer.data.corruption import Noise
from explorer.data.imported_image import ImportedImage
from explorer.data.mixer import Mixer
from explorer.data.source import Source
from explorer.document.activity import JobView, TrainingView
from explorer.document.analysis import Analysis
from explorer.document.bookmarks import Bookmarks
from explorer.document.closed import Closed, Reopening
from explorer.document.comparison import ComparedModel
from explorer.document.conditioning import Conditioning
from explorer.document.dataset_checks import DatasetChecks
from explorer.document.directions import Directions
from explorer.document.downloads import Downloads
from explorer.document.history import History
from explorer.document.imports import Imports
from explorer.document.kept_timelines import keeping_note
from explorer.document.map_tiles import MapTiles
from explorer.document.neighbors import Neighbors
from explorer.document.open_requests import OpenRequest, ReadingQuestion
from explorer.document.opened_places import OpenedPlaces
from explorer.document.selection import Selection
from explorer.document.sessions import Sessions
from explorer.document.state import (
    Arithmetic,
    GridSettings,
    Jitter,
    OpenModel,
    Sampling,
    State,
    StateSignals,
    Traversal,
)
from explorer.document.timeline import Timeline
from explorer.document.trainings import Trainings
from explorer.document.transitions import (
    newer_grid,
    opened,
    range_of,
    refined,
    same_place,
    unencoded,
    with_known_codes,
)
from explorer.document.view_store import PLANE, Views
from explorer.errors import UsageError
from explorer.latent.animation_presets import AnimationPreset
from explorer.latent.components import move_component, random_along_components, take_component
from explorer.latent.directions import Ruler
from explorer.latent.planes import Plane, QuantilePlane
from explorer.latent.statistics import CodeStatistics
from explorer.latent.tile_grid import TileGrid
from explorer.messages import Message, Value, message
from explorer.models.settings import TrainingRequest
from explorer.types import Floats

_EDIT_CODE = message("Edit code")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SMALLEST_SIGMA = 1e-6


@dataclass(frozen=True)
class Problem:
    """An error: a message to show, and details for a bug report."""

    message: Message
    details: str = ""


class Document:
    """What the user works on; `views` are results derived from the state (`explorer.document.views`).

    Each part of the state has a signal without arguments, such as ``changed.code``.

    Signals
    -------
    term_requested
        Images to add to a term of the arithmetic: positions int64 ``(n,)``, and the number of the term.
    thumbnails_requested
        Positions of the images that the gallery shows: int64 ``(n,)``.
    preview_requested
        The position of the image that the gallery shows larger; None for none.
    image_requested
        The source and the position of an image that is to be copied or saved in its own size, and what gets its pixels
        ``(h, w, c)``.
    library_changed
        The list of bundles on disk changed.
    exported, announced
        A file was written: its path. A message for the status bar.
    training_expected
        The user looks at the settings of a training.
    job_cancel_requested
        The key of a job.
    panel_requested
        A panel is to be shown: its name.
    reading_requested
        How the images were read is to be shown, and can be changed.
    choice_wanted
        A file can be read in several ways; the user chooses one.
    """

    term_requested = Signal(object, int)
    thumbnails_requested = Signal(object)
    preview_requested = Signal(object)
    image_requested = Signal(object, int, object)

    history_changed = Signal()
    jobs_changed = Signal()
    training_changed = Signal()
    library_changed = Signal()
    problem_reported = Signal(Problem)
    exported = Signal(Path)
    announced = Signal(object)

    open_requested = Signal(OpenRequest)
    reopen_requested = Signal(Reopening)
    training_expected = Signal()
    training_requested = Signal(TrainingRequest)
    training_cancel_requested = Signal()
    job_cancel_requested = Signal(int)
    panel_requested = Signal(str)
    reading_requested = Signal()
    choice_wanted = Signal(ReadingQuestion)

    def __init__(self) -> None:
        self.changed: SignalGroup = StateSignals()
        self._state = State()
        self._history = History()
        self._stale_code = False
        self._jobs: tuple[JobView, ...] = ()
        self._training = TrainingView()
        self.views = Views()
        self.dataset_checks = DatasetChecks()
        self.trainings = Trainings()
        self.downloads = Downloads()
        self.analysis = Analysis()
        self.imports = Imports()
        self.neighbors = Neighbors()
        self.direction_search = Directions(self, self.announced.emit)
        self.comparison = ComparedModel()
        self.selection = Selection()
        self.map = MapTiles()
        self.timeline = Timeline(self)
        self.bookmarks = Bookmarks(self)
        self.condition = Conditioning(self)
        self.places = OpenedPlaces()
        self.sessions = Sessions(lambda: self._state, lambda: self.selection.picked, lambda: self.timeline.playhead)
        # Positions in another source are other images, also if it only omits some.
        self.changed.source.connect(lambda: self.selection.put(None))
        self.changed.source.connect(lambda: self.places.add(self._state.source))
        self.changed.code.connect(self.condition.renew)

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

    def home_range(self, dims: tuple[int, int]) -> tuple[float, float]:
        """Return the default range of the map of two dimensions, in code units: it covers nearly all codes."""
        return range_of(self._state.model, dims) if self._state.model is not None else (-3.0, 3.0)

    @property
    def tile_grid(self) -> TileGrid:
        grid = self._state.grid
        return TileGrid(grid.low, (grid.high - grid.low) / (grid.steps - 1))

    @property
    def jobs(self) -> tuple[JobView, ...]:
        return self._jobs

    @property
    def training(self) -> TrainingView:
        return self._training

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

    def open(
        self, model: OpenModel | None = None, source: Source | None = None, animation: AnimationPreset | None = None
    ) -> None:
        """Replace the model, the images, or both as one step, and the animation if one is given.

        The timeline, bookmarks, directions and arithmetic of the old model are kept until it is opened again; the
        latent cursor is a code of it and is removed. The selected image stays if only the model changes. UsageError if
        the animation does not have the model's latent dimensions.
        """
        before = self._state
        label = message("Open {name}", name=model.name if model else source.title if source else "")
        if model is None and same_place(before.source, source):
            label = message("Read {name} in another way", name=source.title if source else "")
        self.edit(label, opened(before, model, source, animation))
        note = keeping_note(before, self._state)
        if note:
            self.announced.emit(note)

    def read_again(self, choices: Choices) -> None:
        """Request to open the images again, read as chosen; the old ones stay if that is not possible."""
        source = self._state.source
        if source is not None:
            self.open_requested.emit(OpenRequest((join(place_of(source.spec), choices),), "images"))

    def refine_source(self, source: Source) -> None:
        """Replace a provisional source by the source that continues it, here and in the history.

        This is not an edit: image (unless it turned out to be unreadable), latent cursor and keyframes stay.
        """
        self._history.replace(lambda state: refined(state, source))
        before, self._state = self._state, refined(self._state, source)
        if self._state is not before:
            # An imported image is not part of the source and stays.
            left_out = self._state.start_code is not before.start_code
            self.views.remove_stale({"image_index"} if left_out else set())
            self._outdate({"source", "image_index", "start_code", "code"})
            self.changed.source.emit()
            if left_out or self._state.image_index != before.image_index:
                self.changed.image_index.emit()
            if left_out:
                self.changed.code.emit()

    def refine_model(self, model: OpenModel) -> None:
        """Replace a model in training by its newer version, here and in the history.

        This is not an edit: image, keyframes and an edited code stay, and views stay until new ones are computed. An
        unedited latent cursor moves to the code of the new encoder.
        """
        self._history.refine_model(model)
        before = self._state
        if model is before.model or not model.continues(before.model):
            return
        self._stale_code = True
        self._state = replace(before, model=model, grid=newer_grid(before, model))
        self._outdate({"model", "grid"})
        self.changed.model.emit()
        if self._state.grid != before.grid:
            self.changed.grid.emit()

    def choose_image(self, index: int) -> None:
        """Select an image by its position; its code becomes the latent cursor once it is encoded.

        UsageError if there is no such image.
        """
        source = self._state.source
        if source is None:
            raise UsageError("Cannot select an image: no images are open. Open a dataset first.")
        if not 0 <= index < source.count:
            raise UsageError("No image {index}. Choose one from 0 to {last}.", index=index, last=source.count - 1)
        if index != self._state.image_index or self._state.imported_image is not None:
            state = replace(self._state, image_index=index, imported_image=None)
            if state.model is None or state.model.card.encodes:
                state = unencoded(state)
            self.edit(message("Select image #{number:,}", number=index + 1), state, "~image")

    def receive(self, imported_image: Source) -> None:
        """Show an imported image, a source of one, instead of the selected one; its code becomes the latent cursor.

        UsageError if no model with an encoder is open.
        """
        model = self._state.model
        if model is None:
            raise UsageError("Cannot import an image: no model is open. Open a model with an encoder first.")
        if not model.card.encodes:
            raise UsageError(
                "Cannot import an image: “{model}” has no encoder. Open a model with an encoder first.",
                model=model.name,
            )
        state = unencoded(replace(self._state, imported_image=imported_image))
        self.edit(message("Import {name}", name=imported_image.title), state)

    def invert_imported_image(self) -> None:
        imported_image = self._state.imported_image
        if isinstance(imported_image, ImportedImage):
            state = replace(self._state, imported_image=imported_image.inverted())
            self.edit(message("Invert colors"), unencoded(state))

    def step_image(self, by: int) -> None:
        """Select the image `by` positions further, clipped to the first and the last."""
        source, image_index = self._state.source, self._state.image_index
        if source is not None and image_index is not None:
            self.choose_image(min(max(image_index + by, 0), source.count - 1))

    def set_code(self, code: Floats, label: Message = _EDIT_CODE, gesture: str | None = None) -> None:
        """Set the latent cursor to a copy of a code, ``(latent_dim,)`` of any float dtype.

        Consecutive edits with the same gesture are one step. UsageError if the code has another size, or is not finite.
        """
        model = self._state.model
        code = np.array(code, np.float32)
        if model is None or code.shape != (model.latent_dim,) or not np.isfinite(code).all():
            size = model.latent_dim if model else 0
            raise UsageError(
                "A code of this model needs {size:# finite value|# finite values}; this one has shape {shape}.",
                size=size,
                shape=str(code.shape),
            )
        code.flags.writeable = False
        if self._state.code is None or not np.array_equal(code, self._state.code):
            self.edit(label, replace(self._state, code=code), gesture)

    def set_dimension(self, dimension: int, value: float, gesture: str | None = None) -> None:
        """In code units."""
        model, code = self._state.model, self._state.code
        if model is not None and code is not None:
            stats = model.sample.statistics
            mean, sigma = float(stats.mean[dimension]), max(float(stats.sigma[dimension]), _SMALLEST_SIGMA)
            before, after = (float(code[dimension]) - mean) / sigma, (value - mean) / sigma
            code = code.copy()
            code[dimension] = value
            self.set_code(code, _moved(f"z{str(dimension).translate(_SUBSCRIPTS)}", before, after), gesture)

    def reset_dimension(self, dimension: int, gesture: str | None = None) -> None:
        if self._state.start_code is not None:
            self.set_dimension(dimension, float(self._state.start_code[dimension]), gesture)

    def set_component(self, component: int, value: float, gesture: str | None = None) -> None:
        """In σ of the data."""
        model, code = self._state.model, self._state.code
        if model is not None and code is not None:
            after = move_component(code, model.sample.statistics, component, value)
            self._set_axis(model, code, component, after, gesture)

    def reset_component(self, component: int, gesture: str | None = None) -> None:
        model, code, start = self._state.model, self._state.code, self._state.start_code
        if model is not None and code is not None and start is not None:
            after = take_component(code, start, model.sample.statistics, component)
            self._set_axis(model, code, component, after, gesture)

    def _set_axis(self, model: OpenModel, before: Floats, component: int, after: Floats, gesture: str | None) -> None:
        start, end = (_component(code, model.sample.statistics, component) for code in (before, after))
        self.set_code(after, _moved(message("PC {number}", number=component + 1), start, end), gesture)

    def set_along(self, number: int, value: float, gesture: str | None = None) -> None:
        """Move the latent cursor along one of the directions, to a value in σ of the data."""
        model, code = self._state.model, self._state.code
        if model is not None and code is not None:
            kept = self._state.directions[number]
            ruler = Ruler(kept.direction.vector, model.sample.codes)
            self.set_code(ruler.moved(code, value), _moved(kept.name, ruler.value(code), value), gesture)

    def reset_along(self, number: int, gesture: str | None = None) -> None:
        """Move the latent cursor along one of the directions to the value of the selected image."""
        model, start = self._state.model, self._state.start_code
        if model is not None and start is not None:
            ruler = Ruler(self._state.directions[number].direction.vector, model.sample.codes)
            self.set_along(number, ruler.value(start), gesture)

    def set_arithmetic(self, arithmetic: Arithmetic, gesture: str | None = None) -> None:
        """Set the code arithmetic, and the latent cursor to its result, if no code is missing.

        UsageError if a code does not have the model's latent dimensions.
        """
        model = self._state.model
        length = model.latent_dim if model is not None else 0
        if any(code.shape != (length,) for term in arithmetic.terms for code in term.codes):
            raise UsageError(
                "A term has a code of another model, not of {length:# latent dimension|# latent dimensions}. Choose "
                "images again.",
                length=length,
            )
        state = replace(self._state, arithmetic=arithmetic)
        code = arithmetic.result()
        if code is not None:
            code.flags.writeable = False
            state = replace(state, code=code)
        self.edit(message("Code arithmetic"), state, gesture)

    def add_to_term(self, number: int, codes: Floats) -> None:
        """Add codes ``(n, latent_dim)`` to a term of the arithmetic."""
        terms = list(self._state.arithmetic.terms)
        terms[number] = replace(terms[number], codes=(*terms[number].codes, *np.array(codes, np.float32)))
        first, second, third = terms
        self.set_arithmetic(replace(self._state.arithmetic, terms=(first, second, third)))

    def reset_code(self) -> None:
        if self._state.start_code is not None:
            self.set_code(self._state.start_code, message("Reset edit"))

    def shuffle_code(self, rng: np.random.Generator) -> None:
        """Set the latent cursor to a random code from a normal distribution fitted to the data; its condition stays."""
        model = self._state.model
        if model is not None:
            code = random_along_components(model.sample.statistics, rng)
            self.set_code(self.condition.applied(code), message("Random code"))

    def set_noises(self, noises: Sequence[Noise], gesture: str | None = None) -> None:
        if tuple(noises) != self._state.noises:
            self.edit(message("Noise"), replace(self._state, noises=tuple(noises)), gesture)

    def set_jitter(self, jitter: Jitter, gesture: str | None = None) -> None:
        """Set the latent noise of the Noise tab; UsageError if its strength is below 0 or not finite."""
        if not 0 <= jitter.sigma < np.inf:
            raise UsageError("The strength of latent noise must be 0 or more, not {strength:g}.", strength=jitter.sigma)
        if jitter != self._state.jitter:
            self.edit(message("Latent noise"), replace(self._state, jitter=jitter), gesture)

    def set_sampling(self, sampling: Sampling, gesture: str | None = None) -> None:
        """Set how random codes are drawn; UsageError if the temperature is below 0 or not finite."""
        if not 0 <= sampling.temperature < np.inf:
            raise UsageError("The temperature must be 0 or more, not {value:g}.", value=sampling.temperature)
        if sampling != self._state.sampling:
            self.edit(message("Sampling settings"), replace(self._state, sampling=sampling), gesture)

    def set_traversal(self, traversal: Traversal, gesture: str | None = None) -> None:
        """Set the latent traversals; UsageError if the reach is not above 0, or not finite."""
        if not 0 < traversal.reach < np.inf:
            raise UsageError("The range of a traversal must be above 0 σ, not {value:g} σ.", value=traversal.reach)
        if traversal != self._state.traversal:
            self.edit(message("Traversal settings"), replace(self._state, traversal=traversal), gesture)

    def set_mixer(self, mixer: Mixer, gesture: str | None = None) -> None:
        """Set how the channels of images are shown."""
        if mixer != self._state.mixer:
            self.edit(message("Channel mixer"), replace(self._state, mixer=mixer), gesture)

    def set_grid(self, grid: GridSettings) -> None:
        """Set the plane and the range of the map; UsageError if the corners span no plane."""
        if grid.corners:
            sizes = {len(corner) for corner in grid.corners}
            if len(grid.corners) != 3 or sizes != {self._state.model.latent_dim if self._state.model else 0}:
                raise UsageError("A plane needs three codes of the open model. Choose three keyframes.")
            first, second, third = (np.array(corner, np.float32) for corner in grid.corners)
            Plane(first, second - first, third - first)
        if grid != self._state.grid:
            self.edit(message("Map settings"), replace(self._state, grid=grid))

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

    def edit(self, label: Message, state: State, gesture: str | None = None) -> None:
        """Replace the state, as one step of the history; consecutive edits with the same gesture are one step."""
        self._history.record(self._state, label, gesture)
        self._replace(state)
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
        self.timeline.keep_playhead()
        self._outdate(changed)
        for part in vars(state):
            if part in changed:
                self.changed[part].emit()
        if "mixer" in changed:
            self.views.redraw()

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

    # -- results of the workers ------------------------------------------------------------------------------------

    def put_start_code(self, code: Floats) -> bool:
        """Set the code of the selected image, ``(latent_dim,)``, and return True, unless it is known.

        The latent cursor moves there if it was not edited. This belongs to the selection and is not an edit.
        """
        start, cursor = self._state.start_code, self._state.code
        if start is not None and not self._stale_code:
            return False
        self._stale_code = False
        code = np.array(code, np.float32)
        code.flags.writeable = False
        self._state = replace(self._state, start_code=code, code=code if cursor is None or cursor is start else cursor)
        self._outdate({"start_code", "code"})
        self.changed.code.emit()
        return True

    def put_jobs(self, jobs: tuple[JobView, ...]) -> None:
        self._jobs = jobs
        self.jobs_changed.emit()

    def put_training(self, training: TrainingView) -> None:
        self._training = training
        self.training_changed.emit()

    def report(self, problem: Message, details: str = "") -> None:
        self.problem_reported.emit(Problem(problem, details))


def _component(code: Floats, stats: CodeStatistics, component: int) -> float:
    """Return one principal component of a code, in σ; `to_components` is too slow for a drag with long codes."""
    sigma = float(stats.component_sigma[component])
    along = float(np.einsum("d,d->", code - stats.mean, stats.components[component].astype(np.float32)))
    return along / sigma if sigma > 0 else 0.0


def _moved(name: Value, before: float, after: float) -> Message:
    """Return the label of a change along a dimension, component or direction, in σ."""
    return message("{name}: {start} → {end} σ", name=name, start=_signed(before), end=_signed(after))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
