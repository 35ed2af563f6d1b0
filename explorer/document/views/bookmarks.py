"""The decoded bookmarks."""

from __future__ import annotations

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.views.decoded import DecodedView, decoded_part
from explorer.types import Shown

BOOKMARKS = decoded_part("bookmarks", "bookmarks", lambda state: [bookmark.code for bookmark in state.bookmarks])


def bookmark_thumbnails(document: Document) -> Shown | None:
    """Return the decoded bookmarks ``(b, h, w, c)`` as shown; None if they are not computed."""
    view = document.views[BOOKMARKS]
    return shown(view.images, document.state.mixer) if isinstance(view, DecodedView) else None
