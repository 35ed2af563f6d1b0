"""The reader process: the main function of the child."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, NoReturn

from explorer.errors import DataError, ExplorerError, IpcError
from explorer.reader.handed import Handed
from explorer.reader.sandbox import end_with_parent, lock_down
from explorer.reader.wire import Broken, Finished, Locked, Refused, Request, receive_request, send
from explorer.reading import reason_of

_LINE = 300
_ENCODINGS = ("ascii", "latin-1", "cp437", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
"""Imported in advance, since Python imports a codec at its first use, when no file can be opened."""


def main() -> None:
    """Answer one request, and exit; each process reads once."""
    end_with_parent()
    serve(*_streams())


def serve(requests: BinaryIO, answers: BinaryIO) -> NoReturn:
    """Answer the request on a pipe, and exit."""
    with suppress(EOFError, OSError):
        _answer(receive_request(requests), answers)
    # Exit handlers of libraries are useless here, and may need dropped privileges.
    os._exit(0)


def nothing(files: tuple[Handed, ...]) -> Iterable[object]:
    """Read nothing, to find out which limits this system supports."""
    return ()


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Move the pipes away from the standard streams, which native code may write to."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    return requests, answers


def _answer(request: Request, answers: BinaryIO) -> None:
    try:
        function = load(request.function, request.preload)
        files = tuple(_open(Path(path)) for path in request.paths)
        folders = [file.path for file in files if file.opened is None]
        guards = lock_down(request.memory_bytes, request.cpu_seconds, folders)
        send(answers, Locked(guards))
        for record in function(files, **request.arguments):
            send(answers, record)
    except ExplorerError as error:
        if isinstance(error, IpcError):
            send(answers, Broken("IpcError", str(error)[:_LINE]))
        else:
            send(answers, Refused(error.message))
    except (BrokenPipeError, EOFError):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        send(answers, Broken(type(error).__name__, lines[0][:_LINE] if lines else ""))
    else:
        send(answers, Finished())


def load(function: str, preload: Iterable[str]) -> Callable[..., Iterable[object]]:
    """Import a reader and what it needs; see `explorer.reader.registry.Reader`."""
    module, _, name = function.partition(":")
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    for needed in preload:
        named, _, warm = needed.partition(":")
        loaded = import_module(named)
        if warm:
            getattr(loaded, warm)()
    found: Callable[..., Iterable[object]] = getattr(import_module(module), name)
    return found


def _open(path: Path) -> Handed:
    """Open a file without blocking, since a pipe or device may never open; folders are opened later."""
    try:
        if path.is_dir():
            return Handed(path, None)
        opened = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(0, "not a regular file")
    except OSError as error:
        raise DataError("Cannot read {file}: {reason}. Check the path.", file=path, reason=reason_of(error)) from error
    return Handed(path, opened)
