"""The nearest neighbor of the latent cursor."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.document.views.neighbors import NeighborsView, find


def _build(document: Document) -> Iterator[NeighborsView] | None:
    return find(document, document.state.code, 1, exclude=False)


NEAREST = ViewKind[NeighborsView](
    name="nearest",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "source", "code", "mixer"},
    signals=lambda document: (document.neighbors.index_changed,),
    stale_on={"model", "source"},
    only_watched=True,
)
