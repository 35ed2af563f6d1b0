"""The jobs of analyses: what a ranking shows, the noise of a curve, which index is reused, and cancellation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from pytestqt.qtbot import QtBot

from explorer.data.corruption import Noise
from explorer.data.preprocessing import Preprocessing, Reading, to_floats, to_pixels
from explorer.data.source import UNLABELED, ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.analysis import Study
from explorer.document.directions import DirectionRequest
from explorer.document.document import Document
from explorer.document.neighbors import NeighborSettings
from explorer.models.outliers import ThresholdRule
from explorer.workers.analysis import SHOWN, AnalysisJobs, measure_quality, rank
from explorer.workers.code_analysis import index_images, probe
from explorer.workers.jobs import JobRunner


def result_of(steps: Iterator[Any]) -> Any:
    *_, result = steps
    return result


@pytest.mark.parametrize("count", [30, 2 * SHOWN, 2 * SHOWN + 1, 150])
def test_a_ranking_shows_both_of_its_ends(count: int) -> None:
    view = result_of(rank(make_model(), make_source(count), ThresholdRule()))
    assert view.shown == tuple(sorted({*range(count)[:SHOWN], *range(count)[-SHOWN:]}))


def test_a_ranking_shows_deep_images_as_deep_as_they_are() -> None:
    model = make_model()
    preprocessing = Preprocessing.standard((12, 10, 1), reading=Reading(depth=16))
    model = replace(model, card=model.card.model_copy(update={"preprocessing": preprocessing}))
    images = np.random.default_rng(0).integers(0, 65536, (30, 12, 10, 1), np.uint16)
    source = ArraySource(Facts("deep", "Deep images", ""), images, random_splits(30))
    view = result_of(rank(model, source, ThresholdRule()))
    pixels = source.read(view.ranking.ranked, preprocessing)
    assert view.images.dtype == pixels.dtype == np.uint16
    np.testing.assert_array_equal(view.images[0], pixels)
    made = to_pixels(model.codec.decode(model.codec.encode(to_floats(pixels))), np.dtype(np.uint16))
    np.testing.assert_array_equal(view.images[1], made)


def test_curves_can_be_compared_whatever_the_seed_of_the_noise() -> None:
    curves = [
        result_of(measure_quality(make_model(), make_source(), (Noise("gaussian", 0.3, seed=seed),)))
        for seed in (None, 7)
    ]
    np.testing.assert_array_equal(curves[0].corrupted.mse, curves[1].corrupted.mse)


def test_an_index_is_reused_for_the_same_model_and_images_only() -> None:
    model, source = make_model(), make_source()
    known = result_of(index_images(model, source, NeighborSettings(), None))
    again = result_of(index_images(model, source, NeighborSettings(), known))
    assert again.positions is known.positions
    for other in ((make_model(seed=3), source), (model, make_source(20))):
        found = result_of(index_images(*other, NeighborSettings(), known))
        assert found.positions is not known.positions
        assert len(found.positions) == other[1].count


def test_a_probe_counts_images_and_classes_that_are_known() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 12, 10, 1), np.uint8)
    labels = np.where(np.arange(60) < 10, UNLABELED, np.arange(60) % 3)
    source = ArraySource(Facts("labeled", "Labeled images", ""), images, random_splits(60), labels)
    found = result_of(probe(make_model(), source, None, None))
    assert (found.classes, found.count) == (3, 50)


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.close()


@pytest.fixture
def document(qapp: object, jobs: JobRunner) -> Iterator[Document]:
    """A document with a model and images, whose analyses run."""
    made = Document()
    analyses = AnalysisJobs(made, jobs)
    made.open(make_model(), make_source())
    yield made
    analyses.deleteLater()


def test_an_analysis_cancels_the_former_of_its_kind_and_no_other(document: Document, jobs: JobRunner) -> None:
    analysis = document.analysis
    keys = []
    studies: tuple[Study, ...] = ("ranking", "codes", "ranking")
    for study in studies:
        if study == "ranking":
            analysis.ranking_requested.emit(ThresholdRule())
        else:
            analysis.codes_requested.emit()
        keys.append(analysis.running(study) or 0)
    assert [jobs.running(key) for key in keys] == [False, True, True]


def test_codes_of_images_that_are_closed_are_canceled(document: Document, jobs: JobRunner) -> None:
    document.analysis.codes_requested.emit()
    key = document.analysis.running("codes") or 0
    assert jobs.running(key)
    document.open(source=make_source(9, name="others"))
    assert not jobs.running(key)
    assert document.analysis.running("codes") is None


def test_directions_of_a_closed_model_cannot_be_added_to_another(document: Document, qtbot: QtBot) -> None:
    document.open(source=make_source(60))
    search = document.direction_search
    search.requested.emit(DirectionRequest(None, ("1",)))
    qtbot.waitUntil(lambda: bool(search.found), timeout=60_000)
    document.set_code(np.zeros(2, np.float32))
    assert search.found, "they are of the open model"
    document.open(make_model(seed=3))
    assert not search.found


def test_an_index_that_is_being_built_is_not_begun_again(document: Document) -> None:
    document.neighbors.index_requested.emit()
    key = document.analysis.running("index")
    assert key is not None
    document.neighbors.index_requested.emit()
    assert document.analysis.running("index") == key


@pytest.mark.parametrize(("count", "indexed"), [(2_000, True), (2_001, False)])
def test_many_images_are_not_indexed_with_a_model_that_changes(document: Document, count: int, indexed: bool) -> None:
    document.open(replace(make_model(), epochs=1.5), make_source(count))
    document.neighbors.index_requested.emit()
    assert (document.analysis.running("index") is not None) == indexed


@pytest.mark.parametrize("closed", [False, True])
def test_images_become_a_term_unless_another_model_is_open_by_then(
    document: Document, jobs: JobRunner, qtbot: QtBot, closed: bool
) -> None:
    document.term_requested.emit(np.array([3, 4]), 2)
    if closed:
        document.open(make_model(seed=3))
    qtbot.waitUntil(lambda: jobs.jobs == ())
    assert [len(term.codes) for term in document.state.arithmetic.terms] == [0, 0, 0 if closed else 2]
