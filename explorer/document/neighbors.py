"""Images with similar codes: the settings of the search, and its index.

Shown by the Neighbors tab; the index is built by `explorer.workers.analysis.AnalysisJobs`. Main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from psygnal import Signal

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.data.source import Source
from explorer.errors import UsageError
from explorer.latent.code_table import CodeTable
from explorer.latent.neighbors import CodeSpace, Found, IndexKind, Metric, NeighborIndex
from explorer.types import Codec, Floats, Indices, Pixels

PIXEL_VALUES = 16_000_000
"""Most values of all images that are compared by pixels; larger images are downsampled by an integer."""

_COMPARED_AT_ONCE = 2_000
"""Number of images whose pixels are converted to floats at a time."""

MOST = 60
"""Most neighbors that are shown."""


@dataclass(frozen=True)
class NeighborSettings:
    """Settings of the neighbor search.

    `of` is whose neighbors: those of the current code (``cursor``) or of the selected ``image``. `whitened` distances
    are in σ along every principal component. `kind` None chooses an index by the number of images. `count` is from 1 to
    `MOST`.
    """

    of: Literal["cursor", "image"] = "cursor"
    metric: Metric = "l2"
    whitened: bool = False
    kind: IndexKind | None = None
    count: int = 10

    @property
    def way(self) -> tuple[Metric, bool, IndexKind | None]:
        """The settings that an index depends on."""
        return self.metric, self.whitened, self.kind


@dataclass(frozen=True, eq=False)
class IndexedImages:
    """The indexes of all open images; `way` is `NeighborSettings.way` of them.

    Attributes
    ----------
    table
        The codes in source order; NaN where an image cannot be read.
    positions, pixels
        Int64 ``(m,)``: positions in the source of the readable images, which are the rows of `index`; and their pixels
        ``(m, p)``, downsampled by `step` per side to 16 bits, or as the source has them where `step` is 1.
    recall, seconds
        Recall@10 of `index`, and seconds per query; 1 and NaN for an exact one.
    """

    codec: Codec
    source: Source
    way: tuple[Metric, bool, IndexKind | None]
    table: CodeTable
    positions: Indices
    pixels: Pixels
    step: int
    space: CodeSpace
    index: NeighborIndex
    recall: float = 1.0
    seconds: float = float("nan")

    def code_of(self, position: int) -> Floats | None:
        """Return the code of an image, ``(latent_dim,)``; None if it is not kept."""
        return self.table.values[position] if self.table.whole else None

    def row_of(self, position: int | None) -> int | None:
        rows = np.flatnonzero(self.positions == position)
        return int(rows[0]) if len(rows) else None

    def suits(self, codec: Codec, source: Source, settings: NeighborSettings) -> bool:
        """Return whether it is the index for this model, these images and these settings."""
        return self.codec is codec and self.source is source and self.way == settings.way

    def nearest_by_pixels(self, image: Floats, count: int, leave_out: int | None = None) -> Found:
        """Return the rows nearest to an image ``(1, h, w, c)`` in its pixels, like `NeighborIndex.search`.

        Some rows are converted at a time: floats of all images would take four times the memory of their bytes.
        """
        query, parts = pooled(image, self.step), []
        for start in range(0, len(self.pixels), _COMPARED_AT_ONCE):
            rows = NeighborIndex(to_floats(self.pixels[start : start + _COMPARED_AT_ONCE]), "exact")
            found = rows.search(query, count, None if leave_out is None else leave_out - start)
            parts.append(Found(found.indices + start, found.distances))
        indices = np.concatenate([part.indices for part in parts], axis=1)
        distances = np.concatenate([part.distances for part in parts], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :count]
        return Found(np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1))


def pooled(images: Floats, step: int) -> Floats:
    """Return images ``(n, h, w, c)`` downsampled by an integer and flattened: float32 ``(n, p)``."""
    if step == 1:
        return images.reshape(len(images), -1)
    count, height, width, channels = images.shape
    rows, columns = height // step, width // step
    blocks = images[:, : rows * step, : columns * step].reshape(count, rows, step, columns, step, channels)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32).reshape(count, -1)


def pooled_pixels(pixels: Pixels, step: int) -> Pixels:
    """Return images as `pooled` does, in 16 bits; with a step of 1 as they are, flattened."""
    if step == 1:
        return pixels.reshape(len(pixels), -1)
    return to_pixels(pooled(to_floats(pixels), step), np.dtype(np.uint16))


def step_for(count: int, shape: tuple[int, int, int]) -> int:
    """Return the downsampling factor with which `count` images fit into `PIXEL_VALUES`."""
    height, width, channels = shape
    step = 1
    while count * (height // step) * (width // step) * channels > PIXEL_VALUES and min(height, width) // step > 4:
        step += 1
    return step


@dataclass
class Neighbors:
    """The settings and the index of the neighbor search; `index_requested` is for the open images."""

    settings_changed = Signal()
    index_changed = Signal()
    index_requested = Signal()

    _settings: NeighborSettings = field(default_factory=NeighborSettings)
    _index: IndexedImages | None = None

    @property
    def settings(self) -> NeighborSettings:
        return self._settings

    @property
    def index(self) -> IndexedImages | None:
        return self._index

    def set(self, **changes: Any) -> None:
        """Change some of the settings; UsageError if the count is out of range."""
        settings = replace(self._settings, **changes)
        if not 1 <= settings.count <= MOST:
            raise UsageError(
                "The number of neighbors must be from 1 to {most}, not {count}.", most=MOST, count=settings.count
            )
        if settings != self._settings:
            self._settings = settings
            self.settings_changed.emit()

    def put_index(self, index: IndexedImages | None) -> None:
        self._index = index
        self.index_changed.emit()
