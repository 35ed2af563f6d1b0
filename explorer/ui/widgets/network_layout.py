"""Where the blocks of a network's drawing stand: numbers only, so that it can be tested without painting.

As such drawings are usual in papers: one block a layer, from the picture on the left through the code to the picture on
the right; its height follows the sides of a feature map, its thickness the number of maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log2, prod, sqrt
from typing import Literal, TypeAlias

from explorer.models.layers import LayerRow, Network, Shape
from explorer.models.spec import ModelSpec

Role: TypeAlias = Literal["picture", "layer", "head", "code"]
Part: TypeAlias = Literal["encoder", "code", "decoder"]

_LOWEST = 8.0
_THINNEST = 4.0
_BAR = 7.0
"""Thickness of a plain row of values."""

_SOFT = 0.6
"""Power that sides are taken to, so that a code of 7 × 7 stays visible beside a picture of 224."""

_MANY = 64
"""Maps that count as many, so that the one of a grey picture is thin in a network of dense layers too."""

_SLIMMEST = 3.4
_SHORT = 120.0
"""Blocks are no taller than so many times their column is wide, or than so many pixels."""

EDGE = 8.0
"""Left free at both ends."""

_HEAD_GAP = 10.0


@dataclass(frozen=True)
class Frame:
    """What there is to draw in, in pixels.

    Attributes
    ----------
    width
        Of the view; a drawing may be wider, and is then scrolled.
    top, bottom
        Between them stand the blocks.
    narrow, wide
        The least width of a column whose words stand upright (turned by 90°), and one whose words lie flat.
    """

    width: float
    top: float
    bottom: float
    narrow: float
    wide: float


@dataclass(frozen=True)
class Block:
    """One block; lengths in pixels.

    Attributes
    ----------
    role, part
        What it is, and where it belongs.
    row
        The layer, or None for the picture and for the code.
    shape
        What comes out of it.
    column
        Its place from the left; the heads of a variational model share one.
    left, top, width, height
        Its face.
    depth
        How far its side goes back, up and to the right; 0 for a plain row of values.
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
        """Its middle from the left, without the depth."""
        return self.left + self.width / 2

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point lies in the face or on the side of the block."""
        across = self.left <= x <= self.left + self.width + self.depth
        return across and self.top - self.depth <= y <= self.top + self.height


@dataclass(frozen=True)
class Layout:
    """A whole drawing.

    Attributes
    ----------
    blocks
        From left to right, the heads one after the other.
    width
        Of everything; more than the frame's where it must be scrolled.
    pitch
        From column to column.
    axis
        Height of the line that the blocks stand on.
    flat
        Whether the words lie flat; else they stand upright.
    """

    blocks: tuple[Block, ...]
    width: float
    pitch: float
    axis: float
    flat: bool

    def span(self, part: Part) -> tuple[float, float]:
        """Return where a part's columns begin and end."""
        columns = [block.column for block in self.blocks if block.part == part]
        return EDGE + min(columns) * self.pitch, EDGE + (max(columns) + 1) * self.pitch

    def column_span(self, block: Block) -> tuple[float, float]:
        """Return where a block's column begins and ends."""
        return EDGE + block.column * self.pitch, EDGE + (block.column + 1) * self.pitch

    def at(self, x: float, y: float) -> int | None:
        """Return the number of the block at a point: the block itself, else the one whose column it is."""
        for number, block in enumerate(self.blocks):
            if block.holds(x, y):
                return number
        column = int((x - EDGE) // self.pitch)
        inside = [number for number, block in enumerate(self.blocks) if block.column == column]
        return min(inside, key=lambda number: abs(self._height_of(number) - y), default=None)

    def _height_of(self, number: int) -> float:
        return self.blocks[number].top + self.blocks[number].height / 2

    def wires(self) -> list[tuple[int, int]]:
        """Return which blocks are joined: every one with those of the next column."""
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
    """Return where everything stands.

    Parameters
    ----------
    spec
        The networks.
    frame
        The room; columns share its width, and take more where their words need it.
    """
    places = _places(spec)
    columns = places[-1].column + 1
    pitch = max(frame.narrow, (frame.width - 2 * EDGE) / columns)
    axis = (frame.top + frame.bottom) / 2
    tallest = max(_side(spec, place.shape) for place in places)
    deepest = max(_MANY, *(_maps(place.shape) for place in places))
    blocks = tuple(_block(place, spec, frame, pitch, tallest, deepest) for place in places)
    return Layout(blocks, 2 * EDGE + columns * pitch, pitch, axis, pitch >= frame.wide)


def _places(spec: ModelSpec) -> list[_Place]:
    places = [_Place("picture", "encoder", None, spec.image_shape, 0)]
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
    """Return the side of a square of as many places; a row of values is never taller than the picture."""
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
    centre = (frame.top + frame.bottom) / 2 + place.raised * (tall / 4 + _HEAD_GAP / 4)
    return Block(
        *(place.role, place.part, place.row, place.shape, place.column),
        left=middle - (width + depth) / 2,
        top=centre - whole / 2 + depth,
        width=width,
        height=height,
        depth=depth,
    )
