"""What a source of pictures is, and the one that lies in memory."""

from __future__ import annotations

import abc
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from explorer.data.attributes import Attributes
from explorer.data.preprocessing import Preprocessing, array_picture
from explorer.data.splits import Splits
from explorer.errors import DataError
from explorer.types import ImageShape, Indices, Pixels, Progress

Status = Literal["embedded", "present", "missing"]
UNLABELLED = -1
"""The label of a picture without one, in a source where others have one."""


_STREAMED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Skipped:
    """A picture that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """What is known of a source before it is read.

    Attributes
    ----------
    name
        Short: a known name, or the last part of a path.
    title
        For people.
    spec
        What `open_source` takes to open it again: a known name, or an absolute path.
    licence, attribution
        Of the pictures; empty for the user's own.
    status
        ``embedded`` ships with the program, ``present`` lies on this machine, ``missing`` does not.
    how
        Where it comes from, or how to get it.
    crop
        Pixels that are usually cut off each side of these pictures before they are resized; 0 for none.
    """

    name: str
    title: str
    spec: str
    licence: str = ""
    attribution: str = ""
    status: Status = "present"
    how: str = ""
    crop: int = 0


class Source(abc.ABC):
    """Pictures in a fixed order, with splits and perhaps labels.

    Attributes
    ----------
    name, title, spec, licence, attribution, status, how, crop
        See `Facts`.
    count
        Number of pictures.
    image_shape
        Native height, width and channels, or None where the pictures' sizes differ.
    labels
        int64 ``(n,)``, -1 for a picture without one; or None.
    label_names
        Name of each label, or None.
    splits
        What is for training and what is held out.
    skipped
        Pictures that were left out, and those that turned out to be unreadable when they were read.
    attributes
        Further columns by name, each with a value a picture; empty where there are none.
    provisional
        Whether more will be known soon: another source follows that `continues` this one.
    """

    provisional = False

    def __init__(
        self,
        facts: Facts,
        *,
        count: int,
        image_shape: ImageShape | None,
        splits: Splits,
        labels: Indices | None = None,
        label_names: tuple[str, ...] | None = None,
        skipped: tuple[Skipped, ...] = (),
        attributes: Attributes | None = None,
    ) -> None:
        for column, attribute in (attributes or {}).items():
            if len(attribute) != count:
                raise DataError(
                    f"{count} values of “{column}” in {facts.name}",
                    str(len(attribute)),
                    "Check that both belong together.",
                )
        self.name = facts.name
        self.title = facts.title
        self.spec = facts.spec
        self.licence = facts.licence
        self.attribution = facts.attribution
        self.status: Status = facts.status
        self.how = facts.how
        self.crop = facts.crop
        self.count = count
        self.image_shape = image_shape
        self.splits = splits
        self.labels = labels
        self.label_names = label_names
        self._skipped = skipped
        self._unreadable: dict[int, Skipped] = {}
        self.attributes: Attributes = attributes or {}
        self._content_hash = ""

    @abc.abstractmethod
    def picture(self, index: int) -> Image.Image:
        """Return one picture as it is, before any preprocessing.

        Raises
        ------
        DataError
            If there is no such picture, or it cannot be read (any more).
        """

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Pictures that were left out, and those that turned out to be unreadable when they were read."""
        found = dict(self._unreadable)
        return (*self._skipped, *(found[position] for position in sorted(found)))

    @property
    def unreadable(self) -> int:
        """Number of pictures that count as pictures of the source, and turned out to be unreadable."""
        return len(self._unreadable)

    def read_available(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> tuple[Pixels, Indices]:
        """Read those pictures that can be read; the others are in `skipped` from then on.

        Returns
        -------
        pixels, indices
            Uint8 ``(m, h, w, c)``, and their positions in the source, int64 ``(m,)``, in the order of `indices`.

        Raises
        ------
        DataError
            If there is no such picture.
        """
        positions = self.positions(indices)
        return self.read(positions, preprocessing), positions

    @abc.abstractmethod
    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        """Return uint8 pictures ``(n, h, w, c)`` in the order of `indices`.

        Raises
        ------
        DataError
            If there is no such picture, or one cannot be read (any more).
        """

    def streaming(self, indices: Indices, preprocessing: Preprocessing, room: int) -> Iterator[Progress | PixelRows]:
        """Make ready to read pictures again and again: yields progress, and last the rows to read from.

        Parameters
        ----------
        indices
            Positions, ``(n,)``. Pictures that cannot be read are left out of the rows.
        preprocessing
            The recipe.
        room
            Rows that take so many bytes are held in memory; where they take more, they are read when they are asked
            for.

        Raises
        ------
        DataError
            If none can be read, or the disk has no room for them.
        """
        rows = PixelRows(self, self.positions(indices), preprocessing)
        if rows.nbytes <= room:
            pixels = np.empty(rows.shape, np.uint8)
            for start in range(0, len(rows), _STREAMED_AT_ONCE):
                yield Progress(start, len(rows), "reading pictures")
                pixels[start : start + _STREAMED_AT_ONCE] = rows[start : start + _STREAMED_AT_ONCE]
            rows = PixelRows(self, rows.indices, preprocessing, pixels=pixels)
        yield rows

    def continues(self, other: Source | None) -> bool:
        """Tell whether this is `other`, or what it became when more was known of it."""
        return self is other

    def position_in(self, other: Source, index: int) -> int | None:
        """Return where `other`, which continues this one, has the picture at `index`; None where it is left out."""
        return index

    @abc.abstractmethod
    def _hash_content(self) -> str:
        """Return the SHA-256 of the pictures, in hexadecimal digits."""

    def content_hash(self) -> str:
        """Return the SHA-256 of the pictures in hexadecimal digits; the same on every machine, computed once."""
        if not self._content_hash:
            self._content_hash = self._hash_content()
        return self._content_hash

    def label(self, index: int) -> str:
        """Return the name of a picture's label, or an empty string."""
        if self.labels is None:
            return ""
        value = int(self.labels[self.positions([index])[0]])
        if value == UNLABELLED:
            return ""
        return self.label_names[value] if self.label_names is not None else str(value)

    def file_name(self, index: int) -> str:
        """Return the name of one picture's file inside the source; empty where pictures are no files."""
        return ""

    def positions(self, indices: Sequence[int] | Indices) -> Indices:
        """Return `indices` as int64 ``(n,)``, checked.

        Raises
        ------
        DataError
            If one lies outside the source.
        """
        positions = np.asarray(indices, dtype=np.int64).reshape(-1)
        outside = positions[(positions < 0) | (positions >= self.count)]
        if len(outside):
            raise DataError(
                f"an index from 0 to {self.count - 1} into {self.name}", str(int(outside[0])), "Choose another picture."
            )
        return positions


class PixelRows:
    """Pictures of a source after a recipe, to be indexed as an array ``(n, h, w, c)`` is, and read only then.

    Parameters
    ----------
    source, indices, preprocessing
        Which pictures, int64 ``(n,)``, and what is done to them.
    left_out
        Pictures that were asked for and cannot be read.
    pixels
        The pictures themselves, where they lie in memory.

    Attributes
    ----------
    source, indices, preprocessing, left_out, pixels
        See above.
    shape, nbytes
        As of an array of them.
    """

    def __init__(
        self,
        source: Source,
        indices: Indices,
        preprocessing: Preprocessing,
        left_out: tuple[Skipped, ...] = (),
        pixels: Pixels | None = None,
    ) -> None:
        self.source = source
        self.indices = indices
        self.preprocessing = preprocessing
        self.left_out = left_out
        self.pixels = pixels
        self.shape: tuple[int, ...] = (len(indices), *preprocessing.image_shape)
        self.nbytes = math.prod(self.shape)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, chosen: Indices | slice) -> Pixels:
        """Return some pictures: uint8 ``(m, h, w, c)``."""
        if self.pixels is not None:
            return self.pixels[chosen]
        return self.source.read(self.indices[chosen], self.preprocessing)

    def first(self, count: int) -> PixelRows:
        """Return the first rows, at most so many."""
        pixels = None if self.pixels is None else self.pixels[:count]
        return PixelRows(self.source, self.indices[:count], self.preprocessing, self.left_out, pixels)


class ArraySource(Source):
    """Pictures that lie in memory.

    Parameters
    ----------
    facts
        What is known of them.
    images
        uint8 ``(n, h, w, c)``, channels 1 or 3. Not copied, not changed.
    splits, labels, label_names, attributes, skipped
        As in `Source`.

    Raises
    ------
    DataError
        If there is no picture, or the array has another shape or type, or the labels another number.
    """

    def __init__(
        self,
        facts: Facts,
        images: Pixels,
        splits: Splits,
        labels: Indices | None = None,
        label_names: tuple[str, ...] | None = None,
        attributes: Attributes | None = None,
        skipped: tuple[Skipped, ...] = (),
    ) -> None:
        if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape or images.shape[3] not in (1, 3):
            raise DataError(
                f"8-bit pictures (n, height, width, 1 or 3) in {facts.name}", f"{images.shape} of {images.dtype}"
            )
        count, height, width, channels = images.shape
        if labels is not None and len(labels) != count:
            raise DataError(
                f"one label a picture in {facts.name}",
                f"{len(labels)} labels for {count} pictures",
                "Check that both belong together.",
            )
        super().__init__(
            facts,
            count=count,
            image_shape=(height, width, channels),
            splits=splits,
            labels=labels,
            label_names=label_names,
            skipped=skipped,
            attributes=attributes,
        )
        self._images = images

    def picture(self, index: int) -> Image.Image:
        """Return one picture as it is."""
        return array_picture(self._images[self.positions([index])[0]])

    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        """Return uint8 pictures ``(n, h, w, c)`` in the order of `indices`."""
        return preprocessing.array_pixels(self._images[self.positions(indices)])

    def _hash_content(self) -> str:
        digest = hashlib.sha256(repr(self._images.shape).encode())
        digest.update(np.ascontiguousarray(self._images).data)
        return digest.hexdigest()
