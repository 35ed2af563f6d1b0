"""Files that nobody vouches for are read in a process that can do nothing else, and that ends."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.hostile_readers import Said, Tried

from explorer import reader
from explorer.errors import DataError, ExplorerError, ModelError
from explorer.messages import message
from explorer.reader import READERS, Reader, client, processes
from explorer.reader.sandbox import GUARDS

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to these limits")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "handed.bin"
    path.write_text("content")
    return path


@pytest.fixture(params=[False, pytest.param(True, marks=linux)], ids=["new", "forked"])
def forked(request: pytest.FixtureRequest) -> bool:
    """Whether the fork server starts the process."""
    return bool(request.param)


@pytest.fixture
def use(forked: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Register a function of `hostile_readers`, and read with it."""

    def start(name: str, paths: list[Path], limits: dict[str, Any] | None = None, **arguments: Any) -> Iterator[Any]:
        entry = Reader(f"explorer_testing.hostile_readers:{name}", error=ModelError, forked=forked, **(limits or {}))
        monkeypatch.setitem(READERS, name, entry)
        return reader.read(name, paths, (Tried,) if name in TRIES else (Said,), arguments)

    yield start
    assert not client._running


TRIES = {"attempt", "allowed", "in_folder"}


@linux
def test_nothing_works_but_reading_what_was_handed_over(tmp_path: Path, file: Path, use: Any) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tried,) = use("attempt", [file], secret=str(secret), place=str(tmp_path / "new"), parent=os.getpid())
    assert {name: outcome for name, outcome in tried.outcomes.items() if outcome != "refused"} == {}
    assert len(tried.outcomes) == 19
    assert sorted(path.name for path in tmp_path.iterdir()) == ["handed.bin", "secret.txt"]


@linux
def test_a_function_prepares_a_reader_before_the_limits(file: Path, use: Any) -> None:
    (said,) = use("looked_around", [file], {"preload": ("explorer_testing.hostile_readers:look_around",)})
    assert said.text == "True before, refused now"


@linux
def test_what_a_reader_needs_works(file: Path, use: Any) -> None:
    (tried,) = use("allowed", [file])
    assert tried.outcomes == {
        "threads": "ran",
        "arithmetic": "262144.0",
        "memory": str(64 << 20),
        "the file": "content",
        "sleep": "None",
        # Three that lead nowhere, two pipes, the file.
        "descriptors": "6",
    }


@linux
def test_a_folder_is_read_and_nothing_beside_it(tmp_path: Path, use: Any) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside.txt").write_text("inside")
    (folder / "link").symlink_to(secret)
    (tried,) = use("in_folder", [folder], secret=str(secret))
    assert tried.outcomes == {
        "listing": "['inside.txt', 'link']",
        "a file in it": "inside",
        "a link out of it": "refused",
        "a file outside": "refused",
        "a way out": "refused",
        "a new file": "refused",
        "fork": "refused",
    }


def test_a_missing_module_is_missing(file: Path, use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from an interactive Python, whose path begins with the current folder, which is empty there."""
    processes.close_server()
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (said,) = use("look_for_a_module", [file])
    processes.close_server()
    assert said.text == "ModuleNotFoundError"


@linux
def test_the_process_says_which_limits_hold() -> None:
    assert reader.guards() == GUARDS


@pytest.mark.parametrize("name", ["loop", "hang"])
def test_what_does_not_end_is_ended_at_the_deadline(
    name: str, file: Path, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PROGRESS_SECONDS", 0.3)
    records = use(name, [file])
    assert next(records).text == "before"
    with pytest.raises(ModelError, match=r"handed\.bin: no progress for 0\.3 s"):
        next(records)


@linux
def test_computing_is_limited_by_the_system_too(file: Path, use: Any) -> None:
    records = use("loop", [file], {"cpu_seconds": 1})
    next(records)
    with pytest.raises(ModelError, match=r"handed\.bin: its process was killed"):
        next(records)


@linux
def test_memory_is_limited(file: Path, use: Any) -> None:
    with pytest.raises(ModelError, match=r"handed\.bin: it needs more than 64 MB of memory"):
        next(use("too_much", [file], {"memory_bytes": 64 << 20}))


def test_a_parser_that_crashes_ends_its_own_process_only(file: Path, use: Any) -> None:
    records = use("crash", [file])
    next(records)
    with pytest.raises(ModelError, match=r"handed\.bin: its process crashed with signal 11"):
        next(records)


def test_records_come_one_by_one_with_their_arrays(file: Path, use: Any) -> None:
    records = list(use("slow", [file], count=3, seconds=0.0))
    assert [record.text for record in records] == ["0", "1", "2"]
    np.testing.assert_array_equal(records[2].values, np.full(3, 2, np.float32))


def test_each_record_is_progress(file: Path, use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PROGRESS_SECONDS", 2.0)
    assert len(list(use("slow", [file], count=6, seconds=0.5))) == 6


def test_a_refusal_comes_as_it_was_said(file: Path, use: Any) -> None:
    records = use("refuse", [file])
    next(records)
    with pytest.raises(ModelError) as refused:
        next(records)
    assert refused.value.message == message("{name} is damaged. Copy it again.", name="the file")


@pytest.mark.parametrize("kind", ["SystemError", "KeyError", "RecursionError"])
def test_whatever_a_library_raises_means_a_damaged_file(kind: str, file: Path, use: Any) -> None:
    records = use("fail", [file], kind=kind)
    next(records)
    with pytest.raises(ModelError, match=rf"Cannot read handed\.bin: it is damaged \({kind}"):
        next(records)


def test_a_missing_file_is_one_error(tmp_path: Path, use: Any) -> None:
    with pytest.raises(ModelError, match=r"missing\.bin"):
        next(use("slow", [tmp_path / "missing.bin"], count=1, seconds=0.0))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_the_place_of_a_file_does_not_hang(tmp_path: Path, use: Any) -> None:
    os.mkfifo(tmp_path / "pipe.bin")
    with pytest.raises(ModelError, match=r"pipe\.bin"):
        next(use("slow", [tmp_path / "pipe.bin"], count=1, seconds=0.0))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 64,
        (0).to_bytes(8, "little"),
        (1 << 40).to_bytes(8, "little"),
        (64).to_bytes(8, "little") + bytes(64),
        (200 << 20).to_bytes(8, "little") + b"and nothing more",
    ],
)
def test_a_process_that_was_taken_over_can_only_be_refused(
    data: bytes, file: Path, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PROGRESS_SECONDS", 1.0)
    records = use("garbage", [file], data=data)
    next(records)
    with pytest.raises(ModelError, match=r"handed\.bin"):
        next(records)


def test_only_records_that_were_asked_for_are_taken(file: Path, use: Any) -> None:
    with pytest.raises(ModelError, match=r"handed\.bin.*Tried"):
        next(use("another_record", [file]))


def test_closing_the_iterator_ends_the_process(file: Path, use: Any) -> None:
    records = use("hang", [file])
    next(records)
    (process,) = client._running
    records.close()
    assert process.returncode is not None


def test_a_job_can_report_and_be_cancelled_while_nothing_comes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "hang", Reader("explorer_testing.hostile_readers:hang"))
    items = reader.steps("hang", [file], (Said,))
    for item in items:
        if isinstance(item, Said):
            break
    assert [next(items) for _ in range(3)] == [None, None, None]
    items.close()
    assert not client._running


def test_closing_the_program_ends_every_reader(file: Path, use: Any) -> None:
    records = use("hang", [file])
    next(records)
    caught: list[ExplorerError] = []

    def wait() -> None:
        try:
            next(records)
        except ExplorerError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    reader.close_all()
    thread.join()
    assert "its process was killed" in str(caught[0])


@linux
@pytest.mark.parametrize("name", ["loop", "hang"])
def test_a_reader_ends_with_a_killed_parent(name: str, forked: bool, file: Path) -> None:
    """It neither asks for its parent nor writes to it."""
    script = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from explorer.reader import READERS, Reader, read\n"
        "from explorer_testing.hostile_readers import Said\n"
        "READERS['x'] = Reader('explorer_testing.hostile_readers:' + sys.argv[1], forked=bool(sys.argv[3]))\n"
        "records = read('x', [Path(sys.argv[2])], (Said,))\n"
        "print(int(next(records).values[0]), flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, name, str(file), "yes" if forked else ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    await_end(child)


def test_errors_are_of_the_class_that_the_reader_names(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "refuse", Reader("explorer_testing.hostile_readers:refuse", error=DataError))
    with pytest.raises(DataError):
        list(reader.read("refuse", [file], (Said,)))


# -- The fork server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[None]:
    """A fork server that has not been used."""
    processes.close_server()
    yield
    processes.close_server()


def hanging(monkeypatch: pytest.MonkeyPatch, file: Path) -> tuple[Generator[Any, None, None], int, int]:
    """Start a fork that hangs; return its records, its process number and that of the server."""
    monkeypatch.setitem(READERS, "hang", Reader("explorer_testing.hostile_readers:hang", forked=True))
    records = reader.read("hang", [file], (Said,))
    process, server = map(int, next(records).values)
    return records, process, server


def await_end(descriptor: int) -> None:
    """Wait for the end of a process, of `os.pidfd_open`."""
    try:
        assert select.select([descriptor], [], [], 60)[0], "it ended"
    finally:
        os.close(descriptor)


@linux
def test_each_file_has_a_process_of_its_own_from_one_server(
    server: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, pid, parent = hanging(monkeypatch, file)
    second, another, same = hanging(monkeypatch, file)
    assert (pid != another, parent) == (True, same)
    first.close()
    second.close()
    third, *_, same = hanging(monkeypatch, file)
    third.close()
    assert parent == same


@linux
def test_the_server_ends_when_it_is_idle(server: None, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "IDLE_SECONDS", 0.2)
    records, _, parent = hanging(monkeypatch, file)
    ended = os.pidfd_open(parent)
    records.close()
    await_end(ended)
    records, _, another = hanging(monkeypatch, file)
    records.close()
    assert another != parent


@linux
def test_after_a_crash_comes_another_server(server: None, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries to guess addresses has one try."""
    records, _, parent = hanging(monkeypatch, file)
    ended = os.pidfd_open(parent)
    monkeypatch.setitem(READERS, "crash", Reader("explorer_testing.hostile_readers:crash", forked=True))
    with pytest.raises(DataError, match="crashed with signal 11"):
        list(reader.read("crash", [file], (Said,)))
    other, _, another = hanging(monkeypatch, file)
    assert another != parent
    other.close()
    records.close()
    await_end(ended)


@linux
def test_a_killed_server_costs_only_what_was_being_read(
    server: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, pid, parent = hanging(monkeypatch, file)
    ended = os.pidfd_open(pid)
    os.kill(parent, signal.SIGKILL)
    with pytest.raises(DataError, match=r"handed\.bin: its process was killed"):
        next(records)
    await_end(ended)
    records, _, another = hanging(monkeypatch, file)
    records.close()
    assert another != parent


@linux
def test_a_server_that_does_not_answer_ends_with_its_last_reading(
    server: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, _, parent = hanging(monkeypatch, file)
    ended = os.pidfd_open(parent)
    os.kill(parent, signal.SIGSTOP)
    monkeypatch.setattr(processes, "_END_SECONDS", 0.3)
    with monkeypatch.context() as short:
        short.setattr(client, "START_SECONDS", 0.3)
        short.setattr(client, "_END_SECONDS", 0.3)
        with pytest.raises(DataError, match=r"handed\.bin: no progress for 0\.3 s"):
            next(reader.read("hang", [file], (Said,)))
    other, _, another = hanging(monkeypatch, file)
    assert another != parent
    other.close()
    assert not select.select([ended], [], [], 0)[0], "its other reading goes on"
    with monkeypatch.context() as short:
        short.setattr(client, "_END_SECONDS", 0.3)
        records.close()
    await_end(ended)


@linux
def test_a_server_that_cannot_fork_costs_no_reading(server: None, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records, pid, parent = hanging(monkeypatch, file)
    ended = os.pidfd_open(pid)
    resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, 3))
    other, _, starter = hanging(monkeypatch, file)
    assert starter == os.getpid(), "a new process reads instead"
    other.close()
    assert not select.select([ended], [], [], 0)[0], "the other reading goes on"
    other, _, starter = hanging(monkeypatch, file)
    assert starter not in (parent, os.getpid()), "another server forks"
    other.close()
    records.close()
    await_end(ended)


@linux
@pytest.mark.parametrize("name", [name for name, entry in READERS.items() if entry.forked])
def test_imports_of_forked_readers_start_no_thread(
    name: str, server: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that holds a lock when its process forks would hold it forever."""
    entry = READERS[name]
    preload = (*entry.preload, entry.function.partition(":")[0])
    monkeypatch.setitem(READERS, "hang", Reader("explorer_testing.hostile_readers:hang", preload, forked=True))
    records = reader.read("hang", [file], (Said,))
    parent = int(next(records).values[1])
    records.close()
    assert len(os.listdir(f"/proc/{parent}/task")) == 1
