"""Undo reopens closed models and images; if one is missing, an error is reported and the state is unchanged."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image
from pytestqt.qtbot import QtBot

from explorer.document.analysis import Probe
from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.views.image import IMAGE, ImageView
from explorer.inference.codec import OnnxCodec
from explorer.latent.sampling import FittedPrior
from explorer.workers.backend import Backend

COUNT = 6


@pytest.fixture
def backend(qapp: object) -> Iterator[Backend]:
    made = Backend(Document())
    yield made
    made.close()


def settled(document: Document) -> bool:
    return isinstance(document.views[IMAGE], ImageView) and document.code is not None and not document.jobs


def name_of(document: Document) -> str | None:
    return None if document.model is None else document.model.name


@pytest.fixture
def used(backend: Backend, tmp_path: Path, qtbot: QtBot) -> Document:
    """A document after opening six models and six folders."""
    document = backend.document
    for number in range(COUNT):
        write_bundle(tmp_path / f"m{number}", MatrixCodec(seed=number))
        folder = tmp_path / f"images {number}"
        folder.mkdir()
        for image in range(3):
            pixels = np.random.default_rng(number * 10 + image).integers(0, 256, (10, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{image}.png")
        document.open_requested.emit(OpenRequest((str(folder),), "images"))
        qtbot.waitUntil(lambda: not document.jobs)
        document.open_requested.emit(OpenRequest((tmp_path / f"m{number}",), "model"))
        qtbot.waitUntil(lambda: settled(document))
    return document


def test_every_step_comes_back_and_again(used: Document, qtbot: QtBot) -> None:
    seen: list[tuple[str | None, str | None]] = []
    while used.undo_label is not None:
        seen.append((name_of(used), used.source.name if used.source else None))
        place = used.history_place
        used.undo()
        qtbot.waitUntil(lambda place=place: used.history_place == place - 1)  # type: ignore[misc]
    expected: list[tuple[str | None, str | None]] = []
    for number in range(COUNT):
        before = f"m{number - 1}" if number else None
        expected += [(before, f"images {number}"), (f"m{number}", f"images {number}")]
    assert seen == expected[::-1]
    used.go_to_step(len(seen))
    qtbot.waitUntil(lambda: settled(used) and used.redo_label is None)
    assert name_of(used) == f"m{COUNT - 1}"


def test_a_model_that_was_opened_again_decodes_as_before(used: Document, qtbot: QtBot) -> None:
    used.go_to_step(2)
    qtbot.waitUntil(lambda: settled(used) and name_of(used) == "m0")
    assert used.model is not None
    codes = np.array([[0.5, -1.0]], np.float32)
    assert np.allclose(used.model.codec.decode(codes), MatrixCodec(seed=0).decode(codes), atol=1e-5)


def keyframe_at(document: Document, value: float) -> None:
    document.set_code(np.full(2, value, np.float32))
    document.timeline.add()


def values_of(document: Document) -> list[float]:
    return [float(keyframe.code[0]) for keyframe in document.state.keyframes]


def open_model_at(document: Document, path: Path, qtbot: QtBot) -> None:
    document.open_requested.emit(OpenRequest((path,), "model"))
    qtbot.waitUntil(lambda: settled(document) and name_of(document) == path.name)


def test_each_model_comes_back_with_its_timeline_by_opening_and_by_undo(
    used: Document, tmp_path: Path, qtbot: QtBot
) -> None:
    keyframe_at(used, 5)
    for number in (2, 3, 2):
        open_model_at(used, tmp_path / f"m{number}", qtbot)
        keyframe_at(used, number)
    assert values_of(used) == [2, 2]
    open_model_at(used, tmp_path / "m5", qtbot)
    assert values_of(used) == [5]
    seen = []
    while used.history_place > 2 * COUNT:
        seen.append((name_of(used), values_of(used)))
        place = used.history_place
        used.undo()
        qtbot.waitUntil(lambda place=place: used.history_place == place - 1)  # type: ignore[misc]
    assert [state for state, _ in groupby(seen)] == [
        ("m5", [5]),
        ("m2", [2, 2]),
        ("m2", [2]),
        ("m3", [3]),
        ("m3", []),
        ("m2", [2]),
        ("m2", []),
        ("m5", [5]),
        ("m5", []),
    ]
    used.go_to_step(len(used.history))
    qtbot.waitUntil(lambda: settled(used) and used.redo_label is None)
    assert (name_of(used), values_of(used)) == ("m5", [5])


def test_a_model_that_was_deleted_is_named_although_it_is_still_in_memory(
    used: Document, tmp_path: Path, qtbot: QtBot
) -> None:
    problems: list[Problem] = []
    used.problem_reported.connect(problems.append)
    keyframe_at(used, 5)
    open_model_at(used, tmp_path / "m3", qtbot)
    before = used.state
    (tmp_path / "m5").rename(tmp_path / "away")
    used.undo()
    qtbot.waitUntil(lambda: bool(problems) and not used.jobs)
    assert used.state is before
    said = str(problems[0].message)
    assert said.startswith("Cannot go to this edit: the model “m5” cannot be opened. ")
    (tmp_path / "away").rename(tmp_path / "m5")
    used.undo()
    qtbot.waitUntil(lambda: settled(used) and name_of(used) == "m5")
    assert values_of(used) == [5]


def reason_for_staying(document: Document, qtbot: QtBot) -> str:
    """Go to the step of the first model; return the error message."""
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    before = document.state
    document.go_to_step(2)
    qtbot.waitUntil(lambda: bool(problems) and not document.jobs)
    assert document.state is before
    assert document.history_place == 2 * COUNT
    return str(problems[0].message)


def test_a_model_that_is_gone_is_named_and_everything_stays(used: Document, tmp_path: Path, qtbot: QtBot) -> None:
    shutil.rmtree(tmp_path / "m0")
    said = reason_for_staying(used, qtbot)
    assert "m0" in said
    assert said.startswith("Cannot go to this edit: the model “m0” cannot be opened. ")


def test_another_model_in_its_place_is_not_taken_for_it(used: Document, tmp_path: Path, qtbot: QtBot) -> None:
    shutil.rmtree(tmp_path / "m0")
    write_bundle(tmp_path / "m0", MatrixCodec(seed=99))
    assert "has changed. Choose another edit." in reason_for_staying(used, qtbot)


def test_a_folder_that_is_gone_or_has_changed_is_named(used: Document, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "images 0" / "1.png").unlink()
    assert reason_for_staying(used, qtbot).startswith("Cannot go to this edit: the images of “images 0” have changed.")


def test_half_a_minute_of_idle_time_closes_what_only_the_history_references(
    backend: Backend, used: Document, qtbot: QtBot
) -> None:
    shown = weakref.ref(used.model), weakref.ref(used.source)
    used.undo()
    qtbot.waitUntil(lambda: settled(used) and used.history_place == 2 * COUNT - 1)
    backend.housekeeping._on_long_idle()  # the timer's end
    qtbot.waitUntil(lambda: [reference() for reference in shown] == [None, used.source])
    used.redo()
    qtbot.waitUntil(lambda: settled(used) and name_of(used) == f"m{COUNT - 1}")


def test_networks_that_a_late_answer_loaded_again_are_released(backend: Backend, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    for number in range(2):
        write_bundle(tmp_path / f"m{number}", MatrixCodec(seed=number))
    document.open_requested.emit(OpenRequest((tmp_path / "m0",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "m0" and not document.jobs)
    assert document.model is not None
    codec = document.model.codec
    assert isinstance(codec, OnnxCodec)
    document.open_requested.emit(OpenRequest((tmp_path / "m1",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "m1" and not document.jobs)
    decoder = codec.decoder
    assert decoder is not None
    with qtbot.waitSignal(backend.housekeeping.tidied, timeout=30_000):
        codec.decode(np.zeros((1, 2), np.float32))
        assert decoder._sessions
        backend.housekeeping.begin()
    assert not decoder._sessions


def test_what_was_found_for_a_closed_model_does_not_keep_it(backend: Backend, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    for number in range(2):
        write_bundle(tmp_path / f"m{number}", MatrixCodec(seed=number))
    document.open_requested.emit(OpenRequest((tmp_path / "m0",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "m0" and not document.jobs)
    model, analysis = document.model, document.analysis
    assert model is not None
    analysis.put_probe(Probe(model.codec, make_source(40), None, 2, 40, 1.0, 0.5))
    analysis.put_prior(model.sample, FittedPrior())
    distance = analysis.distance_of(model.sample)
    with qtbot.waitSignal(backend.housekeeping.tidied, timeout=30_000):
        backend.housekeeping.begin()
    assert len(analysis.probes) == 1, "those of the open model are kept"
    assert analysis.prior_of(model.sample) is not None
    assert analysis.distance_of(model.sample) is distance
    kept = weakref.ref(model), weakref.ref(model.codec), weakref.ref(model.sample)
    document.open_requested.emit(OpenRequest((tmp_path / "m1",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "m1" and not document.jobs)
    del model, distance
    with qtbot.waitSignal(backend.housekeeping.tidied, timeout=30_000):
        backend.housekeeping.begin()
    document.forget_history()
    gc.collect()
    assert [reference() for reference in kept] == [None] * 3
