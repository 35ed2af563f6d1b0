"""The nearest neighbors of the latent cursor or of the selected image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.data.preprocessing import Preprocessing
from explorer.document.document import Document
from explorer.document.neighbors import IndexedImages, pooled
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Floats, Indices, Pixels


@dataclass(frozen=True, eq=False)
class NeighborsView:
    """The nearest neighbors of a code, nearest first, by code and by pixels.

    `indices` are int64 and `distances` float32 ``(k,)``; `images` are uint8 ``(k, h, w, c)``, as model inputs.
    """

    indices: Indices
    distances: Floats
    pixel_indices: Indices
    pixel_distances: Floats
    images: Pixels
    pixel_images: Pixels


def find_neighbors(
    images: IndexedImages, preprocessing: Preprocessing, code: Floats, count: int, own: int | None, pixels: int | None
) -> Iterator[NeighborsView]:
    """Find the nearest neighbors of a code, ``(latent_dim,)``, by code and by pixels.

    `own` is the position of the code's image, excluded from the result; None for the latent cursor. `pixels` is that of
    the image whose pixels are compared; None for the decoded code.
    """
    if pixels is None:
        compared = pooled(images.codec.decode(code[None]).clip(0, 1), images.step)
    else:
        row = images.row_of(pixels) or 0
        compared = images.pixels[row : row + 1]
    excluded = images.row_of(own)
    near = images.index.search(images.space.coordinates(code[None]), count, excluded)
    alike = images.by_pixels.search(compared, count, excluded)
    found = [images.positions[part.indices[0][part.indices[0] >= 0]] for part in (near, alike)]
    read = [images.source.read(indices, preprocessing) for indices in found]
    distances = [part.distances[0][: len(indices)] for part, indices in zip((near, alike), found, strict=True)]
    yield NeighborsView(found[0], distances[0], found[1], distances[1], read[0], read[1])


def find(document: Document, code: Floats | None, count: int, own: int | None) -> Iterator[NeighborsView] | None:
    """Return the request for images near a code; if there is no index yet, request that first."""
    state, neighbors = document.state, document.neighbors
    model, source, index = state.model, state.source, neighbors.index
    if model is None or source is None or not source.count or not model.card.encodes:
        return None
    if index is None or not index.suits(model.codec, source, neighbors.settings):
        neighbors.index_requested.emit()
        return None
    if code is None:
        return None
    # Without a decoder, the pixels of the selected image stand for those of the code.
    pixels = (state.image_index or 0) if own is None and not model.card.decodes else own
    return find_neighbors(index, model.card.preprocessing, code, count, own, pixels)


def _build(document: Document) -> Iterator[NeighborsView] | None:
    state, settings = document.state, document.neighbors.settings
    # The selected image is excluded from its neighbors; an imported image is not in the dataset.
    image = state.image_index if settings.of == "image" and state.imported_image is None else None
    code = state.code if settings.of == "cursor" else state.start_code
    return find(document, code, settings.count, image)


NEIGHBORS = ViewKind[NeighborsView](
    name="neighbors",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "source", "image_index", "imported_image", "start_code", "code"},
    signals=lambda document: (document.neighbors.settings_changed, document.neighbors.index_changed),
    stale_on={"model", "source"},
    only_watched=True,
)
