"""The decoded bookmarks."""

from __future__ import annotations

from explorer.data.preprocessing import to_pixels
from explorer.document.document import Document
from explorer.document.views.decoded import DecodedView, decoded_part
from explorer.types import Pixels

BOOKMARKS = decoded_part("bookmarks", "bookmarks", lambda state: [bookmark.code for bookmark in state.bookmarks])


def bookmark_thumbnails(document: Document) -> Pixels | None:
    """Return the decoded bookmarks, uint8 ``(b, h, w, c)``; None if they are not computed."""
    view = document.views[BOOKMARKS]
    return to_pixels(view.images) if isinstance(view, DecodedView) else None
