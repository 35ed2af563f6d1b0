"""The parent's side of a reader process: one process and one deadline per call."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from explorer.errors import ExplorerError, IpcError
from explorer.ipc import unpack
from explorer.messages import message
from explorer.reader.processes import Process, close_server, start
from explorer.reader.registry import READERS, Reader
from explorer.reader.sandbox import Guard
from explorer.reader.wire import LIMITS, Broken, Finished, Locked, Refused, Request, receive_bytes, send_request
from explorer.reading import COPY_AGAIN

START_SECONDS: Final = 60.0
"""Timeout of the imports in the process, or the ``silent_seconds`` of a reader if longer: the disk may be slow."""

PROGRESS_SECONDS: Final = 10.0
"""Timeout of the first record, and between records, of readers that state no other."""

MAX_BYTES: Final = 16 << 30
MAX_RECORDS: Final = 1_000_000
_STEP_SECONDS: Final = 0.1
_END_SECONDS: Final = 5.0
_REMEDY: Final = message("It is damaged or malicious: download it again from a trusted source.")

_NONSENSE: Final = b"?"

_running: set[Process] = set()
_running_lock = threading.Lock()


def read(
    name: str, paths: Sequence[Path], answers: tuple[type, ...], arguments: Mapping[str, Any] | None = None
) -> Generator[Any, None, None]:
    """Read files in a separate process, and yield the records of the reader.

    The process ends with the iterator: at its end, when it is closed, or when it is garbage-collected. ExplorerError of
    the reader's error class if it refuses the file, fails, exceeds its memory or CPU limit, or yields nothing for
    `PROGRESS_SECONDS` or its ``silent_seconds``.

    Parameters
    ----------
    name
        A reader in `explorer.reader.registry.READERS`.
    paths
        Files, which are opened for the reader, and folders in which it may open files; it can read nothing else. Errors
        name the first.
    answers
        Types of the records that it may yield; see `explorer.ipc.pack` for their fields.
    arguments
        Keyword arguments of the reader: None, numbers, strings, bytes, tuples (also for lists) and dicts of these.
    """
    with closing(steps(name, paths, answers, arguments)) as records:
        for record in records:
            if record is not None:
                yield record


def steps(
    name: str, paths: Sequence[Path], answers: tuple[type, ...], arguments: Mapping[str, Any] | None = None
) -> Generator[Any, None, None]:
    """Do as `read`, but yield None ten times per second while waiting, so that a job can report and be canceled."""
    reader = READERS[name]
    # Relative paths are resolved in this process.
    request = Request(
        reader.function,
        reader.preload,
        reader.memory_bytes,
        reader.cpu_seconds,
        tuple(str(path.absolute()) for path in paths),
        dict(arguments or {}),
    )
    file = paths[0].name if paths else name
    with suppress(_LostError), _Child(reader) as child:
        yield from _records(child, reader, request, file, answers)
        return
    with _Child(reader, forked=False) as child:
        yield from _records(child, reader, request, file, answers)


def guards() -> tuple[Guard, ...]:
    """Start a reader process, and return which of `explorer.reader.sandbox.GUARDS` this system supports."""
    (locked,) = read("nothing", (), (Locked,))
    held: tuple[Guard, ...] = locked.guards
    return held


def close_all() -> None:
    """Kill all reader processes; their callers get an error."""
    with _running_lock:
        for process in _running:
            process.kill()
    close_server()


def _records(child: _Child, reader: Reader, request: Request, file: str, answers: tuple[type, ...]) -> Iterator[Any]:
    receives = (Locked, Refused, Broken, Finished, *answers)
    child.send(request)
    allowed, last = max(START_SECONDS, reader.silent_seconds or 0.0), time.monotonic()
    size = count = 0
    while True:
        data = child.next_frame()
        if data is None:
            if time.monotonic() - last > allowed:
                raise reader.error(
                    "Cannot read {file}: no progress for {seconds:g} s. {remedy}",
                    file=file,
                    seconds=allowed,
                    remedy=_REMEDY,
                )
            yield None
            continue
        if not data:
            code = child.exit_code()
            if child.lost and not count:
                raise _LostError
            raise _ended(reader, file, code)
        size, count = size + len(data), count + 1
        record = _unpacked(data, receives, reader, file)
        if isinstance(record, Finished):
            return
        if isinstance(record, Refused):
            raise reader.error(record.message)
        if isinstance(record, Broken):
            raise _broken(reader, file, record)
        if size > MAX_BYTES or count > MAX_RECORDS:
            raise reader.error(
                "Cannot read {file}: its content is larger than {size:,} GB or {count:# record|# records}. {remedy}",
                file=file,
                size=MAX_BYTES >> 30,
                count=MAX_RECORDS,
                remedy=_REMEDY,
            )
        if isinstance(record, answers):
            yield record
        # Restart here, since the caller's work on the record does not count.
        allowed, last = reader.silent_seconds or PROGRESS_SECONDS, time.monotonic()


def _unpacked(data: bytes, receives: tuple[type, ...], reader: Reader, file: str) -> Any:
    try:
        return unpack(data, receives, LIMITS)
    except IpcError as error:
        raise reader.error(
            "Cannot read {file}. {error} {remedy}", file=file, error=error.message, remedy=_REMEDY
        ) from error


def _broken(reader: Reader, file: str, record: Broken) -> ExplorerError:
    if record.error == "MemoryError":
        return _too_large(reader, file)
    return reader.error(
        "Cannot read {file}: it is damaged ({reason}). {remedy}",
        file=file,
        reason=f"{record.error}: {record.message}" if record.message else record.error,
        remedy=COPY_AGAIN,
    )


def _too_large(reader: Reader, file: str) -> ExplorerError:
    return reader.error(
        "Cannot read {file}: it needs more than {most:,} MB of memory. {remedy}",
        file=file,
        most=reader.memory_bytes >> 20,
        remedy=_REMEDY,
    )


def _ended(reader: Reader, file: str, code: int) -> ExplorerError:
    if -code in {getattr(signal, "SIGXCPU", 0), getattr(signal, "SIGKILL", 0)} - {0}:
        reason = message("its process was killed, after its time limit or because the program is closing")
    elif code < 0:
        reason = message("its process crashed with signal {code}", code=-code)
    else:
        reason = message("its process exited with code {code}", code=code)
    return reader.error("Cannot read {file}: {reason}. {remedy}", file=file, reason=reason, remedy=_REMEDY)


class _LostError(Exception):
    """A fork has ended before it answered, for a reason that lies in no file."""


class _Child:
    """A reader process, and the thread that reads its pipe; both end with the block."""

    def __init__(self, reader: Reader, *, forked: bool = True) -> None:
        self._reader = reader
        self._forked = forked
        self._frames: queue.Queue[bytes] = queue.Queue(2)
        self._left = threading.Event()

    def __enter__(self) -> _Child:
        with _running_lock:
            self._process = start(self._reader, forked=self._forked)
            _running.add(self._process)
        self._thread = threading.Thread(target=self._pump, name="reader process", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._process.kill()
        self._process.wait(_END_SECONDS)
        self._thread.join(_END_SECONDS)
        with suppress(OSError):
            self._process.requests.close()
        with _running_lock:
            _running.discard(self._process)

    def send(self, request: Request) -> None:
        # Reading detects a process that has exited.
        with suppress(OSError):
            send_request(self._process.requests, request)

    def next_frame(self) -> bytes | None:
        """Return the next frame; empty if the process has exited; None if none arrived for 0.1 s."""
        try:
            return self._frames.get(timeout=_STEP_SECONDS)
        except queue.Empty:
            return None

    def exit_code(self) -> int:
        return self._process.wait(_END_SECONDS)

    @property
    def lost(self) -> bool:
        """Whether it has ended for a reason that lies in no file; see `Process.lost`."""
        return self._process.lost

    def _pump(self) -> None:
        # Closed here, since closing would wait for a read of another thread.
        with suppress(OSError), self._process.answers:
            self._receive()

    def _receive(self) -> None:
        data = b"?"
        while data and not self._left.is_set():
            try:
                data = receive_bytes(self._process.answers)
            except IpcError:
                self._put(_NONSENSE)
                return
            except (OSError, ValueError):
                data = b""
            self._put(data)

    def _put(self, data: bytes) -> None:
        while not self._left.is_set():
            with suppress(queue.Full):
                self._frames.put(data, timeout=_STEP_SECONDS)
                return
