"""File operations that fail one after the other: what a full, broken or write-protected disk does to a program.

As in SQLite's tests: a run is counted once, and then repeated with the first operation failing, the second, and so on.
Only operations below one folder count, and only those of Python: what a library in C writes by itself is seen where
the program opens, renames or removes its file.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from explorer.errors import ExplorerError

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
_ON_PATHS = ("replace", "rename", "mkdir", "unlink", "remove", "rmdir", "open", "truncate")
_ON_FILES = ("fsync", "write", "ftruncate")


@dataclass
class Faults:
    """Which operation fails.

    Attributes
    ----------
    root
        Operations on files below this folder count.
    fail_at
        Number of the one that fails, from 0; None for none.
    error
        The error number that it fails with.
    lasting
        Whether all later writes fail too, as on a disk that stays full; removing always works then.
    calls
        The operations so far, by name and file.
    """

    root: Path
    fail_at: int | None = None
    error: int = errno.ENOSPC
    lasting: bool = False
    calls: list[str] = field(default_factory=list)

    @property
    def struck(self) -> bool:
        """Whether an operation has failed."""
        return self.fail_at is not None and len(self.calls) > self.fail_at

    def check(self, operation: str, path: object) -> None:
        """Count an operation, and let it fail when its turn has come."""
        if not isinstance(path, str | bytes | os.PathLike):
            return
        place = Path(os.path.abspath(os.fsdecode(path)))
        if self.root != place and self.root not in place.parents:
            return
        number = len(self.calls)
        self.calls.append(f"{operation} {place.name}")
        removes = operation in ("unlink", "remove", "rmdir")
        if number == self.fail_at or (self.lasting and self.struck and not removes):
            raise OSError(self.error, os.strerror(self.error), str(place))


class _FaultyFile(io.FileIO):
    """A file whose writes may fail; a failed write has written half, as a full disk does."""

    def __init__(self, path: Any, mode: str, faults: Faults) -> None:
        super().__init__(path, mode)
        self._faults = faults
        self._reported = path

    def write(self, data: Any, /) -> int:
        try:
            self._faults.check("write", self._reported)
        except OSError:
            super().write(memoryview(data).cast("B")[: len(memoryview(data).cast("B")) // 2])
            raise
        return super().write(data)

    def truncate(self, size: int | None = None, /) -> int:
        self._faults.check("truncate", self._reported)
        return super().truncate(size)


def _opener(faults: Faults, real: Callable[..., Any]) -> Callable[..., Any]:
    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if isinstance(file, int) or opener is not None or not set(mode) & set("wax+"):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        faults.check("open", file)
        raw = _FaultyFile(file, mode.replace("b", "").replace("t", ""), faults)
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline, line_buffering=buffering == 1)
        text.mode = mode  # type: ignore[misc]  # as the built-in open does
        return text

    return opened


def _checked(faults: Faults, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def on_path(path: Any, *rest: Any, **named: Any) -> Any:
        directory = named.get("dir_fd") or named.get("src_dir_fd")
        if name != "open" or (rest and rest[0] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            faults.check(name, path if directory is None else _path_of(directory, path))
        return real(path, *rest, **named)

    def on_file(file: Any, *rest: Any) -> Any:
        faults.check(name, _path_of(file))
        return real(file, *rest)

    return on_path if name in _ON_PATHS else on_file


def _path_of(file: int, name: Any = "") -> str | None:
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{file}"), name)
    except OSError:
        return None


@contextmanager
def failing(faults: Faults) -> Iterator[Faults]:
    """Let file operations of this process count and fail."""
    with ExitStack() as stack:
        for module, name in ((builtins, "open"), (io, "open")):
            stack.enter_context(patch.object(module, name, _opener(faults, getattr(module, name))))
        for name in (*_ON_PATHS, *_ON_FILES):
            if hasattr(os, name):
                stack.enter_context(patch.object(os, name, _checked(faults, name, getattr(os, name))))
        yield faults


@dataclass(frozen=True)
class Operation:
    """Something that writes, and how to tell what it left.

    Attributes
    ----------
    act
        Writes the new content below a folder.
    content
        Reads it back; raises where it is damaged, returns None where nothing is there.
    prepare
        Puts an older content there, or nothing.
    silent
        Whether a failure is passed over, as documented: a cache is only a cache.
    leftovers
        Glob patterns of files that must not be left behind.
    """

    act: Callable[[Path], object]
    content: Callable[[Path], object]
    prepare: Callable[[Path], object]
    silent: bool = False
    leftovers: Sequence[str] = ("**/*.part", "**/*.old", "**/.try-*")


def fail_each(operation: Operation, root: Path, *, most: int = 40, lasting: bool = False) -> int:
    """Let every file operation fail in turn; check after each what is left, and that the next try works.

    Where there are more than `most` operations an even choice of them fails. Returns the number of failures tried.
    """
    clean = root / "clean"
    clean.mkdir(parents=True)
    operation.prepare(clean)
    old = operation.content(clean)
    with failing(Faults(clean)) as counted:
        operation.act(clean)
    new = operation.content(clean)
    assert counted.calls, "nothing was written"
    total = len(counted.calls)
    turns = sorted({round(turn * (total - 1) / max(1, min(total, most) - 1)) for turn in range(min(total, most))})
    for turn in turns:
        folder = root / str(turn)
        folder.mkdir()
        operation.prepare(folder)
        faults = Faults(folder, turn, ERRORS[turn % len(ERRORS)], lasting)
        _fail_once(operation, folder, faults, (old, new))
        operation.act(folder)
        assert operation.content(folder) == new, f"the next try after a failed {faults.calls[turn]} did not work"
    return len(turns)


def _fail_once(operation: Operation, folder: Path, faults: Faults, allowed: tuple[object, object]) -> None:
    raised: ExplorerError | None = None
    with failing(faults):
        try:
            operation.act(folder)
        except ExplorerError as error:
            raised = error
    where = f"{faults.calls[faults.fail_at or 0]} failed with {errno.errorcode[faults.error]}"
    assert faults.struck, f"{where}: never came"
    left = operation.content(folder)
    assert left in allowed, f"{where}: neither the old content nor the new one is there"
    assert raised is None or not operation.silent, f"{where}: {raised}"
    # A failed removal of what is no longer needed may be passed over: then all that was to be written is there.
    assert raised is not None or operation.silent or left == allowed[1], f"{where}: nobody was told"
    found = [str(path.relative_to(folder)) for pattern in operation.leftovers for path in folder.glob(pattern)]
    if not any(call.startswith(("unlink", "remove", "rmdir")) for call in faults.calls[faults.fail_at or 0 :][:1]):
        assert not found, f"{where}: left behind: {found}"
    if raised is not None:
        assert str(raised), f"{where}: an error without words"
