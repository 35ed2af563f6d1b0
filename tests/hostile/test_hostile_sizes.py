"""100,000 images with codes of 100,352 numbers, 37 GB: refused once, before anything is made, with what would fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.codec import MatrixCodec
from pytestqt.qtbot import QtBot

from explorer.cli import inputs
from explorer.cli.inputs import Model, encode_source
from explorer.cli.main import main
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.directions import DirectionRequest
from explorer.document.document import Document, Problem
from explorer.document.neighbors import IndexedImages, NeighborSettings
from explorer.document.state import OpenModel
from explorer.errors import UsageError
from explorer.latent.checks import MOST_CODE_BYTES, check_table
from explorer.latent.planes import Plane, grid_codes
from explorer.latent.sampling import sample_normal
from explorer.latent.traversal import traverse_dimension
from explorer.models.bundle import Bundle
from explorer.models.evaluation import evaluate
from explorer.types import Floats
from explorer.workers.analysis import AnalysisJobs
from explorer.workers.animation import EncodedImages, encode_images
from explorer.workers.code_analysis import encode_all, find_directions, index_images, probe
from explorer.workers.jobs import JobRunner

COUNT, LENGTH = 100_000, 100_352
SHAPE = (12, 10, 1)
SAID = r"Cannot make 100,000 codes of 100,352 dimensions \(37\.4 GB\): at most 10,699 fit into 4 GB"


class LongCodec(MatrixCodec):
    """Says that its codes are long; must not be asked for any."""

    @property
    def latent_dim(self) -> int:
        return LENGTH

    def encode(self, images: Floats) -> Floats:
        raise AssertionError("nothing is encoded where the codes do not fit")


class LongVariationalCodec(MatrixCodec):
    @property
    def latent_dim(self) -> int:
        return LENGTH


@pytest.fixture(scope="module")
def source() -> ArraySource:
    images = np.zeros((COUNT, *SHAPE), np.uint8)
    labels = (np.arange(COUNT) % 2).astype(np.int64)
    facts = Facts(name="many", title="Many images", spec="/nowhere/many")
    return ArraySource(facts, images, random_splits(COUNT), labels)


@pytest.fixture
def model() -> OpenModel:
    model = make_model(image_shape=SHAPE)
    card = model.card.model_copy(update={"latent_shape": (28, 28, 128)})
    return replace(model, card=card, codec=LongCodec(SHAPE))


ANALYSES: dict[str, Callable[[OpenModel, ArraySource], Iterator[object]]] = {
    "encode": encode_all,
    "neighbors": lambda model, source: index_images(model, source, NeighborSettings(), None),
    "directions": lambda model, source: find_directions(model, source, DirectionRequest(None, ("0",)), None),
    "probe": lambda model, source: probe(model, source, None, None),
    "selection": lambda model, source: encode_images(model, source, np.arange(COUNT)),
    "command line": lambda model, source: encode_source(
        Model(Bundle(Path("/nowhere"), model.card), model.codec), source, np.arange(COUNT)
    ),
}


@pytest.mark.parametrize("name", ANALYSES)
def test_codes_of_all_images_are_refused_by_size(name: str, model: OpenModel, source: ArraySource) -> None:
    with pytest.raises(UsageError, match=SAID) as caught:
        list(ANALYSES[name](model, source))
    assert "Use fewer images" in str(caught.value)


def test_measuring_keeps_codes_of_a_variational_model_only(model: OpenModel, source: ArraySource) -> None:
    preprocessing = model.card.preprocessing
    variational = LongVariationalCodec(SHAPE, variational=True)
    with pytest.raises(UsageError, match="at most 10,699 fit"):
        list(evaluate(variational, source, np.arange(COUNT), preprocessing))
    assert list(evaluate(LongVariationalCodec(SHAPE), source, np.arange(3), preprocessing))


MADE: dict[str, Callable[[Floats], object]] = {
    "samples": lambda code: sample_normal(COUNT, LENGTH, np.random.default_rng(0)),
    "grid": lambda code: grid_codes(code, (0, 1), np.zeros(1000, np.float32), np.zeros(100, np.float32)),
    "plane": lambda code: Plane.of_dimensions(code, (0, 1)).codes(np.zeros((COUNT, 2), np.float32)),
    "traversal": lambda code: traverse_dimension(code, 0, np.zeros(COUNT, np.float32)),
}


@pytest.mark.parametrize("name", MADE)
def test_tables_of_codes_are_refused_by_size(name: str) -> None:
    with pytest.raises(UsageError, match=SAID):
        MADE[name](np.zeros(LENGTH, np.float32))


def test_what_fits_is_what_is_said() -> None:
    most = MOST_CODE_BYTES // (4 * LENGTH)
    check_table(most, LENGTH)
    with pytest.raises(UsageError, match=f"at most {most:,} fit"):
        check_table(most + 1, LENGTH)


def test_codes_of_a_selection_are_made_in_batches(source: ArraySource) -> None:
    model = make_model(image_shape=SHAPE)
    chosen = np.arange(0, 600, 2)
    *_, encoded = encode_images(model, source, chosen)
    assert isinstance(encoded, EncodedImages)
    np.testing.assert_array_equal(encoded.codes, model.codec.encode(np.zeros((300, *SHAPE), np.float32)))


def test_it_is_reported_once_however_often_an_index_is_asked_for(
    qapp: object, model: OpenModel, source: ArraySource
) -> None:
    document, jobs = Document(), JobRunner()
    analysis_jobs = AnalysisJobs(document, jobs)
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    document.open(model, source)
    for _ in range(16):
        document.neighbors.index_requested.emit()
    assert [str(problem.message).startswith("Cannot make 100,000 codes") for problem in problems] == [True]
    assert not jobs.jobs
    jobs.close()
    analysis_jobs.deleteLater()


def test_an_index_is_not_made_for_what_is_no_longer_open(qapp: object, qtbot: QtBot) -> None:
    document, jobs = Document(), JobRunner()
    analysis_jobs = AnalysisJobs(document, jobs)
    model, source = make_model(), make_source(40)
    document.open(model, source)
    document.neighbors.index_requested.emit()
    document.analysis.codes_requested.emit()
    assert len(jobs.jobs) == 2
    document.open(source=make_source(9, name="others"))
    qtbot.waitUntil(lambda: not jobs.jobs)
    assert document.neighbors.index is None
    assert document.analysis.codes is None
    assert (document.analysis.running("index"), document.analysis.running("codes")) == (None, None)
    made: list[IndexedImages | None] = []
    document.neighbors.index_changed.connect(lambda: made.append(document.neighbors.index))
    document.neighbors.index_requested.emit()
    qtbot.waitUntil(lambda: bool(made))
    assert [index.source for index in made if index is not None] == [document.source]
    jobs.close()
    analysis_jobs.deleteLater()


@pytest.mark.parametrize("command", ["reconstruct --data digits", "sample"])
def test_a_sheet_that_is_too_large_is_refused_before_it_is_made(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inputs, "LARGEST_SHEET", 10_000)
    out = tmp_path / "sheet.png"
    assert main([*command.split(), "--model", "digits-vae-2d", "--count", "20", "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("error: The sheet would be too large: ")
    assert not out.exists()
