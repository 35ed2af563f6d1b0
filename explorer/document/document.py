"""The document: one state, its history, the views derived from it, and the requests of the user.

Main thread only. Panels read it, connect to its signals and call its methods; they never call one another. Requests
that need a thread (open a folder, train, export) are ``…_requested`` signals, served by
`explorer.workers.backend.Backend`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from psygnal import Signal

from explorer.data.choices import Choices, join, place_of
from explorer.data.corruption import Noise
from explorer.data.imported_image import ImportedImage
from explorer.data.mixer import Mixer
from explorer.data.source import Source
from explorer.document.activity import JobView, TrainingView
from explorer.document.analysis import Analysis
from explorer.document.bookmarks import Bookmarks
from explorer.document.code_edits import CodeEdits
from explorer.document.comparison import ComparedModel
from explorer.document.conditioning import Conditioning
from explorer.document.dataset_checks import DatasetChecks
from explorer.document.directions import Directions
from explorer.document.downloads import Downloads
from explorer.document.imports import Imports
from explorer.document.kept_timelines import keeping_note
from explorer.document.neighbors import Neighbors
from explorer.document.open_requests import OpenRequest, ReadingQuestion
from explorer.document.opened_places import OpenedPlaces
from explorer.document.selection import Selection
from explorer.document.sessions import Sessions
from explorer.document.state import GridSettings, Jitter, OpenModel, Sampling, Traversal
from explorer.document.timeline import Timeline
from explorer.document.trainings import Trainings
from explorer.document.transitions import newer_grid, opened, range_of, refined, same_place, unencoded
from explorer.errors import UsageError
from explorer.latent.animation_presets import AnimationPreset
from explorer.latent.components import random_along_components
from explorer.latent.planes import Plane
from explorer.messages import Message, message
from explorer.models.settings import TrainingRequest
from explorer.types import Floats


@dataclass(frozen=True)
class Problem:
    """An error: a message to show, and details for a bug report."""

    message: Message
    details: str = ""


class Document(CodeEdits):
    """What the user works on; `views` are results derived from the state (`explorer.document.views`).

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

    jobs_changed = Signal()
    training_changed = Signal()
    library_changed = Signal()
    problem_reported = Signal(Problem)
    exported = Signal(Path)
    announced = Signal(object)

    open_requested = Signal(OpenRequest)
    training_expected = Signal()
    training_requested = Signal(TrainingRequest)
    training_cancel_requested = Signal()
    job_cancel_requested = Signal(int)
    panel_requested = Signal(str)
    reading_requested = Signal()
    choice_wanted = Signal(ReadingQuestion)

    def __init__(self) -> None:
        super().__init__()
        self._jobs: tuple[JobView, ...] = ()
        self._training = TrainingView()
        self.dataset_checks = DatasetChecks()
        self.trainings = Trainings()
        self.downloads = Downloads()
        self.analysis = Analysis()
        self.imports = Imports()
        self.neighbors = Neighbors()
        self.direction_search = Directions(self, self.announced.emit)
        self.comparison = ComparedModel()
        self.selection = Selection()
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

    def home_range(self, dims: tuple[int, int]) -> tuple[float, float]:
        """Return the default range of the map of two dimensions, in code units: it covers nearly all codes."""
        return range_of(self._state.model, dims) if self._state.model is not None else (-3.0, 3.0)

    @property
    def jobs(self) -> tuple[JobView, ...]:
        return self._jobs

    @property
    def training(self) -> TrainingView:
        return self._training

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

    def _keep_up(self) -> None:
        self.timeline.keep_playhead()

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
