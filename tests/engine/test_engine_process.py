"""The life and death of the model process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from explorer_testing.programs import PATIENCE_S, environment
from explorer_testing.training import small_request, until, write_images

from explorer.engine.client import ModelProcess
from explorer.engine.messages import Epoch, Finished, Train, Warm, Warmed
from explorer.errors import EngineError

pytestmark = pytest.mark.engine

PARENT = """
import os, signal, sys
from pathlib import Path
from explorer_testing.training import small_request, until
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Epoch, Train

if __name__ == "__main__":
    process = ModelProcess()
    events = process.run(Train(small_request(Path(sys.argv[1]), Path(sys.argv[2]), epochs=100_000)))
    until(events, Epoch)
    print(process.pid, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def runs(process: ModelProcess) -> bool:
    return process.pid is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_while_training_says_so_and_starts_again(tmp_path: Path) -> None:
    process = ModelProcess()
    try:
        data = write_images(tmp_path / "blobs.npz")
        events = process.run(Train(small_request(data, tmp_path / "new", epochs=100_000)))
        until(events, Epoch)
        first = process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises(EngineError, match="killed by signal 9"):
            list(events)
        assert not runs(process)
        # Who is killed leaves its lock, which holds nobody up.
        assert {path.name for path in tmp_path.iterdir()} <= {"blobs.npz", ".new.lock"}
        events = process.run(Train(small_request(data, tmp_path / "new", epochs=1)))
        assert until(events, Finished).path == str(tmp_path / "new")
        assert process.pid not in {None, first}
    finally:
        process.close()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for a process of others needs Linux' pidfd")
def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    data = write_images(tmp_path / "blobs.npz")
    program = tmp_path / "parent.py"
    program.write_text(PARENT, "utf-8")
    with subprocess.Popen(
        [sys.executable, str(program), str(data), str(tmp_path / "new")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            assert select.select([child], [], [], 0)[0] == [], "it ended before its parent"
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.wait(20) == -signal.SIGKILL
            assert select.select([child], [], [], 20)[0] == [child], "the model process outlived its parent"
        finally:
            os.close(child)


def test_it_runs_at_low_priority_and_writes_to_its_log() -> None:
    process = ModelProcess()
    try:
        assert not runs(process)
        (warmed,) = process.run(Warm())
        assert isinstance(warmed, Warmed)
        assert {"tensorflow", "keras", "python"} <= warmed.versions.keys()
        pid = process.pid
        assert pid is not None
        if sys.platform != "win32":
            mine = os.getpriority(os.PRIO_PROCESS, 0)
            assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, mine + 10)
        assert process.log_path.is_file()
        if Path(f"/proc/{pid}/fd").is_dir():
            assert {os.readlink(f"/proc/{pid}/fd/{stream}") for stream in (1, 2)} == {str(process.log_path)}
    finally:
        process.close()
    assert not runs(process)


def test_shut_ends_it_for_good() -> None:
    process = ModelProcess()
    try:
        process.start()
        events = process.run(Warm())
        process.shut()
        with pytest.raises(EngineError):
            list(events)
        with pytest.raises(EngineError, match="closing"):
            process.start()
    finally:
        process.close()


def test_close_and_kill_without_a_process() -> None:
    process = ModelProcess()
    process.cancel()
    process.kill()
    process.close()
    process.close()
    assert process.pid is None


OTHER_END = """
import json, os, pickle, sys, threading
from explorer.engine import process
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Warm
from explorer.errors import EngineError
from explorer.ipc import pack

class Mark:
    def __reduce__(self):
        return os.open, (sys.argv[2], os.O_CREAT)

SENT = {
    "a pickle": lambda: pickle.dumps(Mark()),
    "a request": lambda: b"".join(pack(Warm())),
    "half of a frame": lambda: b"".join(pack(Warm()))[:-1],
    "nothing": lambda: b"",
}

def serve(connection, log_path):
    connection.recv_bytes()
    connection.send_bytes(SENT[sys.argv[1]]())
    threading.Event().wait()

if __name__ == "__main__":
    process.serve = serve
    model = ModelProcess()
    try:
        list(model.run(Warm()))
    except EngineError as error:
        print(json.dumps(str(error)))
    model.close()
"""


@pytest.mark.parametrize("sent", ["a pickle", "a request", "half of a frame", "nothing"])
def test_a_model_process_that_sends_anything_but_events_is_ended(sent: str, tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(OTHER_END, "utf-8")
    output = subprocess.run(
        [sys.executable, str(program), sent, str(tmp_path / "mark")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE_S,
        env=environment(),
    ).stdout
    assert "Invalid message from a subprocess" in output
    assert not (tmp_path / "mark").exists()


STUCK = """
import multiprocessing, os, signal, sys, threading

def work(connection):
    from explorer.engine.process import watch_parent
    watch_parent()
    connection.send("watching")
    threading.Event().wait()  # as in one endless step: nobody looks at the pipe

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    process.start()
    ours.recv()
    print(process.pid, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for a process of others needs Linux' pidfd")
def test_it_ends_with_its_parent_even_in_the_middle_of_a_step(tmp_path: Path) -> None:
    """A training that runs would notice the broken pipe by itself; one that hangs in native code would not."""
    program = tmp_path / "parent.py"
    program.write_text(STUCK, "utf-8")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        child = os.pidfd_open(pid)
        try:
            assert select.select([child], [], [], 0)[0] == [], "it ended before its parent"
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.wait(20) == -signal.SIGKILL
            ended = select.select([child], [], [], 20)[0] == [child]
            if not ended:
                os.kill(pid, signal.SIGKILL)
            assert ended, "the process outlived its parent"
        finally:
            os.close(child)
