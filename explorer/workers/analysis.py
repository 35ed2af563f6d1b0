"""Analyses of models as jobs: quality over noise level, ranking by error, neighbors, directions, denoising."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
from PySide6.QtCore import QObject

from explorer.data.corruption import CORRUPTIONS, Noise
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.data.source import Source
from explorer.document.analysis import CodesView, QualityRequest, RankingView, Study
from explorer.document.closed import ClosedModel, ClosedSource
from explorer.document.directions import DirectionRequest
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.views.preview import read_image
from explorer.errors import UsageError
from explorer.latent.code_table import CodeTable
from explorer.messages import Message, message
from explorer.models.cleaning import Cleaned, clean_files
from explorer.models.codes import CodeSample
from explorer.models.outliers import Outliers, ThresholdRule, rank_by_error
from explorer.models.quality import CURVE_IMAGES, QualityCurve, curve_strengths, quality_curve
from explorer.types import Indices, Pixels, Progress
from explorer.workers.animation import EncodedImages, encode_images
from explorer.workers.code_analysis import find_directions, fit_prior, index_images, probe, view_codes
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import open_model, skipped_words

_WHILE_LEARNING = 2_000
"""Up to this number of images, the index is rebuilt for every version of a model in training."""

SHOWN = 48
"""Images that are read from each end of a ranking."""


def measure_quality(
    model: OpenModel | Path, source: Source, noises: tuple[Noise, ...]
) -> Iterator[Progress | QualityCurve]:
    """Measure a model, or the bundle in a folder, over the level of the last noise; see `quality_curve`."""
    yield Progress(0, 0, message("Opening the model"))
    opened = open_model(model) if isinstance(model, Path) else model
    indices = source.splits.select("test", CURVE_IMAGES)
    if not len(indices):  # for example, a single image
        indices = source.splits.select("all", CURVE_IMAGES)
    # The same random numbers for every model, so that curves are comparable.
    unseeded = tuple(replace(noise, seed=None) for noise in noises)
    yield from quality_curve(
        opened.codec,
        source,
        indices,
        opened.card.preprocessing,
        unseeded,
        curve_strengths(noises[-1].kind),
        varied=len(noises) - 1,
        label=opened.name,
    )


def rank(model: OpenModel, source: Source, rule: ThresholdRule) -> Iterator[Progress | RankingView]:
    """Rank all images of a source, and read those at both ends; see `rank_by_error`."""
    everything = source.splits.select("all")
    for item in rank_by_error(model.codec, source, everything, model.card.preprocessing, model.sample, rule):
        if isinstance(item, Progress):
            yield item
        else:
            yield _with_images(model, source, item)


def _with_images(model: OpenModel, source: Source, ranking: Outliers) -> RankingView:
    count = len(ranking.ranked)
    shown = sorted({*range(min(SHOWN, count)), *range(max(0, count - SHOWN), count)})
    pixels: Pixels = source.read(ranking.ranked[shown], model.card.preprocessing)
    made = to_pixels(model.codec.decode(model.codec.encode(to_floats(pixels))), pixels.dtype)
    return RankingView(ranking, source, model.name, tuple(shown), np.stack([pixels, made]))


def _read(source: Source, index: int) -> Iterator[Pixels]:
    yield read_image(source, index)


class AnalysisJobs(QObject):
    """Runs the analyses that `Analysis` requests. A new analysis cancels the previous one of its kind."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._latest: dict[Study, int] = {}
        self._encoded: dict[Study, tuple[ClosedModel, ClosedSource]] = {}
        self._indexing: tuple[object, ...] = ()
        self._refused: tuple[object, ...] = ()
        self._fitting: ref[CodeSample] | None = None
        document.analysis.quality_requested.connect(self._on_quality_requested)
        document.analysis.ranking_requested.connect(self._on_ranking_requested)
        document.analysis.cleaning_requested.connect(self._on_cleaning_requested)
        document.analysis.codes_requested.connect(self._on_codes_requested)
        document.analysis.prior_requested.connect(self._on_prior_requested)
        document.neighbors.index_requested.connect(self._on_index_requested)
        document.direction_search.requested.connect(self._on_directions_requested)
        document.analysis.probe_requested.connect(self._on_probe_requested)
        document.term_requested.connect(self._on_term_requested)
        document.image_requested.connect(self._on_image_requested)
        document.changed.source.connect(self._on_source_changed)
        document.changed.model.connect(self._cancel_former)
        document.changed.source.connect(self._cancel_former)

    def _start(
        self, study: Study, title: Message, job: Callable[[], Iterator[Any]], on_finished: Callable[[Any], None]
    ) -> None:
        analysis = self._document.analysis
        if study in self._latest:
            self._jobs.cancel(self._latest[study])
        key = 0
        source = self._document.source
        known = 0 if source is None else len(source.skipped)

        def release() -> bool:
            """Return whether the outcome is wanted: a job may end while the next is started, or its model is closed."""
            if analysis.running(study) == key:
                analysis.put_running(study, None)
            return self._latest[study] == key and not self._is_former(study)

        def finished(result: Any) -> None:
            if release():
                on_finished(result)
            if source is not None and len(source.skipped) > known:
                self._document.report(*skipped_words(source))

        def failed(problem: Message) -> None:
            if release():
                analysis.put_problem(study, problem)

        key = self._latest[study] = self._jobs.start(title, job, finished, on_failed=failed)
        analysis.put_running(study, key)

    def _opened(self) -> tuple[OpenModel, Source] | None:
        model, source = self._document.model, self._document.source
        if model is None or source is None or not source.count:
            self._document.report(message("No model or dataset is open. Open both in the library."))
            return None
        return model, source

    def _on_quality_requested(self, request: QualityRequest) -> None:
        opened = self._opened()
        if opened is None or not request.noises:
            return
        model, source = opened[0] if request.path is None else request.path, opened[1]
        self._start(
            "quality",
            message("Measuring quality over noise level: {noise}", noise=CORRUPTIONS[request.noises[-1].kind].title),
            lambda: measure_quality(model, source, request.noises),
            lambda curve: self._document.analysis.put_quality(
                self._document.analysis.quality.with_curve(curve, source.title)
            ),
        )

    def _on_ranking_requested(self, rule: ThresholdRule) -> None:
        opened = self._opened()
        if opened is not None:
            model, source = opened
            self._start("ranking", message("Scoring images"), lambda: rank(model, source, rule), self._on_ranked)

    def _on_ranked(self, view: RankingView) -> None:
        if view.source is self._document.source:
            self._document.analysis.put_ranking(view)

    def _on_source_changed(self) -> None:
        codes, ranking = self._document.analysis.codes, self._document.analysis.ranking
        if codes is not None and codes.source is not self._document.source:
            self._document.analysis.put_codes(None)
        if ranking is not None and ranking.source is not self._document.source:
            self._document.analysis.put_ranking(None)

    def _cancel_former(self) -> None:
        """Cancel what encodes all images with a model, or images, that are no longer open; it may take gigabytes."""
        analysis = self._document.analysis
        for study in self._encoded:
            if analysis.running(study) is not None and self._is_former(study):
                self._jobs.cancel(self._latest[study])
                analysis.put_running(study, None)

        if self._is_former("directions") and self._document.direction_search.found:
            self._document.direction_search.put_found(())

    def _is_former(self, study: Study) -> bool:
        """Return whether an analysis encodes with a model, or images, that are no longer open."""
        if study not in self._encoded:
            return False
        model, source = self._encoded[study]
        return not (model.is_of(self._document.model) and source.is_of(self._document.source))

    def _on_codes_requested(self) -> None:
        opened = self._opened()
        if opened is not None:
            model, source = opened
            self._encoded["codes"] = ClosedModel.of(model), ClosedSource.of(source)
            self._start("codes", message("Encoding images"), lambda: view_codes(model, source), self._on_encoded)

    def _on_encoded(self, view: CodesView) -> None:
        if view.source is self._document.source:
            self._document.analysis.put_codes(view)

    def _on_index_requested(self) -> None:
        """Index the open images, once for each request, even if it failed or was canceled."""
        document, model, source = self._document, self._document.model, self._document.source
        settings = document.neighbors.settings
        if model is None or source is None:
            return
        if model.epochs is not None and source.count > _WHILE_LEARNING:
            # The model changes every few seconds; indexing would slow the training down.
            return
        if self._is_too_much(model, source):
            return
        asked = (ref(model.codec), ref(source), settings.way)  # keeps neither in memory
        done = document.analysis.running("index") is not None or document.analysis.problem("index")
        if done and self._indexing == asked:
            return
        self._indexing = asked
        self._encoded["index"] = ClosedModel.of(model), ClosedSource.of(source)
        known = document.neighbors.index
        self._start(
            "index",
            message("Building the neighbor index"),
            lambda: index_images(model, source, settings, known),
            document.neighbors.put_index,
        )

    def _is_too_much(self, model: OpenModel, source: Source) -> bool:
        """Return whether the codes would not fit into memory; reported once per model and source."""
        try:
            CodeTable.check(source.count, model.sample.statistics)
        except UsageError as error:
            asked = ref(model.codec), ref(source)  # keeps neither in memory
            if self._refused != asked:
                self._refused = asked
                self._document.report(error.message)
                self._document.analysis.put_problem("index", error.message)
            return True
        return False

    def _on_directions_requested(self, request: DirectionRequest) -> None:
        opened = self._opened()
        if opened is None:
            return
        model, source = opened
        known = self._known_codes(model, source)
        self._encoded["directions"] = ClosedModel.of(model), ClosedSource.of(source)
        self._start(
            "directions",
            message("Finding directions"),
            lambda: find_directions(model, source, request, known),
            lambda result: self._document.direction_search.put_found(*result),
        )

    def _on_probe_requested(self, attribute: str | None) -> None:
        opened = self._opened()
        if opened is not None:
            model, source = opened
            known = self._known_codes(model, source)
            self._encoded["probe"] = ClosedModel.of(model), ClosedSource.of(source)
            if attribute is None:
                title = message("Fitting a linear probe for the labels")
            else:
                title = message("Fitting a linear probe for {attribute}", attribute=attribute)
            self._start(
                "probe",
                title,
                lambda: probe(model, source, attribute, known),
                self._document.analysis.put_probe,
            )

    def _known_codes(self, model: OpenModel, source: Source) -> CodeTable | None:
        """Return the codes of all images if another analysis has already encoded them."""
        for part in (self._document.analysis.codes, self._document.neighbors.index):
            if part is not None and part.codec is model.codec and part.source is source:
                return part.table
        return None

    def _on_term_requested(self, indices: Indices, number: int) -> None:
        """Encode images for an arithmetic slot; dropped if another model is open by then."""
        opened = self._opened()
        if opened is None:
            return
        model, source = opened

        def put(found: EncodedImages) -> None:
            if self._document.model is model:
                self._document.add_to_term(number, found.codes)
            found.report_skipped(self._document)

        self._jobs.start(message("Encoding images"), lambda: encode_images(model, source, indices), put)

    def _on_image_requested(self, source: Source, index: int, use: Callable[[Pixels], object]) -> None:
        self._jobs.start(message("Reading image"), lambda: _read(source, index), use)

    def _on_prior_requested(self) -> None:
        model, analysis = self._document.model, self._document.analysis
        if model is None:
            return
        sample = model.sample
        asked = self._fitting is not None and self._fitting() is sample
        if asked and analysis.problem("prior"):
            return
        if analysis.running("prior") is None or not asked:
            self._fitting = ref(sample)
            self._start(
                "prior",
                message("Fitting the prior"),
                lambda: fit_prior(sample),
                lambda prior: self._document.analysis.put_prior(sample, prior),
            )

    def _on_cleaning_requested(self, path: Path, out: Path) -> None:
        model = self._document.model
        if model is None:
            self._document.report(message("No model is open. Open one in the library."))
            return
        codec, preprocessing = model.codec, model.card.preprocessing
        self._jobs.start(
            message("Denoising {name}", name=path.name),
            lambda: clean_files(codec, preprocessing, path, out),
            self._on_cleaned,
        )

    def _on_cleaned(self, cleaned: Cleaned) -> None:
        self._document.analysis.cleaned.emit(cleaned)
        for note in cleaned.notes:
            self._document.report(note)
        if cleaned.skipped:
            lines = [f"{skipped.name}: {skipped.reason}" for skipped in cleaned.skipped]
            self._document.report(
                message("Skipped {count:# unreadable image|# unreadable images}.", count=len(lines)), "\n".join(lines)
            )
