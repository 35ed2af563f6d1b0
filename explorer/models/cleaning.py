"""Clean picture files: one, or a folder of them into another folder. The originals stay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from explorer.data.formats import PICTURE_SUFFIXES, open_picture
from explorer.data.preprocessing import Alpha, Preprocessing
from explorer.data.source import Skipped
from explorer.errors import DataError, ExportError
from explorer.models.denoising import clean_picture
from explorer.paths import check_apart, replacing_file, replacing_folder
from explorer.types import Codec, Progress

_OPAQUE_FORMATS: Final = ("JPEG", "BMP", "PPM")
"""Formats without alpha; it is put on white for them."""

_SAVE_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    # What was cleaned is not to get new artefacts from being stored.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_deflate"},
}
_PROFILE_KINDS: Final = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}


@dataclass(frozen=True)
class Cleaned:
    """What was written.

    Attributes
    ----------
    count
        Pictures written.
    path
        The file, or the folder that holds them.
    skipped
        Pictures of the folder that could not be read, and why.
    """

    count: int
    path: Path
    skipped: tuple[Skipped, ...] = ()


def clean_files(codec: Codec, preprocessing: Preprocessing, path: Path, out: Path) -> Iterator[Progress | Cleaned]:
    """Clean a picture, or all pictures of a folder: yields progress, and what was written last.

    A picture is written in the format that the name of `out` ends in; those of a folder keep name, place and format.
    Animations give their first picture. Alpha is kept where the format has any, and put on white otherwise; colour
    profiles are kept; other notes, such as the camera's, are not. Closing the job leaves nothing behind.

    Parameters
    ----------
    codec, preprocessing
        The model.
    path
        A picture file, or a folder, whose sub-folders are gone through too.
    out
        For a picture a file, which is replaced if it exists; for a folder a folder that does not exist, or is empty.

    Raises
    ------
    DataError
        If there is no picture that can be read.
    ExportError
        If `out` is or lies in what is read, has another ending, exists, or cannot be written.
    """
    if path.is_dir():
        yield from _clean_folder(codec, preprocessing, path, out)
        return
    _check_file(path, out)
    picture = open_picture(path)
    for item in clean_picture(codec, preprocessing, picture):
        if isinstance(item, Progress):
            yield item
            continue
        with replacing_file(out) as temporary:
            _save(item, picture, temporary, out.suffix)
    yield Cleaned(1, out)


def _clean_folder(codec: Codec, preprocessing: Preprocessing, folder: Path, out: Path) -> Iterator[Progress | Cleaned]:
    check_apart(out, [folder])
    files = _pictures_in(folder)
    skipped: list[Skipped] = []
    with replacing_folder(out, replaceable=_check_empty) as temporary:
        for number, file in enumerate(files):
            name = file.relative_to(folder)
            yield Progress(number, len(files), str(name))
            try:
                picture = open_picture(file)
            except DataError as error:
                skipped.append(Skipped(str(name), str(error)))
                continue
            for item in clean_picture(codec, preprocessing, picture):
                if isinstance(item, Progress):
                    yield Progress(number, len(files), str(name))
                    continue
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                _save(item, picture, temporary / name, file.suffix)
        if len(skipped) == len(files):
            what = f"none that can be read: {skipped[0].reason}" if skipped else "none"
            raise DataError(f"pictures in {folder}", what, "Choose another folder.")
        yield Progress(len(files), len(files), "done")
    yield Cleaned(len(files) - len(skipped), out, tuple(skipped))


def _check_file(path: Path, out: Path) -> None:
    if not path.is_file():
        raise DataError("a picture or a folder of pictures", f"{path}, which does not exist", "Check the path.")
    if out.suffix.lower() not in PICTURE_SUFFIXES:
        endings = ", ".join(sorted(PICTURE_SUFFIXES))
        raise ExportError(f"a file that ends in one of {endings}", f"“{out.name}”", "Give it such an ending.")
    if out.is_dir():
        raise ExportError("a file to write", f"{out}, which is a folder", "Choose another name.")
    if not out.parent.is_dir():
        raise ExportError("a folder to write into", f"{out.parent}, which does not exist", "Make the folder first.")
    check_apart(out, [path])


def _check_empty(out: Path) -> None:
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise ExportError("a folder that does not exist yet, or is empty", f"{out}, which does", "Choose another name.")


def _pictures_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name.casefold() != "__macosx")
        pictures = sorted(name for name in names if Path(name).suffix.lower() in PICTURE_SUFFIXES)
        found += [Path(place, name) for name in pictures if not name.startswith(".")]
    return found


def _save(clean: Image.Image, original: Image.Image, file: Path, suffix: str) -> None:
    """Write a picture in the format of a suffix, with the colour profile of the original where it fits."""
    kind = Image.registered_extensions()[suffix.lower()]
    if kind in _OPAQUE_FORMATS:
        clean = Alpha().on_picture(clean)
    options = dict(_SAVE_OPTIONS.get(kind, {}))
    profile = original.info.get("icc_profile")
    # A profile of another kind belongs to colours that were converted when the picture was opened.
    if isinstance(profile, bytes) and profile[16:20] == _PROFILE_KINDS[clean.mode]:
        options["icc_profile"] = profile
    try:
        clean.save(file, format=kind, **options)
    except ValueError as error:  # a picture too large for its format, for one
        raise ExportError(f"a picture that {kind} can hold", f"“{error}”", "Choose another format.") from error
