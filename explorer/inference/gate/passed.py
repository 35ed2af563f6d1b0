"""Cache of checked ONNX files: one small file each in the cache folder, named by a hash.

If it is missing, damaged or of another version, the network is checked again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from explorer.errors import ExportError
from explorer.inference.gate import MOST_AT_ONCE
from explorer.paths import cache_dir, replacing_file

VERSION = 1
"""Increase it whenever the check becomes stricter."""

_MOST_KEPT = 1_000


def network_key(content: bytes, shape: tuple[int, ...]) -> str:
    """Return a hash of a network and of its input shape without the batch, on which the tensor sizes depend."""
    digest = hashlib.sha256(repr(tuple(shape)).encode())
    digest.update(content)
    return digest.hexdigest()


def find_passed(key: str) -> int | None:
    """Return the maximum batch size of a network that has passed, else None."""
    try:
        version, at_once = (int(number) for number in (_folder() / key).read_text("ascii").split())
    except (OSError, ValueError):
        return None
    return at_once if version == VERSION and 1 <= at_once <= MOST_AT_ONCE else None


def keep_passed(key: str, at_once: int) -> None:
    """Store that a network has passed; write errors are ignored."""
    folder = _folder()
    with suppress(OSError, ExportError):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing_file(folder / key) as temporary:
            temporary.write_text(f"{VERSION} {at_once}\n", "ascii")
        kept = list(folder.iterdir())
        if len(kept) > _MOST_KEPT:
            min(kept, key=lambda path: path.stat().st_mtime).unlink(missing_ok=True)


def _folder() -> Path:
    return cache_dir() / "checked-networks"
