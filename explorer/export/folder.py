"""A folder of frames: one PNG each, and the recipe beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from explorer.errors import ExportError
from explorer.export.frames import AnimationSettings
from explorer.export.layout import cells_of, finished, strip_below
from explorer.export.recipe_file import FOLDER_FILE
from explorer.export.sheet import write_png
from explorer.paths import replacing_folder
from explorer.types import Pixels, Progress

_OURS = re.compile(rf"frame-[0-9]+\.png|{re.escape(FOLDER_FILE)}")


def write_folder(frames: Iterable[Pixels], total: int, path: Path, settings: AnimationSettings) -> Iterator[Progress]:
    """Write each frame as ``frame-0001.png`` and so on, a job like `explorer.export.gif.write_gif`.

    An existing folder is replaced only if it is empty, or holds nothing but frames of an earlier export.

    Raises
    ------
    ExportError
        If the frames are not as said, the folder holds anything else, or it cannot be written.
    """
    digits = max(4, len(str(total)))
    strip: Pixels | None = None
    with replacing_folder(path, replaceable=check_frames) as folder:
        for number, cells in enumerate(cells_of(frames, total, settings), start=1):
            strip = strip_below(cells, settings) if number == 1 else strip
            write_png(finished(cells, strip, settings), folder / f"frame-{number:0{digits}}.png")
            yield Progress(number, total, "writing frames")
        if settings.recipe is not None:
            (folder / FOLDER_FILE).write_text(settings.recipe.to_text() + "\n", encoding="ascii")


def check_frames(path: Path, *, force: bool = True) -> None:
    """Raise ExportError where frames must not take the place of `path`; without `force` nor of earlier frames."""
    if not path.parent.is_dir():
        raise ExportError(
            "a folder to write into", f"{path.parent}, which does not exist", "Make the folder, or choose another."
        )
    if not os.path.lexists(path):
        return
    try:
        names = [] if path.is_symlink() else [entry.name for entry in path.iterdir()]
    except OSError:
        names = None
    if names is None or path.is_symlink():
        raise ExportError("an empty folder, or one of frames", f"{path}, which is none", "Choose another name.")
    strangers = [name for name in names if not _OURS.fullmatch(name)]
    if strangers:
        raise ExportError(
            "an empty folder, or one of frames", f"{path} with “{strangers[0]}” in it", "Choose another name."
        )
    if names and not force:
        raise ExportError(
            "a folder that does not exist yet",
            f"{path}, which does",
            "Choose another name, or replace it with --force.",
        )
