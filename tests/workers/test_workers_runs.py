"""Real trainings: queued, paused, resumed, their runs, and the live model."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.shared_process import shared_process
from explorer_testing.training import small_request, write_images
from PIL import Image
from PySide6.QtCore import QLockFile
from pytestqt.qtbot import QtBot

from explorer.document.activity import TrainingView
from explorer.document.document import Document, Problem
from explorer.document.state import OpenModel
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.training_progress import TRAINING_PROGRESS, TrainingProgressView
from explorer.engine.client import ModelProcess
from explorer.errors import TrainingError
from explorer.memory import give_back
from explorer.messages import Message
from explorer.models.bundle import open_bundle
from explorer.models.reservation import Reservation
from explorer.models.runs import LOG, CurvePoint, Run, find_runs, originals_of
from explorer.models.settings import checkpoint_folder
from explorer.paths import runs_dir
from explorer.workers.backend import Backend
from explorer.workers.trainer import LOCK

PATIENCE_MS = 60_000

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shared(model_process: ModelProcess) -> Iterator[None]:
    with shared_process(model_process, "explorer.workers.trainer"):
        yield


@pytest.fixture
def own_process(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each window have its model process."""
    monkeypatch.setattr("explorer.workers.trainer.ModelProcess", ModelProcess)


@pytest.fixture
def backend(qapp: object, shared: None) -> Iterator[Backend]:
    made = Backend(Document())
    yield made
    made.close()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "blobs.npz")


def wait(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def problems_of(document: Document) -> list[Problem]:
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    return problems


def phase(document: Document) -> str:
    return document.training.phase


def live_of(document: Document) -> OpenModel | None:
    return document.trainings.live


def test_a_model_is_shown_as_it_learns_and_stays_when_it_is_finished(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document, problems = backend.document, problems_of(backend.document)
    document.open(make_model(), make_source(image_shape=(16, 16, 1)))
    shown: list[float | None] = []
    document.changed.model.connect(lambda: shown.append(document.model.epochs if document.model else -1.0))
    out = tmp_path / "new"
    document.training_requested.emit(small_request(images, out, epochs=100_000))
    wait(qtbot, lambda: len(shown) >= 4)
    assert shown == sorted(shown, key=lambda epochs: epochs or 0.0)
    assert shown[0] == 0.0
    assert str(document.undo_label) == "Open new"
    wait(qtbot, lambda: isinstance(document.views[IMAGE], ImageView))
    live = live_of(document)
    assert live is not None
    assert document.model is live
    assert (live.path, live.latent_dim) == (out, 8)
    document.set_dimension(0, 3.0)
    document.timeline.add()
    document.trainings.stop_requested.emit()
    wait(qtbot, lambda: phase(document) == "finished")
    wait(qtbot, lambda: document.model is not None and document.model.epochs is None)
    assert live_of(document) is None
    assert (document.model.path, document.model.name) == (out, "new")
    assert len(document.state.keyframes) == 1, "the finished model is the same model: its keyframes stay"
    assert document.code is not None
    assert float(document.code[0]) == 3.0
    assert open_bundle(out).card.history
    assert not problems


def test_whoever_goes_to_another_model_is_not_called_back(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document, announced = backend.document, list[Message]()
    document.announced.connect(announced.append)
    other = make_model()
    document.open(other, make_source())
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: live_of(document) is not None and document.model is live_of(document))
    document.open(other)
    before = live_of(document)
    wait(qtbot, lambda: live_of(document) is not before)
    assert document.model is other
    document.trainings.live_open_requested.emit()
    wait(qtbot, lambda: document.model is live_of(document))
    document.open(other)
    document.trainings.stop_requested.emit()
    wait(qtbot, lambda: bool(announced))
    assert [str(said) for said in announced] == ["The training of new is finished. Open the model from the library."]
    assert document.model is other


@pytest.mark.parametrize("reason", ["unwanted", "keyframes"])
def test_it_is_not_shown_where_it_is_not_wanted_or_would_take_keyframes(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot, reason: str
) -> None:
    document = backend.document
    document.open(make_model(), make_source())
    wait(qtbot, lambda: document.code is not None)
    model = document.model
    if reason == "keyframes":
        document.timeline.add()
    else:
        document.trainings.follow = False
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: live_of(document) is not None)
    first = live_of(document)
    wait(qtbot, lambda: live_of(document) is not first)
    assert document.model is model
    document.training_cancel_requested.emit()
    wait(qtbot, lambda: not document.training.active)
    assert live_of(document) is None


def test_trainings_wait_for_one_another(backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document, problems = backend.document, problems_of(backend.document)
    for name in ("one", "two", "three", "four"):
        document.training_requested.emit(small_request(images, tmp_path / name, epochs=2))
    assert [request.out.name for request in document.trainings.queue] == ["two", "three", "four"]
    for name in ("two", "three", "four"):
        with pytest.raises(TrainingError, match=name):
            Reservation(tmp_path / name)  # as another window or the command line asks for it
    document.trainings.unqueue_requested.emit(1)
    assert [request.out.name for request in document.trainings.queue] == ["two", "four"]
    Reservation(tmp_path / "three").release()
    document.training_requested.emit(small_request(images, tmp_path / "two", epochs=2))
    assert [str(problem.message) for problem in problems] == [
        "A training named “two” is running or queued. Choose another name."
    ]
    wait(qtbot, lambda: (tmp_path / "four").is_dir() and not document.training.active)
    assert document.trainings.queue == ()
    assert not (tmp_path / "three").exists()
    wait(qtbot, lambda: [run.phase for run in document.trainings.runs] == ["finished"] * 3)
    assert sorted(run.name for run in document.trainings.runs) == ["four", "one", "two"]


def test_a_name_that_another_program_trains_is_refused_at_once(backend: Backend, images: Path, tmp_path: Path) -> None:
    """It was found out after the last epoch."""
    document, problems = backend.document, problems_of(backend.document)
    with Reservation(tmp_path / "new"):
        document.training_requested.emit(small_request(images, tmp_path / "new"))
    (problem,) = problems
    assert "“new”" in str(problem.message)
    assert not document.training.active
    assert not document.trainings.queue
    assert not runs_dir().exists()


def test_one_that_fails_or_is_cancelled_does_not_hold_up_the_next(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document, problems = backend.document, problems_of(backend.document)
    document.training_requested.emit(small_request(tmp_path / "nowhere.npz", tmp_path / "fails"))
    document.training_requested.emit(small_request(images, tmp_path / "cancelled", epochs=100_000))
    document.training_requested.emit(small_request(images, tmp_path / "last", epochs=1))
    wait(qtbot, lambda: document.training.title == "cancelled" and bool(document.training.curve))
    assert len(problems) == 1
    document.training_cancel_requested.emit()
    wait(qtbot, lambda: (tmp_path / "last").is_dir() and not document.training.active)
    assert not (tmp_path / "cancelled").exists()


def test_pause_and_go_on(backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    views: list[TrainingView] = []
    document.training_changed.connect(lambda: views.append(document.training))
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: bool(document.training.curve))
    document.trainings.pause_requested.emit()
    wait(qtbot, lambda: phase(document) == "paused")
    assert document.training.active
    assert (document.training.rate, document.training.seconds_left) == (None, None)
    assert checkpoint_folder(tmp_path / "new").is_dir()
    held = len(views)
    done = len(document.training.curve)
    document.trainings.resume_requested.emit()
    wait(qtbot, lambda: len(document.training.curve) > done)
    assert [view.phase for view in views[held:]][-1] == "running"
    document.trainings.pause_requested.emit()
    wait(qtbot, lambda: phase(document) == "paused")
    document.training_cancel_requested.emit()
    wait(qtbot, lambda: phase(document) == "cancelled")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.usefixtures("own_process")
def test_a_killed_training_is_taken_up_again_by_another_window(
    backend: Backend, images: Path, explorer_home: Path, qtbot: QtBot, qapp: object
) -> None:
    document, problems = backend.document, problems_of(backend.document)
    request = small_request(images, explorer_home / "models" / "new", epochs=100_000)
    document.training_requested.emit(request)
    wait(qtbot, lambda: bool(document.training.curve))
    document.trainings.pause_requested.emit()
    wait(qtbot, lambda: phase(document) == "paused")
    done = len(document.training.curve)
    pid = backend.trainer.process_id
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(qtbot, lambda: phase(document) == "failed")
    assert "killed by signal 9" in str(problems[0].message)
    assert "The last checkpoint was kept: resume it in the list of runs." in str(problems[0].message)
    backend.close()

    again = Backend(Document())
    try:
        document = again.document
        document.trainings.runs_requested.emit()
        wait(qtbot, lambda: bool(document.trainings.runs))
        (run,) = document.trainings.runs
        assert (run.phase, len(run.curve), run.resumable) == ("failed", done, True)
        document.trainings.run_resume_requested.emit(run)
        assert len(document.training.curve) == done, "the curve so far is there at once"
        wait(qtbot, lambda: len(document.training.curve) > done)
        assert [point.epoch for point in document.training.curve] == list(range(1, len(document.training.curve) + 1))
        assert document.training.run == run.path
        document.trainings.stop_requested.emit()
        wait(qtbot, lambda: phase(document) == "finished")
        wait(qtbot, lambda: bool(document.trainings.runs) and document.trainings.runs[0].phase == "finished")
        (run,) = document.trainings.runs
        assert run.model == explorer_home / "models" / "new"
        assert [point.epoch for point in run.curve] == [r.epoch for r in open_bundle(run.model).card.history]
    finally:
        again.close()


def test_a_run_that_another_window_trains_is_left_alone(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document, problems = backend.document, problems_of(backend.document)
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: bool(document.training.curve))
    document.training_cancel_requested.emit()
    wait(qtbot, lambda: phase(document) == "cancelled")
    wait(qtbot, lambda: bool(document.trainings.runs) and document.trainings.runs[0].phase == "cancelled")
    (run,) = document.trainings.runs
    other = QLockFile(str(run.path / LOCK))
    assert other.tryLock(0)
    try:
        document.trainings.run_delete_requested.emit(run)
        wait(qtbot, lambda: len(problems) == 1)
        assert "its training is running. End the training first." in str(problems[0].message)
        document.trainings.run_resume_requested.emit(run)
        wait(qtbot, lambda: len(problems) == 2)
        assert "is training in another window" in str(problems[1].message)
    finally:
        other.unlock()
    assert run.path.is_dir()
    document.trainings.run_delete_requested.emit(run)
    wait(qtbot, lambda: document.trainings.runs == ())
    assert not run.path.exists()


def test_a_run_keeps_an_animation_that_can_be_scrubbed_and_exported(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document, written = backend.document, list[Path]()
    document.exported.connect(written.append)
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: len(document.training.progress_frames) >= 4 and len(document.training.curve) >= 60)
    document.trainings.stop_requested.emit()
    wait(qtbot, lambda: phase(document) == "finished")
    run = run_of(document)
    progress_frames = run.progress_frames
    assert progress_frames[0].progress == 0.0
    assert progress_frames[-1].progress == len(run.curve), "it ends with the model that was kept"
    for frame in (progress_frames[0], progress_frames[-1]):
        document.trainings.frame_requested.emit(run.originals, frame)
        wait(qtbot, lambda path=frame.path: shown_frame(document) == path)  # type: ignore[misc]
    view = document.views[TRAINING_PROGRESS]
    assert isinstance(view, TrainingProgressView)
    assert view.originals.shape == view.reconstructions.shape == (8, 16, 16, 1)
    difference = np.abs(view.originals.astype(int) - view.reconstructions.astype(int)).mean()
    assert difference < 40, "it learned nothing that can be seen"
    target = tmp_path / "film.gif"
    document.trainings.progress_export_requested.emit(originals_of(run.path), progress_frames, target)
    wait(qtbot, lambda: written == [target])
    with Image.open(target) as pil_image:
        frames = getattr(pil_image, "n_frames", 1)
        shown = sum(_duration(pil_image, number) for number in range(frames))
        assert shown == pytest.approx(len(progress_frames) * 100, abs=10)
        scale = 96 // 16
        assert pil_image.size == ((8 * 18 - 2) * scale, (2 * 16 + 2) * scale)


def _duration(pil_image: Image.Image, number: int) -> int:
    pil_image.seek(number)
    return int(pil_image.info["duration"])


def run_of(document: Document) -> Run:
    (run,) = [run for run in find_runs() if run.path == document.training.run]
    return run


def shown_frame(document: Document) -> Path | None:
    view = document.views[TRAINING_PROGRESS]
    return view.path if isinstance(view, TrainingProgressView) else None


def test_a_run_is_a_folder_with_a_log_of_what_happened(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document = backend.document
    request = small_request(images, tmp_path / "new", epochs=2, architecture="vae", latent=3)
    document.training_requested.emit(request)
    wait(qtbot, lambda: phase(document) == "finished")
    run = run_of(document)
    assert run.request == request
    events = [json.loads(line)["event"] for line in (run.path / LOG).read_text("utf-8").splitlines()]
    assert [event for event in events if event != "checkpoint"] == ["started", "epoch", "epoch", "finished"]
    card = open_bundle(tmp_path / "new").card
    assert run.metrics == card.metrics
    for point, record in zip(run.curve, card.history, strict=True):
        assert (point.loss, point.val_loss, point.parts) == (record.loss, record.val_loss, record.parts)
        assert point.parts is not None
        assert point.parts.reconstruction + point.parts.kl == pytest.approx(point.loss, rel=1e-5)
        assert sum(point.kl_per_dim) == pytest.approx(point.parts.val_kl, rel=1e-4)
        assert len(point.kl_per_dim) == 3
        assert point.rate > 0
    # The log rounds durations, but not losses.
    assert [_undated(point) for point in document.training.curve] == [_undated(point) for point in run.curve]


def _undated(point: CurvePoint) -> CurvePoint:
    return replace(point, seconds=0.0, rate=0.0)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_400_updates_leave_the_memory_of_the_window_flat(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """Updates of one real training, repeatedly opened and shown like by the trainer."""
    document = backend.document
    document.open(make_model(), make_source(image_shape=(16, 16, 1)))
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: document.model is not None and document.model is live_of(document))
    document.training_cancel_requested.emit()
    wait(qtbot, lambda: not document.training.active)
    newest = document.model
    assert newest is not None
    answers: list[bool] = []
    document.views.changed(IMAGE).connect(lambda: answers.append(True))
    sizes = []
    for number in range(500):
        before = len(answers)
        document.refine_model(_reopened(newest, float(number)))
        wait(qtbot, lambda before=before: len(answers) > before)  # type: ignore[misc]
        if number % 100 == 99:
            gc.collect()
            give_back()  # as the window does after a moment of idle time
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
    growth = (sizes[-1] - sizes[0]) / 400
    assert growth < 10_000, f"{growth:.0f} bytes an update"


def _reopened(model: OpenModel, epochs: float) -> OpenModel:
    """Return the model with its own sessions, like every update."""
    from explorer.inference.codec import OnnxCodec

    codec = model.codec
    assert isinstance(codec, OnnxCodec)
    assert codec._encoder is not None
    assert codec.decoder is not None
    contents = codec._encoder._content, codec.decoder.content
    return replace(model, codec=OnnxCodec.from_contents(model.card, *contents), epochs=epochs)
