"""Thumbnails of the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.data.mixer import DEFAULT_MIXER, Mixer, shown
from explorer.data.preprocessing import Preprocessing, Reading, as_depth
from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.errors import DataError
from explorer.types import Indices, Pixels, Shown

THUMBNAIL_SIDE = 48
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class ThumbnailsView:
    """Some thumbnails: `indices` int64 ``(n,)`` of `source`, `pixels` ``(n, h, w, c)`` as shown."""

    source: Source
    indices: Indices
    pixels: Shown
    mixer: Mixer = DEFAULT_MIXER

    def shows(self, source: Source | None, mixer: Mixer) -> bool:
        """Return whether these are images of a source, shown in this way."""
        return self.source is source and self.mixer == mixer


def read_thumbnails(source: Source, indices: Indices, mixer: Mixer = DEFAULT_MIXER) -> Iterator[ThumbnailsView]:
    """Read thumbnails, a few at a time: `indices` int64 ``(n,)``."""
    channels = source.image_shape[2] if source.image_shape else source.found.channels or 3
    shape = (THUMBNAIL_SIDE, THUMBNAIL_SIDE, channels)
    preprocessing = Preprocessing.standard(shape, reading=Reading(depth=source.depth))
    for start in range(0, len(indices), _AT_ONCE):
        part = indices[start : start + _AT_ONCE]
        try:
            pixels = source.read(part, preprocessing)
        except DataError:
            pixels = np.concatenate([_read_one(source, part[i : i + 1], preprocessing) for i in range(len(part))])
        yield ThumbnailsView(source, part, shown(pixels, mixer), mixer)


def _read_one(source: Source, one: Indices, preprocessing: Preprocessing) -> Pixels:
    """Read one image; an unreadable one is shown as a cross."""
    try:
        return source.read(one, preprocessing)
    except DataError:
        cross = np.maximum(np.eye(THUMBNAIL_SIDE), np.eye(THUMBNAIL_SIDE)[::-1])
        gray = as_depth((96 + 64 * cross).astype(np.uint8), preprocessing.dtype)
        return np.repeat(gray[None, :, :, None], preprocessing.image_shape[2], axis=3)


def build_thumbnails(document: Document, indices: Indices) -> Iterator[ThumbnailsView] | None:
    source = document.state.source
    return None if source is None else read_thumbnails(source, indices, document.state.mixer)


THUMBNAILS = ViewKind[ThumbnailsView](
    name="thumbnails",
    build=build_thumbnails,
    priority=Priority.THUMBNAILS,
    signals=lambda document: (document.thumbnails_requested,),
    stale_on={"source", "mixer"},
)
