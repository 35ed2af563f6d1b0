"""Export of animations and contact sheets. A new format is one file here and one line in `FORMATS`."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import ExportError
from explorer.export.apng import possible_fps as apng_fps
from explorer.export.apng import write_apng
from explorer.export.contact_sheet import write_sheet
from explorer.export.folder import write_folder
from explorer.export.frames import ExportFormat, ExportSettings
from explorer.export.gif import possible_fps as gif_fps
from explorer.export.gif import write_gif
from explorer.export.mp4 import possible_fps as mp4_fps
from explorer.export.mp4 import write_mp4
from explorer.export.webp import possible_fps as webp_fps
from explorer.export.webp import write_webp

__all__ = ["FOLDER", "FORMATS", "ExportFormat", "ExportSettings", "format_of"]

FORMATS: dict[str, ExportFormat] = {
    ".gif": ExportFormat("Animated GIF", write_gif, animated=True, possible_fps=gif_fps),
    ".webp": ExportFormat("Animated WebP", write_webp, animated=True, possible_fps=webp_fps),
    ".apng": ExportFormat("Animated PNG", write_apng, animated=True, possible_fps=apng_fps),
    ".mp4": ExportFormat("MP4 video", write_mp4, animated=True, possible_fps=mp4_fps),
    ".png": ExportFormat("Contact sheet (PNG)", write_sheet, animated=False, possible_fps=float),
}
"""Formats by file extension, in lower case with the dot."""

FOLDER = ExportFormat("Folder of frames", write_folder, animated=False, possible_fps=float)
"""One PNG per frame; the format of names without extension."""


def format_of(path: Path) -> ExportFormat:
    """Return the format of a file extension in any case; `FOLDER` for a folder or a name without extension.

    Raises
    ------
    ExportError
        If the extension is unknown.
    """
    if path.is_dir() or not path.suffix:
        return FOLDER
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise ExportError(
            "Cannot export to “{file}”: unknown format. Use one of {known}, or no extension for a folder of frames.",
            file=path.name,
            known=list(FORMATS),
        ) from None
