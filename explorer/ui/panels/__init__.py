"""The panels around the stage; each takes the document and nothing else."""

from explorer.ui.panel import Panel
from explorer.ui.panels import (
    arithmetic,
    bookmarks,
    code,
    compare,
    gallery,
    history,
    library,
    map,
    neighbors,
    noise,
    outliers,
    samples,
    timeline,
    train,
    traversals,
)

PANELS: tuple[Panel, ...] = (
    library.PANEL,
    gallery.PANEL,
    code.PANEL,
    timeline.PANEL,
    bookmarks.PANEL,
    history.PANEL,
    map.PANEL,
    traversals.PANEL,
    samples.PANEL,
    noise.PANEL,
    outliers.PANEL,
    neighbors.PANEL,
    arithmetic.PANEL,
    compare.PANEL,
    train.PANEL,
)
"""All panels; docks and tabs are numbered in this order in the View menu."""
