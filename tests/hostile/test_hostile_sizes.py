"""100,000 images with codes of 100,352 numbers, 37 GB: refused once, before anything is made, with what would fit.

The window keeps the principal components of such codes; what it cannot keep is refused in the same way.
"""

from __future__ import annotations

import math
import threading
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
from explorer.data.preprocessing import to_floats
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.analysis import CodesView, Probe
from explorer.document.directions import DirectionRequest
from explorer.document.document import Document, Problem
from explorer.document.neighbors import IndexedImages, NeighborSettings
from explorer.document.state import OpenModel
from explorer.errors import UsageError
from explorer.latent import code_table
from explorer.latent.checks import MOST_CODE_BYTES, check_table
from explorer.latent.code_table import LONG_CODE, MOST_WHOLE_BYTES, CodeTable
from explorer.latent.components import to_components
from explorer.latent.neighbors import CodeSpace
from explorer.latent.planes import Plane, grid_codes
from explorer.latent.sampling import sample_normal
from explorer.latent.statistics import compute_statistics
from explorer.latent.traversal import traverse_dimension
from explorer.models.bundle import Bundle
from explorer.models.evaluation import evaluate
from explorer.types import Floats, Pixels
from explorer.workers import code_analysis
from explorer.workers.analysis import AnalysisJobs
from explorer.workers.animation import EncodedImages, encode_images
from explorer.workers.code_analysis import find_directions, index_images, probe, view_codes
from explorer.workers.jobs import JobRunner

COUNT, LENGTH = 100_000, 100_352
SHAPE = (12, 10, 1)
COMPONENTS = 16
SAID = r"Cannot make 100,000 codes of 100,352 dimensions \(37\.4 GB\): at most 10,699 fit into 4 GB"
MANY = 300_000
SAID_OF_MANY = r"Cannot make 300,000 codes of 4,096 dimensions \(4\.6 GB\): at most 262,144 fit into 4 GB"


class LongCodec(MatrixCodec):
    """Says that its codes are long; must not be asked for any."""

    length = LENGTH

    @property
    def latent_dim(self) -> int:
        return self.length

    def encode(self, images: Floats) -> Floats:
        raise AssertionError("nothing is encoded where the codes do not fit")


class LongVariationalCodec(MatrixCodec):
    @property
    def latent_dim(self) -> int:
        return LENGTH


class ManyCodec(LongCodec):
    length = 4_096


class LongLinearCodec(MatrixCodec):
    """Makes codes of 100,352 numbers, which a linear network would."""

    def __init__(self, shape: tuple[int, int, int], length: int = LENGTH) -> None:
        super().__init__(shape)
        weights = np.random.default_rng(5).standard_normal((math.prod(shape), length))
        self._weights = np.asarray(weights, np.float32)

    @property
    def latent_dim(self) -> int:
        return int(self._weights.shape[1])

    def encode(self, images: Floats) -> Floats:
        return images.reshape(len(images), -1) @ self._weights


def source_of(count: int, images: Pixels | None = None) -> ArraySource:
    pixels = np.zeros((count, *SHAPE), np.uint8) if images is None else images
    labels = (np.arange(count) % 2).astype(np.int64)
    facts = Facts(name="many", title="Many images", spec="/nowhere/many")
    return ArraySource(facts, pixels, random_splits(count), labels)


@pytest.fixture(scope="module")
def source() -> ArraySource:
    return source_of(COUNT)


@pytest.fixture(scope="module")
def many() -> ArraySource:
    return source_of(MANY)


def with_codec(codec: MatrixCodec, latent_shape: tuple[int, ...], codes: Floats) -> OpenModel:
    model = make_model(image_shape=SHAPE)
    card = model.card.model_copy(update={"latent_shape": latent_shape})
    statistics = compute_statistics(codes, max_components=COMPONENTS)
    return replace(model, card=card, codec=codec, sample=replace(model.sample, codes=codes, statistics=statistics))


@pytest.fixture(scope="module")
def model() -> OpenModel:
    codes = np.random.default_rng(1).standard_normal((12, LENGTH)).astype(np.float32)
    return with_codec(LongCodec(SHAPE), (28, 28, 128), codes)


@pytest.fixture(scope="module")
def shorter() -> OpenModel:
    codes = np.random.default_rng(1).standard_normal((12, ManyCodec.length)).astype(np.float32)
    return with_codec(ManyCodec(SHAPE), (ManyCodec.length,), codes)


KEPT: dict[str, Callable[[OpenModel, ArraySource], Iterator[object]]] = {
    "encode": view_codes,
    "neighbors": lambda model, source: index_images(model, source, NeighborSettings(), None),
    "probe": lambda model, source: probe(model, source, None, None),
}


@pytest.mark.parametrize("name", KEPT)
def test_tables_of_all_images_are_refused_by_size(name: str, shorter: OpenModel, many: ArraySource) -> None:
    with pytest.raises(UsageError, match=SAID_OF_MANY):
        list(KEPT[name](shorter, many))


@pytest.fixture(scope="module")
def long_codes() -> tuple[OpenModel, ArraySource, Floats]:
    """Images, a model with long codes, and all codes: 400 of them take 160 MB."""
    return encoded_by(LENGTH)


def encoded_by(length: int) -> tuple[OpenModel, ArraySource, Floats]:
    rng = np.random.default_rng(8)
    count = 400
    images = rng.integers(0, 60, (count, *SHAPE), np.uint8)
    images[1::2, :6] += 120
    images = np.asarray(images * rng.uniform(0.5, 1, (count, 1, 1, 1)), np.uint8)
    source, codec = source_of(count, images), LongLinearCodec(SHAPE, length)
    codes = codec.encode(to_floats(images))
    return with_codec(codec, (length,), codes[:40]), source, codes


def test_of_long_codes_the_components_are_kept(long_codes: tuple[OpenModel, ArraySource, Floats]) -> None:
    model, source, codes = long_codes
    statistics = model.sample.statistics
    *_, view = view_codes(model, source)
    assert isinstance(view, CodesView)
    assert not view.table.whole
    assert view.table.values.nbytes <= MOST_WHOLE_BYTES
    np.testing.assert_allclose(view.table.values, to_components(codes, statistics), atol=1e-3)
    plane = Plane.of_components(codes[7], statistics, (2, 0))
    placed = view.table.on_plane(plane, (2, 0))
    assert placed is not None
    np.testing.assert_allclose(placed, plane.coordinates(codes), atol=1e-3)
    assert view.table.on_plane(Plane.of_dimensions(codes[7], (0, 1)), None) is None


@pytest.mark.parametrize("whitened", [False, True])
def test_neighbors_of_long_codes_are_those_of_their_components(
    whitened: bool, long_codes: tuple[OpenModel, ArraySource, Floats]
) -> None:
    model, source, codes = long_codes
    *_, index = index_images(model, source, NeighborSettings(whitened=whitened), None)
    assert isinstance(index, IndexedImages)
    assert index.table.values.nbytes <= MOST_WHOLE_BYTES
    assert index.code_of(3) is None
    coordinates = CodeSpace(model.sample.statistics, whitened).coordinates(codes)
    exact = np.linalg.norm(coordinates - coordinates[3], axis=1)
    found = index.index.search(index.space.coordinates(codes[3:4]), 9)
    np.testing.assert_array_equal(found.indices[0], np.argsort(exact, kind="stable")[:9])


def test_long_codes_have_directions_and_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    length = LONG_CODE + 1
    model, source, codes = encoded_by(length)
    monkeypatch.setattr(code_table, "MOST_WHOLE_BYTES", 0)
    monkeypatch.setattr(code_analysis, "_FITTED_BYTES", 4 * length * 90)
    *_, result = find_directions(model, source, DirectionRequest(None, ("1",)), None)
    assert isinstance(result, tuple)
    (direction,) = (one.direction for one in result[0])
    rows = source.splits.select("all", 90)
    has = rows % 2 == 1
    np.testing.assert_allclose(
        direction.vector, codes[rows[has]].mean(axis=0) - codes[rows[~has]].mean(axis=0), atol=1e-3
    )
    assert sum(direction.count) == 90
    assert direction.accuracy > 0.9
    known = CodeTable(codes, model.sample.statistics)
    for most, used in ((90, 90), (400, 400)):
        monkeypatch.setattr(code_analysis, "_FITTED_BYTES", 4 * length * most)
        *_, result = find_directions(model, source, DirectionRequest(None, ("1",)), known)
        assert isinstance(result, tuple)
        assert sum(result[0][0].direction.count) == used
    *_, probed = probe(model, source, None, None)
    assert isinstance(probed, Probe)
    assert probed.count == 400
    assert probed.accuracy > 0.9


ANALYSES: dict[str, Callable[[OpenModel, ArraySource], Iterator[object]]] = {
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
    qapp: object, shorter: OpenModel, many: ArraySource
) -> None:
    document, jobs = Document(), JobRunner()
    analysis_jobs = AnalysisJobs(document, jobs)
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    document.open(shorter, many)
    for _ in range(16):
        document.neighbors.index_requested.emit()
    assert [str(problem.message).startswith("Cannot make 300,000 codes") for problem in problems] == [True]
    assert not jobs.jobs
    jobs.close()
    analysis_jobs.deleteLater()


@pytest.mark.parametrize("ended", [False, True])
def test_an_index_is_not_made_for_what_is_no_longer_open(ended: bool, qapp: object, qtbot: QtBot) -> None:
    document, jobs = Document(), JobRunner()
    analysis_jobs = AnalysisJobs(document, jobs)
    model, source = make_model(), make_source(40)
    document.open(model, source)
    document.neighbors.index_requested.emit()
    document.analysis.codes_requested.emit()
    assert len(jobs.jobs) == 2
    if ended:
        # The outcomes of both are on their way when the other images are opened.
        for thread in [thread for thread in threading.enumerate() if thread.name.startswith("job ")]:
            thread.join()
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
