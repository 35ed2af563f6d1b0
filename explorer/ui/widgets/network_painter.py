"""Painting of the diagram of a network."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from explorer.models.layer_labels import count_label, layer_labels, shape_label
from explorer.models.layers import BatchNorm, Conv, ConvTranspose, Dense, MaxPool, UpSample
from explorer.ui.theme import Theme
from explorer.ui.widgets.network_layout import Block, Layout, Part

LINE_SHARE = 0.94
"""Distance of the lines below a block, as a fraction of the line height."""

_GAP = 5.0
_AXIS = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class NetworkLook:
    """All that a diagram shows.

    `words` are the lines of text below each block, empty if they do not fit; `titles` the possible titles of each part,
    the longest first. `current` and `hovered` are numbers of the selected block and of that under the mouse, or None.
    `header` is the height of the titles above the blocks, `below` y of the labels below them.
    """

    layout: Layout
    words: tuple[tuple[str, ...], ...]
    titles: dict[Part, tuple[str, ...]]
    current: int | None
    hovered: int | None
    focused: bool
    font: QFont
    header: float
    below: float


def block_words(block: Block, code: str, image: str) -> tuple[str, ...]:
    """Return the lines below a block: name, activation, shape, parameters; some may be empty."""
    if block.row is None:
        return (code if block.role == "code" else image, "", shape_label(block.shape), "")
    name, activation = layer_labels(block.row.layer)
    if block.role == "head":
        name = {"mean": "μ", "log_variance": "log σ²"}.get(block.row.kind, block.row.kind)
    return name, activation, shape_label(block.shape), count_label(block.row.parameters) if block.row.parameters else ""


def upright_lines(words: tuple[str, ...]) -> tuple[str, str]:
    """Return the same in two lines, for rotated labels."""
    name, activation, shape, count = words
    return " ".join(filter(None, (name, activation))), " · ".join(filter(None, (shape, count)))


def paint_network(painter: QPainter, look: NetworkLook, theme: Theme) -> None:
    """Paint titles, connections, blocks and labels, in the coordinates of the layout."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(look.font)
    _paint_titles(painter, look, theme)
    blocks = look.layout.blocks
    painter.setPen(QPen(theme.color("border"), 1.2))
    for before, after in look.layout.wires():
        painter.drawLine(_exit(blocks[before]), _entry(blocks[after]))
    for number, block in enumerate(blocks):
        marked = number == look.current and look.focused
        _paint_block(painter, block, theme, marked=marked, hovered=number == look.hovered)
    for number, block in enumerate(blocks if look.words else ()):
        strong = number in (look.current if look.focused else None, look.hovered)
        if block.role == "head" and block.column == blocks[number + 1].column:
            continue  # the label of the lower head covers both
        _paint_words(painter, look, number, theme, strong=strong or block.role == "code")


def _paint_titles(painter: QPainter, look: NetworkLook, theme: Theme) -> None:
    metrics = QFontMetricsF(look.font)
    for part, titles in look.titles.items():
        left, right = look.layout.span(part)
        room = right - left - _GAP
        title = next((title for title in titles if metrics.horizontalAdvance(title) <= room), titles[-1])
        text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
        painter.setPen(theme.color("muted"))
        painter.drawText(QRectF(left, 0, right - left, look.header - 4), Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QPen(theme.color("accent" if part == "code" else "border"), 1.5))
        painter.drawLine(QPointF(left + 3, look.header - 2), QPointF(right - 3, look.header - 2))


def _paint_block(painter: QPainter, block: Block, theme: Theme, *, marked: bool, hovered: bool) -> None:
    fill = block_color(block, theme)
    edge = theme.color("accent") if marked or hovered else mixed(theme.color("text"), fill, 0.45)
    painter.setPen(QPen(edge, 2.0 if marked else 1.0))
    face = QRectF(block.left, block.top, block.width, block.height)
    painter.setBrush(fill)
    if not block.depth:
        painter.drawRoundedRect(face, 2.5, 2.5)
    else:
        back = QPointF(block.depth, -block.depth)
        painter.setBrush(mixed(theme.color("text"), fill, 0.18))
        painter.drawPolygon(
            QPolygonF([face.topRight(), face.topRight() + back, face.bottomRight() + back, face.bottomRight()])
        )
        painter.setBrush(mixed(theme.color("base"), fill, 0.35))
        painter.drawPolygon(QPolygonF([face.topLeft(), face.topLeft() + back, face.topRight() + back, face.topRight()]))
        painter.setBrush(fill)
        painter.drawRect(face)
    if marked:
        around = QRectF(block.left, block.top - block.depth, block.width + block.depth, block.height + block.depth)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent"), 1.5, Qt.PenStyle.DotLine))
        painter.drawRoundedRect(around.adjusted(-4, -4, 4, 4), 4, 4)


def block_color(block: Block, theme: Theme) -> QColor:
    base = theme.color("base")
    if block.role == "code":
        return theme.color("accent")
    if block.role == "head":
        return mixed(theme.color("accent"), base, 0.45)
    layer = None if block.row is None else block.row.layer
    match layer:
        case Conv() | ConvTranspose():
            return mixed(theme.color("accent"), base, 0.24)
        case Dense():
            return mixed(theme.color("muted"), base, 0.5)
        case MaxPool() | UpSample():
            return mixed(theme.color("warn"), base, 0.34)
        case BatchNorm():
            return mixed(theme.color("good"), base, 0.34)
        case _:
            return base


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """The fraction `share` is of the first."""
    values = (
        round(share * getattr(one, name)() + (1 - share) * getattr(other, name)()) for name in ("red", "green", "blue")
    )
    return QColor(*values)


def _paint_words(painter: QPainter, look: NetworkLook, number: int, theme: Theme, *, strong: bool) -> None:
    layout, block = look.layout, look.layout.blocks[number]
    words = look.words[number]
    if block.role == "head":
        upper = look.words[number - 1]
        words = tuple(
            f"{one}{sign}{two}" for one, two, sign in zip(upper, words, (", ", "", " + ", " + "), strict=True)
        )
    left, right = layout.column_span(block)
    first, second = theme.color("text"), theme.color("muted")
    if strong:
        first = second = theme.color("accent")
    line = LINE_SHARE * QFontMetricsF(look.font).height()
    if layout.flat:
        for row, text in enumerate(words):
            painter.setPen(first if row == 0 else second)
            box = QRectF(left, look.below + row * line, right - left, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return
    painter.save()
    painter.translate((left + right) / 2, look.below)
    painter.rotate(90)
    length = 1_000.0
    for color, text, above in ((first, upright_lines(words)[0], line), (second, upright_lines(words)[1], 0.0)):
        painter.setPen(color)
        painter.drawText(QRectF(0, -above, length, line), Qt.AlignmentFlag.AlignLeft | _AXIS, text)
    painter.restore()


def _exit(block: Block) -> QPointF:
    return QPointF(block.left + block.width + block.depth / 2, block.top + (block.height - block.depth) / 2)


def _entry(block: Block) -> QPointF:
    return QPointF(block.left, block.top + (block.height - block.depth) / 2)
