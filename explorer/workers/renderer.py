"""Between document and codec thread: asks when the state changes, puts the answers in while they still fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot

from explorer.document.document import Document
from explorer.document.tasks import (
    SLOTS,
    CorruptPictures,
    DecodeCloud,
    DecodeCursor,
    DecodeGrid,
    DecodeKeyframes,
    EncodePicture,
    ReadThumbnails,
    ReadTrainingFilm,
    Task,
)
from explorer.models.runs import FilmFrame
from explorer.types import Indices
from explorer.workers.codec_thread import Answer, CodecThread


class Renderer(QObject):
    """The one place that renders: builds a task from the state, drops answers that no longer belong to it."""

    def __init__(self, document: Document, codec_thread: CodecThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._codec_thread = codec_thread
        self._stopped = False
        self._grid_base: tuple[object, ...] | None = None
        codec_thread.answered.connect(self._on_codec_answered)
        document.source_changed.connect(self._on_source_changed)
        document.model_changed.connect(self._on_open_changed)
        document.picture_changed.connect(self._on_picture_changed)
        document.code_changed.connect(self._on_code_changed)
        document.noises_changed.connect(self._on_noises_changed)
        document.grid_changed.connect(self._on_grid_changed)
        document.map_watched_changed.connect(self._on_grid_changed)
        document.noise_watched_changed.connect(self._on_noises_changed)
        document.jitter_changed.connect(self._ask_cloud)
        document.cloud_watched_changed.connect(self._ask_cloud)
        document.keyframes_changed.connect(self._on_keyframes_changed)
        document.thumbnails_requested.connect(self._on_thumbnails_requested)
        document.trainings.frame_requested.connect(self._on_frame_requested)

    def _on_source_changed(self) -> None:
        self._codec_thread.drop("thumbnails")
        self._on_open_changed()

    def _on_open_changed(self) -> None:
        """Withdraw every question before asking anew: no answer of the old model can arrive behind this.

        Thumbnails and films are no model's; nobody would ask for them again.
        """
        for slot in SLOTS:
            if slot not in {"thumbnails", "training_film"}:
                self._codec_thread.drop(slot)
        self._grid_base = None
        self._on_picture_changed()
        self._on_keyframes_changed()
        self._on_grid_changed()
        self._on_code_changed()

    def _on_picture_changed(self) -> None:
        state = self._document.state
        if state.model is None or state.source is None or state.picture is None:
            self._codec_thread.drop("picture")
            self._codec_thread.drop("noise")
            return
        preprocessing = state.model.card.preprocessing
        self._submit(EncodePicture(state.model.codec, state.source, preprocessing, state.picture))
        self._on_noises_changed()

    def _on_noises_changed(self) -> None:
        state = self._document.state
        if not self._document.noise_watched:
            return
        if state.model is not None and state.source is not None and state.picture is not None:
            preprocessing = state.model.card.preprocessing
            task = CorruptPictures(state.model.codec, state.source, preprocessing, state.picture, state.noises)
            self._submit(task)

    def _on_code_changed(self) -> None:
        state = self._document.state
        if state.model is None or state.code is None:
            self._codec_thread.drop("cursor")
            return
        self._submit(DecodeCursor(state.model.codec, state.code))
        self._ask_cloud()
        if state.model.latent_dim > 2:
            self._ask_grid()

    def _ask_cloud(self) -> None:
        state = self._document.state
        if state.model is not None and state.code is not None and self._document.cloud_watched:
            scale = state.model.sample.statistics.sigma
            self._submit(DecodeCloud(state.model.codec, state.code, scale, state.jitter))

    def _on_grid_changed(self) -> None:
        self._ask_grid()

    def _ask_grid(self) -> None:
        """Ask for the map, unless the plane is the one that is shown or under way.

        The plane of a 2-D code does not depend on the cursor.
        """
        state = self._document.state
        if state.model is None or state.model.latent_dim < 2 or not self._document.map_watched:
            return
        base = np.zeros(state.model.latent_dim, np.float32) if state.code is None else state.code.copy()
        base[list(state.grid.dims)] = 0
        key = (state.model, state.grid, base.tobytes())
        if key != self._grid_base:
            self._grid_base = key
            self._submit(DecodeGrid(state.model.codec, base, state.grid))

    def _on_keyframes_changed(self) -> None:
        state = self._document.state
        if state.model is None or not state.keyframes:
            self._codec_thread.drop("keyframes")
            return
        codes = np.stack([keyframe.code for keyframe in state.keyframes])
        self._submit(DecodeKeyframes(state.model.codec, codes))

    def _on_thumbnails_requested(self, indices: Indices) -> None:
        if self._document.source is not None:
            self._submit(ReadThumbnails(self._document.source, indices))

    def _on_frame_requested(self, originals: Path, frame: FilmFrame) -> None:
        self._submit(ReadTrainingFilm(originals, frame))

    def _submit(self, task: Task) -> None:
        self._codec_thread.submit(task)

    def stop(self) -> None:
        """Put nothing in any more: answers already under way would reach a window that is gone."""
        self._stopped = True

    @Slot(object)
    def _on_codec_answered(self, answer: Answer) -> None:
        if self._stopped:
            return
        if answer.generation == self._codec_thread.generation(answer.slot):
            self._document.put_view(answer.slot, answer.view)
