"""Tiles of the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.data.mixer import DEFAULT_MIXER, Mixer, shown
from explorer.document.document import Document
from explorer.document.map_tiles import Tile
from explorer.document.view_store import PLANE
from explorer.document.views.kind import Priority, ViewKind
from explorer.latent.planes import Plane
from explorer.latent.tile_grid import TileGrid
from explorer.models.batches import images_at_once
from explorer.types import Codec, Indices, Shown

_AT_ONCE = 32
"""Tiles of the map per request: few for low latency, enough for an efficient batch."""


@dataclass(frozen=True, eq=False)
class TilesView:
    """Some decoded tiles of the map; `Document.map` has all of them.

    `tiles` are int64 ``(n, 2)``, column and row (upwards); `pixels` are ``(n, h, w, c)`` as shown.
    """

    codec: Codec
    plane: Plane
    tile_grid: TileGrid
    level: int
    tiles: Indices
    pixels: Shown

    def placed(self) -> Iterator[Tile]:
        step = self.tile_grid.step(self.level)
        for (x, y), pixels in zip(self.tile_grid.middles(self.level, self.tiles).tolist(), self.pixels, strict=True):
            yield Tile(x, y, step, pixels)


def decode_tiles(
    codec: Codec, plane: Plane, tile_grid: TileGrid, level: int, tiles: Indices, mixer: Mixer = DEFAULT_MIXER
) -> Iterator[TilesView]:
    """Tiles int64 ``(n, 2)``."""
    pixels = shown(codec.decode(plane.codes(tile_grid.middles(level, tiles))), mixer)
    yield TilesView(codec, plane, tile_grid, level, tiles, pixels)


def _build(document: Document) -> Iterator[TilesView] | None:
    model, plane, window = document.state.model, document.plane, document.map.window
    if model is None or plane is None or window is None or not model.card.decodes:
        return None
    document.map.show_plane(model.codec, plane)
    missing = document.map.missing(images_at_once(model.codec.image_shape, _AT_ONCE))
    if not len(missing):
        return None
    return decode_tiles(model.codec, plane, window.tile_grid, window.level, missing, document.state.mixer)


def _received(document: Document, view: TilesView) -> None:
    keys = ((view.tile_grid, view.level, column, row) for column, row in view.tiles.tolist())
    document.map.put(view.codec, view.plane, dict(zip(keys, view.placed(), strict=True)))


TILES = ViewKind[TilesView](
    name="tiles",
    build=_build,
    priority=Priority.MAP,
    depends_on={PLANE, "mixer"},
    signals=lambda document: (document.map.window_changed,),
    stale_on={"model", "grid", "mixer"},
    one_at_a_time=True,
    received=_received,
)
