"""The interface of a source of images, and its implementation in memory."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from explorer.data.attributes import Attributes
from explorer.data.choices import NO_CHOICES, Choices, Layout
from explorer.data.mixer import shown
from explorer.data.preprocessing import DTYPES, Depth, Preprocessing, Reading, check_images, to_pil_image
from explorer.data.splits import Splits
from explorer.errors import DataError
from explorer.messages import NO_MESSAGE, Message, Value, message
from explorer.types import ImageShape, Indices, Pixels, Progress

Status = Literal["embedded", "present", "missing"]
UNLABELED = -1
"""The label of an image without one, in a source with labels."""


_STREAMED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Skipped:
    """An image or another file that could not be used, with the reason."""

    name: str
    reason: Message


@dataclass(frozen=True)
class Found:
    """How a file was read, and how else it could be read: what a user may change by `Choices`.

    Attributes
    ----------
    dtype
        Of the values in the file: ``uint8``, ``uint16``, ``float32``, …
    range
        The values that became 0 and 1; None for 8-bit images.
    arrays
        Names of the arrays in the file that may be images, if there are several.
    frames
        Number of frames or pages in the files that have several; 0 without any.
    layout
        Order of the axes of the array; empty if there was no choice.
    channels
        Number of channels in the file; 0 if unknown.
    alpha
        Whether the last channel is transparency: composited over white, unless channels are chosen.
    """

    dtype: str = "uint8"
    range: tuple[float, float] | None = None
    arrays: tuple[str, ...] = ()
    frames: int = 0
    layout: Layout = ""
    channels: int = 0
    alpha: bool = False


@dataclass(frozen=True)
class Facts:
    """Metadata of a source, before it is read.

    Attributes
    ----------
    name
        Short: a known name, or the last part of a path.
    spec
        Argument of `open_source`: a known name, or an absolute path.
    license, attribution
        Of the images; empty for the user's own.
    status
        ``embedded``: included with the program, ``present``: on this machine, ``missing``: not downloaded yet.
    how
        Its origin, or how to get it.
    crop
        Pixels that are usually cropped from each side before the resize; 0 for none.
    choices
        How to read it, where it can be read in several ways.
    found
        How it was read; None before.
    """

    name: str
    title: str
    spec: str
    license: str = ""
    attribution: str = ""
    status: Status = "present"
    how: Message = NO_MESSAGE
    crop: int = 0
    choices: Choices = NO_CHOICES
    found: Found | None = None


class Source(abc.ABC):
    """Images in a fixed order, with splits and perhaps labels.

    Attributes
    ----------
    image_shape
        Native height, width and channels, or None if sizes differ.
    labels, label_names
        int64 ``(n,)``, -1 for an image without one, and the name of each label; or None.
    skipped
        Files that could not be used, and images that turned out to be unreadable.
    attributes
        Further columns by name, with one value per image; may be empty.
    provisional
        Whether another source follows soon that `continues` this one.
    choices, found
        How it should be read, and how it was read.
    depth
        Bits of each value of its images.
    """

    provisional = False
    depth: Depth = 8

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
                    "Attribute “{column}” of “{source}” has {found:# value|# values} for {count:# image|# images}. "
                    "Give one value per image.",
                    column=column,
                    source=facts.name,
                    found=len(attribute),
                    count=count,
                )
        self.name = facts.name
        self.title = facts.title
        self.spec = facts.spec
        self.license = facts.license
        self.attribution = facts.attribution
        self.status: Status = facts.status
        self.how = facts.how
        self.crop = facts.crop
        self.choices = facts.choices
        self.found = facts.found or Found(channels=image_shape[2] if image_shape else 0)
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
    def pil_image(self, index: int) -> Image.Image:
        """Return one image without preprocessing; one of more than 8 bits or 3 channels as it is shown.

        Raises DataError if there is no such image, or it cannot be read (any more).
        """

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        found = dict(self._unreadable)
        return (*self._skipped, *(found[position] for position in sorted(found)))

    @property
    def unreadable(self) -> int:
        return len(self._unreadable)

    def read_available(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> tuple[Pixels, Indices]:
        """Read the readable ones of some images; the others are in `skipped` from then on.

        Returns pixels ``(m, h, w, c)``, and their positions in the source, int64 ``(m,)``, in the order of `indices`.
        DataError if there is no such image.
        """
        positions = self.positions(indices)
        return self.read(positions, preprocessing), positions

    @abc.abstractmethod
    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        """Return images ``(n, h, w, c)`` of the preprocessing's dtype in the order of `indices`.

        Raises DataError if there is no such image, or one cannot be read (any more).
        """

    def read_uncached(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        """Do as `read` for a preprocessing that is rarely used again, such as one for each image: without a cache."""
        return self.read(indices, preprocessing)

    def streaming(self, indices: Indices, preprocessing: Preprocessing, room: int) -> Iterator[Progress | PixelRows]:
        """Prepare to read images repeatedly: yields progress, and last the readable rows.

        Rows up to `room` bytes are kept in memory; larger ones are read on demand. DataError if none can be read, or
        disk space does not suffice.
        """
        rows = PixelRows(self, self.positions(indices), preprocessing)
        if rows.nbytes <= room:
            pixels = np.empty(rows.shape, preprocessing.dtype)
            for start in range(0, len(rows), _STREAMED_AT_ONCE):
                yield Progress(start, len(rows), message("Reading images"))
                pixels[start : start + _STREAMED_AT_ONCE] = rows[start : start + _STREAMED_AT_ONCE]
            rows = PixelRows(self, rows.indices, preprocessing, pixels=pixels)
        yield rows

    def continues(self, other: Source | None) -> bool:
        """Return whether this is `other`, or its more complete successor."""
        return self is other

    def position_in(self, other: Source, index: int) -> int | None:
        """Return the position in `other`, which continues this source, of the image at `index`; None if omitted."""
        return index

    @abc.abstractmethod
    def _hash_content(self) -> str:
        """Return the SHA-256 of the images, in hexadecimal digits."""

    def content_hash(self) -> str:
        """The SHA-256 of the images in hexadecimal digits; the same on every machine, computed once."""
        if not self._content_hash:
            self._content_hash = self._hash_content()
        return self._content_hash

    def reading(self) -> Reading:
        """Return how it was read, for the preprocessing of a model that learns from it."""
        low, high = self.found.range or (None, None)
        chosen = self.choices
        return Reading(
            low=low,
            high=high,
            depth=self.depth,
            array=chosen.array,
            frames=chosen.frames,
            layout=chosen.layout,
            channels=chosen.channels,
        )

    def label(self, index: int) -> str:
        if self.labels is None:
            return ""
        value = int(self.labels[self.positions([index])[0]])
        if value == UNLABELED:
            return ""
        return self.label_names[value] if self.label_names is not None else str(value)

    def file_name(self, index: int) -> str:
        """Return the name of one image's file inside the source; empty if it has no file."""
        return ""

    def skipped_among(self, indices: Indices) -> tuple[Skipped, ...]:
        """Return the skipped ones of some images, which turned out to be unreadable."""
        names = {self.file_name(index) for index in indices.tolist()}
        return tuple(one for one in self.skipped if one.name in names)

    def positions(self, indices: Sequence[int] | Indices) -> Indices:
        """Return `indices` as int64 ``(n,)``, checked; DataError if one is out of range."""
        positions = np.asarray(indices, dtype=np.int64).reshape(-1)
        outside = positions[(positions < 0) | (positions >= self.count)]
        if len(outside):
            raise DataError(
                "“{source}” has no image {index}. Choose one from 0 to {last}.",
                source=self.name,
                index=int(outside[0]),
                last=self.count - 1,
            )
        return positions


def range_differs(preprocessing: Preprocessing, source: Source) -> Message | None:
    """Return a warning if the values of a source have another range than those that a model learned from, or None."""
    learned, found = preprocessing.reading.range, source.found.range
    plain = preprocessing.reading.depth == source.depth == 8  # then a missing range is the whole range of the values
    if learned == found or (plain and None in (learned, found)):
        return None
    if found is None:
        return message(
            "The model learned from values of {learned}. It gets the 8 bits of “{source}” in the same range: expect "
            "other results.",
            learned=range_text(learned),
            source=source.name,
        )
    if learned is None:
        return message(
            "The model learned from 8-bit images. It gets the values {found} of “{source}” as 0 to 255.",
            source=source.name,
            found=range_text(found),
        )
    return message(
        "The model learned from values of {learned}, and the range of “{source}” is {found}. Choose the same range, or "
        "expect other results.",
        learned=range_text(learned),
        source=source.name,
        found=range_text(found),
    )


def range_text(limits: tuple[float, float] | None) -> Value:
    """Return a range of values in words."""
    return message("8 bits (0 to 255)") if limits is None else f"{limits[0]:g} … {limits[1]:g}"


class PixelRows:
    """Preprocessed images of a source, indexed like an array ``(n, h, w, c)`` and read on demand.

    `pixels` are the images, if they are in memory; `left_out` are requested images that cannot be read.
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
        self.dtype = preprocessing.dtype
        self.nbytes = len(indices) * preprocessing.row_bytes

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, chosen: Indices | slice) -> Pixels:
        """Return some images ``(m, h, w, c)`` of the preprocessing's dtype."""
        if self.pixels is not None:
            return self.pixels[chosen]
        return self.source.read(self.indices[chosen], self.preprocessing)

    def first(self, count: int) -> PixelRows:
        pixels = None if self.pixels is None else self.pixels[:count]
        return PixelRows(self.source, self.indices[:count], self.preprocessing, self.left_out, pixels)


class ArraySource(Source):
    """Images in memory, ``(n, h, w, c)`` of uint8, uint16 or float32 and 1 to 16 channels; not copied, not modified.

    Raises DataError if the array is empty or has another shape or dtype, or the number of labels differs.
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
        check_images(images, message("The images of “{source}”", source=facts.name))
        if not images.size:
            raise DataError("“{source}” has no images. Choose another file.", source=facts.name)
        count, height, width, channels = images.shape
        if labels is not None and len(labels) != count:
            raise DataError(
                "“{source}” has {found:# label|# labels} for {count:# image|# images}. Give one label per image.",
                source=facts.name,
                found=len(labels),
                count=count,
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
        self.depth = next(depth for depth, dtype in DTYPES.items() if images.dtype == dtype)

    def pil_image(self, index: int) -> Image.Image:
        return to_pil_image(shown(self._images[self.positions([index])[0]]))

    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        return preprocessing.array_pixels(self._images[self.positions(indices)])

    def _hash_content(self) -> str:
        digest = hashlib.sha256(repr(self._images.shape).encode())
        digest.update(np.ascontiguousarray(self._images).data)
        return digest.hexdigest()
