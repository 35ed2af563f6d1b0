"""The reader process itself: what the child runs, from start to end."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from explorer.errors import DataError, ExplorerError, IpcError
from explorer.reader.handed import Handed
from explorer.reader.sandbox import end_with_parent, lock_down
from explorer.reader.wire import Broken, Finished, Locked, Refused, Request, receive_request, send

_LINE = 300
_ENCODINGS = ("ascii", "latin-1", "cp437", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
"""Python imports each when it first meets it, which would be too late."""


def main() -> None:
    """Answer one request, and end; no process reads twice."""
    end_with_parent()
    requests, answers = _streams()
    with suppress(EOFError, OSError):
        _answer(receive_request(requests), answers)
    # What libraries would do at the end of an interpreter is of no use here, and may need what was given up.
    os._exit(0)


def nothing(files: tuple[Handed, ...]) -> Iterable[object]:
    """Read nothing: to find out which limits hold here."""
    return ()


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes from the standard streams, which native code may write to."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    return requests, answers


def _answer(request: Request, answers: BinaryIO) -> None:
    try:
        function = _function(request)
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


def _function(request: Request) -> Callable[..., Iterable[object]]:
    module, _, name = request.function.partition(":")
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    for needed in request.preload:
        import_module(needed)
    function: Callable[..., Iterable[object]] = getattr(import_module(module), name)
    return function


def _open(path: Path) -> Handed:
    """Open a file without waiting, since what is no plain file may never open; a folder is left for later."""
    try:
        if path.is_dir():
            return Handed(path, None)
        opened = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(0, "it is no plain file")
    except OSError as error:
        raise DataError(
            "a file that can be read", f"{path}: {error.strerror}", "Check the name and the path."
        ) from error
    return Handed(path, opened)
