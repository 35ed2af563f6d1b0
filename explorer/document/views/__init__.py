"""The views, one file each: its request to the render thread, its result, and its record.

To add one, add a file here and a line in `VIEWS`.
"""

from __future__ import annotations

from typing import Any, Final

from explorer.document.views import (
    animation,
    bookmarks,
    cloud,
    compare,
    cursor,
    hover,
    image,
    keyframes,
    meter,
    nearest,
    neighbors,
    noise,
    overlay,
    points,
    preview,
    samples,
    terms,
    thumbnails,
    tiles,
    training_progress,
    traversal,
)
from explorer.document.views.kind import ViewKind

VIEWS: Final[tuple[ViewKind[Any], ...]] = (
    cursor.CURSOR,
    image.IMAGE,
    meter.METER,
    hover.HOVER,
    preview.PREVIEW,
    keyframes.KEYFRAMES,
    noise.NOISE,
    cloud.CLOUD,
    samples.SAMPLES,
    traversal.TRAVERSAL,
    compare.COMPARE,
    nearest.NEAREST,
    terms.TERMS,
    bookmarks.BOOKMARKS,
    neighbors.NEIGHBORS,
    training_progress.TRAINING_PROGRESS,
    thumbnails.THUMBNAILS,
    points.POINTS,
    tiles.TILES,
    animation.ANIMATION,
    overlay.OVERLAY,
)
