"""One unreadable file does not spoil the map, the outliers, the neighbors or the preview of the augmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model
from PIL import Image
from pytestqt.qtbot import QtBot

from explorer.data.corruption import parse_noise
from explorer.data.polarity import suggests_invert
from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.data.sources import open_source
from explorer.document.analysis import CodesView, RankingView
from explorer.document.dataset_checks import PREVIEW_ROWS, AugmentView
from explorer.document.document import Document, Problem
from explorer.document.neighbors import IndexedImages, NeighborSettings
from explorer.document.state import OpenModel
from explorer.document.views.noise import corrupt_images
from explorer.errors import DataError
from explorer.models.outliers import ThresholdRule
from explorer.models.settings import make_request
from explorer.workers.analysis import rank
from explorer.workers.animation import EncodedImages, encode_files, encode_images
from explorer.workers.backend import Backend
from explorer.workers.code_analysis import index_images, view_codes
from explorer.workers.dataset_checks import preview_augmentation


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Nine drawings, the fourth of which cannot be decoded; in front of them one that is truncated."""
    rng = np.random.default_rng(0)
    for number in range(9):
        drawing = np.full((30, 30), 255, np.uint8)
        drawing[8:16, 8 : 10 + number] = 0
        Image.fromarray(drawing).save(tmp_path / f"{number}.png")
    (tmp_path / "0a.png").write_bytes((tmp_path / "0.png").read_bytes()[:60])
    Image.fromarray(rng.integers(0, 256, (1_200, 1_000), dtype=np.uint8)).save(tmp_path / "3.png")
    content = bytearray((tmp_path / "3.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "3.png").write_bytes(content)
    opened = open_source(tmp_path)
    assert [one.name for one in opened.skipped] == ["0a.png"]
    return opened


@pytest.fixture
def model() -> OpenModel:
    return make_model()


def test_the_codes_of_the_map(source: Source, model: OpenModel) -> None:
    *_, view = view_codes(model, source)
    assert isinstance(view, CodesView)
    assert np.isfinite(view.table.values).all(axis=1).tolist() == [True] * 3 + [False] + [True] * 5
    assert [one.name for one in source.skipped] == ["0a.png", "3.png"]


def test_the_outliers(source: Source, model: OpenModel) -> None:
    *_, view = rank(model, source, ThresholdRule())
    assert isinstance(view, RankingView)
    assert sorted(view.ranking.indices.tolist()) == [0, 1, 2, 4, 5, 6, 7, 8]


def test_the_neighbors(source: Source, model: OpenModel) -> None:
    *_, found = index_images(model, source, NeighborSettings(), None)
    assert isinstance(found, IndexedImages)
    assert found.positions.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]


def test_the_row_with_noise(source: Source, model: OpenModel) -> None:
    recipe = model.card.preprocessing
    *_, view = corrupt_images(model.codec, source, recipe, 1, parse_noise("gaussian:0.1"))
    np.testing.assert_array_equal(view.clean, to_floats(source.read([1, 2, 4, 5, 6, 7, 8], recipe)))
    assert len(view.reconstruction) == 7
    assert [one.name for one in view.skipped] == ["3.png"]
    with pytest.raises(DataError, match=r"3\.png"):
        list(corrupt_images(model.codec, source, recipe, 3, ()))


def test_the_keyframes_of_a_selection(source: Source, model: OpenModel) -> None:
    *_, encoded = encode_images(model, source, np.array([2, 3, 4]))
    assert isinstance(encoded, EncodedImages)
    expected = model.codec.encode(to_floats(source.read([2, 4], model.card.preprocessing)))
    np.testing.assert_allclose(encoded.codes, expected, atol=1e-6)
    assert [one.name for one in encoded.skipped] == ["3.png"]
    with pytest.raises(DataError, match=r"Cannot read any image of .*3\.png"):
        list(encode_images(model, source, np.array([3])))


def test_the_keyframes_of_files(source: Source, model: OpenModel) -> None:
    folder = Path(source.spec)
    *_, encoded = encode_files(model, [folder / name for name in ("2.png", "3.png", "0a.png", "4.png")])
    assert isinstance(encoded, EncodedImages)
    expected = model.codec.encode(to_floats(source.read([2, 4], model.card.preprocessing)))
    np.testing.assert_allclose(encoded.codes, expected, atol=1e-6)
    assert [one.name for one in encoded.skipped] == ["3.png", "0a.png"]
    *_, encoded = encode_files(model, [folder])
    assert isinstance(encoded, EncodedImages)
    assert len(encoded.codes) == 8
    assert [one.name for one in encoded.skipped] == ["0a.png", "3.png"]
    with pytest.raises(DataError, match=r"0a\.png"):
        list(encode_files(model, [folder / "0a.png"]))


@pytest.mark.parametrize("of_files", [False, True])
def test_skipped_keyframes_are_named(qtbot: QtBot, source: Source, model: OpenModel, of_files: bool) -> None:
    document = Document()
    backend = Backend(document)
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    document.open(model, source)
    if of_files:
        document.timeline.files_requested.emit([Path(source.spec) / f"{number}.png" for number in (2, 3, 4)], 0)
    else:
        document.timeline.images_requested.emit(np.array([2, 3, 4]), 0)
    qtbot.waitUntil(lambda: bool(problems), timeout=30_000)
    assert len(document.state.keyframes) == 2
    assert str(problems[0].message).startswith("Skipped 1 of 3 files: 3.png: ")
    backend.close()


def test_the_preview_of_the_augmentation(source: Source) -> None:
    request = make_request(architecture="vae", data=source.spec, out=Path("new"), size=(16, 16))
    *_, view = preview_augmentation(request, source)
    assert isinstance(view, AugmentView)
    assert view.pixels is not None
    assert len(view.pixels) == PREVIEW_ROWS - 1, "one of those chosen is damaged"


def test_the_hint_to_invert(source: Source) -> None:
    assert 3 in source.splits.train
    assert suggests_invert(source)
