"""OME-TIFF: the values of images with all channels and their depth, as microscopy programs open them.

Nothing is drawn: no colors of channels, scale, caption or images beside it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explorer.errors import ExportError
from explorer.export.frames import WRITING, ExportFormat, ExportSettings
from explorer.export.recipe import KEYWORD, MAX_TEXT, Recipe
from explorer.messages import message
from explorer.paths import replacing_file
from explorer.types import ImageShape, Pixels, Progress

SUFFIXES = (".ome.tif", ".ome.tiff")
_MARK = KEYWORD.encode()
_TRAILER = struct.Struct(f"<Q{len(_MARK)}s")
"""After the recipe: its number of bytes, and who wrote it."""

_CLASSIC_BYTES = (4 << 30) - (64 << 20)
"""Most bytes of values in a TIFF with 32-bit offsets; larger ones are BigTIFF."""


@dataclass(frozen=True, eq=False)
class ImageStack:
    """Images of one shape and dtype under a name: `count` of them ``(h, w, c)``, perhaps made while they are written.

    `description` says what the values mean.
    """

    name: str
    count: int
    image_shape: ImageShape
    dtype: np.dtype[np.uint8 | np.uint16 | np.float32]
    images: Iterable[Pixels] = field(repr=False)
    description: str = ""

    @classmethod
    def of(cls, name: str, images: Pixels, description: str = "") -> ImageStack:
        """Return the stack of images ``(n, h, w, c)``."""
        _, height, width, channels = images.shape
        return cls(name, len(images), (height, width, channels), images.dtype, images, description)

    @property
    def nbytes(self) -> int:
        return self.count * prod(self.image_shape) * self.dtype.itemsize


def is_ome_tiff(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def write_stacks(stacks: Iterable[ImageStack], path: Path, recipe: Recipe | None = None) -> Iterator[Progress]:
    """Write stacks of images as one OME-TIFF, uncompressed, an image of the file for each; yields progress.

    The axes are time (the images of a stack), channel, height and width. A recipe follows at the end, where readers of
    TIFF do not look. ExportError if there are no images, they do not fit their stack, or the file cannot be written;
    the old file is unchanged then.
    """
    import tifffile

    stacks = list(stacks)
    total = sum(stack.count for stack in stacks)
    if not stacks or not all(stack.nbytes for stack in stacks):
        raise ExportError("There are no images to write. Choose at least one.")
    large = sum(stack.nbytes for stack in stacks) > _CLASSIC_BYTES
    done = 0
    with replacing_file(path) as temporary:
        # First the structure with a hole for the values of each stack: so the images need not be in memory.
        with tifffile.TiffWriter(temporary, ome=True, bigtiff=large, byteorder="<") as writer:
            offsets = [_reserve(writer, stack) for stack in stacks]
        with temporary.open("r+b") as file:
            for stack, offset in zip(stacks, offsets, strict=True):
                file.seek(offset)
                count = 0
                for count, image in enumerate(stack.images, start=1):
                    if count > stack.count or image.shape != stack.image_shape or image.dtype != stack.dtype:
                        raise _unfitting(stack, image.shape)
                    values = np.moveaxis(image, 2, 0).astype(stack.dtype.newbyteorder("<"), copy=False)
                    file.write(values.tobytes())
                    done += 1
                    yield Progress(done, total, WRITING)
                if count != stack.count:
                    raise ExportError(
                        "“{name}” has {count} of {total:# frame|# frames}.",
                        name=stack.name,
                        count=count,
                        total=stack.count,
                    )
            if recipe is not None:
                text = recipe.to_text().encode("ascii")
                file.seek(0, os.SEEK_END)
                file.write(text + _TRAILER.pack(len(text), _MARK))


def _reserve(writer: object, stack: ImageStack) -> int:
    """Write the structure of a stack; return the position of its values in the file."""
    height, width, channels = stack.image_shape
    metadata = {
        "axes": "TCYX",
        "Name": stack.name,
        "Description": stack.description,
        "Channel": {"Name": [f"Channel {number}" for number in range(1, channels + 1)]},
    }
    offset, _ = writer.write(  # type: ignore[attr-defined]
        shape=(stack.count, channels, height, width),
        dtype=stack.dtype,
        photometric="minisblack",
        metadata={name: value for name, value in metadata.items() if value},
        returnoffset=True,
    )
    return int(offset)


def _unfitting(stack: ImageStack, shape: tuple[int, ...]) -> ExportError:
    return ExportError(
        "“{name}” has {count:# image|# images} of {dtype} and shape {expected}; one has shape {shape}.",
        name=stack.name,
        count=stack.count,
        dtype=stack.dtype,
        expected=str(stack.image_shape),
        shape=str(shape),
    )


def write_ome_tiff(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write the frames ``(h, w, c)`` of an animation, of any depth and channels; see `write_stacks`."""
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ExportError("There are no images to write. Choose at least one.")
    height, width, channels = first.shape
    stack = ImageStack(
        "animation", total, (height, width, channels), first.dtype, chain([first], frames), settings.values
    )
    yield from write_stacks([stack], path, settings.recipe)


def _read_text(file: BinaryIO) -> bytes | None:
    """Return our text at the end of the file."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _TRAILER.size))
    trailer = file.read(_TRAILER.size)
    if len(trailer) < _TRAILER.size:
        return None
    size, mark = _TRAILER.unpack(trailer)
    if mark != _MARK or size > min(MAX_TEXT, end - _TRAILER.size):
        return None
    file.seek(end - _TRAILER.size - size)
    return file.read(size)


FORMAT = ExportFormat(
    SUFFIXES[0],
    message("OME-TIFF (values)"),
    write_ome_tiff,
    rb"II[*+]\x00",
    _read_text,
    animated=False,
    loops=False,
    values=True,
    note=message("The values of all channels: without scale, caption and colors."),
    file_size=lambda shape, total, settings: (shape[0], shape[1]),
)
