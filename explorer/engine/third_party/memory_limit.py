"""Limits the memory of the model process for third-party models, in proportion to their file size."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_BASE_BYTES: Final = 4 << 30
"""For Keras itself, and for the images that a model is evaluated on."""
_TIMES: Final = 8
"""Copies of the weights: as read, as built, and in the exporter."""


def limit_memory(paths: Iterable[Path]) -> bool:
    """Limit the further memory of this process by the size of the model; return whether the system supports it."""
    try:
        import resource
    except ImportError:  # not on Windows
        return False
    try:
        # RLIMIT_DATA, not RLIMIT_AS, since threads reserve much address space without using it.
        data = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        soft = data + _BASE_BYTES + _TIMES * sum(_size(path) for path in paths)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard < 0 else min(soft, hard), hard))
    except (OSError, ValueError):
        return False
    return True


def _size(path: Path) -> int:
    with suppress(OSError):
        return sum(part.stat().st_size for part in (path.rglob("*") if path.is_dir() else [path]))
    return 0
