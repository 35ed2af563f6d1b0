"""Animations exported, estimated and reopened; keyframes from images and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image
from pytestqt.qtbot import QtBot

from explorer.data.preprocessing import to_floats
from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.timeline import WITH_DATA, Estimate, Export
from explorer.document.views.animation import ANIMATION, AnimationView
from explorer.export import FORMATS
from explorer.export.recipe_file import read_recipe
from explorer.latent.animation import AnimationSettings, Segment
from explorer.workers.backend import Backend
from explorer.workers.loading import open_model

PATIENCE_MS = 30_000
KEYS = np.array([[0, 0], [1, 2], [-1, 0.5]], np.float32)


@pytest.fixture
def document(qtbot: QtBot, explorer_home: Path) -> Iterator[Document]:
    """A document with its background work, a model of the library, and three keyframes with two kinds of paths."""
    write_bundle(explorer_home / "models" / "mine", MatrixCodec(seed=1))
    write_bundle(explorer_home / "models" / "other", MatrixCodec(seed=2))
    made = Document()
    backend = Backend(made)
    made.open(open_model(explorer_home / "models" / "mine"), make_source())
    qtbot.waitUntil(lambda: made.code is not None, timeout=PATIENCE_MS)
    made.timeline.insert(KEYS, 0)
    made.timeline.set_animation_settings(AnimationSettings(12, 3, 25, "repeat", "linear", "ease"))
    made.timeline.set_segment(1, Segment(20, "slerp", "linear"))
    made.forget_history()
    yield made
    backend.close()


def problems_of(document: Document) -> list[Problem]:
    found: list[Problem] = []
    document.problem_reported.connect(found.append)
    return found


def export(document: Document, bot: QtBot, wanted: Export) -> Path:
    written: list[Path] = []
    document.exported.connect(written.append)
    document.timeline.export_requested.emit(wanted)
    bot.waitUntil(lambda: bool(written), timeout=PATIENCE_MS)
    return written[0]


@pytest.mark.parametrize("suffix", [*FORMATS, ""])
def test_an_export_reopens_as_the_timeline_that_it_was(
    document: Document, qtbot: QtBot, tmp_path: Path, suffix: str
) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")
    animation = document.timeline.animation
    path = export(document, qtbot, Export(tmp_path / f"film{suffix}"))
    document.timeline.clear()
    document.timeline.set_animation_settings(AnimationSettings())
    document.open_requested.emit(OpenRequest((path,)))
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 3, timeout=PATIENCE_MS)
    np.testing.assert_array_equal(document.timeline.keys, KEYS)
    assert document.timeline.animation == animation
    assert str(document.undo_label) == "Open animation"
    document.undo()
    assert document.state.keyframes == ()


def test_an_animation_with_even_motion_and_a_closed_one_reopen_too(
    document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    document.timeline.set_segment(1, None)
    document.timeline.set_animation_settings(AnimationSettings(12, 0, 25, "repeat", "spline"))
    qtbot.waitUntil(lambda: getattr(document.views[ANIMATION], "done", False), timeout=PATIENCE_MS)
    view = document.views[ANIMATION]
    assert isinstance(view, AnimationView)
    document.timeline.even_out(view.animation, view.changes_of_pass())
    animation = document.timeline.animation
    assert animation is not None
    assert animation.closed
    assert animation.times is not None
    path = export(document, qtbot, Export(tmp_path / "film.gif"))
    document.timeline.clear()
    document.open_requested.emit(OpenRequest((path,)))
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 3, timeout=PATIENCE_MS)
    assert document.timeline.animation == animation


def test_a_data_path_is_computed_once_for_each_change(document: Document, qtbot: QtBot) -> None:
    laid: list[bool] = []
    timeline = document.timeline
    timeline.curve_laid.connect(lambda: laid.append(timeline.curve is not None))
    timeline.use_for_all(Segment(12, WITH_DATA))
    assert (timeline.curve, timeline.curve, laid) == (None, None, []), "reading it requests nothing"
    qtbot.waitUntil(lambda: bool(laid) and not document.jobs, timeout=PATIENCE_MS)
    assert laid == [True], "one job, though settings, keyframes and times changed"
    document.undo()
    assert timeline.curve is not None, "straight paths need no job"
    assert document.jobs == ()
    document.redo()
    qtbot.waitUntil(lambda: laid == [True, True] and not document.jobs, timeout=PATIENCE_MS)


def test_an_export_of_another_model_brings_it_along_in_one_step(
    document: Document, qtbot: QtBot, tmp_path: Path, explorer_home: Path
) -> None:
    path = export(document, qtbot, Export(tmp_path / "film.gif"))
    document.open(open_model(explorer_home / "models" / "other"))
    document.forget_history()
    document.open_requested.emit(OpenRequest((path,)))
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 3, timeout=PATIENCE_MS)
    assert document.model is not None
    assert document.model.name == "mine"
    document.undo()
    assert document.model.name == "other"
    assert document.state.keyframes == ()


def test_an_export_whose_model_is_gone_says_which(
    document: Document, qtbot: QtBot, tmp_path: Path, explorer_home: Path
) -> None:
    path = export(document, qtbot, Export(tmp_path / "film.gif"))
    document.open(make_model(name="elsewhere"))
    (explorer_home / "models" / "mine" / "card.json").unlink()
    problems = problems_of(document)
    document.open_requested.emit(OpenRequest((path,)))
    qtbot.waitUntil(lambda: bool(problems), timeout=PATIENCE_MS)
    assert "“mine”" in str(problems[0].message)
    assert document.state.keyframes == ()


def test_what_is_no_export_is_taken_in_as_what_it_is(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    Image.new("L", (10, 12), 90).save(tmp_path / "gray.png")
    source = document.source
    document.open_requested.emit(OpenRequest((tmp_path / "gray.png",)))
    qtbot.waitUntil(lambda: document.state.imported_image is not None, timeout=PATIENCE_MS)
    assert document.source is source
    document.open_requested.emit(OpenRequest((tmp_path,)))
    qtbot.waitUntil(lambda: document.source is not None and document.source.count == 1, timeout=PATIENCE_MS)
    assert document.state.imported_image is None


def test_a_damaged_recipe_says_so_and_changes_nothing(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    path = export(document, qtbot, Export(tmp_path / "film.gif"))
    recipe = read_recipe(path)
    assert recipe is not None
    text = recipe.to_text()
    assert '"steps":12' in text
    path.write_bytes(path.read_bytes().replace(b'"steps":12', b'"steps":01', 1))
    before, problems = document.state.keyframes, problems_of(document)
    document.open_requested.emit(OpenRequest((path,)))
    qtbot.waitUntil(lambda: bool(problems), timeout=PATIENCE_MS)
    assert document.state.keyframes is before


def test_settings_of_an_export_reach_the_file(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    wanted = Export(tmp_path / "film.gif", fps=10, side=48, smooth=True, plays=3, caption="mine", beside=True)
    path = export(document, qtbot, wanted)
    animation = document.timeline.animation
    assert animation is not None
    with Image.open(path) as pil_image:
        assert getattr(pil_image, "n_frames", 1) == round(animation.seconds * 10), (
            "as long as the morph, with fewer frames"
        )
        assert pil_image.info["loop"] == 2, "twice more"
        assert pil_image.info["duration"] == 100
        assert pil_image.width == 3 * 40 + 2
        assert pil_image.height > 48, "the caption is below"


def test_an_estimate_shows_the_frames_and_comes_near(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    found: list[Estimate] = []
    document.timeline.estimated.connect(found.append)
    wanted = Export(tmp_path / "film.gif", side=96)
    document.timeline.estimate_requested.emit(wanted)
    qtbot.waitUntil(lambda: bool(found), timeout=PATIENCE_MS)
    assert found[0].export == wanted
    assert found[0].pixels is not None
    assert found[0].pixels.shape[1:] == (96, 80, 1)
    assert list(tmp_path.iterdir()) == []
    real = export(document, qtbot, wanted).stat().st_size
    assert 0.5 < found[0].size / real < 2


def test_an_export_that_cannot_be_is_reported_before(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    found: list[Estimate] = []
    problems = problems_of(document)
    document.timeline.estimated.connect(found.append)
    document.timeline.estimate_requested.emit(Export(tmp_path / "film.gif", side=8_000, beside=True))
    qtbot.waitUntil(lambda: bool(found), timeout=PATIENCE_MS)
    assert found[0].pixels is None
    assert "pixels" in str(found[0].problem)
    assert not problems, "the dialog shows it"


def test_images_of_the_source_become_keyframes(document: Document, qtbot: QtBot) -> None:
    model, source = document.model, document.source
    assert model is not None
    assert source is not None
    document.timeline.request_images([4, 2], 1)
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 5, timeout=PATIENCE_MS)
    expected = model.codec.encode(to_floats(source.read([4, 2], model.card.preprocessing)))
    np.testing.assert_allclose(document.timeline.keys[1:3], expected, atol=1e-6)
    assert str(document.undo_label) == "Add 2 keyframes"


def test_image_files_become_keyframes_and_an_export_among_none_is_opened(
    document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    for number in range(2):
        Image.new("L", (40, 40), 60 * number).save(tmp_path / f"{number}.png")
    document.timeline.request_files([tmp_path / "0.png", tmp_path / "1.png"], 3)
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 5, timeout=PATIENCE_MS)
    document.timeline.request_files([tmp_path / "1.png"], 0)
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 6, timeout=PATIENCE_MS)
    np.testing.assert_array_equal(document.state.keyframes[0].code, document.state.keyframes[5].code)
    path = export(document, qtbot, Export(tmp_path / "film.gif"))
    document.timeline.clear()
    document.timeline.request_files([path], 0)
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 6, timeout=PATIENCE_MS)


def test_a_file_that_is_no_image_says_so(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no image")
    problems = problems_of(document)
    document.timeline.request_files([tmp_path / "words.png"], 0)
    qtbot.waitUntil(lambda: bool(problems), timeout=PATIENCE_MS)
    assert "words.png" in str(problems[0].message)
    assert len(document.state.keyframes) == 3


def test_a_model_that_learns_is_exported_without_a_recipe(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    model = document.model
    assert model is not None
    learning = replace(model, card=model.card.model_copy(update={"files": {}}))
    document.open(learning)
    document.timeline.insert(KEYS, 0)
    assert read_recipe(export(document, qtbot, Export(tmp_path / "film.gif"))) is None
