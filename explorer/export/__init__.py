"""Export of animations and contact sheets. A new format is one file here and one line in `FORMATS`."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import ExportError
from explorer.export import apng, contact_sheet, folder, gif, mp4, ome_tiff, webp
from explorer.export.frames import ExportFormat, ExportSettings
from explorer.export.ome_tiff import is_ome_tiff

__all__ = ["FOLDER", "FORMATS", "ExportFormat", "ExportSettings", "format_of"]

FORMATS: dict[str, ExportFormat] = {
    kind.suffix: kind
    for kind in (
        gif.FORMAT,
        webp.FORMAT,
        apng.FORMAT,
        mp4.FORMAT,
        contact_sheet.FORMAT,
        ome_tiff.FORMAT,
    )
}  # fmt: skip
"""Formats by file extension."""

FOLDER = folder.FORMAT
"""One PNG per frame; the format of names without extension."""


def format_of(path: Path) -> ExportFormat:
    """Return the format of a file extension in any case; `FOLDER` for a folder or a name without extension.

    ExportError if the extension is unknown.
    """
    if path.is_dir() or not path.suffix:
        return FOLDER
    if is_ome_tiff(path):
        return ome_tiff.FORMAT
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise ExportError(
            "Cannot export to “{file}”: unknown format. Use one of {known}, or no extension for a folder of frames.",
            file=path.name,
            known=list(FORMATS),
        ) from None
