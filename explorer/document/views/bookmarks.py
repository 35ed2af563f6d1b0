"""The decoded bookmarks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.data.preprocessing import to_pixels
from explorer.document.document import Document
from explorer.document.views.decoded import DecodedView, decode_codes
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Pixels


def _build(document: Document) -> Iterator[DecodedView] | None:
    state = document.state
    if state.model is None or not state.bookmarks:
        return None
    return decode_codes(state.model.codec, np.stack([bookmark.code for bookmark in state.bookmarks]))


BOOKMARKS = ViewKind[DecodedView](
    name="bookmarks",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "bookmarks"},
    stale_on={"model", "bookmarks"},
)


def bookmark_thumbnails(document: Document) -> Pixels | None:
    """Return the decoded bookmarks, uint8 ``(b, h, w, c)``; None if they are not computed."""
    view = document.views[BOOKMARKS]
    return to_pixels(view.images) if isinstance(view, DecodedView) else None
