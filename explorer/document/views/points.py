"""Thumbnails of points on the map."""

from __future__ import annotations

from explorer.document.views.kind import Priority, ViewKind
from explorer.document.views.thumbnails import ThumbnailsView, build_thumbnails

POINTS = ViewKind[ThumbnailsView](
    name="points",
    build=build_thumbnails,
    priority=Priority.THUMBNAILS,
    signals=lambda document: (document.map.images_wanted,),
    stale_on={"source", "mixer"},
)
