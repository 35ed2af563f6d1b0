"""How large a film will be, before it is made: from a few of its frames."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from explorer.errors import UsageError
from explorer.export.frames import AnimationSettings, ExportFormat
from explorer.types import Pixels


def estimate_bytes(
    kind: ExportFormat, frames: Sequence[Pixels], total: int, settings: AnimationSettings, moving: int | None = None
) -> int:
    """Estimate the size of a film.

    The given frames are written twice, the first alone and all of them; what each further one adds is what the rest
    will. Not for the main thread of a window: it takes as long as an export of so many frames.

    Parameters
    ----------
    kind
        The format.
    frames
        A run of neighbouring frames of the film, at least two where the film has more than one; ten are enough.
    total
        Frames of the film.
    settings
        How it will be written.
    moving
        How many frames differ from the one before; all but the first where None. Those that are held cost little.

    Returns
    -------
    int
        Bytes. For a film that changes much more in one place than in another it may be wrong by half.

    Raises
    ------
    UsageError
        If there are too few frames.
    ExportError
        If the format cannot write them.
    """
    if not frames or (len(frames) < 2 < total):
        raise UsageError("at least two frames of the film", str(len(frames)), "Decode a few neighbours.")
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        first = _written(kind, frames[:1], Path(folder) / "one", settings)
        if total < 2 or len(frames) < 2:
            return first
        # Without the recipe, which is there once and counted already.
        several = _written(kind, frames, Path(folder) / "several", replace(settings, recipe=None))
        bare = _written(kind, frames[:1], Path(folder) / "bare", replace(settings, recipe=None))
    each = max(several - bare, 0) / (len(frames) - 1)
    return round(first + each * min(total - 1, total - 1 if moving is None else moving))


def _written(kind: ExportFormat, frames: Sequence[Pixels], path: Path, settings: AnimationSettings) -> int:
    for _ in kind.write(iter(frames), len(frames), path, settings):
        pass
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
