"""Folders of TIFF files with several channels, as microscopes write them: pages of a file are channels, not images."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.choices import refuse_unused
from explorer.data.image_listing import is_image
from explorer.data.source import Facts, Source
from explorer.data.sources.containers import Column, LeftOut, Rows, Stack, check_stack, chosen_frames, pieces
from explorer.data.sources.entry import PathKind
from explorer.data.sources.stack_folder import FILES, StackFiles, first_images, scan_files
from explorer.data.sources.tiff import SUFFIXES, has_channels, images_of_kind, in_range, plans_of
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reader import Handed
from explorer.reading import reason_of
from explorer.types import Progress

_HEADERS_AT_ONCE: Final = 20


def takes(path: Path) -> bool:
    """Return whether the first image in a folder, or below it, is a TIFF file with channels."""
    first = first_images(path, is_image)[:1] if path.is_dir() else []
    return any(one.suffix.lower() in SUFFIXES and has_channels(one) for one in first)


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the TIFF files of a folder; see `PathKind.scan_as`.

    Labels, splits and tables are as in `explorer.data.sources.folder`. Files whose images have another shape or dtype
    than most are skipped. DataError if no file can be read.
    """
    refuse_unused(facts.choices, ("range", "frames", "channels"), facts.name)
    others = message("It is no TIFF file, as the others.")
    yield from scan_files(facts, path, StackFiles("tiff folder", _is_tiff, others, in_range))


def _is_tiff(folder: str | Path, name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_tiffs(
    files: tuple[Handed, ...], *, frames: str, names: tuple[str, ...]
) -> Iterator[Stack | Rows | Column | LeftOut | Progress]:
    """Read the images of the files of these names in a folder, and the number of the file of each; see `scan_as`."""
    (folder,) = files
    kinds: list[Counter[Any]] = []
    measured = False
    for number, name in enumerate(names):
        if number % _HEADERS_AT_ONCE == 0:
            yield Progress(number, len(names), message("Reading image headers"))
        try:
            with _opened(folder, name) as tiff:
                plans = [plan for plan in plans_of(tiff) if plan is not None]
                if not plans:
                    raise DataError("It has no images.")
                kinds.append(Counter({plan.kind: len(plan.order) for plan in plans[:1]}))
                for plan in plans[1:]:
                    kinds[-1][plan.kind] += len(plan.order)
                measured = measured or any(plan.measured for plan in plans)
        except Exception as error:  # tifffile raises anything
            kinds.append(Counter())
            yield LeftOut(name, _unreadable(error))
    firsts = Counter(next(iter(found)) for found in kinds if found)
    if not firsts:
        raise DataError(
            "Cannot open {file}: none of its TIFF files has images. Choose another folder.", file=folder.name
        )
    ((kind, _),) = firsts.most_common(1)
    chosen: list[tuple[int, range]] = []
    for number, found in enumerate(kinds):
        if found and kind not in found:
            yield LeftOut(names[number], message("Its images have another shape or dtype than most."))
        elif found:
            try:
                chosen.append((number, chosen_frames(frames, found[kind], names[number])))
            except DataError as error:
                yield LeftOut(names[number], error.message)
    (height, width, channels), dtype = kind
    most = max(found[kind] for found in kinds)
    count = sum(len(places) for _, places in chosen)
    stack = Stack(
        dtype, (count, height, width, channels), frames=most if most > 1 else 0, measured=measured, fewer=True
    )
    yield check_stack(stack, folder.name, sum(os.path.getsize(folder.path / names[number]) for number, _ in chosen))
    read: list[int] = []
    failure: DataError | None = None
    for number, places in chosen:
        try:
            with _opened(folder, names[number]) as tiff:
                images = images_of_kind(plans_of(tiff), kind)
                for place in places:
                    plan, pages = images[place]
                    yield from pieces(plan.image(pages, names[number]))
                    read.append(number)
        except Exception as error:
            failure = error if isinstance(error, DataError) else failure
            yield LeftOut(names[number], _unreadable(error))
    if failure is not None and not read:
        raise failure
    yield Column(FILES, np.array(read, np.float32))


@contextmanager
def _opened(folder: Handed, name: str) -> Iterator[Any]:
    import tifffile

    with (folder.path / name).open("rb") as file, tifffile.TiffFile(file, name=name, _multifile=False) as tiff:
        yield tiff


def _unreadable(error: Exception) -> Message:
    if isinstance(error, DataError):
        return error.message
    return message("It cannot be read: {reason}.", reason=reason_of(error))


KIND = PathKind(message("a folder of TIFF files with channels"), takes, scan_as)
