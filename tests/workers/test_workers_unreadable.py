"""One unreadable file does not spoil the map, the outliers, the neighbors or the preview of the augmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model
from PIL import Image

from explorer.data.polarity import suggests_invert
from explorer.data.source import Source
from explorer.data.sources import open_source
from explorer.document.analysis import CodesView, RankingView
from explorer.document.dataset_checks import PREVIEW_ROWS, AugmentView
from explorer.document.neighbors import IndexedImages, NeighborSettings
from explorer.document.state import OpenModel
from explorer.models.outliers import ThresholdRule
from explorer.models.settings import make_request
from explorer.workers.analysis import rank
from explorer.workers.code_analysis import encode_all, index_images
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
    *_, view = encode_all(model, source)
    assert isinstance(view, CodesView)
    assert np.isfinite(view.codes).all(axis=1).tolist() == [True] * 3 + [False] + [True] * 5
    assert [one.name for one in source.skipped] == ["0a.png", "3.png"]


def test_the_outliers(source: Source, model: OpenModel) -> None:
    *_, view = rank(model, source, ThresholdRule())
    assert isinstance(view, RankingView)
    assert sorted(view.ranking.indices.tolist()) == [0, 1, 2, 4, 5, 6, 7, 8]


def test_the_neighbors(source: Source, model: OpenModel) -> None:
    *_, found = index_images(model, source, NeighborSettings(), None)
    assert isinstance(found, IndexedImages)
    assert found.positions.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]


def test_the_preview_of_the_augmentation(source: Source) -> None:
    request = make_request(architecture="vae", data=source.spec, out=Path("new"), size=(16, 16))
    *_, view = preview_augmentation(request, source)
    assert isinstance(view, AugmentView)
    assert view.pixels is not None
    assert len(view.pixels) == PREVIEW_ROWS - 1, "one of those chosen is damaged"


def test_the_hint_to_invert(source: Source) -> None:
    assert 3 in source.splits.train
    assert suggests_invert(source)
