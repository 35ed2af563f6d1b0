"""A training that was stopped and resumed ends where one in a piece would have ended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.training import of, small_request, train, until

from explorer.engine.client import ModelProcess
from explorer.engine.messages import Cancelled, Checkpoint, Epoch, Failed, Finished, Started, Train
from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import open_bundle
from explorer.models.settings import CHECKPOINT, checkpoint_folder

pytestmark = pytest.mark.engine

Stopped = tuple[Path, int]


@pytest.fixture(scope="module")
def stopped(process: ModelProcess, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """The folder of a training that was canceled behind its first checkpoint, and the epoch that holds."""
    folder = tmp_path_factory.mktemp("stopped")
    events = process.run(Train(request_of(images, folder, epochs=100_000)))
    checkpoint = until(events, Checkpoint)
    process.cancel()
    *_, last = events
    assert last == Cancelled(checkpoint.path)
    return folder, checkpoint.epoch


def request_of(images: Path, folder: Path, **changes: Any) -> Any:
    values: dict[str, Any] = {"noise": "gaussian:0.1", "limit": 64, "batch": 64, "latent": 4}
    return small_request(images, folder / "new", **(values | changes))


@pytest.fixture
def copy(stopped: Stopped, tmp_path: Path) -> Stopped:
    shutil.copytree(stopped[0], tmp_path / "copy")
    return tmp_path / "copy", stopped[1]


def test_what_a_stopped_training_leaves(stopped: Stopped) -> None:
    folder, _ = stopped
    assert [path.name for path in folder.iterdir()] == ["new.checkpoint"]
    assert checkpoint_folder(folder / "new") == folder / "new.checkpoint"


def test_resumed_equals_uninterrupted(process: ModelProcess, images: Path, copy: Stopped, tmp_path: Path) -> None:
    folder, epoch = copy
    resumed = train(process, request_of(images, folder, epochs=epoch + 3, resume=True))
    assert isinstance(resumed[-1], Finished), resumed[-1]
    assert [path.name for path in folder.iterdir()] == ["new"], "the checkpoint outlived its training"
    assert of(Started, resumed)[0].first_epoch == epoch + 1
    whole = of(Epoch, train(process, request_of(images, tmp_path, epochs=epoch + 3)))
    tail = [(event.epoch, event.loss, event.val_loss) for event in of(Epoch, resumed)]
    assert len(tail) == 3
    for point, expected in zip(tail, whole[-3:], strict=True):
        assert point == pytest.approx((expected.epoch, expected.loss, expected.val_loss), abs=1e-5)
    models = [open_bundle(path / "new") for path in (folder, tmp_path)]
    assert [len(model.card.history) for model in models] == [epoch + 3, epoch + 3]
    codes = np.random.default_rng(0).standard_normal((20, 4), dtype=np.float32)
    pair = [OnnxCodec(model).decode(codes) for model in models]
    np.testing.assert_allclose(pair[0], pair[1], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seed": 9}, "seed was 1, but is 9"),
        ({"latent": 5}, "latent was 4, but is 5"),
        ({"noise": ""}, "noise was gaussian:0.1, but is"),
        ({"limit": 60}, "limit was 64, but is 60"),
        ({"invert": True}, "invert was False, but is True"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    process: ModelProcess, images: Path, copy: Stopped, changes: dict[str, object], expected: str
) -> None:
    *_, failed = train(process, request_of(images, copy[0], epochs=1_000, resume=True, **changes))
    assert isinstance(failed, Failed)
    assert expected in str(failed.message)
    assert (copy[0] / "new.checkpoint").is_dir()


def test_a_checkpoint_of_other_images_is_refused(process: ModelProcess, images: Path, copy: Stopped) -> None:
    other = shutil.copy(images, copy[0] / "other.npz")
    *_, failed = train(process, request_of(Path(other), copy[0], epochs=1_000, resume=True))
    assert isinstance(failed, Failed)
    assert "data was blobs.npz, but is" in str(failed.message)


def write_others(path: Path) -> None:
    """Replace the images by as many, of which one pixel differs."""
    with np.load(path) as file:
        arrays = {name: file[name].copy() for name in file.files}
    arrays["x_train"][3, 4, 5] ^= 1
    np.savez(path, **arrays)


def test_a_checkpoint_of_as_many_other_images_is_refused(process: ModelProcess, images: Path, copy: Stopped) -> None:
    """It went on with whatever lay at the place of the images, if there were as many."""
    (copy[0] / "data").mkdir()
    data = Path(shutil.copy(images, copy[0] / "data"))
    write_others(data)
    *_, failed = train(process, request_of(data, copy[0], epochs=1_000, resume=True))
    assert isinstance(failed, Failed)
    assert "the images of blobs.npz have changed" in str(failed.message)
    assert (copy[0] / "new.checkpoint").is_dir()


def test_a_checkpoint_of_an_earlier_version_knows_no_images_but_their_number(
    process: ModelProcess, images: Path, copy: Stopped
) -> None:
    path = copy[0] / "new.checkpoint" / CHECKPOINT
    with np.load(path) as file:
        state = json.loads(file["state"].tobytes())
    assert len(state["arguments"].pop("content_hash")) == 64
    change(path, state=np.frombuffer(json.dumps(state).encode(), np.uint8))
    resumed = train(process, request_of(images, copy[0], epochs=copy[1] + 1, resume=True))
    assert isinstance(resumed[-1], Finished), resumed[-1]


def test_what_else_lies_in_the_checkpoints_folder_stays(process: ModelProcess, images: Path, copy: Stopped) -> None:
    """It was deleted with the checkpoint."""
    own = copy[0] / "new.checkpoint" / "notes.txt"
    own.write_text("the user's own")
    resumed = train(process, request_of(images, copy[0], epochs=copy[1] + 1, resume=True))
    assert isinstance(resumed[-1], Finished), resumed[-1]
    assert [path.name for path in own.parent.iterdir()] == ["notes.txt"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def forget(path: Path) -> None:
    path.unlink()


def change(path: Path, **arrays: Any) -> None:
    with np.load(path) as file:
        kept = dict(file)
    np.savez(path, **(kept | arrays))


def swap(path: Path) -> None:
    with np.load(path) as file:
        encoder, decoder = file["encoder_0"], file["decoder_0"]
    change(path, encoder_0=decoder, decoder_0=encoder)


def list_in_place(path: Path) -> None:
    change(path, state=np.frombuffer(json.dumps([]).encode(), np.uint8))


def objects_in_place(path: Path) -> None:
    change(path, optimizer_0=np.array([{}], object))


@pytest.mark.parametrize("damage", [cut, forget, swap, list_in_place, objects_in_place])
def test_a_damaged_checkpoint_is_refused(
    process: ModelProcess, images: Path, copy: Stopped, damage: Callable[[Path], None]
) -> None:
    damage(copy[0] / "new.checkpoint" / CHECKPOINT)
    *_, failed = train(process, request_of(images, copy[0], epochs=1_000, resume=True))
    assert isinstance(failed, Failed)
    assert "without --resume" in str(failed.message) or "do not trust" in str(failed.message)
    assert not (copy[0] / "new").exists()
