"""Frames and sheets out. A new format is one file here and one line in `FORMATS`."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import ExportError
from explorer.export.frames import AnimationSettings, ExportFormat
from explorer.export.gif import possible_fps, write_gif
from explorer.export.sheet import write_sheet

__all__ = ["FORMATS", "AnimationSettings", "ExportFormat", "format_of"]

FORMATS: dict[str, ExportFormat] = {
    ".gif": ExportFormat("Animated GIF", write_gif, animated=True, possible_fps=possible_fps),
    ".png": ExportFormat("Contact sheet (PNG)", write_sheet, animated=False, possible_fps=float),
}
"""Formats by the suffix of the file, lower case, with its dot."""


def format_of(path: Path) -> ExportFormat:
    """Return the format that a file's suffix stands for, in whatever case.

    Raises
    ------
    ExportError
        If none does; the message lists the known ones.
    """
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise ExportError(
            f"a file that ends in {', '.join(FORMATS)}", f"“{path.name}”", "Give the file one of these endings."
        ) from None
