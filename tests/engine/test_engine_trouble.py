"""What goes wrong in a training: the disk, the memory, the numbers, a kill. Each for real, each with its way back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from explorer_testing.programs import environment, run_python
from explorer_testing.training import of, small_request, train, until

from explorer.engine.client import ModelProcess
from explorer.engine.messages import (
    Cancel,
    Checkpoint,
    Epoch,
    Event,
    Failed,
    Finished,
    Pause,
    Paused,
    Resume,
    Started,
    Step,
    Train,
)
from explorer.errors import EngineError
from explorer.models.bundle import open_bundle
from explorer.models.settings import checkpoint_folder

pytestmark = pytest.mark.engine

LIMITED = """
import json, resource, sys
from pathlib import Path
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Cancel, Checkpoint, Epoch, Failed, Pause, Paused, Resume, Train, Trouble
from explorer_testing.training import small_request

if __name__ == "__main__":
    data, out = json.loads(sys.argv[1])
    process = ModelProcess()
    process.start()
    limited = False
    seen, events = [], process.run(Train(small_request(Path(data), Path(out), epochs=100_000, batch=8)))
    for event in events:
        if isinstance(event, Epoch):
            process.order(Pause())
        if isinstance(event, (Checkpoint, Trouble, Failed)):
            seen.append([type(event).__name__, str(getattr(event, "note", getattr(event, "message", "")))])
        if isinstance(event, Paused):
            if not limited and seen[-1][0] == "Checkpoint":
                limited = True
                # From here on no file of the model process may become larger than a few bytes: as on a full disk.
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
            if seen[-1][0] == "Trouble":
                process.order(Cancel())
            else:
                process.order(Resume())  # the next epoch holds it again: two orders at once would leave no step between
    process.close()
    print(json.dumps(seen))
"""


@pytest.mark.skipif(not hasattr(__import__("resource"), "prlimit"), reason="limits of another process need Linux")
def test_a_full_disk_is_reported_and_the_last_checkpoint_stays(
    process: ModelProcess, images: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk: the same write fails in the same place."""
    program = tmp_path / "limited.py"
    program.write_text(LIMITED, "utf-8")
    out = tmp_path / "new"
    ended = subprocess.run(
        [sys.executable, str(program), json.dumps([str(images), str(out)])],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    events = json.loads(ended.stdout.splitlines()[-1])
    *before, (kind, note) = events
    assert kind == "Trouble"
    # A slow machine writes one within the first epoch, too.
    assert {kind for kind, _ in before} == {"Checkpoint"}
    assert "Cannot save a checkpoint; training continues, and the last checkpoint is kept. " in note
    assert "free disk space" in note
    resumed = train(process, small_request(images, out, epochs=3, batch=8, resume=True))
    assert isinstance(resumed[-1], Finished), resumed[-1]
    assert of(Started, resumed)[0].first_epoch >= 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits of another process need Linux")
def test_memory_that_is_not_there_is_reported_and_the_next_training_works(images: Path, tmp_path: Path) -> None:
    """The process may take half a gigabyte more than it has; 1.7 are asked for."""
    import resource

    process = ModelProcess()
    try:
        assert isinstance(train(process, small_request(images, tmp_path / "one", epochs=1))[-1], Finished)
        assert process.pid is not None
        room = _virtual_bytes(process.pid) + (512 << 20)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (room, room))
        big = small_request(images, tmp_path / "big", architecture="dense", latent=6_000, size=(64, 64), channels=3)
        *_, last = train(process, big)
        assert isinstance(last, Failed)
        assert str(last.message).startswith("Not enough memory for the training.")
        assert "smaller" in str(last.message)
        assert not (tmp_path / "big").exists()
        assert isinstance(train(process, small_request(images, tmp_path / "two", epochs=1))[-1], Finished)
    finally:
        process.close()


def _virtual_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmSize:"))


def test_a_loss_that_is_no_number_is_reported_and_the_last_checkpoint_stays(
    process: ModelProcess, images: Path, tmp_path: Path
) -> None:
    """A training runs well and is held; then one of its weights is broken, as a step too far breaks it."""
    out = tmp_path / "new"
    request = small_request(images, out, epochs=100_000, batch=8, loss="mse")
    events = process.run(Train(request))
    until(events, Epoch)
    process.order(Pause())
    until(events, Paused)
    process.order(Cancel())
    list(events)
    kept = tmp_path / "kept"
    shutil.copytree(checkpoint_folder(out), kept)
    _break_a_weight(checkpoint_folder(out))
    *_, failed = train(process, request.model_copy(update={"resume": True}))
    assert isinstance(failed, Failed)
    assert "The loss is nan" in str(failed.message)
    assert "Lower the learning rate" in str(failed.message)
    assert checkpoint_folder(out).is_dir()
    assert not out.exists()
    shutil.rmtree(checkpoint_folder(out))
    shutil.copytree(kept, checkpoint_folder(out))
    done = json.loads(_state(kept))["history"]
    resumed = train(process, request.model_copy(update={"resume": True, "epochs": len(done) + 2}))
    assert isinstance(resumed[-1], Finished)


def _state(folder: Path) -> str:
    import numpy as np

    with np.load(next(folder.iterdir())) as file:
        return bytes(file["state"]).decode()


def _break_a_weight(folder: Path) -> None:
    import numpy as np

    (path,) = folder.iterdir()
    with np.load(path) as file:
        arrays = dict(file)
    last = f"decoder_{sum(name.startswith('decoder_') for name in arrays) - 1}"
    arrays[last] = np.full_like(arrays[last], np.nan)
    np.savez(path, **arrays)


def test_a_rate_far_too_high_ends_in_words_not_in_a_model_of_nothing(
    process: ModelProcess, images: Path, tmp_path: Path
) -> None:
    request = small_request(
        images, tmp_path / "new", architecture="conv-pool", latent=8, epochs=60, batch=8, rate=10.0, loss="mse"
    )
    *_, last = train(process, request)
    assert isinstance(last, Failed)
    assert str(last.message).startswith(("The loss is nan in epoch", "The loss is inf in epoch"))
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_kill_in_the_middle_of_an_epoch_costs_the_steps_since_the_last_checkpoint(
    process: ModelProcess, images: Path, tmp_path: Path
) -> None:
    values: dict[str, Any] = {"epochs": 3, "batch": 1, "latent": 4, "noise": "gaussian:0.1", "architecture": "vae"}
    killed = ModelProcess()
    try:
        events = killed.run(Train(small_request(images, tmp_path / "new", **values)))
        until(events, Epoch)
        until(events, Step)
        killed.order(Pause())
        seen: list[Event] = []
        for event in events:
            seen.append(event)
            if isinstance(event, Paused):
                break
        paused = seen[-1]
        assert isinstance(paused, Paused)
        assert of(Checkpoint, seen)
        killed.order(Resume())
        until(events, Step)
        assert killed.pid is not None
        os.kill(killed.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="killed by signal 9"):
            list(events)
    finally:
        killed.close()
    resumed = train(process, small_request(images, tmp_path / "new", resume=True, **values))
    assert isinstance(resumed[-1], Finished)
    assert of(Started, resumed)[0].first_epoch == paused.epoch
    whole = train(process, small_request(images, tmp_path / "whole", **values))
    tail = of(Epoch, resumed)
    for one, other in zip(tail, of(Epoch, whole)[-len(tail) :], strict=True):
        assert one.epoch == other.epoch
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
    cards = [open_bundle(tmp_path / name).card for name in ("new", "whole")]
    assert cards[0].metrics["mse"] == pytest.approx(cards[1].metrics["mse"], rel=1e-4)


DETERMINED = """
import json, sys
from pathlib import Path
import keras
import tensorflow as tf
from explorer.engine.messages import Epoch, Paused
from explorer.engine.train import train
from explorer_testing.training import small_request

keras.utils.set_random_seed(7)
tf.config.experimental.enable_op_determinism()
data, folder = json.loads(sys.argv[1])
values = dict(architecture="vae", latent=2, epochs=4, batch=8, noise="gaussian:0.1+occlusion:0.1", seed=7)

class Once:
    '''Cancels before a step in the middle of the third epoch, behind a pause that writes the checkpoint.'''
    def __init__(self):
        self.asked = 0
    def order(self):
        self.asked += 1
        return "pause" if self.asked == AT else None
    def wait(self):
        return "cancel"

def losses(events):
    return [[e.epoch, e.loss, e.val_loss] for e in events if isinstance(e, Epoch)]

whole = losses(train(small_request(Path(data), Path(folder, "whole"), **values)))
AT = 2 * 20 + 10 + 8
first = list(train(small_request(Path(data), Path(folder, "cut"), **values), Once()))
paused = [e for e in first if isinstance(e, Paused)][0]
rest = losses(train(small_request(Path(data), Path(folder, "cut"), resume=True, **values)))
print(json.dumps({"whole": whole, "cut": losses(first) + rest, "paused": [paused.epoch, paused.step]}))
"""


def test_under_op_determinism_a_resumed_curve_is_the_uninterrupted_one(images: Path, tmp_path: Path) -> None:
    result = run_python(DETERMINED, [str(images), str(tmp_path)])
    epoch, step = result["paused"]
    assert 1 <= epoch <= 4
    assert 0 < step < 20, "it was to be held within an epoch"
    assert len(result["whole"]) == len(result["cut"]) == 4
    for one, other in zip(result["whole"], result["cut"], strict=True):
        assert one == pytest.approx(other, abs=1e-5, rel=0)
