"""Denoise image files: one, or a whole folder into another folder. The originals are kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from PIL import Image

from explorer.data.decoding import open_image
from explorer.data.formats import IMAGE_SUFFIXES, WRITTEN_SUFFIXES
from explorer.data.preprocessing import Alpha, Preprocessing
from explorer.data.source import Skipped
from explorer.errors import DataError, ExportError
from explorer.export.ome_tiff import SUFFIXES
from explorer.messages import Message, Value, message
from explorer.models.denoising import clean_image, clean_values, range_note
from explorer.models.value_files import SUFFIX, read_values
from explorer.paths import check_apart, replacing_file, replacing_folder
from explorer.steps import follow
from explorer.types import Codec, Progress

_OPAQUE_FORMATS: Final = ("JPEG", "BMP", "PPM")
"""Formats without alpha; transparent images are composited on white for them."""

_SAVE_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    # Lossy compression would add artifacts to the denoised image.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_deflate"},
}
_PROFILE_KINDS: Final = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}


@dataclass(frozen=True)
class Cleaned:
    """The file or folder that `clean_files` wrote, its number of images, and those that were left out.

    `notes` say if the model learned from other values than those of the files, once for each reason.
    """

    count: int
    path: Path
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Message, ...] = ()


def suggested_output(path: Path) -> Path:
    """Return a name beside an image for its denoised copy: ``scan-clean.png``, ``cells-clean.ome.tif``."""
    name = path.name
    ending = next((name[-len(suffix) :] for suffix in SUFFIXES if name.lower().endswith(suffix)), path.suffix)
    written = ending if path.suffix.lower() in WRITTEN_SUFFIXES else ".png"
    return path.with_name(f"{name.removesuffix(ending)}-clean{written}")


@dataclass(frozen=True, eq=False)
class _Clean:
    """A denoised image: how to write it to a file in the format of a suffix, and in which formats that is possible."""

    write: Callable[[Path, str], None]
    fits: Callable[[str], bool]
    suffix: str
    note: Message


def clean_files(codec: Codec, preprocessing: Preprocessing, path: Path, out: Path) -> Iterator[Progress | Cleaned]:
    """Denoise an image, or all images of a folder and its subfolders: yields progress, then the result.

    An image is written to the file `out`, which is replaced, in the format of its suffix; those of a folder keep name,
    place and format in the folder `out`, which must not exist or be empty; formats that are only read become PNG. Of
    animations, the first frame is used. Alpha is kept where the format supports it, and composited on white otherwise.
    Colors are converted to sRGB; other metadata such as EXIF is not kept.

    Images of more than 8 bits, or of other channels than gray and color, keep the values of the file in their units and
    dtype, in TIFF (OME-TIFF for channels) or, gray and color of 16 bits, in PNG; in a folder those of other formats
    become TIFF. Of TIFF, all pages are denoised. Closing the generator removes what it wrote.

    Raises DataError if no image can be read, or the model takes another number of channels; ExportError if `out`
    overlaps with `path`, has an unknown suffix or one of too few bits, exists, or cannot be written.
    """
    if path.is_dir():
        yield from _clean_folder(codec, preprocessing, path, out)
        return
    _check_file(path, out)
    clean = yield from follow(_clean(codec, preprocessing, path, path.name, out), lambda step: step)
    with replacing_file(out) as temporary:
        clean.write(temporary, out.suffix)
    yield Cleaned(1, out, notes=(clean.note,) if clean.note else ())


def _clean(
    codec: Codec, preprocessing: Preprocessing, path: Path, name: Value, out: Path | None = None
) -> Iterator[Progress | _Clean]:
    """Denoise one file: yields progress, and the denoised image last; ExportError if it does not fit into `out`."""
    found = yield from read_values(path, codec.image_shape[2])
    if found is not None:
        if out is not None and not found.fits(out.suffix):
            raise ExportError(
                "Cannot write {file}: the image has {channels:# channel|# channels} of {dtype}. End the name in "
                "{suffix}.",
                file=out,
                channels=found.channels,
                dtype=str(found.images.dtype.newbyteorder("=")),
                suffix=".ome.tif" if found.measured else SUFFIX,
            )
        note = range_note(preprocessing, found.images, name)
        values = yield from follow(clean_values(codec, preprocessing, found), lambda step: step)
        yield _Clean(values.save, values.fits, SUFFIX, note)
        return
    pil_image = open_image(path)
    image = yield from follow(clean_image(codec, preprocessing, pil_image), lambda step: step)
    note = range_note(preprocessing, None, name)
    yield _Clean(partial(_save, image, pil_image), WRITTEN_SUFFIXES.__contains__, ".png", note)


def _clean_folder(codec: Codec, preprocessing: Preprocessing, folder: Path, out: Path) -> Iterator[Progress | Cleaned]:
    check_apart(out, [folder])
    files = _images_in(folder)
    skipped: list[Skipped] = []
    notes: dict[str, Message] = {}
    with replacing_folder(out, replaceable=_check_empty) as temporary:
        for number, file in enumerate(files):
            name = file.relative_to(folder)
            progress = Progress(number, len(files), message("{file}", file=name))
            yield progress
            try:
                clean = yield from follow(_clean(codec, preprocessing, file, str(name)), partial(_instead, progress))
            except DataError as error:
                skipped.append(Skipped(str(name), error.message))
                continue
            if clean.note:
                notes.setdefault(clean.note.template, clean.note)
            written = name if clean.fits(name.suffix.lower()) else name.with_name(f"{name.name}{clean.suffix}")
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            clean.write(temporary / written, written.suffix)
        if not files:
            raise DataError("There are no images in {folder}. Choose another folder.", folder=folder)
        if len(skipped) == len(files):
            raise DataError(
                "Cannot read any image in {folder}; for example {file}: {reason}. Choose another folder.",
                folder=folder,
                file=skipped[0].name,
                reason=skipped[0].reason,
            )
        yield Progress(len(files), len(files), message("Done"))
    yield Cleaned(len(files) - len(skipped), out, tuple(skipped), tuple(notes.values()))


def _instead(progress: Progress, step: Progress) -> Progress:
    """Return the progress of the folder for each step of one of its images."""
    return progress


def _check_file(path: Path, out: Path) -> None:
    if not path.is_file():
        raise DataError("{path} does not exist. Choose an image or a folder of images.", path=path)
    if out.suffix.lower() not in WRITTEN_SUFFIXES:
        raise ExportError(
            "Cannot write “{file}”: its suffix is not a known image format. Choose one of {suffixes}.",
            file=out.name,
            suffixes=sorted(WRITTEN_SUFFIXES),
        )
    if out.is_dir():
        raise ExportError("Cannot write {path}: it is a folder. Choose another name.", path=out)
    if not out.parent.is_dir():
        raise ExportError("The folder {folder} does not exist. Create it first.", folder=out.parent)
    check_apart(out, [path])


def _check_empty(out: Path) -> None:
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise ExportError(
            "Cannot write {path}: it already exists and is not an empty folder. Choose another name.", path=out
        )


def _images_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name.casefold() != "__macosx")
        images = sorted(name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES)
        found += [Path(place, name) for name in images if not name.startswith(".")]
    return found


def _save(clean: Image.Image, original: Image.Image, file: Path, suffix: str) -> None:
    """Write an image in the format of a suffix, with the original's color profile where it applies."""
    kind = Image.registered_extensions()[suffix.lower()]
    if kind in _OPAQUE_FORMATS:
        clean = Alpha().on_image(clean)
    options = dict(_SAVE_OPTIONS.get(kind, {}))
    profile = original.info.get("icc_profile")
    # A profile of another kind describes a color space that was converted when the image was opened.
    if isinstance(profile, bytes) and profile[16:20] == _PROFILE_KINDS[clean.mode]:
        options["icc_profile"] = profile
    try:
        clean.save(file, format=kind, **options)
    except ValueError as error:  # for example an image too large for its format
        raise ExportError(
            "Cannot save the image as {format}: {reason}. Choose another format.", format=kind, reason=error
        ) from error
