"""TIFF files of deep values or with metadata of microscopes (OME-TIFF, ImageJ), as one set of images."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image

from explorer.data.choices import refuse_unused
from explorer.data.color_profiles import fitting_profile, has_tables
from explorer.data.color_tables import by_tables, values_by_tables
from explorer.data.deep_pixels import SIDEWAYS, divided_by_alpha, upright
from explorer.data.extras import installed, lacks
from explorer.data.image_arrays import opacity_range
from explorer.data.ranges import AnyArray, file_range
from explorer.data.source import Facts, Source
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import (
    Contents,
    LeftOut,
    Rows,
    Stack,
    check_stack,
    chosen_frames,
    is_number,
    pieces,
    stream,
)
from explorer.data.sources.entry import PathKind, path_facts
from explorer.errors import DataError
from explorer.messages import message
from explorer.reader import Handed
from explorer.types import Progress

SUFFIXES: Final = (".tif", ".tiff")
_BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION, _SAMPLES = 258, 259, 262, 270, 277
_MAX_TAGS: Final = 4_096
_MAX_VALUE: Final = 1 << 16
"""Bytes of a tag that are read: the description of OME-TIFF is long."""

_CHANNELS: Final = re.compile(rb'SizeC="0*(?!1")\d+"|^channels=0*(?!1\s)\d+|"axes": "[A-Z]*C[A-Z]*"', re.MULTILINE)
"""What the descriptions of OME-TIFF, ImageJ and tifffile say of pages that are channels of one image."""

_ALWAYS_READ: Final = (1, 8, 32946)
"""Compressions without the optional library: none, and two numbers of zlib."""

_PLAIN: Final = (0, 1, 2)
"""Gray, and RGB; others are colors that Pillow converts."""

_WHITE_IS_ZERO: Final = 0
_ORIENTATION, _PROFILE = 274, 34675
_WITH_ALPHA: Final = (2, 4)
_MULTIPLIED, _STRAIGHT = 1, 2
"""Values of the tag ExtraSamples: transparency by which the colors were multiplied or not."""

_RGBA: Final = 4
_MAX_CHANNELS_LAST: Final = 16
_MAX_SERIES: Final = 10_000


def takes(path: Path) -> bool:
    """Return whether a TIFF file has values of more than 8 bits, or metadata of microscopes; Pillow reads others."""
    page = _page_of(path) if path.is_file() and path.suffix.lower() in SUFFIXES else None
    if page is None or page.photometric not in _PLAIN:
        return False
    deep = max(page.bits) > 8
    if page.described or (deep and page.more):
        return True  # without the library for its compression, the error names it: Pillow cannot read it rightly
    return deep and (page.compression in _ALWAYS_READ or installed("tiff"))


def has_channels(path: Path) -> bool:
    """Return whether the images of a TIFF file have channels other than those of gray and color."""
    page = _page_of(path)
    return page is not None and page.photometric in _PLAIN and page.channels


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the pages of a TIFF file as images; see `PathKind.scan_as`.

    Times, positions and series are images, channels are channels. Only series of the first one's shape are read. The
    range is that of `explorer.data.ranges.file_range`, as of TIFF files in a folder. DataError if the file is damaged,
    or its compression needs an optional library.
    """
    refuse_unused(facts.choices, ("range", "frames", "channels"), facts.name)
    contents = yield from stream("tiff", [path], {"frames": facts.choices.frames}, path.name)
    yield source_of(facts, in_range(contents))


def in_range(contents: Contents) -> Contents:
    """Return what was read of TIFF files, with the range of the values other than alpha."""
    images, stack = contents.images, contents.stack
    if images.dtype not in (np.uint8, np.bool_):
        measured = stack.measured or images.dtype != np.uint16
        opacities = None if measured else opacity_range(images, (0, 0xFFFF), stated=stack.alpha)
        contents.stack = replace(stack, range=file_range(images if opacities is None else images[..., :-1]))
    return contents


@dataclass(frozen=True)
class _Page:
    """What the first page of a TIFF file says.

    `described` is whether it has metadata of microscopes, `more` whether pages follow, `channels` whether its images
    have other channels than gray, color and transparency.
    """

    bits: tuple[int, ...]
    compression: int
    photometric: int
    described: bool
    more: bool
    channels: bool


def _page_of(path: Path) -> _Page | None:
    """Return the first page of a TIFF file; None if it is none, or damaged: the reader of images says what is wrong."""
    try:
        with path.open("rb") as file:
            return _first_page(file)
    except (OSError, ValueError, struct.error, OverflowError):
        return None


def _first_page(file: BinaryIO) -> _Page:
    """Read the tags of the first page; ValueError, struct.error, OSError, OverflowError if it is no TIFF file."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    version = struct.unpack(f"{order}H", head[2:4])[0] if order else 0
    if version not in (42, 43):
        raise ValueError("not a TIFF file")
    big = version == 43
    number, count_code, tag_bytes = ("Q", "Q", 20) if big else ("I", "H", 12)
    (place,) = struct.unpack(f"{order}{number}", head[8:16] if big else head[4:8])
    file.seek(place)
    (count,) = struct.unpack(f"{order}{count_code}", file.read(8 if big else 2))
    tags = file.read(min(count, _MAX_TAGS) * tag_bytes)
    after = file.read(8 if big else 4)

    def value(code: int) -> bytes:
        for start in range(0, len(tags), tag_bytes):
            tag, kind, size = struct.unpack_from(f"{order}HH{number}", tags, start)
            if tag == code:
                inline = tags[start + tag_bytes - (8 if big else 4) : start + tag_bytes]
                length = size * {3: 2, 4: 4, 16: 8}.get(kind, 1)
                if length <= len(inline):
                    return inline[:length]
                file.seek(struct.unpack(f"{order}{number}", inline)[0])
                return file.read(min(length, _MAX_VALUE))
        return b""

    def shorts(code: int) -> tuple[int, ...]:
        found = value(code)
        return struct.unpack(f"{order}{len(found) // 2}H", found[: len(found) // 2 * 2]) or (1,)

    description = value(_DESCRIPTION)
    described = big or b"<OME" in description or description.startswith((b"ImageJ=", b'{"shape"'))
    samples = shorts(_SAMPLES)[0]
    channels = samples > _RGBA or (samples == 1 and _CHANNELS.search(description) is not None)
    return _Page(shorts(_BITS), shorts(_COMPRESSION)[0], shorts(_PHOTOMETRIC)[0], described, any(after), channels)


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_tiff(files: tuple[Handed, ...], *, frames: str) -> Iterator[Stack | Rows | LeftOut]:
    """Read the images of a TIFF file; see `scan_as`."""
    import tifffile

    (handed,) = files
    with tifffile.TiffFile(handed.file, name=handed.name, _multifile=False) as tiff:
        planned = plans_of(tiff)
        plans = [one for one in planned if one is not None]
        if not plans:
            raise DataError("Cannot open {file}: it has no images. Choose another file.", file=handed.name)
        kind = plans[0].kind
        images = images_of_kind(plans, kind)
        total = len(images)
        images = [images[place] for place in chosen_frames(frames, total, handed.name)]
        (height, width, channels), dtype = kind
        stack = Stack(
            dtype,
            (len(images), height, width, channels),
            frames=total if total > 1 else 0,
            measured=plans[0].measured,
            alpha=plans[0].alpha,
            profile=b"" if has_tables(plans[0].profile) else plans[0].profile,
        )
        yield check_stack(stack, handed.name, handed.size)
        for plan, planes in images:
            yield from pieces(plan.image(planes, handed.name))
        if len(tiff.series) > _MAX_SERIES:
            yield LeftOut(handed.name, message("Only its first {most:,} series are read.", most=_MAX_SERIES))
        for place, other in enumerate(planned):
            if other is None or other.kind != kind:
                reason = message("Its images have another shape or dtype than those of the first series.")
                yield LeftOut(f"series {place}", reason)


def plans_of(tiff: Any) -> list[Plan | None]:
    """Return how the series of an open `tifffile.TiffFile` become images, None for those without numbers."""
    return [Plan.of(one) for one in tiff.series[:_MAX_SERIES]]


def images_of_kind(plans: Sequence[Plan | None], kind: tuple[tuple[int, int, int], str]) -> list[tuple[Plan, AnyArray]]:
    """Return the images of one shape and dtype, each with the positions of its pages."""
    return [(plan, pages) for plan in plans if plan is not None and plan.kind == kind for pages in plan.order]


@dataclass(frozen=True, eq=False)
class Plan:
    """How the pages of a series become images.

    Attributes
    ----------
    order
        Positions of the pages of each image, int64 ``(images, pages of each)``.
    kind
        Shape ``(h, w, c)`` and dtype of its images.
    measured
        Whether it has channels of its own, other than colors.
    alpha
        Whether the last channel is transparency.
    profile
        Color profile (ICC) of gray or color images; empty without one.
    page
        Returns the values of a page.
    join
        Makes an image ``(h, w, c)`` of its pages.
    turned
        Orientation of the values that `join` returns, as in EXIF data; `image` is upright.
    """

    order: AnyArray
    kind: tuple[tuple[int, int, int], str]
    measured: bool
    alpha: bool
    profile: bytes
    page: Callable[[int], AnyArray]
    join: Callable[[AnyArray], AnyArray]
    turned: int

    @classmethod
    def of(cls, series: Any) -> Plan | None:
        """Return the plan of a series, or None if it has no images of numbers."""
        keyframe = series.keyframe
        axes, shape = series.axes, tuple(map(int, series.shape))
        inner = keyframe.axes
        if inner not in ("YX", "YXS", "SYX") or not axes.endswith(inner) or not is_number(series.dtype):
            return None
        outer, sizes = axes[: -len(inner)], shape[: -len(inner)]
        inside = shape[-len(inner) :]
        order = np.arange(math.prod(sizes)).reshape(sizes)
        if inner == "YX" and outer.endswith("Q") and inside[1] <= _MAX_CHANNELS_LAST < inside[0]:
            # An array (n, h, w, channels), whose rows were saved as pages.
            kind = sizes[-1], inside[0], inside[1]
            order, join = order.reshape(-1, sizes[-1]), lambda pages: pages
        else:
            channels = [place for place, axis in enumerate(outer) if axis == "C"]
            others = [place for place, axis in enumerate(outer) if axis != "C"]
            count = math.prod(sizes[place] for place in channels)
            order = order.transpose(others + channels).reshape(-1, count)
            height, width = (inside[inner.index(axis)] for axis in "YX")
            kind = height, width, math.prod(inside) // max(1, height * width) * count
            places = [1 + inner.index("Y"), 1 + inner.index("X"), 0, *([1 + inner.index("S")] if "S" in inner else [])]
            join = lambda pages: pages.transpose(places).reshape(height, width, -1)  # noqa: E731
        measured, colors = "C" in outer, kind[2]
        extra = tuple(map(int, keyframe.extrasamples)) if colors in _WITH_ALPHA and not measured else ()
        turned = int(keyframe.tags.valueof(_ORIENTATION, 1))
        kind = (kind[1], kind[0], colors) if turned >= SIDEWAYS else kind
        return cls(
            order,
            (kind, series.dtype.newbyteorder("<").str),
            measured,
            extra in ((_MULTIPLIED,), (_STRAIGHT,)),
            b"" if measured else _profile_of(keyframe, colors - len(extra)),
            _pages(series, inside),
            _divided(join) if extra == (_MULTIPLIED,) else join,
            turned,
        )

    def image(self, pages: AnyArray, file: str) -> AnyArray:
        """Return an image of its pages; DataError if their compression needs an optional library."""
        try:
            image = upright(self.join(np.stack([self.page(int(place)) for place in pages])), self.turned)
            return _by_tables(image, self.profile) if has_tables(self.profile) else image
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            raise lacks("tiff", message("its compression"), file) from error


def _divided(join: Callable[[AnyArray], AnyArray]) -> Callable[[AnyArray], AnyArray]:
    return lambda pages: divided_by_alpha(join(pages))


def _profile_of(page: Any, channels: int) -> bytes:
    """Return the color profile of a page whose images have these channels without alpha; empty if it has none."""
    tag = page.tags.get(_PROFILE)
    fitting = Image.new({1: "L", 3: "RGB"}.get(channels, "F"), (1, 1))
    fitting.info["icc_profile"] = None if tag is None else tag.value
    return fitting_profile(fitting) if page.dtype in (np.uint8, np.uint16) else b""


def _by_tables(image: AnyArray, profile: bytes) -> AnyArray:
    """Return an image ``(h, w, c)`` of 8 or 16 bits in sRGB, by a profile with tables."""
    gray = image.shape[2] == 1
    values = image[..., 0] if gray else image
    if image.dtype == np.uint8:
        converted = np.asarray(by_tables(Image.fromarray(values), profile))
    else:
        converted = values_by_tables(values, profile)
    return converted[..., np.newaxis] if gray else converted


def _pages(series: Any, shape: tuple[int, ...]) -> Callable[[int], AnyArray]:
    """Return a function that reads a page by its position."""
    keyframe = series.keyframe
    file = series.parent.filehandle
    dtype = np.dtype(series.dtype).newbyteorder(series.parent.byteorder)
    top = (1 << keyframe.bitspersample) - 1

    def read(place: int) -> AnyArray:
        if series.dataoffset is not None:  # one block, perhaps without a tag for each page
            file.seek(series.dataoffset + place * math.prod(shape) * dtype.itemsize)
            content = file.read(math.prod(shape) * dtype.itemsize)
            values = np.frombuffer(content, dtype).reshape(shape)
        else:
            page = series.pages[place]
            values = np.zeros(shape, dtype) if page is None else np.asarray(page.asarray(maxworkers=1)).reshape(shape)
        white = int(keyframe.photometric) == _WHITE_IS_ZERO and values.dtype.kind == "u"
        return values.dtype.type(top) - values if white else values

    return read


KIND = PathKind(
    message("a TIFF stack"),
    takes,
    scan_as,
    label="TIFF stacks",
    patterns=tuple(f"*{suffix}" for suffix in SUFFIXES),
    facts=lambda path: path_facts(path, title=path.stem),
)
