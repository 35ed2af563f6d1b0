"""The tiles of the map: the visible window, its decoded tiles, and older tiles that substitute missing ones.

Main thread only. The panel sets the window; `explorer.workers.render_scheduler.RenderScheduler` decodes missing tiles.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from psygnal import Signal

from explorer.latent.planes import Plane
from explorer.latent.tile_grid import TileGrid
from explorer.types import Codec, Indices, Shown

Overlay = Literal["distance", "stretch", "round_trip"]
"""Distance to the data; decoder sensitivity; cycle error ‖encode(decode(z)) − z‖."""

_KEPT_BYTES = 64_000_000
_OUTDATED = b""
"""In place of the plane of a tile that is to be decoded again."""
_STAND_INS = 400
"""Most tiles of other levels that are painted below the visible ones."""


Key = tuple[TileGrid, int, int, int]
"""Grid of tiles, level, and the tile's column and row (upwards)."""


@dataclass(frozen=True)
class MapWindow:
    """The visible part of the plane by its edges, in the plane's coordinates, and its zoom level."""

    tile_grid: TileGrid
    level: int
    left: float
    right: float
    bottom: float
    top: float

    def tiles(self) -> Indices:
        """Return its tiles, int64 ``(n, 2)``, nearest to the center first."""
        return self.tile_grid.visible(self.level, self.left, self.right, self.bottom, self.top)


@dataclass(frozen=True, eq=False)
class Tile:
    """One decoded image on the plane, uint8 ``(h, w, c)``, around `x` and `y`, `step` wide and high."""

    x: float
    y: float
    step: float
    pixels: Shown


class MapTiles:
    """Tiles by position. Those of an earlier plane or model are shown until new ones replace them.

    `images_wanted`: thumbnails of points, positions in the source int64 ``(n,)``. `hovered`: the point under the mouse,
    x and y in the plane's coordinates, or None.
    """

    window_changed = Signal()
    overlay_changed = Signal()
    images_wanted = Signal(object)
    hovered = Signal(object)

    def __init__(self) -> None:
        self._window: MapWindow | None = None
        self._overlay: Overlay | None = None
        self._stamp: tuple[Codec, bytes] | None = None
        self._tiles: OrderedDict[Key, tuple[Tile, tuple[Codec, bytes]]] = OrderedDict()
        self._order: list[tuple[int, int]] = []
        self._first = 0

    @property
    def window(self) -> MapWindow | None:
        """None if the map is hidden."""
        return self._window

    def look(self, window: MapWindow | None) -> None:
        if window != self._window:
            before, self._window = self._window, window
            if before is not None and window is not None and before.tile_grid != window.tile_grid:
                # Only the tiles seen last substitute new ones.
                for key in [key for key in self._tiles if key[0] not in (before.tile_grid, window.tile_grid)]:
                    del self._tiles[key]
            self._order = [] if window is None else [(i, j) for i, j in window.tiles().tolist()]
            self._first = 0
            self.window_changed.emit()

    @property
    def overlay(self) -> Overlay | None:
        return self._overlay

    def lay_over(self, overlay: Overlay | None) -> None:
        if overlay != self._overlay:
            self._overlay = overlay
            self.overlay_changed.emit()

    def clear(self) -> None:
        self._tiles.clear()
        self._stamp = None
        self._first = 0

    def outdate(self) -> None:
        """Let all tiles be decoded again; the old ones are shown until then."""
        for key, (tile, (codec, _)) in self._tiles.items():
            self._tiles[key] = (tile, (codec, _OUTDATED))
        self._first = 0

    def show_plane(self, codec: Codec, plane: Plane) -> None:
        """Set the model and plane whose tiles count as decoded."""
        if not self._same((codec, plane.key)):
            self._stamp = (codec, plane.key)
            self._first = 0

    def missing(self, most: int | None = None) -> Indices:
        """Return at most `most` visible tiles that are not decoded, int64 ``(n, 2)``, nearest to the center first."""
        window, found = self._window, list[tuple[int, int]]()
        if window is None or self._stamp is None:
            return np.zeros((0, 2), np.int64)
        # Tiles are decoded in this order, so the search continues where it ended.
        for place in range(self._first, len(self._order)):
            if self._done(window, *self._order[place]):
                if place == self._first:
                    self._first += 1
                continue
            found.append(self._order[place])
            if len(found) == most:
                break
        return np.array(found, np.int64).reshape(-1, 2)

    @property
    def ready(self) -> bool:
        """Whether all visible tiles are decoded."""
        return self._window is not None and self._stamp is not None and len(self.missing(1)) == 0

    def _done(self, window: MapWindow, i: int, j: int) -> bool:
        found = self._tiles.get((window.tile_grid, window.level, i, j))
        return found is not None and self._same(found[1])

    def _same(self, stamp: tuple[Codec, bytes]) -> bool:
        return self._stamp is not None and stamp[0] is self._stamp[0] and stamp[1] == self._stamp[1]

    def put(self, codec: Codec, plane: Plane, tiles: Mapping[Key, Tile]) -> None:
        """Add decoded tiles. Those of an earlier plane only substitute missing ones."""
        stamp = (codec, plane.key)
        most = len(self._order)
        for key, tile in tiles.items():
            most = max(most, _KEPT_BYTES // tile.pixels.nbytes)
            before = self._tiles.get(key)
            if before is None or self._same(stamp) or not self._same(before[1]):
                self._tiles[key] = (tile, stamp)
                self._tiles.move_to_end(key)
        while len(self._tiles) > most:
            self._tiles.popitem(last=False)

    def visible(self) -> Iterator[Tile]:
        """Yield the tiles to paint, in order: substitutes for missing ones, then those of this level."""
        window = self._window
        if window is None:
            return
        own: list[Tile] = []
        others: list[tuple[bool, float, Tile]] = []
        for (tile_grid, level, _, _), (tile, stamp) in self._tiles.items():
            half = tile.step / 2
            if tile.x + half < window.left or tile.x - half > window.right:
                continue
            if tile.y + half < window.bottom or tile.y - half > window.top:
                continue
            if (tile_grid, level) == (window.tile_grid, window.level):
                own.append(tile)
            else:
                # Substitutes of the same plane and of a similar size are painted last.
                far = abs(np.log2(tile.step / window.tile_grid.step(window.level)))
                others.append((self._same(stamp), -far, tile))
        if len(own) < len(self._order):
            yield from (tile for _, _, tile in sorted(others, key=lambda entry: entry[:2])[-_STAND_INS:])
        yield from own
