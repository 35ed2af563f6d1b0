"""Lock files that end with their process, even if their folder is deleted."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile


def acquire_lock(path: Path) -> QLockFile | None:
    """Acquire a lock file; return None if another window has it or it cannot be created."""
    lock = QLockFile(str(path))
    # Locks never expire by age, as a window may be open for days; a lock of a dead process is free.
    lock.setStaleLockTime(0)
    return lock if lock.tryLock(0) else None


def release(lock: QLockFile) -> None:
    """Release a lock; a deleted file is recreated first, because Qt would warn."""
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
