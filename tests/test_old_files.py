"""Files of version 1 open with every value: bundles, sessions, animations, runs, directions, settings.

`fixtures/v1/README.md` says how they were written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.training import of, train
from pytestqt.qtbot import QtBot

from explorer.data.corruption import corrupt, parse_noise
from explorer.data.imported_image import ImportedImage
from explorer.data.metrics import mse
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import heal
from explorer.document.sessions import LeftOver, Opening
from explorer.document.state import GridSettings, Jitter, Sampling, State, Traversal
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Finished, Started
from explorer.inference.codec import OnnxCodec
from explorer.latent.animation import AnimationSettings, Segment
from explorer.models.bundle import open_bundle
from explorer.models.direction_file import read_directions
from explorer.models.runs import find_runs, read_strip
from explorer.workers.backend import Backend
from explorer.workers.loading import open_model

OLD = Path(__file__).parent / "fixtures" / "v1"
OLD_HOME = "/tmp/latent-explorer-v1"
PATIENCE_MS = 30_000
KEYS = [[0, 0, 0], [1, 2, 0], [-1, 0.5, 3]]


@pytest.fixture
def home(explorer_home: Path) -> Path:
    """The user's folder as version 1 left it, at a place of this test's own."""
    shutil.copytree(OLD, explorer_home, dirs_exist_ok=True)
    for facts in explorer_home.glob("runs/*/run.json"):
        facts.write_text(facts.read_text().replace(OLD_HOME, explorer_home.as_posix()))
    return explorer_home


@pytest.fixture
def backend(home: Path, qapp: object) -> Iterator[Backend]:
    made = Backend(Document())
    yield made
    made.close()


def problems_of(document: Document) -> list[Problem]:
    found: list[Problem] = []
    document.problem_reported.connect(found.append)
    return found


def open_session(document: Document, path: Path, bot: QtBot) -> State:
    problems = problems_of(document)
    document.open_requested.emit(OpenRequest((path,), "session"))
    bot.waitUntil(lambda: bool(problems) or len(document.state.bookmarks) == 2, timeout=PATIENCE_MS)
    assert problems == []
    return document.state


def test_a_bundle_opens_and_decodes(home: Path) -> None:
    bundle = open_bundle(home / "models" / "small")
    card = bundle.card
    assert (card.name, card.architecture, card.latent_dim, card.image_shape) == ("small", "sparse", 3, (16, 16, 3))
    assert (card.data.name, card.data.count, card.data.train, card.data.test) == ("blobs.npz", 120, 96, 24)
    assert (card.trained.noise, card.trained.rate, card.trained.augment) == ("gray:0.5", 0.002, 48)
    assert [record.epoch for record in card.history] == [1, 2]
    assert card.metrics["mse"] == pytest.approx(0.17141565)
    assert card.decoder_hash == "c97ba0d85b995a0b34b86a0608f1df9cd1061815fd720dffdc72b1203b31108a"
    source = open_source(str(home / "blobs.npz"))
    pixels = source.read(source.splits.test, card.preprocessing)
    codec = OnnxCodec(bundle)
    clean = to_floats(pixels)
    decoded = codec.decode(codec.encode(corrupt(clean, parse_noise(card.trained.noise))))
    assert mse(clean, decoded) == pytest.approx(card.metrics["mse"], abs=1e-5)
    sample = open_model(home / "models" / "small").sample
    assert (sample.codes.shape[1], sample.statistics.components.shape) == (3, (3, 3))


def check_common(state: State) -> None:
    """Check what both sessions hold."""
    assert state.model is not None
    assert state.source is not None
    assert (state.model.name, state.source.name, state.image_index) == ("small", "blobs.npz", 7)
    assert [(noise.strength, noise.seed) for noise in state.noises] == [
        *((0.5, None), (0.25, 7), (0.1, 3), (0.2, 4), (1.5, None), (0.5, None))
    ]
    kinds = ["gray", "gaussian", "salt_pepper", "occlusion", "blur", "downsample"]
    assert [noise.kind for noise in state.noises] == kinds
    assert (state.jitter, state.sampling) == (Jitter(0.75, 11), Sampling("fitted", 1.25, 12))
    assert [keyframe.code.tolist() for keyframe in state.keyframes] == KEYS
    assert [kept.name for kept in state.directions] == ["bright", "wide"]
    first, second = (kept.direction for kept in state.directions)
    np.testing.assert_array_equal(first.vector, np.array([0.6, 0.8, 0], np.float32))
    assert (first.method, first.count, first.accuracy, first.effect) == ("means", (40, 56), 0.75, 1.5)
    assert (first.null_effect, first.p, second.method) == ((0.25, 0.5), 0.01, "logistic")
    assert [(kept.name, kept.code.tolist()) for kept in state.bookmarks] == [
        ("first", [1, 1, 1]),
        ("second", [2, 0, -2]),
    ]


def test_a_session_opens(backend: Backend, home: Path, qtbot: QtBot) -> None:
    document = backend.document
    tabs: list[str] = []
    document.sessions.tab_restored.connect(tabs.append)
    state = open_session(document, home / "work.latent", qtbot)
    check_common(state)
    assert state.imported_image is None
    assert state.code is not None
    assert state.code.tolist() == [0.5, -1, 2]
    assert state.traversal == Traversal("components", 2.5)
    assert [keyframe.segment for keyframe in state.keyframes] == [
        *(None, Segment(12, "slerp", "ease"), Segment(8, "spline", "ease_in"))
    ]
    assert state.animation == AnimationSettings(16, 3, 25, "pingpong", "linear", "ease_out")
    assert state.grid == GridSettings((0, 1), -2.5, 1.5, 9, components=True)
    sums = state.arithmetic
    assert (sums.mode, sums.share, sums.seed) == ("cross", 0.25, 13)
    assert [(term.strength, [code.tolist() for code in term.codes]) for term in sums.terms] == [
        *((1.5, [[1, 0, 0], [0, 1, 0]]), (-0.5, [[0, 0, 1]]), (2, []))
    ]
    picked = document.selection.picked
    assert picked is not None
    assert (picked.title, picked.indices.tolist()) == ("two of them", [3, 5])
    assert (tabs, document.timeline.playhead) == (["train"], 4)
    assert not document.sessions.dirty


def check_imported(state: State) -> None:
    """Check what only the session with an imported image holds."""
    imported_image = state.imported_image
    assert isinstance(imported_image, ImportedImage)
    assert (imported_image.name, imported_image.negative, imported_image.pil_image(0).size) == (
        "imported.png",
        True,
        (30, 20),
    )
    assert state.traversal == Traversal("maximum", 1.5)
    assert [keyframe.segment for keyframe in state.keyframes] == [None, None, None]
    assert state.animation == AnimationSettings(5, 0, 12, "none", "data", "linear")
    assert state.times == pytest.approx(np.linspace(0, 2, 9) ** 2 / 2)
    corners = ((0, 0, 0), (1, 0, 0.5), (0, 2, -0.5))
    assert state.grid == GridSettings((1, 2), -1, 1, 5, corners=corners)
    assert [term.strength for term in state.arithmetic.terms] == [1, -1, 1]


def test_a_session_with_an_imported_image_opens(backend: Backend, home: Path, qtbot: QtBot) -> None:
    state = open_session(backend.document, home / "imported.latent", qtbot)
    check_common(state)
    check_imported(state)
    assert state.code is not None
    assert state.code.tolist() == [0.25, 0.5, 0.75]
    assert state.code is state.start_code


def test_unsaved_work_is_recovered(backend: Backend, home: Path, qtbot: QtBot) -> None:
    document = backend.document
    folder = home / "autosave" / "left"
    folder.mkdir(parents=True)
    shutil.copyfile(home / "copy.latent", folder / "copy.latent")
    offered: list[LeftOver] = []
    document.sessions.found_left.connect(offered.append)
    backend.autosave.look_for_left()
    (left,) = offered
    assert left.path == Path(OLD_HOME, "imported.latent")
    incomplete: list[Opening] = []
    document.sessions.incomplete.connect(incomplete.append)
    document.sessions.recover_requested.emit(left)
    qtbot.waitUntil(lambda: bool(incomplete), timeout=PATIENCE_MS)
    assert incomplete[0].missing == "source"  # it was at a place of version 1's own
    document.sessions.find_requested.emit(incomplete[0], home / "blobs.npz")
    qtbot.waitUntil(lambda: len(document.state.bookmarks) == 2, timeout=PATIENCE_MS)
    check_common(document.state)
    assert document.code is not None
    assert document.code.tolist() == [9, 8, 7]
    assert document.sessions.dirty


@pytest.mark.parametrize("name", ["path.gif", "path.png", "path.webp", "path.mp4", "path"])
def test_an_animation_opens_as_its_timeline(backend: Backend, home: Path, qtbot: QtBot, name: str) -> None:
    document = backend.document
    document.open(open_model(home / "models" / "small"))
    document.open_requested.emit(OpenRequest((home / "exports" / name,)))
    qtbot.waitUntil(lambda: len(document.state.keyframes) == 3, timeout=PATIENCE_MS)
    assert document.timeline.keys.tolist() == KEYS
    animation = document.timeline.animation
    assert animation is not None
    assert animation.segments == (Segment(16, "linear", "ease_out"), Segment(12, "slerp", "ease"))
    assert (animation.hold, animation.fps, animation.loop, animation.closed, animation.times) == (
        3,
        25,
        "pingpong",
        False,
        None,
    )


def test_runs_are_listed(home: Path) -> None:
    stopped, small = sorted(find_runs(), key=lambda run: run.name, reverse=True)
    assert (small.name, small.phase, small.model) == ("small", "finished", home / "models" / "small")
    assert [point.epoch for point in small.curve] == [1, 2]
    assert small.curve[1].val_loss == pytest.approx(0.67926508)
    assert small.metrics["psnr"] == pytest.approx(7.74617)
    assert (small.request.noise, small.request.rate, small.request.augment) == ("gray:0.5", 0.002, 48)
    assert [frame.progress for frame in small.progress_frames] == [0, 1, 2]
    assert read_strip(small.originals).shape == read_strip(small.progress_frames[2].path).shape == (8, 16, 16, 3)
    assert (stopped.name, stopped.phase, stopped.resumable, stopped.model) == ("stopped", "cancelled", True, None)
    assert (stopped.begun.year, stopped.begun.month, stopped.begun.day) == (2026, 11, 29)


@pytest.mark.engine
def test_a_run_is_resumed_from_its_checkpoint(home: Path) -> None:
    (stopped,) = (run for run in find_runs() if run.resumable)
    process = ModelProcess()
    try:
        events = train(process, stopped.request.model_copy(update={"resume": True, "epochs": 107}))
    finally:
        process.close()
    assert isinstance(events[-1], Finished), events[-1]
    assert of(Started, events)[0].first_epoch == 106
    card = open_bundle(home / "models" / "stopped").card
    assert [record.epoch for record in card.history] == list(range(1, 108))
    assert card.history[104].loss == pytest.approx(stopped.curve[104].loss)


def test_directions_open(home: Path) -> None:
    card = open_bundle(home / "models" / "small").card
    found = read_directions(home / "small.directions.json", card)
    assert list(found) == ["bright", "wide"]
    wide = found["wide"]
    assert (wide.vector.tolist(), wide.method, wide.count) == ([0, 0, 1], "logistic", (30, 66))
    assert (wide.accuracy, wide.effect, wide.null_effect, wide.p) == (0.625, 0.75, (0.125, 0.25), 0.2)


def test_settings_open(home: Path) -> None:
    values, notes = heal(home / "settings.json")
    assert notes == ()
    assert (values.scheme, values.tour_seen, values.keep_layout) == ("dark", True, False)
    assert values.recent_commands == ("action_export", "panel_map")
    assert len(values.geometry) == 88
    assert len(values.layout) > 300
