"""Folders of TIFF files with several channels, as microscopes write them: pages of a file are channels, not images."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.choices import refuse_unused
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.image_listing import descend, is_folder, list_folder, natural_key
from explorer.data.source import Facts, Skipped, Source
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import Column, LeftOut, Rows, Stack, check_stack, chosen_frames, pieces, stream
from explorer.data.sources.entry import PathKind
from explorer.data.sources.folder import labels_of, splits_of
from explorer.data.sources.tiff import SUFFIXES, has_channels, images_of_kind, in_range, plans_of
from explorer.data.tables import find_tables, read_tables, take_labels
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reader import Handed
from explorer.reading import reason_of
from explorer.types import Progress

_LOOKED_AT: Final = 200
_DEPTH: Final = 3
_FEW_FOLDERS: Final = 3
_HEADERS_AT_ONCE: Final = 20
_FILES: Final = "file"
"""Column with the number of each image's file."""


def takes(path: Path) -> bool:
    """Return whether the first image in a folder, or below it, is a TIFF file with channels."""
    first = _first_image(path, _DEPTH) if path.is_dir() else None
    return first is not None and first.suffix.lower() in SUFFIXES and has_channels(first)


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the TIFF files of a folder; see `PathKind.scan_as`.

    Labels, splits and tables are as in `explorer.data.sources.folder`. Files whose images have another shape or dtype
    than most are skipped. DataError if no file can be read.
    """
    refuse_unused(facts.choices, ("range", "frames", "channels"), facts.name)
    root, passed = descend(path)
    index = yield from list_folder(root)
    used = np.array([at for at, name in enumerate(index.names) if name.lower().endswith(SUFFIXES)], np.int64)
    names = tuple(index.names[at] for at in used.tolist())
    contents = yield from stream("tiff folder", [root], {"frames": facts.choices.frames, "names": names}, path.name)
    files = used[contents.columns.pop(_FILES).values.astype(np.int64)]
    others = set(index.names) - set(names)
    contents.skipped += [
        *index.notes,
        *(Skipped(name, message("It is no TIFF file, as the others.")) for name in others),
    ]
    beside = read_tables(find_tables([root, *passed] if index.has_table else passed, root), index.names)
    columns = {name: column.take(files) for name, column in beside.columns.items()}
    labels, label_names = labels_of(index, index.labels[files])
    if labels is None and (found := take_labels(columns)):
        labels, label_names = found
    contents.skipped += beside.notes
    contents.columns |= columns
    source = source_of(facts, in_range(contents))
    source.labels, source.label_names = labels, label_names
    given = None
    if beside.parts is not None and len(index.parts) == 1:
        given = replace(beside, parts=beside.parts[files]).splits()
    source.splits = given or splits_of(index, files, several=len(set(files.tolist())) < len(files))
    yield source


def _first_image(folder: Path, depth: int) -> Path | None:
    """Return the first of a few images in a folder, or else of its first folder with any."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, is_folder(entry)) for entry in islice(entries, _LOOKED_AT)]
    except OSError:
        return None
    names = sorted((name for name, inner in found if not (inner or name.startswith("."))), key=natural_key)
    images = [name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    if images:
        return folder / images[0]
    inside = sorted((name for name, inner in found if inner and not name.startswith(".")), key=natural_key)
    below = (_first_image(folder / name, depth - 1) for name in inside[:_FEW_FOLDERS] if depth)
    return next((image for image in below if image is not None), None)


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
    yield Column(_FILES, np.array(read, np.float32))


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
