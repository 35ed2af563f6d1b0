"""Readers that try what a hostile file may make a parser do; they run in the reader process."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np

from explorer.errors import ModelError
from explorer.reader.handed import Handed
from explorer.types import Floats


@dataclass(frozen=True)
class Tried:
    """What became of each attempt: ``refused``, or what it gave."""

    outcomes: dict[str, str]


@dataclass(frozen=True)
class Said:
    """A line of text and an array."""

    text: str
    values: Floats = field(default_factory=lambda: np.zeros(0, np.float32))


_found: list[str] = []


def look_around() -> None:
    """List a folder, which is possible only before the limits are set."""
    _found.extend(os.listdir("/"))


def looked_around(files: tuple[Handed, ...]) -> Iterator[Said]:
    try:
        os.listdir("/")
    except OSError:
        yield Said(f"{len(_found) > 0} before, refused now")


def _call(name: str, *arguments: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(getattr(libc, name)(*arguments))
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _open_for_writing(path: Path) -> str:
    with path.open("w") as file:
        file.write("written")
    return "written"


def _start_a_thread() -> str:
    done = threading.Event()
    thread = threading.Thread(target=done.set)
    thread.start()
    thread.join()
    return "ran" if done.is_set() else "did not run"


def _raise_a_limit() -> None:
    import resource

    most = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def attempt(files: tuple[Handed, ...], *, secret: str, place: str, parent: int) -> Iterator[Tried]:
    """Try everything that a reader must not be able to do."""
    attempts: dict[str, Callable[[], object]] = {
        "fork": os.fork,
        "subprocess": lambda: subprocess.run(["true"], check=True),
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "socket": socket.socket,
        "socket pair": socket.socketpair,
        "pipe": os.pipe,
        "passwords": Path("/etc/passwd").read_text,
        "another file": Path(secret).read_text,
        "a folder": lambda: os.listdir(Path(secret).parent),
        "a new file": lambda: _open_for_writing(Path(place)),
        "a file in memory": lambda: os.memfd_create("x"),
        "delete": lambda: os.unlink(secret),
        "a folder to make": lambda: os.mkdir(place),
        "kill": lambda: os.kill(parent, signal.SIGTERM),
        "kill a thread": lambda: _call("tgkill", parent, parent, signal.SIGTERM),
        "ptrace": lambda: _call("ptrace", 16, parent, 0, 0),
        "write into memory": lambda: _call("process_vm_writev", parent, 0, 0, 0, 0, 0),
        "raise a limit": _raise_a_limit,
        "4 GB": lambda: bytearray(4 << 30),
    }
    yield Tried({name: _outcome(function) for name, function in attempts.items()})


def allowed(files: tuple[Handed, ...]) -> Iterator[Tried]:
    """Do what a reader must be able to do."""
    attempts: dict[str, Callable[[], object]] = {
        "threads": _start_a_thread,
        "arithmetic": lambda: float((np.ones((64, 64)) @ np.ones((64, 64))).sum()),
        "memory": lambda: len(bytearray(64 << 20)),
        "the file": lambda: files[0].file.read().decode(),
        "sleep": lambda: time.sleep(0.001),
        "descriptors": _descriptors,
    }
    yield Tried({name: _outcome(function) for name, function in attempts.items()})


def in_folder(files: tuple[Handed, ...], *, secret: str) -> Iterator[Tried]:
    """Read below the folder that was handed over, and try to read and write elsewhere."""
    folder = files[0].path
    attempts: dict[str, Callable[[], object]] = {
        "listing": lambda: sorted(os.listdir(folder)),
        "a file in it": (folder / "inside.txt").read_text,
        "a link out of it": (folder / "link").read_text,
        "a file outside": Path(secret).read_text,
        "a way out": (folder / ".." / Path(secret).name).read_text,
        "a new file": lambda: _open_for_writing(folder / "new.txt"),
        "fork": os.fork,
    }
    yield Tried({name: _outcome(function) for name, function in attempts.items()})


def _descriptors() -> str:
    """Return which descriptors are open, by asking for each."""
    import fcntl

    found = []
    for number in range(256):
        with suppress(OSError):
            fcntl.fcntl(number, fcntl.F_GETFD)
            found.append(number)
    return str(len(found))


def _outcome(function: Callable[[], object]) -> str:
    try:
        return str(function())
    except (OSError, MemoryError, ValueError):
        return "refused"


def loop(files: tuple[Handed, ...]) -> Iterator[Said]:
    """Compute without end, holding the interpreter's lock as native parsers do; the array is the process's number."""
    yield Said("before", np.array([os.getpid()], np.float32))
    sum(iter(int, 1))


def hang(files: tuple[Handed, ...]) -> Iterator[Said]:
    """Wait without end; the array is the number of the process and that of its parent."""
    yield Said("before", np.array([os.getpid(), os.getppid()], np.float32))
    time.sleep(3600)


def crash(files: tuple[Handed, ...]) -> Iterator[Said]:
    """Read where no memory is."""
    yield Said("before")
    ctypes.string_at(8)


def too_much(files: tuple[Handed, ...]) -> Iterator[Said]:
    """Ask for more memory than there is."""
    yield Said(str(len(bytearray(4 << 30))))


def slow(files: tuple[Handed, ...], *, count: int, seconds: float) -> Iterator[Said]:
    """Yield now and then."""
    for number in range(count):
        time.sleep(seconds)
        yield Said(str(number), np.full(3, number, np.float32))


def refuse(files: tuple[Handed, ...]) -> Iterator[Said]:
    """Refuse the file."""
    yield Said("before")
    raise ModelError("{name} is damaged. Copy it again.", name="the file")


def fail(files: tuple[Handed, ...], *, kind: str) -> Iterator[Said]:
    """Fail as a library does."""
    yield Said("before")
    raise {"SystemError": SystemError, "KeyError": KeyError, "RecursionError": RecursionError}[kind]("odd\nlines")


def another_record(files: tuple[Handed, ...]) -> Iterator[Tried]:
    """Yield a record that the caller did not ask for."""
    yield Tried({})


def look_for_a_module(files: tuple[Handed, ...]) -> Iterator[Said]:
    """Import a module that is missing, as libraries do with optional ones."""
    try:
        import_module("no_module_of_this_name")
    except ImportError as error:
        yield Said(type(error).__name__)


def garbage(files: tuple[Handed, ...], *, data: bytes) -> Iterator[Said]:
    """Write bytes of one's own into the pipe, as a parser that was taken over may."""
    yield Said("before")
    for number in range(3, 16):
        try:
            os.write(number, data)
        except OSError:
            continue
    time.sleep(3600)
