"""The nearest neighbors of the latent cursor or of the selected image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.data.mixer import DEFAULT_MIXER, Mixer, shown
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.neighbors import IndexedImages
from explorer.document.views.image import read_image
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Floats, Indices, Shown


@dataclass(frozen=True, eq=False)
class NeighborsView:
    """The nearest neighbors of a code, nearest first, by code and by pixels.

    `indices` are int64 and `distances` float32 ``(k,)``; `images` are model inputs ``(k, h, w, c)``, as shown.
    """

    indices: Indices
    distances: Floats
    pixel_indices: Indices
    pixel_distances: Floats
    images: Shown
    pixel_images: Shown


def find_neighbors(
    images: IndexedImages,
    preprocessing: Preprocessing,
    code: Floats,
    count: int,
    own: int | None,
    original: tuple[Source, int] | None,
    mixer: Mixer = DEFAULT_MIXER,
) -> Iterator[NeighborsView]:
    """Find the nearest neighbors of a code, ``(latent_dim,)``, by code and by pixels.

    `own` is the position of the code's image, excluded from the result. `original` is the image whose pixels are
    compared, its source and position; None for the decoded code.
    """
    if original is None:
        image = images.codec.decode(code[None]).clip(0, 1)
    else:
        image = read_image(original[0], preprocessing, original[1])
    excluded = images.row_of(own)
    near = images.index.search(images.space.coordinates(code[None]), count, excluded)
    alike = images.nearest_by_pixels(image, count, excluded)
    found = [images.positions[part.indices[0][part.indices[0] >= 0]] for part in (near, alike)]
    read = [shown(images.source.read(indices, preprocessing), mixer) for indices in found]
    distances = [part.distances[0][: len(indices)] for part, indices in zip((near, alike), found, strict=True)]
    yield NeighborsView(found[0], distances[0], found[1], distances[1], read[0], read[1])


def find(document: Document, code: Floats | None, count: int, *, exclude: bool) -> Iterator[NeighborsView] | None:
    """Return the request for images near a code; if there is no index yet, request that first.

    `exclude`: an image is not its own neighbor.
    """
    state, neighbors = document.state, document.neighbors
    model, source, index = state.model, state.source, neighbors.index
    if model is None or source is None or not source.count or not model.card.encodes:
        return None
    if index is None or not index.suits(model.codec, source, neighbors.settings):
        neighbors.index_requested.emit()
        return None
    if code is None:
        return None
    unedited = state.start_code is not None and np.array_equal(code, state.start_code)
    # An imported image is not in the dataset.
    own = state.image_index if exclude and unedited and state.imported_image is None else None
    # An edited code has only decoded pixels; without a decoder, those of the shown image stand for them.
    original = state.subject if unedited or not model.card.decodes else None
    return find_neighbors(index, model.card.preprocessing, code, count, own, original, state.mixer)


def _build(document: Document) -> Iterator[NeighborsView] | None:
    state, settings = document.state, document.neighbors.settings
    code = state.code if settings.of == "cursor" else state.start_code
    return find(document, code, settings.count, exclude=True)


NEIGHBORS = ViewKind[NeighborsView](
    name="neighbors",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "source", "image_index", "imported_image", "start_code", "code", "mixer"},
    signals=lambda document: (document.neighbors.settings_changed, document.neighbors.index_changed),
    stale_on={"model", "source"},
    only_watched=True,
)
