"""Estimate the size of an exported animation from a few of its frames."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from explorer.errors import UsageError
from explorer.export.frames import ExportFormat, ExportSettings
from explorer.types import Pixels


def estimate_bytes(
    kind: ExportFormat, frames: Sequence[Pixels], total: int, settings: ExportSettings, moving: int | None = None
) -> int:
    """Estimate the size of an exported animation in bytes.

    The given frames are written twice, the first alone and all of them, to find the size per frame; if the amount of
    change varies strongly, the error may be 50%. Not for the main thread: it takes as long as an export of these
    frames. UsageError if there are too few frames, ExportError if the format cannot write them.

    Parameters
    ----------
    frames
        Consecutive frames, at least two if the animation has more than one; ten are enough.
    total
        Number of frames of the animation.
    moving
        Number of frames that differ from the previous one; None for all but the first. Equal frames add little.
    """
    if not frames or (len(frames) < 2 < total):
        raise UsageError("An estimate needs at least two consecutive frames, not {count}.", count=len(frames))
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        first = _written(kind, frames[:1], Path(folder) / "one", settings)
        if total < 2 or len(frames) < 2:
            return first
        # Without the recipe, whose size does not depend on the number of frames.
        several = _written(kind, frames, Path(folder) / "several", replace(settings, recipe=None))
        bare = _written(kind, frames[:1], Path(folder) / "bare", replace(settings, recipe=None))
    each = max(several - bare, 0) / (len(frames) - 1)
    return round(first + each * min(total - 1, total - 1 if moving is None else moving))


def _written(kind: ExportFormat, frames: Sequence[Pixels], path: Path, settings: ExportSettings) -> int:
    for _ in kind.write(iter(frames), len(frames), path, settings):
        pass
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
