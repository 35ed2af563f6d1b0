"""Comparison with a second model: opens it, encodes the selected image with it, and benchmarks both."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.document.closed import ClosedModel, ClosedSource
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.view_store import ViewKey
from explorer.document.views.compare import COMPARE, FITTING
from explorer.messages import NO_MESSAGE, Message, message
from explorer.models.comparison import Comparison, compare
from explorer.models.pca_codec import MOST_FITTED, PcaCodec
from explorer.models.sample import sample_images
from explorer.types import Floats, Indices, Progress
from explorer.workers.fitting import fit_components
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import load_bundle


def fit_pca(model: OpenModel, source: Source) -> Generator[Progress | OpenModel, None, None]:
    """Fit PCA with the latent dimension of the open model to the training images of a source."""
    train = source.splits.train if len(source.splits.train) else np.arange(source.count)
    chosen = train[np.linspace(0, len(train) - 1, min(len(train), MOST_FITTED)).astype(np.int64)]
    yield Progress(0, 0, message("Reading images"))
    pixels, chosen = source.read_available(chosen, model.card.preprocessing)
    codec = yield from fit_components(pixels, model.latent_dim)
    yield Progress(0, 0, message("Encoding sample images"))
    sample = sample_images(codec, pixels[:2000], chosen[:2000], None, (codec.latent_dim,))
    name = f"PCA {codec.latent_dim}"
    changes = {
        "name": name,
        "architecture": "linear",
        "variational": False,
        "latent_shape": (codec.latent_dim,),
        "encoder_params": codec.parameters,
        "decoder_params": 0,
        "files": {},
    }
    yield OpenModel(model.card.model_copy(update=changes), sample, codec, Path(name))


def encode_one(model: OpenModel, source: Source, index: int) -> Iterator[Progress | Floats]:
    yield Progress(0, 0, message("Encoding"))
    pixels = source.read(np.array([index]), model.card.preprocessing)
    yield model.codec.encode(to_floats(pixels))[0]


def measure_both(models: list[OpenModel], source: Source) -> Iterator[Progress | tuple[Comparison, ...]]:
    test: Indices = source.splits.test if len(source.splits.test) else np.arange(source.count)
    rows: list[Comparison] = []
    for model in models:
        card = model.card
        size = sum(file.stat().st_size for file in model.path.glob("*.onnx")) if model.path.is_dir() else 0
        parameters = card.encoder_params + card.decoder_params
        for item in compare(
            model.name, model.codec, card.preprocessing, source, test, parameters=parameters, size=size
        ):
            if isinstance(item, Comparison):
                rows.append(item)
            else:
                yield item
    yield tuple(rows)


@dataclass(frozen=True)
class _Subject:
    """The model and the images that a result is of; it keeps neither in memory."""

    model: ClosedModel
    source: ClosedSource

    @classmethod
    def of(cls, model: OpenModel, source: Source) -> _Subject:
        return cls(ClosedModel.of(model), ClosedSource.of(source))

    def is_open(self, document: Document) -> bool:
        return self.model.is_of(document.model) and self.source.is_of(document.source)


class ComparisonJobs(QObject):
    """Runs the jobs that `ComparedModel` requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._opening = self._encoding = self._measuring = 0
        self._fitted: _Subject | None = None
        self._measured: _Subject | None = None
        self._running: dict[str, tuple[int, _Subject]] = {}  # the last fit and the last benchmark
        beside = document.comparison
        beside.model_requested.connect(self._on_model_requested)
        beside.pca_requested.connect(self._on_pca_requested)
        beside.table_requested.connect(self._on_table_requested)
        beside.model_changed.connect(self._encode)
        document.changed.image_index.connect(self._encode)
        document.changed.imported_image.connect(self._encode)
        document.changed.model.connect(self._drop_former)
        document.changed.source.connect(self._drop_former)
        document.changed.source.connect(self._encode)
        document.views.watched_changed.connect(self._on_watched_changed)

    def _drop_former(self) -> None:
        """Drop a PCA of images, and the metrics of a model and images, that are no longer open; stop their jobs."""
        document, beside = self._document, self._document.comparison
        for key, subject in self._running.values():
            if not subject.is_open(document):
                self._jobs.cancel(key)
        is_pca = beside.model is not None and isinstance(beside.model.codec, PcaCodec)
        if is_pca and self._fitted is not None and not self._fitted.source.is_of(document.source):
            beside.put_model(None)
        elif beside.table and self._measured is not None and not self._measured.is_open(document):
            beside.put_table(())

    def _on_model_requested(self, path: Path) -> None:
        self._jobs.cancel(self._opening)
        self._opening = self._jobs.start(
            message("Opening {name}", name=path.name), lambda: load_bundle(path), self._document.comparison.put_model
        )

    def _on_pca_requested(self, *, measured: bool = False) -> None:
        model, source = self._document.model, self._document.source
        if model is None or source is None:
            return
        subject = _Subject.of(model, source)

        def put(pca: OpenModel) -> None:
            if not subject.is_open(self._document):
                return  # another model or dataset was opened meanwhile
            self._fitted = subject
            self._document.comparison.put_model(pca)
            if measured:
                self._on_table_requested()

        self._jobs.cancel(self._opening)
        self._opening = self._jobs.start(FITTING, lambda: fit_pca(model, source), put)
        self._running["fit"] = self._opening, subject

    def _on_watched_changed(self, view: ViewKey[Any]) -> None:
        if view is COMPARE:
            self._encode()

    def _encode(self) -> None:
        """Encode the selected image with the second model while its view is visible; the last request wins."""
        document, model = self._document, self._document.comparison.model
        subject = document.state.subject
        if model is None or subject is None or COMPARE not in document.views.watched:
            return
        source, index = subject

        def put(code: Floats) -> None:
            if document.comparison.model is model and document.state.subject == (source, index):
                document.comparison.put_start(code)

        def failed(message: Message) -> None:
            if self._encoding == key:
                document.comparison.put_problem(message)

        self._jobs.cancel(self._encoding)
        document.comparison.put_problem(NO_MESSAGE)
        document.comparison.put_start(None)  # that of another image would be measured against this one
        job = partial(encode_one, model, source, index)
        key = self._encoding = self._jobs.start(message("Encoding the image"), job, put, on_failed=failed)

    def _on_table_requested(self) -> None:
        if self._document.comparison.model is None:
            self._on_pca_requested(measured=True)
            return
        model, source, second = self._document.model, self._document.source, self._document.comparison.model
        if model is None or source is None:
            return
        subject, models = _Subject.of(model, source), [model, second]

        def put(table: tuple[Comparison, ...]) -> None:
            if subject.is_open(self._document):
                self._measured = subject
                self._document.comparison.put_table(table)

        self._jobs.cancel(self._measuring)
        self._measuring = self._jobs.start(
            message("Benchmarking the models"), lambda: measure_both(models, source), put
        )
        self._running["benchmark"] = self._measuring, subject
