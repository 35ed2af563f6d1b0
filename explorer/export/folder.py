"""A folder of frames: one PNG per frame, and the recipe."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from explorer.errors import ExportError
from explorer.export.frames import WRITING, ExportFormat, ExportSettings
from explorer.export.layout import cells_of, finished, strip_below
from explorer.export.recipe import MAX_TEXT
from explorer.export.sheet import write_png
from explorer.messages import message
from explorer.paths import replacing_folder
from explorer.types import Pixels, Progress, Shown

FOLDER_FILE, OLD_FOLDER_FILE = "animation.json", "film.json"
"""File of the recipe; its name in version 1."""

_OURS = re.compile(rf"frame-[0-9]+\.png|{re.escape(FOLDER_FILE)}|{re.escape(OLD_FOLDER_FILE)}")


def write_folder(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write each frame as ``frame-0001.png`` and so on, a job like `explorer.export.gif.write_gif`.

    An existing folder is replaced only if it is empty, or contains nothing but an earlier export. ExportError if the
    frames are invalid, the folder contains anything else, or it cannot be written.
    """
    digits = max(4, len(str(total)))
    strip: Shown | None = None
    with replacing_folder(path, replaceable=check_frames) as folder:
        for number, cells in enumerate(cells_of(frames, total, settings), start=1):
            strip = strip_below(cells, settings) if number == 1 else strip
            write_png(finished(cells, strip, settings), folder / f"frame-{number:0{digits}}.png")
            yield Progress(number, total, WRITING)
        if settings.recipe is not None:
            (folder / FOLDER_FILE).write_text(settings.recipe.to_text() + "\n", encoding="ascii")


def check_frames(path: Path, *, force: bool = True) -> None:
    """Raise ExportError if frames must not replace `path`; without `force` also if it contains earlier frames."""
    if not path.parent.is_dir():
        raise ExportError(
            "Cannot write “{file}”: the folder {folder} does not exist. Create it, or choose another.",
            file=path.name,
            folder=path.parent,
        )
    if not os.path.lexists(path):
        return
    try:
        names = [] if path.is_symlink() else [entry.name for entry in path.iterdir()]
    except OSError:
        names = None
    if names is None or path.is_symlink():
        raise ExportError("Cannot write {folder}: it is not a folder of frames. Choose another name.", folder=path)
    strangers = [name for name in names if not _OURS.fullmatch(name)]
    if strangers:
        raise ExportError(
            "Cannot write {folder}: it contains “{file}”, which is not a frame. Choose another name.",
            folder=path,
            file=strangers[0],
        )
    if names and not force:
        raise ExportError(
            "Cannot write {folder}: it already exists. Choose another name, or replace it with --force.", folder=path
        )


def _read_text(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MAX_TEXT + 1)


FORMAT = ExportFormat("", message("Folder of frames"), write_folder, rb"\s*\{", _read_text, animated=False, loops=False)
