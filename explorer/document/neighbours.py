"""Pictures with similar codes: what is near, the index that finds it, and what was found.

Shown by the Neighbours tab; the index is built by `explorer.workers.analyst.Analyst`. Belongs to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from psygnal import Signal

from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.errors import UsageError
from explorer.latent.neighbours import CodeSpace, Kind, Metric, NeighbourIndex
from explorer.types import Codec, Floats, Indices, Pixels

PIXEL_VALUES = 16_000_000
"""Numbers of all pictures that are compared by pixels; larger ones are made smaller by whole numbers."""

MOST = 60
"""Neighbours that are shown, at most."""


@dataclass(frozen=True)
class NeighbourSettings:
    """What counts as near.

    Attributes
    ----------
    of
        Whose neighbours: those of the ``cursor``, or of the chosen ``picture``.
    metric
        ``l2`` or ``cosine``.
    whitened
        Whether distances are in σ along every principal axis.
    kind
        How they are looked for; None for what suits the number of pictures.
    count
        How many, from 1 to `MOST`.
    """

    of: Literal["cursor", "picture"] = "cursor"
    metric: Metric = "l2"
    whitened: bool = False
    kind: Kind | None = None
    count: int = 10

    @property
    def way(self) -> tuple[Metric, bool, Kind | None]:
        """What an index depends on."""
        return self.metric, self.whitened, self.kind


@dataclass(frozen=True, eq=False)
class IndexedPictures:
    """All open pictures, ready to be searched.

    Attributes
    ----------
    codec, source
        What encoded them, and the pictures.
    way
        Of the settings they were indexed by.
    codes
        Float32 ``(n, latent_dim)``, in source order; NaN where an image cannot be read.
    positions, pixels
        Int64 ``(m,)`` and float32 ``(m, p)``: positions in the source of the images that can be read, which are the
        rows of both indexes; and small copies of them.
    step
        By how many pixels a side the small pictures were made smaller.
    space, index
        Where codes are compared, and by what.
    by_pixels
        An exact index over `pixels`.
    recall, seconds
        Share of the true ten nearest that the index finds, and seconds a query; 1 and NaN for an exact one.
    """

    codec: Codec
    source: Source
    way: tuple[Metric, bool, Kind | None]
    codes: Floats
    positions: Indices
    pixels: Floats
    step: int
    space: CodeSpace
    index: NeighbourIndex
    by_pixels: NeighbourIndex
    recall: float = 1.0
    seconds: float = float("nan")

    def row_of(self, position: int | None) -> int | None:
        """Return the row of an image in the indexes; None where it has none."""
        rows = np.flatnonzero(self.positions == position)
        return int(rows[0]) if len(rows) else None

    def suits(self, codec: Codec, source: Source, settings: NeighbourSettings) -> bool:
        """Say whether it answers for that model, these pictures and these settings."""
        return self.codec is codec and self.source is source and self.way == settings.way


def pooled(pictures: Floats, step: int) -> Floats:
    """Return pictures ``(n, h, w, c)`` made smaller by a whole number, as rows of values: float32 ``(n, p)``."""
    if step == 1:
        return pictures.reshape(len(pictures), -1)
    count, height, width, channels = pictures.shape
    rows, columns = height // step, width // step
    blocks = pictures[:, : rows * step, : columns * step].reshape(count, rows, step, columns, step, channels)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32).reshape(count, -1)


def pooled_pixels(pixels: Pixels, step: int) -> Floats:
    """Return the same of uint8 pictures, in [0, 1]."""
    return pooled(to_floats(pixels), step)


def step_for(count: int, shape: tuple[int, int, int]) -> int:
    """Return by how much pictures must be made smaller so that all of them fit."""
    height, width, channels = shape
    step = 1
    while count * (height // step) * (width // step) * channels > PIXEL_VALUES and min(height, width) // step > 4:
        step += 1
    return step


@dataclass
class Neighbours:
    """What is asked, and the index that answers.

    Signals
    -------
    settings_changed, index_changed
        Another question; another index, or none any more.
    index_requested
        The open pictures are to be indexed.
    """

    settings_changed = Signal()
    index_changed = Signal()
    index_requested = Signal()

    _settings: NeighbourSettings = field(default_factory=NeighbourSettings)
    _index: IndexedPictures | None = None

    @property
    def settings(self) -> NeighbourSettings:
        """What counts as near."""
        return self._settings

    @property
    def index(self) -> IndexedPictures | None:
        """The open pictures as they were indexed last."""
        return self._index

    def set(self, **changes: Any) -> None:
        """Change some of the settings.

        Raises
        ------
        UsageError
            If the count is out of its range.
        """
        settings = replace(self._settings, **changes)
        if not 1 <= settings.count <= MOST:
            raise UsageError(f"from 1 to {MOST} neighbours", str(settings.count))
        if settings != self._settings:
            self._settings = settings
            self.settings_changed.emit()

    def put_index(self, index: IndexedPictures | None) -> None:
        """Take an index in."""
        self._index = index
        self.index_changed.emit()
