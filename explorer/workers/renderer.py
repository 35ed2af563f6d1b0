"""Connects document and codec thread: submits tasks when the state changes, and stores their results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot

from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.tasks import (
    SLOTS,
    ComparePictures,
    CorruptPictures,
    DecodeBookmarks,
    DecodeCloud,
    DecodeCursor,
    DecodeHover,
    DecodeKeyframes,
    DecodeSamples,
    DecodeSlots,
    DecodeTiles,
    DecodeTraversal,
    EncodePicture,
    FindNearest,
    FindNeighbours,
    MeasureCursor,
    MeasureFilm,
    MeasurePlane,
    ReadPoints,
    ReadThumbnails,
    ReadTrainingFilm,
    Task,
)
from explorer.document.views import FailedView, OverlayView, View
from explorer.latent.on_data import CodeDistance
from explorer.models.batches import pictures_at_once
from explorer.models.codes import CodeSample
from explorer.models.runs import FilmFrame
from explorer.types import Floats, Indices
from explorer.workers.codec_thread import Answer, CodecThread

TILES_AT_ONCE = 32
"""Tiles of the map per task: few for low latency, enough for an efficient batch."""


class Renderer(QObject):
    """Builds tasks from the state of the document, and drops outdated answers."""

    def __init__(self, document: Document, codec_thread: CodecThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._codec_thread = codec_thread
        self._stopped = False
        self._tiles_asked = False
        self._overlay_asked: tuple[object, ...] | None = None
        self._overlay_done: tuple[object, ...] | None = None
        self._distance: tuple[CodeSample, CodeDistance] | None = None
        codec_thread.answered.connect(self._on_codec_answered)
        document.source_changed.connect(self._on_source_changed)
        document.model_changed.connect(self._on_open_changed)
        document.picture_changed.connect(self._on_picture_changed)
        document.guest_changed.connect(self._on_picture_changed)
        document.code_changed.connect(self._on_code_changed)
        document.noises_changed.connect(self._on_noises_changed)
        document.grid_changed.connect(self._ask_tiles)
        document.map.window_changed.connect(self._ask_tiles)
        document.map.window_changed.connect(self._ask_overlay)
        document.map.overlay_changed.connect(self._ask_overlay)
        document.map.hovered.connect(self._on_hovered)
        document.map.pictures_wanted.connect(self._on_pictures_wanted)
        document.watched_changed.connect(self._on_watched_changed)
        document.jitter_changed.connect(self._ask_cloud)
        document.sampling_changed.connect(self._ask_samples)
        document.studies.prior_changed.connect(self._ask_samples)
        document.traversal_changed.connect(self._ask_traversal)
        document.neighbours.settings_changed.connect(self._ask_neighbours)
        document.neighbours.index_changed.connect(self._ask_neighbours)
        document.neighbours.index_changed.connect(self._ask_nearest)
        document.arithmetic_changed.connect(self._ask_slots)
        document.beside.code_changed.connect(self._ask_compare)
        document.beside.noisy_changed.connect(self._ask_compare)
        document.noises_changed.connect(self._ask_compare)
        document.keyframes_changed.connect(self._on_keyframes_changed)
        document.bookmarks_changed.connect(self._ask_bookmarks)
        for changed in (document.keyframes_changed, document.film_changed, document.times_changed):
            changed.connect(self._ask_film)
        document.timeline.curve_laid.connect(self._ask_film)
        document.thumbnails_requested.connect(self._on_thumbnails_requested)
        document.trainings.frame_requested.connect(self._on_frame_requested)

    def _on_watched_changed(self, slot: str) -> None:
        if slot == CorruptPictures.slot:
            self._on_noises_changed()
        elif slot == DecodeCloud.slot:
            self._ask_cloud()
        elif slot == DecodeSamples.slot:
            self._ask_samples()
        elif slot == DecodeTraversal.slot:
            self._ask_traversal()
        elif slot == FindNeighbours.slot:
            self._ask_neighbours()
        elif slot == FindNearest.slot:
            self._ask_nearest()
        elif slot == ComparePictures.slot:
            self._ask_compare()

    def _on_source_changed(self) -> None:
        self._codec_thread.drop("thumbnails")
        self._codec_thread.drop("points")
        self._on_open_changed()

    def _on_open_changed(self) -> None:
        """Withdraw every request before submitting new ones, so that no answer of the old model can arrive.

        Thumbnails and training progress do not depend on the model, and are not requested again.
        """
        for slot in SLOTS:
            if slot not in {"thumbnails", "points", "training_film"}:
                self._codec_thread.drop(slot)
        self._tiles_asked = False
        self._overlay_asked = self._overlay_done = None
        self._on_picture_changed()
        self._on_keyframes_changed()
        self._ask_tiles()
        self._ask_overlay()
        self._ask_samples()
        self._ask_film()
        self._ask_slots()
        self._ask_bookmarks()
        self._on_code_changed()

    def _on_picture_changed(self) -> None:
        state = self._document.state
        if state.model is None or state.subject is None:
            self._codec_thread.drop("picture")
            self._codec_thread.drop("noise")
            return
        card = state.model.card
        source, index = state.subject
        task = EncodePicture(state.model.codec, source, card.preprocessing, index, card.halves)
        self._submit(task)
        self._on_noises_changed()

    def _on_noises_changed(self) -> None:
        state = self._document.state
        if not self._document.watches("noise"):
            return
        if state.model is not None and state.subject is not None:
            source, index = state.subject
            preprocessing = state.model.card.preprocessing
            task = CorruptPictures(state.model.codec, source, preprocessing, index, state.noises)
            self._submit(task)

    def _on_code_changed(self) -> None:
        state = self._document.state
        if state.model is None or state.code is None:
            self._codec_thread.drop("cursor")
            return
        self._submit(DecodeCursor(state.model.codec, state.code))
        self._submit(MeasureCursor(state.code, self._distance_of(state.model)))
        self._ask_cloud()
        self._ask_traversal()
        self._ask_neighbours()
        self._ask_nearest()
        self._ask_compare()
        if state.model.latent_dim > 2:
            self._ask_tiles()
            self._ask_overlay()

    def _ask_cloud(self) -> None:
        state = self._document.state
        if state.model is not None and state.code is not None and self._document.watches("cloud"):
            scale = state.model.sample.statistics.sigma
            self._submit(DecodeCloud(state.model.codec, state.code, scale, state.jitter))

    def _ask_samples(self) -> None:
        """Request random images; if the prior is not fitted yet, fit it first."""
        model, sampling = self._document.model, self._document.sampling
        if model is None or not self._document.watches("samples"):
            return
        prior = None
        if sampling.prior == "fitted" or (sampling.prior == "auto" and not model.card.variational):
            prior = self._document.studies.prior_of(model.sample)
            if prior is None:
                self._document.studies.prior_requested.emit()
                return
        self._submit(DecodeSamples(model.codec, model.latent_dim, sampling, prior))

    def _ask_traversal(self) -> None:
        model, code = self._document.model, self._document.code
        if model is not None and code is not None and self._document.watches("traversal"):
            self._submit(DecodeTraversal(model.codec, code, model.sample.statistics, self._document.traversal))

    def _ask_neighbours(self) -> None:
        """Request the nearest images of the current code or the selected image."""
        state, settings = self._document.state, self._document.neighbours.settings
        if self._document.watches(FindNeighbours.slot):
            # The selected image is excluded from its neighbors; an imported image is not in the dataset.
            picture = state.picture if settings.of == "picture" and state.guest is None else None
            code = state.code if settings.of == "cursor" else state.start_code
            self._find(FindNeighbours, code, settings.count, picture)

    def _ask_nearest(self) -> None:
        """Request the image nearest to the current code."""
        if self._document.watches(FindNearest.slot):
            self._find(FindNearest, self._document.code, 1, None)

    def _find(self, kind: type[FindNeighbours], code: Floats | None, count: int, picture: int | None) -> None:
        """Request images near a code; if there is no index yet, build it first."""
        document, model, source = self._document, self._document.model, self._document.source
        if model is None or source is None or not source.count or not model.card.encodes:
            return
        index = document.neighbours.index
        if index is None or not index.suits(model.codec, source, document.neighbours.settings):
            document.neighbours.index_requested.emit()
        elif code is not None:
            shown = document.picture if picture is None else picture
            card = model.card
            self._submit(kind(index, card.preprocessing, code, count, card.decodes, picture, shown))

    def _ask_compare(self) -> None:
        """Request the selected image through both models while the comparison is visible."""
        document, state, beside = self._document, self._document.state, self._document.beside
        model, other = state.model, beside.model
        if model is None or other is None or not document.watches(ComparePictures.slot):
            return
        if state.subject is None or state.code is None or beside.code is None:
            return
        source, index = state.subject
        self._submit(
            ComparePictures(
                (model.codec, other.codec),
                (model.card.preprocessing, other.card.preprocessing),
                source,
                index,
                (state.code, beside.code),
                state.noises if beside.noisy else None,
            )
        )

    def _ask_slots(self) -> None:
        """Request the images of the arithmetic slots."""
        model = self._document.model
        codes = [code for slot in self._document.arithmetic.slots for code in slot.codes]
        if model is None or not codes:
            self._codec_thread.drop(DecodeSlots.slot)
        else:
            self._submit(DecodeSlots(model.codec, np.stack(codes)))

    def _ask_tiles(self) -> None:
        """Request a few missing tiles of the map, nearest to its center first; the answer requests the next.

        While a request is running, no other is made: newer requests would starve the map during a drag.
        """
        model, plane, window = self._document.model, self._document.plane, self._document.map.window
        if model is None or plane is None or window is None or not model.card.decodes:
            return
        self._document.map.show_plane(model.codec, plane)
        if self._tiles_asked:
            return
        some = self._document.map.missing(pictures_at_once(model.codec.image_shape, TILES_AT_ONCE))
        if len(some):
            self._tiles_asked = True
            self._submit(DecodeTiles(model.codec, plane, window.lattice, window.level, some))

    def _distance_of(self, model: OpenModel) -> CodeDistance:
        if self._distance is None or self._distance[0] is not model.sample:
            self._distance = (model.sample, CodeDistance(model.sample.codes))
        return self._distance[1]

    def _ask_overlay(self) -> None:
        """Request the overlay of the map, one at a time."""
        document = self._document
        model, plane, window, kind = document.model, document.plane, document.map.window, document.map.overlay
        if model is None or plane is None or window is None or kind is None:
            return
        key = (model.codec, plane.key, window, kind)
        if self._overlay_asked is None and key != self._overlay_done:
            self._overlay_asked = key
            self._submit(MeasurePlane(model.codec, plane, window, kind, self._distance_of(model)))

    def _on_hovered(self, point: tuple[float, float] | None) -> None:
        model, plane = self._document.model, self._document.plane
        if point is None or model is None or plane is None:
            self._codec_thread.drop("hover")
        else:
            code = plane.codes(np.array([point], np.float32))[0]
            self._submit(DecodeHover(model.codec, code, point))

    def _on_keyframes_changed(self) -> None:
        state = self._document.state
        if state.model is None or not state.keyframes:
            self._codec_thread.drop("keyframes")
            return
        codes = np.stack([keyframe.code for keyframe in state.keyframes])
        self._submit(DecodeKeyframes(state.model.codec, codes))

    def _ask_bookmarks(self) -> None:
        state = self._document.state
        if state.model is None or not state.bookmarks:
            self._codec_thread.drop(DecodeBookmarks.slot)
        else:
            self._submit(DecodeBookmarks(state.model.codec, np.stack([kept.code for kept in state.bookmarks])))

    def _ask_film(self) -> None:
        """Request the curves of the animation, once its path is known."""
        model, film, curve = self._document.model, self._document.timeline.film, self._document.timeline.curve
        if model is None or film is None or curve is None:
            self._codec_thread.drop("film")
        else:
            self._submit(MeasureFilm(model.codec, film, curve, self._distance_of(model)))

    def _on_thumbnails_requested(self, indices: Indices) -> None:
        if self._document.source is not None:
            self._submit(ReadThumbnails(self._document.source, indices))

    def _on_pictures_wanted(self, indices: Indices) -> None:
        if self._document.source is not None:
            self._submit(ReadPoints(self._document.source, indices))

    def _on_frame_requested(self, originals: Path, frame: FilmFrame) -> None:
        self._submit(ReadTrainingFilm(originals, frame))

    def _submit(self, task: Task) -> None:
        self._codec_thread.submit(task)

    def stop(self) -> None:
        """Ignore further answers; queued ones would reach a closed window."""
        self._stopped = True

    @Slot(object)
    def _on_codec_answered(self, answer: Answer) -> None:
        if self._stopped:
            return
        if answer.generation == self._codec_thread.generation(answer.slot):
            self._document.put_view(answer.slot, answer.view)
            if answer.slot == MeasurePlane.slot:
                self._on_overlay_answered(answer.view)
            if answer.slot == DecodeTiles.slot:
                self._tiles_asked = False
                # A failed request would fail again; another place or model makes a new one.
                if not isinstance(answer.view, FailedView):
                    self._ask_tiles()

    def _on_overlay_answered(self, view: View) -> None:
        """Request the next overlay when this one is complete; a failed request would fail again."""
        if isinstance(view, FailedView) or (isinstance(view, OverlayView) and not np.isnan(view.values[-1]).any()):
            self._overlay_done, self._overlay_asked = self._overlay_asked, None
            self._ask_overlay()
