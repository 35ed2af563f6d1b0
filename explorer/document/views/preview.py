"""One image of the dataset, large enough for the preview beside its thumbnail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer.data.decoding import plain_mode
from explorer.data.mixer import needs_mixer
from explorer.data.preprocessing import Alpha, Orientation, Preprocessing, Reading, pil_image_pixels
from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.document.views.thumbnails import read_thumbnails
from explorer.errors import DataError
from explorer.types import Pixels

PREVIEW_SIDE = 540
"""Longest side in pixels; a larger image is reduced."""


@dataclass(frozen=True, eq=False)
class PreviewView:
    """The image at `index` of `source`, in its own proportions: `pixels` ``(h, w, c)``, before the mixer."""

    source: Source
    index: int
    pixels: Pixels


def read_image(source: Source, index: int, side: int | None = None) -> Pixels:
    """Read one image ``(h, w, c)`` in its own size, or with a longest side of at most `side`, before the mixer.

    Raises DataError if it cannot be read.
    """
    pil_image = Alpha().on_image(Orientation().on_image(plain_mode(source.pil_image(index))))
    if side is not None:
        pil_image.thumbnail((side, side), Image.Resampling.LANCZOS)
    channels = source.image_shape[2] if source.image_shape else source.found.channels
    if not needs_mixer(channels) and source.depth == 8:
        return pil_image_pixels(pil_image)
    shape = (pil_image.height, pil_image.width, channels or 3)
    preprocessing = Preprocessing.standard(shape, reading=Reading(depth=source.depth))
    pixels: Pixels = source.read_uncached([index], preprocessing)[0]  # a cache for each size would replace others
    return pixels


def read_preview(source: Source, index: int) -> Iterator[PreviewView]:
    """Read one image, never enlarged; an unreadable one is shown as its thumbnail, a cross."""
    try:
        yield PreviewView(source, index, read_image(source, index, PREVIEW_SIDE))
    except DataError:
        for thumbnails in read_thumbnails(source, np.array([index], np.int64)):
            yield PreviewView(source, index, thumbnails.pixels[0])


def _build(document: Document, index: int | None) -> Iterator[PreviewView] | None:
    source = document.state.source
    return None if source is None or index is None else read_preview(source, index)


PREVIEW = ViewKind[PreviewView](
    name="preview",
    build=_build,
    priority=Priority.POINTER,
    signals=lambda document: (document.preview_requested,),
    stale_on={"source"},
)
