"""Connects document and render thread: submits tasks when the state changes, and stores their results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot

from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.tasks import (
    SLOTS,
    CompareImages,
    CorruptImages,
    DecodeBookmarks,
    DecodeCloud,
    DecodeCursor,
    DecodeHover,
    DecodeKeyframes,
    DecodeSamples,
    DecodeTerms,
    DecodeTiles,
    DecodeTraversal,
    EncodeImage,
    FindNearest,
    FindNeighbors,
    MeasureAnimation,
    MeasureCursor,
    MeasurePlane,
    ReadPoints,
    ReadThumbnails,
    ReadTrainingProgress,
    Task,
)
from explorer.document.views import FailedView, OverlayView, View
from explorer.latent.data_distance import CodeDistance
from explorer.models.batches import images_at_once
from explorer.models.codes import CodeSample
from explorer.models.runs import ProgressFrame
from explorer.types import Floats, Indices
from explorer.workers.render_thread import Answer, RenderThread

TILES_AT_ONCE = 32
"""Tiles of the map per task: few for low latency, enough for an efficient batch."""


class RenderScheduler(QObject):
    """Builds tasks from the state of the document, and drops outdated answers."""

    def __init__(self, document: Document, render_thread: RenderThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._render_thread = render_thread
        self._stopped = False
        self._tiles_asked = False
        self._overlay_asked: tuple[object, ...] | None = None
        self._overlay_done: tuple[object, ...] | None = None
        self._distance: tuple[CodeSample, CodeDistance] | None = None
        render_thread.answered.connect(self._on_codec_answered)
        document.changed.source.connect(self._on_source_changed)
        document.changed.model.connect(self._on_open_changed)
        document.changed.image_index.connect(self._on_image_changed)
        document.changed.imported_image.connect(self._on_image_changed)
        document.changed.code.connect(self._on_code_changed)
        document.changed.noises.connect(self._on_noises_changed)
        document.changed.grid.connect(self._ask_tiles)
        document.map.window_changed.connect(self._ask_tiles)
        document.map.window_changed.connect(self._ask_overlay)
        document.map.overlay_changed.connect(self._ask_overlay)
        document.map.hovered.connect(self._on_hovered)
        document.map.images_wanted.connect(self._on_images_wanted)
        document.watched_changed.connect(self._on_watched_changed)
        document.changed.jitter.connect(self._ask_cloud)
        document.changed.sampling.connect(self._ask_samples)
        document.analysis.prior_changed.connect(self._ask_samples)
        document.changed.traversal.connect(self._ask_traversal)
        document.neighbors.settings_changed.connect(self._ask_neighbors)
        document.neighbors.index_changed.connect(self._ask_neighbors)
        document.neighbors.index_changed.connect(self._ask_nearest)
        document.changed.arithmetic.connect(self._ask_terms)
        document.comparison.code_changed.connect(self._ask_compare)
        document.comparison.noisy_changed.connect(self._ask_compare)
        document.changed.noises.connect(self._ask_compare)
        document.changed.keyframes.connect(self._on_keyframes_changed)
        document.changed.bookmarks.connect(self._ask_bookmarks)
        for changed in (document.changed.keyframes, document.changed.animation, document.changed.times):
            changed.connect(self._ask_animation)
        document.timeline.curve_laid.connect(self._ask_animation)
        document.thumbnails_requested.connect(self._on_thumbnails_requested)
        document.trainings.frame_requested.connect(self._on_frame_requested)

    def _on_watched_changed(self, slot: str) -> None:
        if slot == CorruptImages.slot:
            self._on_noises_changed()
        elif slot == DecodeCloud.slot:
            self._ask_cloud()
        elif slot == DecodeSamples.slot:
            self._ask_samples()
        elif slot == DecodeTraversal.slot:
            self._ask_traversal()
        elif slot == FindNeighbors.slot:
            self._ask_neighbors()
        elif slot == FindNearest.slot:
            self._ask_nearest()
        elif slot == CompareImages.slot:
            self._ask_compare()

    def _on_source_changed(self) -> None:
        self._render_thread.drop("thumbnails")
        self._render_thread.drop("points")
        self._on_open_changed()

    def _on_open_changed(self) -> None:
        """Withdraw every request before submitting new ones, so that no answer of the old model can arrive.

        Thumbnails and training progress do not depend on the model, and are not requested again.
        """
        for slot in SLOTS:
            if slot not in {"thumbnails", "points", "training_progress"}:
                self._render_thread.drop(slot)
        self._tiles_asked = False
        self._overlay_asked = self._overlay_done = None
        self._on_image_changed()
        self._on_keyframes_changed()
        self._ask_tiles()
        self._ask_overlay()
        self._ask_samples()
        self._ask_animation()
        self._ask_terms()
        self._ask_bookmarks()
        self._on_code_changed()

    def _on_image_changed(self) -> None:
        state = self._document.state
        if state.model is None or state.subject is None:
            self._render_thread.drop("image")
            self._render_thread.drop("noise")
            return
        card = state.model.card
        source, index = state.subject
        task = EncodeImage(state.model.codec, source, card.preprocessing, index, card.parts)
        self._submit(task)
        self._on_noises_changed()

    def _on_noises_changed(self) -> None:
        state = self._document.state
        if not self._document.watches("noise"):
            return
        if state.model is not None and state.subject is not None:
            source, index = state.subject
            preprocessing = state.model.card.preprocessing
            task = CorruptImages(state.model.codec, source, preprocessing, index, state.noises)
            self._submit(task)

    def _on_code_changed(self) -> None:
        state = self._document.state
        if state.model is None or state.code is None:
            self._render_thread.drop("cursor")
            return
        self._submit(DecodeCursor(state.model.codec, state.code))
        self._submit(MeasureCursor(state.code, self._distance_of(state.model)))
        self._ask_cloud()
        self._ask_traversal()
        self._ask_neighbors()
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
        model, sampling = self._document.model, self._document.state.sampling
        if model is None or not self._document.watches("samples"):
            return
        prior = None
        if sampling.prior == "fitted" or (sampling.prior == "auto" and not model.card.variational):
            prior = self._document.analysis.prior_of(model.sample)
            if prior is None:
                self._document.analysis.prior_requested.emit()
                return
        self._submit(DecodeSamples(model.codec, model.latent_dim, sampling, prior))

    def _ask_traversal(self) -> None:
        model, code = self._document.model, self._document.code
        if model is not None and code is not None and self._document.watches("traversal"):
            self._submit(DecodeTraversal(model.codec, code, model.sample.statistics, self._document.state.traversal))

    def _ask_neighbors(self) -> None:
        """Request the nearest images of the current code or the selected image."""
        state, settings = self._document.state, self._document.neighbors.settings
        if self._document.watches(FindNeighbors.slot):
            # The selected image is excluded from its neighbors; an imported image is not in the dataset.
            image = state.image_index if settings.of == "image" and state.imported_image is None else None
            code = state.code if settings.of == "cursor" else state.start_code
            self._find(FindNeighbors, code, settings.count, image)

    def _ask_nearest(self) -> None:
        """Request the image nearest to the current code."""
        if self._document.watches(FindNearest.slot):
            self._find(FindNearest, self._document.code, 1, None)

    def _find(self, kind: type[FindNeighbors], code: Floats | None, count: int, image_index: int | None) -> None:
        """Request images near a code; if there is no index yet, build it first."""
        document, model, source = self._document, self._document.model, self._document.source
        if model is None or source is None or not source.count or not model.card.encodes:
            return
        index = document.neighbors.index
        if index is None or not index.suits(model.codec, source, document.neighbors.settings):
            document.neighbors.index_requested.emit()
        elif code is not None:
            shown = document.state.image_index if image_index is None else image_index
            card = model.card
            self._submit(kind(index, card.preprocessing, code, count, card.decodes, image_index, shown))

    def _ask_compare(self) -> None:
        """Request the selected image through both models while the comparison is visible."""
        document, state, beside = self._document, self._document.state, self._document.comparison
        model, other = state.model, beside.model
        if model is None or other is None or not document.watches(CompareImages.slot):
            return
        if state.subject is None or state.code is None or beside.code is None:
            return
        source, index = state.subject
        self._submit(
            CompareImages(
                (model.codec, other.codec),
                (model.card.preprocessing, other.card.preprocessing),
                source,
                index,
                (state.code, beside.code),
                state.noises if beside.noisy else None,
            )
        )

    def _ask_terms(self) -> None:
        """Request the images of the arithmetic slots."""
        model = self._document.model
        codes = [code for slot in self._document.state.arithmetic.terms for code in slot.codes]
        if model is None or not codes:
            self._render_thread.drop(DecodeTerms.slot)
        else:
            self._submit(DecodeTerms(model.codec, np.stack(codes)))

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
        some = self._document.map.missing(images_at_once(model.codec.image_shape, TILES_AT_ONCE))
        if len(some):
            self._tiles_asked = True
            self._submit(DecodeTiles(model.codec, plane, window.tile_grid, window.level, some))

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
            self._render_thread.drop("hover")
        else:
            code = plane.codes(np.array([point], np.float32))[0]
            self._submit(DecodeHover(model.codec, code, point))

    def _on_keyframes_changed(self) -> None:
        state = self._document.state
        if state.model is None or not state.keyframes:
            self._render_thread.drop("keyframes")
            return
        codes = np.stack([keyframe.code for keyframe in state.keyframes])
        self._submit(DecodeKeyframes(state.model.codec, codes))

    def _ask_bookmarks(self) -> None:
        state = self._document.state
        if state.model is None or not state.bookmarks:
            self._render_thread.drop(DecodeBookmarks.slot)
        else:
            self._submit(DecodeBookmarks(state.model.codec, np.stack([kept.code for kept in state.bookmarks])))

    def _ask_animation(self) -> None:
        """Request the curves of the animation, once its path is known."""
        model, animation, curve = self._document.model, self._document.timeline.animation, self._document.timeline.curve
        if model is None or animation is None or curve is None:
            self._render_thread.drop("animation")
        else:
            self._submit(MeasureAnimation(model.codec, animation, curve, self._distance_of(model)))

    def _on_thumbnails_requested(self, indices: Indices) -> None:
        if self._document.source is not None:
            self._submit(ReadThumbnails(self._document.source, indices))

    def _on_images_wanted(self, indices: Indices) -> None:
        if self._document.source is not None:
            self._submit(ReadPoints(self._document.source, indices))

    def _on_frame_requested(self, originals: Path, frame: ProgressFrame) -> None:
        self._submit(ReadTrainingProgress(originals, frame))

    def _submit(self, task: Task) -> None:
        self._render_thread.submit(task)

    def stop(self) -> None:
        """Ignore further answers; queued ones would reach a closed window."""
        self._stopped = True

    @Slot(object)
    def _on_codec_answered(self, answer: Answer) -> None:
        if self._stopped:
            return
        if answer.generation == self._render_thread.generation(answer.slot):
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
