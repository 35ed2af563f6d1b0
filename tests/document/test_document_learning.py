"""A model that learns is replaced by its newer versions: no edit, nothing goes blank, nothing of the work is lost."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source

from explorer.document.document import Document
from explorer.document.map_tiles import MapWindow
from explorer.document.state import OpenModel
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.tiles import TILES, TilesView
from explorer.types import Floats

RUN = Path("/nowhere/runs/one")


def version(number: float | None, run: Path | None = RUN) -> OpenModel:
    return replace(make_model(), run=run, epochs=number)


def answer(document: Document, value: float) -> None:
    """Put in what the encoder of the moment answers for the chosen image."""
    image = np.zeros((12, 10, 1), np.float32)
    IMAGE.put(document, ImageView(image, image, np.full(2, value, np.float32), 0.0, 0.0, 0.0))


def code_of(document: Document) -> list[float]:
    code: Floats | None = document.code
    assert code is not None
    return [float(value) for value in code]


@pytest.fixture
def document() -> Document:
    document = Document()
    document.open(version(0.0), make_source())
    answer(document, 0.5)
    document.forget_history()
    return document


def test_a_cursor_on_the_images_code_goes_where_the_new_encoder_puts_it(document: Document) -> None:
    newer = version(1.0)
    document.refine_model(newer)
    assert document.model is newer
    assert code_of(document) == [0.5, 0.5], "it went blank before the answer came"
    answer(document, 0.75)
    assert code_of(document) == [0.75, 0.75]
    assert document.undo_label is None


def test_an_edited_cursor_stays(document: Document) -> None:
    document.set_dimension(0, 2.0)
    document.refine_model(version(1.0))
    answer(document, 0.75)
    assert code_of(document) == [2.0, 0.5]
    assert document.state.start_code is not None
    assert float(document.state.start_code[0]) == 0.75
    document.reset_code()
    assert code_of(document) == [0.75, 0.75]


def test_what_is_shown_stays_until_the_new_answers_come(document: Document) -> None:
    cursor = CursorView(np.zeros((12, 10, 1), np.float32), 0.1)
    model, plane = document.model, document.plane
    assert model is not None
    assert plane is not None
    window = MapWindow(document.tile_grid, 0, -0.1, 0.1, -0.1, 0.1)
    document.map.look(window)
    document.map.show_plane(model.codec, plane)
    tiles = window.tiles()
    pixels = np.zeros((len(tiles), 12, 10, 1), np.uint8)
    CURSOR.put(document, cursor)
    TILES.put(document, TilesView(model.codec, plane, window.tile_grid, 0, tiles, pixels))
    assert len(document.map.missing()) == 0
    there = list(document.map.visible())
    image = document.views[IMAGE]
    document.refine_model(version(1.0))
    assert (document.views[IMAGE], document.views[CURSOR]) == (image, cursor)
    assert list(document.map.visible()) == there
    newer = document.model
    assert newer is not None
    document.map.show_plane(newer.codec, plane)
    assert len(document.map.missing()) == len(tiles), "they stand in until they are decoded again"
    document.open(version(2.0))
    assert list(document.map.visible()) == [], "another model is not the same one later"


def spread(model: OpenModel, factor: float) -> OpenModel:
    """Return a model whose codes lie so much further apart."""
    before, much = model.sample.statistics, np.float32(factor)
    statistics = replace(before, mean=before.mean * much, sigma=before.sigma * much)
    return replace(model, sample=replace(model.sample, statistics=statistics))


def test_the_map_grows_with_the_codes_unless_its_range_was_set(document: Document) -> None:
    heard: list[bool] = []
    document.changed.grid.connect(lambda: heard.append(True))
    before = document.state.grid
    document.refine_model(spread(version(1.0), 10.0))
    assert document.state.grid.high >= 4 * before.high
    assert heard == [True]
    document.set_grid(replace(document.state.grid, low=-1.0, high=1.0))
    document.refine_model(spread(version(2.0), 20.0))
    assert (document.state.grid.low, document.state.grid.high) == (-1.0, 1.0)
    assert str(document.undo_label) == "Map settings"


def test_keyframes_and_images_stay(document: Document) -> None:
    document.timeline.add()
    source, image_index = document.source, document.state.image_index
    document.refine_model(version(2.0))
    assert len(document.state.keyframes) == 1
    assert (document.source, document.state.image_index) == (source, image_index)


def test_undo_leads_to_the_newest_version_never_to_an_older_one(document: Document) -> None:
    document.choose_image(3)
    answer(document, 0.25)
    document.set_dimension(1, 1.5)
    newest = version(3.0)
    document.refine_model(newest)
    answer(document, 0.75)
    document.undo()
    assert document.model is newest
    answer(document, 0.75)
    assert code_of(document) == [0.75, 0.75]
    document.undo()
    assert (document.state.image_index, document.model) == (0, newest)
    answer(document, 0.625)
    assert code_of(document) == [0.625, 0.625]
    document.redo()
    document.redo()
    assert (document.state.image_index, document.model) == (3, newest)
    assert code_of(document) == [0.25, 1.5], "an edit is what it was"


def test_another_model_that_is_open_is_left_alone(document: Document) -> None:
    other = make_model()
    document.open(other)
    answer(document, 0.5)
    heard: list[bool] = []
    document.changed.model.connect(lambda: heard.append(True))
    newest = version(4.0)
    document.refine_model(newest)
    assert (document.model, heard) == (other, [])
    document.undo()
    assert document.model is newest, "the way back leads to the model as it is now"


def test_the_finished_model_takes_the_place_of_the_one_that_learned(document: Document) -> None:
    finished = version(None)
    document.refine_model(finished)
    assert document.model is finished
    document.refine_model(version(5.0, run=Path("/nowhere/runs/another")))
    assert document.model is finished


def test_models_without_a_run_never_continue_one_another() -> None:
    assert not version(None, run=None).continues(version(None, run=None))
    assert not version(1.0).continues(None)


def test_400_versions_leave_one(document: Document) -> None:
    """Old versions hold sessions and arrays: nobody may keep them, the history neither."""
    for number in range(3):
        document.set_dimension(0, float(number))
    seen = [put_version(document, number) for number in range(400)]
    gc.collect()
    assert sum(reference() is not None for reference in seen) == 1


def put_version(document: Document, number: int) -> weakref.ref[OpenModel]:
    model = version(float(number))
    document.refine_model(model)
    answer(document, number / 100)
    return weakref.ref(model)
