"""Start reader processes: each a new one or, on Linux, for readers that are used often, a fork of a fork server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from typing import BinaryIO, Final, cast

import msgpack

from explorer.reader.registry import Reader
from explorer.reader.wire import EXIT_CODE

IDLE_SECONDS: Final = 15.0
"""A fork server that was not used for so long ends, since it takes 40 MB or more."""

_END_SECONDS: Final = 5.0

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX")


class Process(ABC):
    """A reader process: its pipes, and its exit code, negative for a signal, once `wait` has returned."""

    requests: BinaryIO
    answers: BinaryIO
    returncode: int | None = None
    lost: bool = False
    """Whether it ended, or never began, for a reason that lies in no file: its server could not fork, or has ended."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once; may be called from any thread, also when it has ended."""

    @abstractmethod
    def wait(self, seconds: float) -> int:
        """Return the exit code of a process that is about to end; it is killed if it has not ended in time."""


def start(reader: Reader, *, forked: bool = True) -> Process:
    """Start a process for one reading; a fork only if it may be `forked`."""
    if forked and reader.forked and _can_fork():
        with _server_lock:
            if not _server or _server[-1].ending:
                _server[:] = [_ForkServer()]
            process = _server[-1].fork(reader)
        if process is not None:
            return process
    return _New()


def close_server() -> None:
    """Let the fork server end, with its forks."""
    for server in _server[-1:]:
        server.close()


def _can_fork() -> bool:
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # before Linux 5.3
        return False
    return True


def _popen(statement: str, pipes: int, passed: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    # The empty path of an interactive Python is the current folder, which cannot be looked up later.
    paths = [os.path.abspath(path) for path in sys.path]
    return subprocess.Popen(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:] = {paths!r}; {statement}"],
        stdin=pipes,
        stdout=pipes,
        stderr=subprocess.DEVNULL,
        pass_fds=passed,
        env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        # Ctrl+C must reach only this process.
        process_group=0 if os.name == "posix" else None,
    )


class _New(Process):
    """A process of its own."""

    def __init__(self) -> None:
        self._popen = _popen("from explorer.reader.child import main; main()", subprocess.PIPE)
        self.requests = cast(BinaryIO, self._popen.stdin)
        self.answers = cast(BinaryIO, self._popen.stdout)

    def kill(self) -> None:
        with suppress(OSError):
            self._popen.kill()

    def wait(self, seconds: float) -> int:
        try:
            self.returncode = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self.returncode = self._popen.wait(seconds)
        return self.returncode


class _Forked(Process):
    """A fork of the server, which tells on a socket that it has ended, and kills it when the socket is shut."""

    def __init__(self, server: _ForkServer, requests: int, answers: int, caller: socket.socket) -> None:
        self._server = server
        self._caller = caller
        self._killed = False
        self.requests = os.fdopen(requests, "wb")
        self.answers = os.fdopen(answers, "rb")

    def kill(self) -> None:
        self._killed = True
        with suppress(OSError):
            self._caller.shutdown(socket.SHUT_WR)

    def wait(self, seconds: float) -> int:
        if self.returncode is None:
            self._caller.settimeout(seconds)
            data = b""
            try:
                data = self._caller.recv(EXIT_CODE.size)
            except TimeoutError:
                # It may import what another reading needs, so it is not killed, but gets no more readings.
                self._server.retire()
            except OSError:
                pass
            # Without a code the server could not fork, or has ended, and its forks with it.
            answered = len(data) == EXIT_CODE.size
            self.returncode = EXIT_CODE.unpack(data)[0] if answered else -signal.SIGKILL
            self.lost = not answered and not self._killed
            self._caller.close()
            self._server.release(failed=self.returncode != 0 and not self._killed)
        return self.returncode


class _ForkServer:
    """The fork server, and the thread that ends it when it is idle."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._users = 0
        self._closing = False
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        started = threading.Event()
        # Linux ends it with the thread that starts it.
        threading.Thread(target=self._keep, args=(theirs, started), name="fork server", daemon=True).start()
        started.wait()

    def fork(self, reader: Reader) -> _Forked | None:
        """Let it fork; None if it has ended."""
        needed = msgpack.packb((reader.function, reader.preload))
        with self._changed:
            if self._closing:
                return None
            with ExitStack() as ours, ExitStack() as theirs:
                try:
                    their_requests, requests = _kept(os.pipe(), theirs, ours)
                    answers, their_answers = _kept(os.pipe(), ours, theirs)
                    caller, their_caller = socket.socketpair()
                    theirs.enter_context(their_caller)
                    ours.enter_context(caller)
                    socket.send_fds(self._control, [needed], [their_requests, their_answers, their_caller.fileno()])
                except OSError:
                    self._end()
                    return None
                ours.pop_all()
            self._users += 1
            self._changed.notify()
            return _Forked(self, requests, answers, caller)

    @property
    def ending(self) -> bool:
        with self._changed:
            return self._closing

    def release(self, *, failed: bool) -> None:
        """Note that a fork has ended; after a failure others are forked from a new server, whose addresses differ."""
        with self._changed:
            self._users -= 1
            self._closing = self._closing or failed
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._end()

    def retire(self) -> None:
        """Fork no more, and end with the last reading."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def _end(self) -> None:
        self._closing = True
        self._users = 0
        self._changed.notify()

    def _keep(self, theirs: socket.socket, started: threading.Event) -> None:
        with theirs:
            number = theirs.fileno()
            statement = f"from explorer.reader.fork_server import main; main({number})"
            try:
                self._process = _popen(statement, subprocess.DEVNULL, (number,))
            except OSError:
                # So will be the attempt of the caller to start a process.
                self._closing = True
                self._control.close()
                return
            finally:
                started.set()
        with self._changed:
            while self._changed.wait_for(lambda: self._users > 0 or self._closing, IDLE_SECONDS):
                self._changed.wait_for(lambda: self._users <= 0)
                if self._closing:
                    break
            self._closing = True
            self._control.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _kept(pipe: tuple[int, int], first: ExitStack, second: ExitStack) -> tuple[int, int]:
    """Let the ends of a pipe be closed with these stacks."""
    first.callback(os.close, pipe[0])
    second.callback(os.close, pipe[1])
    return pipe


_server: list[_ForkServer] = []
"""The latest one, if there was any."""

_server_lock = threading.Lock()
