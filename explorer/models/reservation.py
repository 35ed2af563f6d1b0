"""A name for a model that is being made: nobody else makes one in its place until it is there, or its maker has ended.

It is a locked file beside the folder to be. The lock ends with its process, so that one that was killed keeps nobody
off. Not Qt's lock file: the model process has no Qt.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from explorer.errors import ExportError, TrainingError
from explorer.paths import check_writable


class Reservation:
    """Reserves the place of a bundle; a context manager that releases it.

    Parameters
    ----------
    out
        The bundle's folder, which need not exist; the folder that it lies in is made.

    Raises
    ------
    TrainingError
        If another program, or another part of this one, has it.
    ExportError
        If nothing can be written there.
    """

    def __init__(self, out: Path) -> None:
        check_writable(out.parent)
        self._path = out.with_name(f".{out.name}.lock")
        self._file: int | None = None
        while self._file is None:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise ExportError(
                    f"to write {self._path}", f"“{error.strerror or error}”", "Choose another place, or a shorter name."
                ) from error
            if not _locked(file):
                os.close(file)
                raise TrainingError(
                    "a name that no training or import uses at the moment", f"“{out.name}”", "Choose another name."
                )
            if _is_at(file, self._path):
                self._file = file
            else:  # whoever had it released it between opening and locking, and deleted the file
                os.close(file)

    def release(self) -> None:
        """Let others have it; what was released stays so."""
        file, self._file = self._file, None
        if file is None:
            return
        # Elsewhere than on Windows first deleted, so that nobody locks a file that is about to go. One that cannot be
        # deleted is free all the same: the lock is what counts.
        if sys.platform != "win32":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(file)
        if sys.platform == "win32":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _locked(file: int) -> bool:
    """Lock an open file without waiting; return whether that could be. Where a disk knows no locks, it always can."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False
