"""The history holds few models and images open; it asks for the others again, and stays where they are gone."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from explorer_testing.builders import make_model, make_source
from PIL import Image

from explorer.data.imported_image import ImportedImage
from explorer.data.source import Source
from explorer.document.closed import ClosedModel, ClosedSource, Reopening
from explorer.document.document import Document
from explorer.document.history import IMPORTED_IMAGE_BYTES, OPEN_MODELS, OPEN_SOURCES, UNSAVED_MODELS, History
from explorer.document.session_state import SavedWork, same_work
from explorer.document.state import OpenModel, State
from explorer.messages import message

COUNT = 12


def saved_model(number: int) -> OpenModel:
    """Return a model that says it has files, by which it can be known again."""
    model = make_model(name=f"model {number}")
    card = model.card.model_copy(update={"files": {"decoder.onnx": f"{number:064}"}})
    return replace(model, card=card, path=Path(__file__).parent)  # it exists


def document_with(models: Callable[[int], OpenModel], count: int = COUNT) -> Document:
    document = Document()
    for number in range(count):
        document.open(models(number), make_source(4, name=f"source {number}"))
    return document


def wishes_of(document: Document) -> list[Reopening]:
    heard: list[Reopening] = []
    document.reopen_requested.connect(heard.append)
    return heard


def open_one(document: Document, number: int) -> tuple[weakref.ref[OpenModel], weakref.ref[Source]]:
    model, source = saved_model(number), make_source(4, name=f"source {number}")
    document.open(model, source)
    return weakref.ref(model), weakref.ref(source)


def test_of_many_models_and_sources_few_stay_open() -> None:
    document = Document()
    opened = [open_one(document, number) for number in range(COUNT)]
    gc.collect()
    assert sum(model() is not None for model, _ in opened) == OPEN_MODELS + 1
    assert sum(source() is not None for _, source in opened) == OPEN_SOURCES + 1
    assert document.history_place == COUNT


def test_a_step_whose_model_is_closed_asks_for_it_and_goes_there_once_it_is_open() -> None:
    document = document_with(saved_model)
    heard = wishes_of(document)
    before = document.state
    document.go_to_step(1)
    assert document.state is before
    (wanted,) = heard
    model, source = wanted.missing
    assert isinstance(model, ClosedModel)
    assert isinstance(source, ClosedSource)
    assert (model.name, source.spec) == ("model 0", "/nowhere/source 0")
    opened, images = saved_model(0), make_source(4, name="source 0")
    assert model.fits(opened)
    assert source.fits(images)
    document.put_reopened(wanted, [(model, opened), (source, images)])
    assert (document.model, document.source, document.history_place) == (opened, images, 1)
    document.redo()
    assert len(heard) == 2, "the step before the last few is closed too"
    document.go_to_step(COUNT)
    assert (document.model, document.source) == (before.model, before.source), "somebody still held them"


def test_models_that_are_near_are_never_asked_for() -> None:
    document = document_with(saved_model)
    heard = wishes_of(document)
    for _ in range(OPEN_MODELS):
        document.undo()
    assert document.model is not None
    assert document.model.name == f"model {COUNT - 1 - OPEN_MODELS}"
    for _ in range(OPEN_MODELS):
        document.redo()
    assert not heard


def test_a_model_that_is_near_is_asked_for_where_its_folder_was_deleted(tmp_path: Path) -> None:
    document = Document()
    folder = tmp_path / "m"
    folder.mkdir()
    document.open(replace(saved_model(0), path=folder), make_source())
    document.open(saved_model(1))
    heard = wishes_of(document)
    folder.rmdir()
    document.undo()
    assert document.model is not None
    assert (document.model.name, [wanted.title for wanted in heard]) == ("model 1", ["model 0"])
    folder.mkdir()
    document.undo()
    assert (document.model.name, len(heard)) == ("model 0", 1)


def test_an_edit_meanwhile_is_not_undone() -> None:
    document = document_with(saved_model)
    heard = wishes_of(document)
    document.go_to_step(1)
    document.set_sampling(replace(document.state.sampling, seed=5))
    after = document.state
    document.put_reopened(
        heard[0], list(zip(heard[0].missing, (saved_model(0), make_source(4, name="source 0")), strict=True))
    )
    assert document.state is after


def test_another_model_in_its_place_does_not_fit() -> None:
    closed = ClosedModel.of(saved_model(0))
    assert not closed.fits(saved_model(1))
    source = ClosedSource.of(make_source(4))
    assert not source.fits(make_source(5))


def test_unfinished_models_stay_open_a_little_longer_and_the_finished_one_takes_their_place() -> None:
    def unfinished(number: int) -> OpenModel:
        return replace(make_model(name=f"run {number}"), run=Path(f"/nowhere/runs/{number}"), epochs=1.0)

    document = Document()
    document.open(source=make_source(4))
    for number in range(COUNT):
        document.open(unfinished(number))
    heard = wishes_of(document)
    document.go_to_step(COUNT + 1 - UNSAVED_MODELS)
    assert not heard
    document.go_to_step(2)
    assert [wanted.title for wanted in heard] == ["run 0"]
    finished = replace(saved_model(0), run=Path("/nowhere/runs/0"))
    document.refine_model(finished)
    document.go_to_step(2)
    assert document.model is finished


def test_large_images_that_were_dropped_are_not_kept_without_end() -> None:
    history = History()
    side = int(np.sqrt(IMPORTED_IMAGE_BYTES / 3 / 4)) + 1
    for _ in range(9):
        imported_image = ImportedImage(Image.new("RGB", (side, side)), "large", b"")
        history.record(State(imported_image=imported_image), message("Bring in"), None)
    count = 0
    while history.jump(history.place - 1, State()) is not None:
        count += 1
    assert count == 3


def test_only_the_image_in_use_stays_decoded() -> None:
    document = Document()
    document.open(saved_model(0), make_source(4))
    images = []
    for number in range(3):
        file = io.BytesIO()
        Image.new("RGB", (64, 64), (number, 0, 0)).save(file, "PNG")
        images.append(ImportedImage.open(file.getvalue(), f"image {number}"))
        document.receive(images[-1])
    document.close_unused()
    assert [image.nbytes > len(image.content) for image in images] == [False, False, True]
    document.go_to_step(document.history_place - 1)
    assert document.state.imported_image is images[1]
    assert images[1].pil_image(0).getpixel((0, 0)) == (1, 0, 0)


def test_the_record_of_saved_work_keeps_no_model_and_no_images() -> None:
    document = document_with(saved_model, 1)
    document.sessions.begin()
    model, source = weakref.ref(document.state.model), weakref.ref(document.state.source)
    for number in range(1, OPEN_MODELS + 3):
        document.open(saved_model(number), make_source(4, name=f"source {number}"))
    document.close_unused()
    gc.collect()
    assert (model(), source()) == (None, None)
    assert document.sessions.dirty


def test_a_model_that_was_opened_again_is_no_edit() -> None:
    source = make_source(4)
    state = State(model=saved_model(0), source=source)
    work = SavedWork.of(state)
    assert same_work(work, replace(state, model=saved_model(0)))
    assert not same_work(work, replace(state, model=saved_model(1)))
    assert not same_work(work, replace(state, source=make_source(5)))
    assert not same_work(work, replace(state, model=None))
    assert not same_work(work, replace(state, image_index=3))
    assert same_work(SavedWork.of(State(arithmetic=state.arithmetic)), State(arithmetic=state.arithmetic))


def test_an_edit_of_the_map_is_an_edit_though_the_model_was_opened_again() -> None:
    state = State(model=saved_model(0), source=make_source(4))
    work = SavedWork.of(state)
    reopened = replace(state, model=saved_model(0))
    assert not same_work(work, replace(reopened, grid=replace(state.grid, high=2.0)))
    live = replace(saved_model(0), run=Path("/nowhere/runs/0"))
    newer = replace(state, model=replace(live), grid=replace(state.grid, high=2.0))
    assert same_work(SavedWork.of(replace(state, model=live)), newer), "its map follows a model in training"
