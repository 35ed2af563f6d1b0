"""Start reader processes: each a new one or, on Linux, for readers that are used often, a fork of a fork server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import BinaryIO, Final, cast

import msgpack

from explorer.reader.registry import Reader
from explorer.reader.wire import EXIT_CODE

IDLE_SECONDS: Final = 15.0
"""A fork server that was not used for so long ends, since it takes 40 MB or more."""

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX")


class Process(ABC):
    """A reader process: its pipes, and its exit code, negative for a signal, once `wait` has returned."""

    requests: BinaryIO
    answers: BinaryIO
    returncode: int | None = None

    @abstractmethod
    def kill(self) -> None:
        """End it at once; may be called from any thread, also when it has ended."""

    @abstractmethod
    def wait(self, seconds: float) -> int:
        """Return the exit code of a process that is about to end; it is killed if it has not ended in time."""


def start(reader: Reader) -> Process:
    """Start a process for one reading."""
    if reader.forked and _can_fork():
        with _latest_lock:
            for _ in range(2):
                process = _latest.server.fork(reader) if _latest.server else None
                if process is not None:
                    return process
                # There is none yet, or it has ended.
                _latest.server = _ForkServer()
    return _New()


def close_server() -> None:
    """Let the fork server end, with its forks."""
    if _latest.server:
        _latest.server.close()


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

    def leave(self) -> None:
        """Close its pipes and its socket."""
        for stream in (self.requests, self.answers, self._caller):
            stream.close()

    def wait(self, seconds: float) -> int:
        if self.returncode is None:
            self._caller.settimeout(seconds)
            data = b""
            try:
                data = self._caller.recv(EXIT_CODE.size)
            except TimeoutError:
                self._server.kill()
            except OSError:
                pass
            # Without a code the server has ended, and its forks with it.
            self.returncode = EXIT_CODE.unpack(data)[0] if len(data) == EXIT_CODE.size else -signal.SIGKILL
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
            their_requests, requests = os.pipe()
            answers, their_answers = os.pipe()
            caller, their_caller = socket.socketpair()
            forked = _Forked(self, requests, answers, caller)
            self._users += 1
            self._changed.notify()
            try:
                socket.send_fds(self._control, [needed], [their_requests, their_answers, their_caller.fileno()])
            except OSError:
                self._end()
                forked.leave()
                return None
            finally:
                os.close(their_requests)
                os.close(their_answers)
                their_caller.close()
            return forked

    def release(self, *, failed: bool) -> None:
        """Note that a fork has ended; after a failure others are forked from a new server, whose addresses differ."""
        with self._changed:
            self._users -= 1
            self._closing = self._closing or failed
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._end()

    def kill(self) -> None:
        """End a server that does not answer."""
        self.close()
        self._process.kill()

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
        self._process.wait()


class _Latest:
    server: _ForkServer | None = None


_latest = _Latest()
_latest_lock = threading.Lock()
