"""Locks of folders that end with their process, also where the folder is deleted under the window."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile


def held_lock(path: Path) -> QLockFile | None:
    """Return the lock of that file, held; None where another window holds it or it cannot be made."""
    lock = QLockFile(str(path))
    # Never by its age: a window may be open for days. One whose process is gone is free all the same.
    lock.setStaleLockTime(0)
    return lock if lock.tryLock(0) else None


def release(lock: QLockFile) -> None:
    """Release a lock; Qt warns where its file is gone, so that it is put back for the moment."""
    path = Path(lock.fileName())
    gone = not path.exists()
    with suppress(OSError):
        if gone:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    lock.unlock()
    with suppress(OSError):
        if gone:
            path.parent.rmdir()
