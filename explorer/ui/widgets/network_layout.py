"""Layout of the blocks in the diagram of a network, without painting, so that it can be tested.

As in papers: one block per layer, from the input on the left through the code to the output on the right. The height
of a block grows with the sides of the feature maps, its thickness with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log2, prod, sqrt
from typing import Literal, TypeAlias

from explorer.models.layers import LayerRow, Network, Shape
from explorer.models.spec import ModelSpec

Role: TypeAlias = Literal["image", "layer", "head", "code"]
Part: TypeAlias = Literal["encoder", "code", "decoder"]

_LOWEST = 8.0
_THINNEST = 4.0
_BAR = 7.0
"""Thickness of a flat vector in pixels."""

_SOFT = 0.6
"""Exponent of the sides, so that a 7×7 code stays visible beside a 224×224 image."""

_MANY = 64
"""Least reference number of maps, so that a grayscale image is thin in a network of dense layers, too."""

_SLIMMEST = 3.4
_SHORT = 120.0
"""Blocks are at most this many times as tall as their column is wide, or this many pixels."""

EDGE = 8.0
"""Left and right margin in pixels."""

_HEAD_GAP = 10.0


@dataclass(frozen=True)
class Frame:
    """The available area, in pixels.

    A diagram wider than `width` is scrolled. `top` and `bottom` are the vertical range of the blocks; `narrow` and
    `wide` the least width of a column with labels rotated by 90°, and with horizontal labels.
    """

    width: float
    top: float
    bottom: float
    narrow: float
    wide: float


@dataclass(frozen=True)
class Block:
    """One block; lengths in pixels.

    `row` is its layer, None for image and code; `shape` that of its output. `column` counts from the left; the two
    heads of a VAE share one. `left`, `top`, `width` and `height` are its front; `depth` is the offset of its back, up
    and to the right, 0 for a flat vector.
    """

    role: Role
    part: Part
    row: LayerRow | None
    shape: Shape
    column: int
    left: float
    top: float
    width: float
    height: float
    depth: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    def holds(self, x: float, y: float) -> bool:
        across = self.left <= x <= self.left + self.width + self.depth
        return across and self.top - self.depth <= y <= self.top + self.height


@dataclass(frozen=True)
class Layout:
    """Layout of a diagram.

    `blocks` are from left to right; the two heads follow each other. `width` is more than that of the frame if it must
    be scrolled; `pitch` the distance of the columns; `axis` y of the center line of the blocks. `flat` is whether the
    labels are horizontal; else they are rotated.
    """

    blocks: tuple[Block, ...]
    width: float
    pitch: float
    axis: float
    flat: bool

    def span(self, part: Part) -> tuple[float, float]:
        columns = [block.column for block in self.blocks if block.part == part]
        return EDGE + min(columns) * self.pitch, EDGE + (max(columns) + 1) * self.pitch

    def column_span(self, block: Block) -> tuple[float, float]:
        return EDGE + block.column * self.pitch, EDGE + (block.column + 1) * self.pitch

    def at(self, x: float, y: float) -> int | None:
        """Return the block at a point, else the nearest in the column of the point."""
        for number, block in enumerate(self.blocks):
            if block.holds(x, y):
                return number
        column = int((x - EDGE) // self.pitch)
        inside = [number for number, block in enumerate(self.blocks) if block.column == column]
        return min(inside, key=lambda number: abs(self._height_of(number) - y), default=None)

    def _height_of(self, number: int) -> float:
        return self.blocks[number].top + self.blocks[number].height / 2

    def wires(self) -> list[tuple[int, int]]:
        """Return the connections: from each block to all blocks of the next column."""
        joined: list[tuple[int, int]] = []
        columns: dict[int, list[int]] = {}
        for number, block in enumerate(self.blocks):
            columns.setdefault(block.column, []).append(number)
        for before, after in pairwise(sorted(columns)):
            joined += [(one, other) for one in columns[before] for other in columns[after]]
        return joined


@dataclass(frozen=True)
class _Place:
    role: Role
    part: Part
    row: LayerRow | None
    shape: Shape
    column: int
    raised: int = 0
    """−1 for the upper of two blocks in a column, 1 for the lower."""


def lay_out(spec: ModelSpec, frame: Frame) -> Layout:
    """Return the layout of a diagram; columns share the frame's width, and take more if their labels need it."""
    places = _places(spec)
    columns = places[-1].column + 1
    pitch = max(frame.narrow, (frame.width - 2 * EDGE) / columns)
    axis = (frame.top + frame.bottom) / 2
    tallest = max(_side(spec, place.shape) for place in places)
    deepest = max(_MANY, *(_maps(place.shape) for place in places))
    blocks = tuple(_block(place, spec, frame, pitch, tallest, deepest) for place in places)
    return Layout(blocks, 2 * EDGE + columns * pitch, pitch, axis, pitch >= frame.wide)


def _places(spec: ModelSpec) -> list[_Place]:
    places = [_Place("image", "encoder", None, spec.image_shape, 0)]
    places += _chain(spec.encoder, "encoder", 1)
    column = places[-1].column + 1
    heads = spec.encoder.rows()[len(spec.encoder.layers) :]
    for number, row in enumerate(heads):
        places.append(_Place("head", "encoder", row, row.output_shape, column, 2 * number - len(heads) + 1))
    column += bool(heads)
    places.append(_Place("code", "code", None, spec.latent_shape, column))
    return places + _chain(spec.decoder, "decoder", column + 1)


def _chain(network: Network, part: Part, first: int) -> list[_Place]:
    rows = network.rows()[: len(network.layers)]
    return [_Place("layer", part, row, row.output_shape, first + number) for number, row in enumerate(rows)]


def _side(spec: ModelSpec, shape: Shape) -> float:
    """Return the side of a square of the same area; a flat vector is at most as tall as the image."""
    if len(shape) > 1:
        return sqrt(prod(shape[:2]))
    return min(sqrt(shape[0]), sqrt(prod(spec.image_shape[:2])))


def _maps(shape: Shape) -> int:
    return shape[2] if len(shape) > 1 else 1


def _block(place: _Place, spec: ModelSpec, frame: Frame, pitch: float, tallest: float, deepest: int) -> Block:
    solid = len(place.shape) > 1
    depth_share = 0.16 if solid else 0.0
    tall = min(frame.bottom - frame.top, max(_SHORT, _SLIMMEST * pitch))
    room = tall * (0.42 if place.raised else 1.0)
    share = (_side(spec, place.shape) / tallest) ** _SOFT
    whole = max(_LOWEST, room * share)
    depth = min(whole * depth_share, pitch * 0.25)
    height = whole - depth
    thickest = max(_THINNEST, pitch * 0.5)
    grown = log2(1 + _maps(place.shape)) / log2(1 + deepest)
    width = max(_THINNEST, thickest * grown) if solid else min(_BAR, thickest)
    middle = EDGE + (place.column + 0.5) * pitch
    center = (frame.top + frame.bottom) / 2 + place.raised * (tall / 4 + _HEAD_GAP / 4)
    return Block(
        *(place.role, place.part, place.row, place.shape, place.column),
        left=middle - (width + depth) / 2,
        top=center - whole / 2 + depth,
        width=width,
        height=height,
        depth=depth,
    )
