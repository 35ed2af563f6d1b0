"""What is kept of a training, and how it is read back, also after a kill."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_card
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import blobs, small_request
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from explorer.errors import TrainingError
from explorer.models.runs import (
    FRAMES,
    LOG,
    ProgressFrame,
    RunWriter,
    delete_run,
    even_frames,
    find_runs,
    originals_of,
    read_run,
    read_strip,
    run_of,
    write_strip,
)
from explorer.models.settings import CHECKPOINT, TrainingRequest, checkpoint_folder
from explorer.paths import runs_dir

NOW = datetime(2026, 3, 14, 9, 26, 53)


@pytest.fixture
def request_of_run(explorer_home: Path) -> TrainingRequest:
    return small_request(explorer_home / "blobs.npz", explorer_home / "models" / "new", architecture="vae")


@pytest.fixture
def writer(request_of_run: TrainingRequest) -> RunWriter:
    return RunWriter.create(request_of_run, NOW)


def epoch(writer: RunWriter, number: int, loss: float) -> None:
    parts = {"reconstruction": loss - 1, "kl": 1.0, "val_reconstruction": loss, "val_kl": 0.5}
    writer.log(
        "epoch",
        epoch=number,
        loss=loss,
        val_loss=loss + 0.5,
        seconds=2.5,
        rate=800.0,
        parts=parts,
        kl_per_dim=[0.75, 0.25],
    )


def test_a_run_is_read_back_as_it_was_written(writer: RunWriter, request_of_run: TrainingRequest) -> None:
    writer.log("started", first_epoch=1)
    epoch(writer, 1, 9.0)
    epoch(writer, 2, 7.0)
    writer.log("finished", metrics={"mse": 0.25}, model="anywhere")
    (run,) = find_runs()
    assert run.path == writer.path == runs_dir() / "20260314-092653-new"
    assert (run.request, run.name, run.phase) == (request_of_run, "new", "finished")
    assert run.begun.replace(tzinfo=None) == NOW
    assert [(point.epoch, point.loss, point.val_loss) for point in run.curve] == [(1, 9.0, 9.5), (2, 7.0, 7.5)]
    assert run.curve[0].parts is not None
    assert (run.curve[0].parts.reconstruction, run.curve[0].parts.val_kl) == (8.0, 0.5)
    assert (run.curve[0].kl_per_dim, run.curve[0].seconds, run.curve[0].rate) == ((0.75, 0.25), 2.5, 800.0)
    assert run.metrics == {"mse": 0.25}
    lines = [json.loads(line) for line in (run.path / LOG).read_text("utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["started", "epoch", "epoch", "finished"]
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


def test_two_runs_of_one_second_have_a_folder_each(writer: RunWriter, request_of_run: TrainingRequest) -> None:
    assert RunWriter.create(request_of_run, NOW).path.name == "20260314-092653-new-2"
    assert len(find_runs()) == 2


def test_a_log_that_a_kill_cut_off_is_read_to_its_last_whole_line(writer: RunWriter) -> None:
    writer.log("started", first_epoch=1)
    epoch(writer, 1, 9.0)
    with (writer.path / LOG).open("a", encoding="utf-8") as file:
        file.write('{"event": "epoch", "epoch": 2, "lo')
    run = read_run(writer.path)
    assert (run.phase, [point.epoch for point in run.curve]) == ("unfinished", [1])


@pytest.mark.parametrize(
    "line", ["[]", "7", '{"event": "epoch"}', '{"event": "epoch", "epoch": "x", "loss": 1}', "\x00"]
)
def test_lines_of_another_kind_are_passed_over(writer: RunWriter, line: str) -> None:
    epoch(writer, 1, 9.0)
    with (writer.path / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    epoch(writer, 2, 7.0)
    assert [point.epoch for point in read_run(writer.path).curve] == [1, 2]


def test_what_is_trained_again_after_a_resume_counts_once(writer: RunWriter) -> None:
    writer.log("started", first_epoch=1)
    for number in (1, 2, 3):
        epoch(writer, number, 10.0 - number)
    writer.log("failed", message="killed by signal 9")
    assert (read_run(writer.path).phase, read_run(writer.path).note) == ("failed", "killed by signal 9")
    writer.log("started", first_epoch=3)
    epoch(writer, 3, 6.5)
    run = read_run(writer.path)
    assert (run.phase, run.note) == ("unfinished", "")
    assert [(point.epoch, point.loss) for point in run.curve] == [(1, 9.0), (2, 8.0), (3, 6.5)]


def test_a_run_can_go_on_while_its_checkpoint_is_there(writer: RunWriter, request_of_run: TrainingRequest) -> None:
    assert not read_run(writer.path).resumable
    folder = checkpoint_folder(request_of_run.out)
    folder.mkdir(parents=True)
    (folder / CHECKPOINT).write_bytes(b"whatever")
    assert read_run(writer.path).resumable
    writer.log("finished", metrics={})
    assert not read_run(writer.path).resumable


def test_deleting_takes_log_animation_and_checkpoint_and_leaves_the_model(
    writer: RunWriter, request_of_run: TrainingRequest
) -> None:
    folder, model = checkpoint_folder(request_of_run.out), request_of_run.out
    for made in (folder, model):
        made.mkdir(parents=True)
    (folder / CHECKPOINT).write_bytes(b"whatever")
    delete_run(read_run(writer.path))
    assert not writer.path.exists()
    assert not folder.exists()
    assert model.exists()
    assert find_runs() == []


def test_the_checkpoint_of_a_finished_run_is_somebody_elses(writer: RunWriter, request_of_run: TrainingRequest) -> None:
    writer.log("finished", metrics={})
    folder = checkpoint_folder(request_of_run.out)
    folder.mkdir(parents=True)
    (folder / CHECKPOINT).write_bytes(b"of another training of that name")
    delete_run(read_run(writer.path))
    assert (folder / CHECKPOINT).exists()


def test_folders_that_are_no_runs_are_passed_over(writer: RunWriter) -> None:
    (runs_dir() / "notes").mkdir()
    (runs_dir() / "broken").mkdir()
    (runs_dir() / "broken" / "run.json").write_text('{"format_version": 1, "surprise": true}', "utf-8")
    assert [run.path for run in find_runs()] == [writer.path]
    with pytest.raises(TrainingError, match=r"as a training run: .+Delete the folder"):
        read_run(runs_dir() / "broken")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_gives_its_images_back(tmp_path: Path, channels: int) -> None:
    images = blobs(5, (16, 11, channels))
    write_strip(tmp_path / "strip.png", images)
    np.testing.assert_array_equal(read_strip(tmp_path / "strip.png"), images)


@pytest.mark.parametrize("channels", [2, 4, 16])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_strip_keeps_channels_that_are_mixed_later(tmp_path: Path, channels: int, depth: type[np.integer]) -> None:
    whole = np.iinfo(depth).max + 1
    images = np.random.default_rng(0).integers(0, whole, (5, 6, 7, channels)).astype(depth)
    write_strip(tmp_path / "strip.png", images)
    read = read_strip(tmp_path / "strip.png")
    assert read.dtype == depth
    np.testing.assert_array_equal(read, images)


@pytest.mark.parametrize("channels", ["5", "0", "-1", "17", "two"])
def test_a_strip_of_impossible_channels_is_refused(tmp_path: Path, channels: str) -> None:
    metadata = PngInfo()
    metadata.add_text("images", "2")
    metadata.add_text("channels", channels)
    Image.fromarray(np.zeros((17 * 4, 8), np.uint8)).save(tmp_path / "strip.png", pnginfo=metadata)
    with pytest.raises(TrainingError, match=r"strip\.png"):
        read_strip(tmp_path / "strip.png")


@pytest.mark.parametrize(("fitting", "kept"), [(30, 30), (1, 24)])
def test_large_images_have_fewer_frames(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch, fitting: int, kept: int
) -> None:
    images = blobs(1, (16, 16, 1))
    monkeypatch.setattr("explorer.models.runs._STRIP_BYTES", fitting * images.nbytes)
    *_, frames = (writer.add_frame(number / 10, images, images) for number in range(40))
    assert (len(frames), frames[0].progress, frames[-1].progress) == (kept, 0.0, 3.9)


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_what_is_no_strip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "strip.png"
    if content is not None:
        path.write_bytes(content)
    said = r"strip\.png: no such file" if content is None else r"strip\.png as a strip of images: "
    with pytest.raises(TrainingError, match=said):
        read_strip(path)


def test_an_animation_keeps_its_first_and_last_frame_and_stays_short(writer: RunWriter) -> None:
    images = blobs(3, (16, 16, 1))
    progress_frames = writer.add_frame(0.0, images, images)
    for number in range(1, 3 * FRAMES):
        progress_frames = writer.add_frame(number / 10, images, images)
        assert len(progress_frames) <= FRAMES
        assert (progress_frames[0].progress, progress_frames[-1].progress) == (0.0, number / 10)
        assert all(frame.path.is_file() for frame in progress_frames[:3])
    assert [frame.progress for frame in progress_frames] == sorted(frame.progress for frame in progress_frames)
    gaps = np.diff([frame.progress for frame in progress_frames])
    assert gaps.max() <= 4 * gaps.min() + 1e-9, "it forgot a whole stretch"
    assert read_run(writer.path).progress_frames == progress_frames
    assert RunWriter(writer.path).add_frame(0.05, images, images)[-1].progress == 0.05
    np.testing.assert_array_equal(read_strip(originals_of(writer.path)), images)


def frames_at(*progress: float) -> list[ProgressFrame]:
    return [ProgressFrame(value, Path(f"{value}.png")) for value in progress]


@pytest.mark.parametrize(
    ("progress", "kept"),
    [
        ([], []),
        ([0], [0]),
        ([0, 5], [0, 5]),
        ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ([0, 1, 2, 2.25, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ([0, 0.1, 0.2, 0.3, 0.4, 5, 10], [0, 5, 10]),
        ([0, 1, 10], [0, 10]),
        ([3, 4.125, 5, 5.875, 7], [3, 4.125, 5, 5.875, 7]),
    ],
)
def test_frames_of_an_ended_training_are_evenly_spaced(progress: list[float], kept: list[float]) -> None:
    assert [frame.progress for frame in even_frames(frames_at(*progress))] == kept


@given(progress=st.lists(st.floats(0, 1e5, width=32), min_size=2, max_size=300, unique=True).map(sorted))
def test_any_frames_keep_the_first_and_the_last_and_even_steps(progress: list[float]) -> None:
    kept = [frame.progress for frame in even_frames(frames_at(*progress))]
    assert (kept[0], kept[-1], len(kept) <= FRAMES) == (progress[0], progress[-1], True)
    gaps = np.diff(kept)
    assert 0 < gaps.max() <= 3.001 * gaps.min()


def test_a_run_shows_even_frames_once_it_has_ended_and_all_when_it_is_resumed(writer: RunWriter) -> None:
    progress = (0.0, 0.1, 0.2, 5.0, 10.0)
    for value in progress:
        writer.add_frame(value, blobs(1), blobs(1))
    assert tuple(frame.progress for frame in read_run(writer.path).progress_frames) == progress
    writer.log("cancelled")
    assert [frame.progress for frame in read_run(writer.path).progress_frames] == [0, 5, 10]
    writer.log("started", first_epoch=10)
    assert tuple(frame.progress for frame in read_run(writer.path).progress_frames) == progress


def test_a_run_whose_folder_is_gone_is_gone_on_with_in_a_new_one(writer: RunWriter) -> None:
    request = read_run(writer.path).request
    writer.add_frame(0.0, blobs(1), blobs(1))
    for folder in (writer.path, runs_dir()):
        shutil.rmtree(folder)
        writer.log("epoch", epoch=1, loss=0.5, val_loss=0.5)
        (frame,) = writer.add_frame(1.0, blobs(1), blobs(1))
        run = read_run(writer.path)
        assert (run.request, run.progress_frames) == (request, (frame,))
        assert [point.epoch for point in run.curve] == [1]


def test_a_run_of_version_1_is_resumed_in_its_folder(writer: RunWriter) -> None:
    writer.add_frame(0.0, blobs(2), blobs(2))
    (writer.path / "progress").rename(writer.path / "film")
    first = read_run(writer.path)
    assert first.originals == writer.path / "film" / "originals.png"
    progress_frames = RunWriter(writer.path).add_frame(1.0, blobs(2), blobs(2))
    assert progress_frames == read_run(writer.path).progress_frames
    assert {frame.path.parent for frame in progress_frames} == {writer.path / "film"}
    assert not (writer.path / "progress").exists()


def test_a_run_that_cannot_be_written_stops_nothing(writer: RunWriter) -> None:
    shutil.rmtree(runs_dir())
    runs_dir().write_text("a file in the place of the folder")
    writer.log("started", first_epoch=1)
    assert writer.add_frame(0.0, blobs(1), blobs(1)) == ()


def test_an_animation_that_begins_again_earlier_forgets_what_came_later(writer: RunWriter) -> None:
    """A training that was resumed from a checkpoint has not reached the later frames yet."""
    for progress in (0.0, 1.0, 2.0, 3.0):
        writer.add_frame(progress, blobs(1), blobs(1))
    progress_frames = RunWriter(writer.path).add_frame(1.5, blobs(1), blobs(1))
    assert [frame.progress for frame in progress_frames] == [0.0, 1.0, 1.5]
    assert read_run(writer.path).progress_frames == progress_frames


def test_the_run_of_a_model_has_its_name_and_its_metrics(request_of_run: TrainingRequest) -> None:
    card = make_card(MatrixCodec(), name="new", metrics={"mse": 1 / 3, "psnr": float("inf")})
    assert run_of(card) is None
    writers = [RunWriter.create(request_of_run, NOW) for _ in range(3)]
    writers[0].log("finished", metrics={"mse": 1 / 3, "psnr": float("inf")})
    writers[1].log("cancelled")
    writers[2].log("finished", metrics={"mse": 0.25, "psnr": float("inf")})
    (runs_dir() / "20260314-092653-new-damaged").mkdir()
    assert run_of(card) == writers[0].path
    assert run_of(card.model_copy(update={"name": "ne"})) is None
    assert run_of(card.model_copy(update={"name": "[a-n]ew"})) is None
    shutil.rmtree(writers[0].path)
    assert run_of(card) is None
