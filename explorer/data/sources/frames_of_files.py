"""The images in the files of a set: every frame of an animation and page of a TIFF, or one of each file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer.data.attributes import Attribute, Attributes
from explorer.data.choices import Choices
from explorer.data.decoding import open_together
from explorer.data.deep_pixels import DTYPES, Deep
from explorer.data.depth import common_range
from explorer.data.formats import Request
from explorer.data.frames import MAX_FRAMES
from explorer.data.ranges import Range, file_range
from explorer.data.source import Facts, Found, Skipped
from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Indices

Number = TypeVar("Number", bound=np.generic)

ONLY: Final = -1
"""The frame of a file that has no other."""

CHOICES: Final = ("range", "frames")
"""The choices of `explorer.data.choices.Choices` that files of images have."""

_CHANNELS, _FRAMES, _DTYPE = 2, 3, 4
SAMPLE: Final = 16
"""Files of more than 8 bits whose values give the range of all: spread evenly over the set."""


@dataclass(frozen=True, eq=False)
class FramesOfFiles:
    """The images in some files.

    Attributes
    ----------
    files
        The position of each image's file, int64 ``(n,)``.
    frames
        The frame of each image, int64 ``(n,)``, `ONLY` for a file with one; None if all files have one.
    skipped
        Files without the chosen frame, and those with more frames than are read.
    """

    files: Indices
    frames: Indices | None
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], headers: NDArray[np.int32], chosen: str) -> FramesOfFiles:
        """Choose frames of files by their names and headers (as in `explorer.data.image_index`)."""
        counts = np.maximum(1, headers[:, _FRAMES].astype(np.int64))
        many = tuple(
            Skipped(names[at], message("Only its first {most:,} frames are read", most=MAX_FRAMES))
            for at in np.flatnonzero(counts > MAX_FRAMES).tolist()
        )
        counts = np.minimum(counts, MAX_FRAMES)
        several = counts > 1
        files = np.arange(len(names), dtype=np.int64)
        if not several.any():
            return cls(files, None)
        if chosen in ("", "all"):
            frames = np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
            return cls(np.repeat(files, counts), np.where(np.repeat(several, counts), frames, ONLY), many)
        wanted = 0 if chosen == "first" else int(chosen)
        there = ~several | (counts > wanted)
        skipped = tuple(
            Skipped(names[at], message("It has only {count} frames", count=int(counts[at])))
            for at in np.flatnonzero(~there).tolist()
        )
        if not there.any():
            raise DataError(
                "There is no frame {frame}: “{name}” has frames 0 to {last}. Choose one of these.",
                frame=wanted,
                name=names[0],
                last=int(counts[0]) - 1,
            )
        return cls(files[there], np.where(several, wanted, ONLY)[there], skipped)

    def of_images(self, values: NDArray[Number]) -> NDArray[Number]:
        """Return rows of the files as rows of the images, not copied if each file has one image."""
        return values if self.frames is None else values[self.files]

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the images: ``file.tif#3`` for a frame of several."""
        if self.frames is None:
            return tuple(names)
        pairs = zip(self.files.tolist(), self.frames.tolist(), strict=True)
        return tuple(names[file] if frame == ONLY else f"{names[file]}#{frame}" for file, frame in pairs)

    def paths(self, names: Sequence[str]) -> Sequence[str]:
        return names if self.frames is None else [names[file] for file in self.files.tolist()]

    def columns(self, columns: Attributes) -> dict[str, Attribute]:
        """Return attributes of the files as those of the images."""
        if self.frames is None:
            return dict(columns)
        return {name: replace(one, values=one.values[self.files]) for name, one in columns.items()}

    def rows(self, rows: Indices) -> Indices:
        """Return cache rows of the images, by those of the files: further frames get unused ones."""
        if self.frames is None:
            return rows
        found = rows[self.files]
        further = self.frames > 0
        found[further] = int(rows.max()) + 1 + np.arange(int(further.sum()))
        return found


def found_in(facts: Facts, folder: Path, names: Sequence[str], headers: NDArray[np.int32]) -> Facts:
    """Return facts with how the files of a set are read: one range for all of its images of more than 8 bits."""
    deep = np.flatnonzero(headers[:, _DTYPE])
    counts = headers[:, _FRAMES]
    return replace(
        facts,
        found=Found(
            dtype=DTYPES[int(headers[deep, _DTYPE].max())] if len(deep) else "uint8",
            range=_range(facts.choices, folder, [names[at] for at in deep.tolist()]),
            frames=int(np.minimum(counts, MAX_FRAMES)[counts > 1].sum()),
            channels=int(headers[:, _CHANNELS].max(initial=0)),
        ),
    )


def _range(choices: Choices, folder: Path, deep: Sequence[str]) -> Range | None:
    """Return the chosen range of files of more than 8 bits, or one that covers a sample of them; None without any."""
    if not deep or choices.range is not None:
        return choices.range if deep else None
    return sampled_range([Request(folder / deep[at], deep[at]) for at in sampled(len(deep))])[0]


def sampled(count: int) -> list[int]:
    """Return the positions of a sample of some files."""
    return np.unique(np.linspace(0, count - 1, SAMPLE).astype(np.int64)).tolist() if count else []


def sampled_range(some: Sequence[Request]) -> tuple[Range | None, str]:
    """Return a range that covers some files, and the dtype of the deepest; None and empty without deep values.

    Files that cannot be read are ignored: they are named when they are read. DataError without a finite value.
    """
    ranges, dtypes = [], []
    for _, found in open_together(some, deep=True):
        if isinstance(found, Deep):
            ranges.append(file_range(found.colors))
            dtypes.append(DTYPES.index(found.values.dtype.name))
    return common_range(ranges), DTYPES[max(dtypes)] if dtypes else ""
