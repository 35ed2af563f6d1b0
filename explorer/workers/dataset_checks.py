"""Checks of a dataset before training: whether it is black-on-white, and a preview of the augmentation."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from PySide6.QtCore import QObject

from explorer.data.augmentation import changed
from explorer.data.polarity import suggests_invert
from explorer.data.source import Source
from explorer.data.sources import opening
from explorer.document.dataset_checks import PREVIEW_COLUMNS, PREVIEW_ROWS, AugmentView
from explorer.document.document import Document
from explorer.messages import Message, message
from explorer.models.bundle import resolve_bundle
from explorer.models.settings import TrainingRequest, resolve_preprocessing
from explorer.types import Pixels, Progress
from explorer.workers.jobs import JobRunner


def judge_ground(spec: str, source: Source | None) -> Iterator[Progress | bool]:
    """Return whether the images of `spec` are black-on-white; `source` is that source if it is open.

    ExplorerError if they cannot be opened.
    """
    opened = source or (yield from _open(spec))
    yield Progress(0, 0, message("Analyzing images"))
    yield suggests_invert(opened)


def preview_augmentation(request: TrainingRequest, source: Source | None) -> Iterator[Progress | AugmentView]:
    """Augment a few images as this training would.

    ExplorerError if the images or the model to start from cannot be opened.
    """
    opened = source or (yield from _open(request.data))
    yield Progress(0, 0, message("Augmenting images"))
    yield AugmentView(request, _table(request, opened))


def _open(spec: str) -> Generator[Progress, None, Source]:
    for item in opening(spec):
        if isinstance(item, Source):
            return item
        yield item
    raise AssertionError("a source comes last")


def _table(request: TrainingRequest, source: Source) -> Pixels:
    """Return ``(rows, columns, h, w, c)``: originals and their first augmented copies."""
    train = source.splits.train
    chosen = source.splits.select("train", PREVIEW_ROWS)
    parent = resolve_bundle(request.start_from) if request.start_from else None
    preprocessing = parent.card.preprocessing if parent else resolve_preprocessing(request, source)
    originals, chosen = source.read_available(chosen, preprocessing)
    places = np.searchsorted(train, chosen)[:, np.newaxis]
    numbers = places + len(train) * np.arange(1, PREVIEW_COLUMNS)
    copies = changed(originals.repeat(PREVIEW_COLUMNS - 1, axis=0), numbers.ravel(), request.seed)
    rows = copies.reshape(len(originals), PREVIEW_COLUMNS - 1, *originals.shape[1:])
    return np.concatenate([originals[:, np.newaxis], rows], axis=1)


class DatasetCheckJobs(QObject):
    """Runs the jobs that `DatasetChecks` requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._previewing = 0
        document.dataset_checks.ground_requested.connect(self._on_ground_requested)
        document.dataset_checks.preview_requested.connect(self._on_preview_requested)

    def _opened(self, spec: str) -> Source | None:
        source = self._document.source
        return source if source is not None and source.spec == spec else None

    def _on_ground_requested(self, spec: str) -> None:
        """Suggest nothing for images that cannot be opened: the training reports the reason."""
        source, checks = self._opened(spec), self._document.dataset_checks
        self._jobs.start(
            message("Analyzing images"),
            lambda: judge_ground(spec, source),
            lambda dark: checks.put_ground(spec, dark),
            on_failed=lambda problem: checks.put_ground(spec, False),
            quiet=True,
        )

    def _on_preview_requested(self, request: TrainingRequest) -> None:
        self._jobs.cancel(self._previewing)
        source = self._opened(request.data)

        def failed(problem: Message) -> None:
            if self._previewing == key:
                self._document.dataset_checks.put_preview(AugmentView(request, None, problem))

        key = self._previewing = self._jobs.start(
            message("Augmenting images"),
            lambda: preview_augmentation(request, source),
            self._document.dataset_checks.put_preview,
            on_failed=failed,
            quiet=True,
        )
