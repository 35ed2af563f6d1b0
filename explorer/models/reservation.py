"""Reserves the name of a model while it is being trained or imported.

The reservation is a locked file beside the future folder. The lock ends with its process, so that a killed process
leaves no stale lock. `QLockFile` is not used, since the model process does not import Qt.
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
    """Reservation of a bundle's folder, which need not exist; a context manager. The parent folder is created.

    Raises TrainingError if the folder is already reserved; ExportError if the parent folder is not writable.
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
                    "Cannot write {file}: {reason}. Choose another folder or a shorter name.",
                    file=self._path,
                    reason=error.strerror or error,
                ) from error
            if not _locked(file):
                os.close(file)
                raise TrainingError(
                    "Another training or import is using the name “{name}”. Choose another name.", name=out.name
                )
            if _is_at(file, self._path):
                self._file = file
            else:  # the previous owner deleted the file between opening and locking
                os.close(file)

    def release(self) -> None:
        """Repeated calls do nothing."""
        file, self._file = self._file, None
        if file is None:
            return
        # Deleted before it is unlocked (impossible on Windows), so that no process locks a file about to be deleted.
        # A file that cannot be deleted does not matter, since only the lock counts.
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
    """Lock an open file without waiting and return whether it worked; always True on file systems without locks."""
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
