"""Medical images in DICOM files: one file with its frames, or a folder of slices. Nothing else in them is read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.choices import refuse_unused
from explorer.data.extras import require
from explorer.data.image_listing import DICOM_SUFFIXES, is_dicom, is_image, is_image_or_dicom
from explorer.data.ranges import AnyArray
from explorer.data.source import Facts, Source
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import (
    Column,
    LeftOut,
    Rows,
    Stack,
    check_stack,
    chosen_frames,
    pieces,
    stream,
)
from explorer.data.sources.entry import PathKind, suffix_members, suffix_patterns
from explorer.data.sources.stack_folder import FILES, StackFiles, first_images, scan_files
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reader import Handed
from explorer.reading import reason_of
from explorer.types import Progress

_HEADERS_AT_ONCE: Final = 50
"""Headers that are read between two signs of life: a folder of thousands takes longer than a reader may be silent."""

_PLAIN_NAMES: Final = r"(?:(?:[a-z]{1,4}|image|slice)[-_.]?)?\d[-_.\d]*(?:MRDC\.\d+)?"
"""Names without an extension that scanners give: ``IM000001``, ``PT.1.2.840.113619``, ``i5383.MRDC.12``."""

_INVERTED: Final = "MONOCHROME1"
_TAGS: Final = [
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation"),
    *("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"),
]
"""All that is read beside the pixels; nothing about the patient."""

_KNOWN: Final = ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def takes(path: Path) -> bool:
    """Return whether it is a DICOM file, or a folder whose first images, in it or below, are mostly DICOM."""
    if not path.is_dir():
        return is_dicom(path.parent, path.name)
    first = first_images(path, is_image_or_dicom)
    return 2 * sum(not is_image(one.parent, one.name) for one in first) >= max(1, len(first))


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the frames of a DICOM file, or those of all files in a folder and those in it; see `PathKind.scan_as`.

    Values are rescaled as the file says, its window is the range, and MONOCHROME1 is inverted. Files whose images have
    another shape than most are skipped. Labels, splits and tables of a folder are as in
    `explorer.data.sources.folder`. DataError if no file can be read.
    """
    refuse_unused(facts.choices, ("range", "frames"), facts.name)
    require("dicom", message("DICOM"), path.name)
    if path.is_dir():
        yield from scan_files(
            facts, path, StackFiles("dicom", is_dicom, message("It is no DICOM file, as the others."))
        )
        return
    arguments = {"frames": facts.choices.frames, "names": ()}
    yield source_of(facts, (yield from stream("dicom", [path], arguments, path.name)))


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_dicom(
    files: tuple[Handed, ...], *, frames: str, names: tuple[str, ...]
) -> Iterator[Stack | Rows | Column | LeftOut | Progress]:
    """Read the frames of a DICOM file, or of the files of these names in a folder, and the file of each."""
    (handed,) = files
    headers: list[tuple[str, _Header]] = []
    for number, name in enumerate(names or ("",)):
        if names and number % _HEADERS_AT_ONCE == 0:
            yield Progress(number, len(names), message("Reading image headers"))
        try:
            dataset = _dataset(handed, name, stop_before_pixels=True, specific_tags=_TAGS)
            headers.append((name, _Header.of(dataset, name or handed.name)))
        except Exception as error:  # pydicom raises anything
            if not names:
                raise
            yield LeftOut(name, _unreadable(error))
    if not headers:
        raise DataError(
            "Cannot open {file}: none of its files is a DICOM image. Choose another folder.", file=handed.name
        )
    ((shape, _),) = Counter(header.shape for _, header in headers).most_common(1)
    used = [(name, header) for name, header in headers if header.shape == shape]
    first = used[0][1]
    for name, header in headers:
        if header.shape != shape:
            yield LeftOut(name, message("Its images have another shape than most."))
    dtype = first.dtype if all(header.dtype == first.dtype for _, header in used) else "<f4"
    ranges = [header.range for _, header in used if header.range is not None]
    limits = (min(low for low, _ in ranges), max(high for _, high in ranges)) if len(ranges) == len(used) else None
    chosen: list[tuple[str, _Header, range]] = []
    for name, header in used:
        try:
            chosen.append((name, header, chosen_frames(frames, header.frames, name or handed.name)))
        except DataError as error:
            if len(used) == 1:
                raise
            yield LeftOut(name, error.message)
    most = max(header.frames for _, header in used)
    stack = Stack(
        dtype,
        (sum(len(indices) for *_, indices in chosen), *shape),
        range=limits,
        frames=most if most > 1 else 0,
        fewer=bool(names),
    )
    yield check_stack(stack, handed.name, sum(os.path.getsize(handed.path / name) for name in names) or handed.size)
    yield from _read_frames(handed, names, chosen, dtype)


def _read_frames(
    handed: Handed, names: tuple[str, ...], chosen: Sequence[tuple[str, _Header, range]], dtype: str
) -> Iterator[Rows | Column | LeftOut]:
    """Read frames of a file, or of those of these names in a folder, and the number of the file of each."""
    numbers = {name: number for number, name in enumerate(names)}
    read: list[int] = []
    for name, header, indices in chosen:
        try:
            for values in _frames(handed, name, indices):
                yield from pieces(header.values(values).astype(dtype))
                read += [numbers[name]] if names else []
        except Exception as error:
            if not names:
                raise
            yield LeftOut(name, _unreadable(error))
    if names:
        yield Column(FILES, np.array(read, np.float32))


def _dataset(handed: Handed, name: str, **options: Any) -> Any:
    from pydicom import dcmread

    if not name:
        handed.file.seek(0)
    return dcmread(handed.path / name if name else handed.file, **options)


def _frames(handed: Handed, name: str, indices: range) -> Iterator[AnyArray]:
    """Yield decoded frames of a file; DataError if none of the decoders can."""
    from pydicom.pixels.utils import iter_pixels

    dataset = _dataset(handed, name)
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        yield from iter_pixels(dataset, indices=indices)
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(
            "Cannot open {file}: its compression, {syntax}, cannot be decoded. Save it uncompressed or as JPEG 2000.",
            file=name or handed.name,
            syntax=syntax.name,
        ) from error


@dataclass(frozen=True)
class _Header:
    """What is needed of a file to convert its values.

    Attributes
    ----------
    shape, frames, dtype
        Height, width and channels of an image; number of images; dtype of the converted values.
    ends
        Smallest and largest converted value that its bits can hold.
    range
        Ends of its window; None without one.
    """

    shape: tuple[int, int, int]
    frames: int
    dtype: str
    slope: float
    intercept: float
    inverted: bool
    ends: tuple[float, float]
    range: tuple[float, float] | None

    @classmethod
    def of(cls, dataset: Any, file: str) -> _Header:
        """Return the header of a dataset; DataError if it has no image of a known kind."""
        if "Rows" not in dataset or dataset.PhotometricInterpretation not in _KNOWN:
            raise DataError("Cannot open {file}: it has no image, or one in unknown colors. Choose another.", file=file)
        bits, signed = int(dataset.BitsStored), bool(dataset.get("PixelRepresentation", 0))
        slope, intercept = float(dataset.get("RescaleSlope", 1) or 1), float(dataset.get("RescaleIntercept", 0) or 0)
        allocated = max(8, int(dataset.BitsAllocated))
        rescaled = (slope, intercept) != (1, 0)
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        first, last = sorted((low * slope + intercept, high * slope + intercept))
        inverted = dataset.PhotometricInterpretation == _INVERTED
        window = _window(dataset)
        if inverted and window is not None:
            window = first + last - window[1], first + last - window[0]
        return cls(
            (int(dataset.Rows), int(dataset.Columns), int(dataset.SamplesPerPixel)),
            int(dataset.get("NumberOfFrames", 1) or 1),
            "<f4" if rescaled or allocated > 32 else np.dtype(f"{'i' if signed else 'u'}{allocated // 8}").str,
            slope,
            intercept,
            inverted,
            (first, last),
            window,
        )

    def values(self, stored: AnyArray) -> AnyArray:
        """Return the converted values of a frame, in the shape of the images."""
        if self.dtype == "<f4":
            stored = (stored * np.float64(self.slope) + self.intercept).astype(np.float32)
        if self.inverted:
            stored = (sum(self.ends) - stored.astype(np.float64)).astype(stored.dtype)
        return stored.reshape(self.shape)


def _window(dataset: Any) -> tuple[float, float] | None:
    """Return the ends of the first window of a file, or None without one."""
    center, width = (dataset.get(name) for name in ("WindowCenter", "WindowWidth"))
    if center in (None, "") or width in (None, ""):
        return None
    middle, whole = (float(one[0] if hasattr(one, "__len__") else one) for one in (center, width))
    # The formula of the standard, PS3.3 C.11.2.1.2.1.
    return (middle - 0.5 - (whole - 1) / 2, middle - 0.5 + (whole - 1) / 2) if whole > 1 else None


def _unreadable(error: Exception) -> Message:
    return (
        error.message
        if isinstance(error, DataError)
        else message("It cannot be read: {reason}.", reason=reason_of(error))
    )


KIND = PathKind(
    message("DICOM images"),
    takes,
    scan_as,
    label="DICOM images",
    patterns=suffix_patterns(DICOM_SUFFIXES),
    members=rf"{suffix_members(DICOM_SUFFIXES)}|{_PLAIN_NAMES}",
)
