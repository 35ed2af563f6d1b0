"""Layouts as expressions: boxes, rows that wrap, and boxes that stack their items where they are narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, TypeVar

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QLayoutItem, QSpacerItem, QVBoxLayout, QWidget

STRETCH: Final = "stretch"
"""Empty space that takes what the other items leave."""

Part: TypeAlias = QWidget | QLayout | Literal["stretch"]
Item: TypeAlias = Part | int | tuple[Part, int] | tuple[Part, int, Qt.AlignmentFlag]
"""A part, optionally with its stretch factor and alignment, or a gap in pixels."""

_L = TypeVar("_L", bound=QBoxLayout)
_TALLEST = 1 << 20

Margins: TypeAlias = int | tuple[int, int, int, int]
"""All four margins in pixels, or left, top, right and bottom."""


def hbox(*items: Item, spacing: int | None = None, margins: Margins | None = None) -> QHBoxLayout:
    """Return items side by side; without spacing and margins, those of the surrounding layout or style apply."""
    return _filled(QHBoxLayout(), items, spacing, margins)


def vbox(*items: Item, spacing: int | None = None, margins: Margins | None = None) -> QVBoxLayout:
    """Return items below each other; without spacing and margins, those of the surrounding layout or style apply."""
    return _filled(QVBoxLayout(), items, spacing, margins)


def flow(*widgets: QWidget, spacing: int = 6) -> Flow:
    """Return widgets side by side, in further rows where the width ends."""
    made = Flow()
    made.setSpacing(spacing)
    for widget in widgets:
        made.addWidget(widget)
    return made


def tiles(*items: QWidget | None, spacing: int = 10) -> Tiles:
    """Return equal widgets in one row, or in columns of two where that makes them larger.

    None leaves a place of a column free.
    """
    made = Tiles()
    made.setSpacing(spacing)
    for item in items:
        if item is None:
            made.addItem(QSpacerItem(0, 0))
        else:
            made.addWidget(item)
    return made


def folding(fold: int, *items: Item, spacing: int | None = None, margins: Margins | None = None) -> FoldingBox:
    """Return items side by side, or below each other where they have less than `fold` pixels."""
    return _filled(FoldingBox(fold), items, spacing, margins)


class Flow(QLayout):
    """Rows of widgets in their preferred sizes."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), really=False)

    def sizeHint(self) -> QSize:
        sizes = [item.sizeHint() for item in self._shown()]
        width = sum(size.width() + self.spacing() for size in sizes) - self.spacing()
        return QSize(max(0, width), max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._shown()]
        width = max((size.width() for size in sizes), default=0)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, really=True)

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _rows(self, width: int) -> Iterator[list[tuple[QLayoutItem, QSize]]]:
        row: list[tuple[QLayoutItem, QSize]] = []
        used = 0
        for item in self._shown():
            size = item.sizeHint().boundedTo(QSize(max(width, item.minimumSize().width()), _TALLEST))
            if row and used + size.width() > width:
                yield row
                row, used = [], 0
            row.append((item, size))
            used += size.width() + self.spacing()
        if row:
            yield row

    def _place(self, rect: QRect, *, really: bool) -> int:
        """Return the height of all rows; if `really`, put the widgets into them."""
        y = rect.y()
        for row in self._rows(rect.width()):
            x, height = rect.x(), max(size.height() for _, size in row)
            for item, size in row if really else []:
                item.setGeometry(QRect(x, y + (height - size.height()) // 2, size.width(), size.height()))
                x += size.width() + self.spacing()
            y += height + self.spacing()
        return max(0, y - self.spacing() - rect.y())


class Tiles(Flow):
    """Equal widgets, in one row or in columns of two; what their preferred size is higher than wide is a caption."""

    def hasHeightForWidth(self) -> bool:
        return False

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(self.minimumSize())

    def minimumSize(self) -> QSize:
        size, columns = super().minimumSize(), -(-len(self._items) // 2)
        return QSize(columns * (size.width() + self.spacing()), 2 * size.height() + self.spacing())

    def _place(self, rect: QRect, *, really: bool) -> int:
        """Put all widgets in the middle, in the arrangement with the larger images; return the height."""
        row = [[item] for item in self._shown()]
        columns = [self._items[start : start + 2] for start in range(0, len(self._items), 2)]
        least = super().minimumSize().width()
        fits = self._cell(rect, row)[0] >= least and self._side(rect, row) > self._side(rect, columns)
        arranged = row if fits else columns
        width, height = self._cell(rect, arranged)
        height = min(height, self._side(rect, arranged) + self._caption())
        rows = max(map(len, arranged), default=0)
        top = rect.y() + (rect.height() - rows * (height + self.spacing()) + self.spacing()) // 2
        for across, column in enumerate(arranged if really else []):
            for down, item in enumerate(column):
                x, y = across * (width + self.spacing()), down * (height + self.spacing())
                item.setGeometry(QRect(rect.x() + x, top + y, width, height))
        return rect.height()

    def _cell(self, rect: QRect, columns: list[list[QLayoutItem]]) -> tuple[int, int]:
        across, down, gap = len(columns), max(map(len, columns), default=1), self.spacing()
        return (rect.width() + gap) // max(1, across) - gap, (rect.height() + gap) // down - gap

    def _side(self, rect: QRect, columns: list[list[QLayoutItem]]) -> int:
        """Return the side of a square image in one of the columns."""
        width, height = self._cell(rect, columns)
        return min(width, height - self._caption())

    def _caption(self) -> int:
        usual = [item.sizeHint() for item in self._shown()]
        return max((size.height() - size.width() for size in usual), default=0)


class FoldingBox(QBoxLayout):
    """A row that becomes a column where it is narrow."""

    def __init__(self, fold: int) -> None:
        super().__init__(QBoxLayout.Direction.LeftToRight)
        self._fold = fold

    def minimumSize(self) -> QSize:
        items = [item for number in range(self.count()) if (item := self.itemAt(number)) is not None]
        widest = max((item.minimumSize().width() for item in items if not item.isEmpty()), default=0)
        margins = self.contentsMargins()
        smallest = widest + margins.left() + margins.right()
        return QSize(smallest, super().minimumSize().height())

    def setGeometry(self, rect: QRect) -> None:
        narrow = rect.width() < self._fold
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if direction != self.direction():
            self.setDirection(direction)
        super().setGeometry(rect)


def widget_of(layout: QLayout, width: int | None = None) -> QWidget:
    made = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    made.setLayout(layout)
    if width is not None:
        made.setFixedWidth(width)
    return made


def _filled(layout: _L, items: tuple[Item, ...], spacing: int | None, margins: Margins | None) -> _L:
    if spacing is not None:
        layout.setSpacing(spacing)
    if margins is not None:
        layout.setContentsMargins(*(margins if isinstance(margins, tuple) else (margins,) * 4))
    for item in items:
        if isinstance(item, int):
            layout.addSpacing(item)
            continue
        part, stretch, *alignment = item if isinstance(item, tuple) else (item, 0)
        if isinstance(part, QWidget):
            layout.addWidget(part, stretch, *alignment)
        elif isinstance(part, QLayout):
            layout.addLayout(part, stretch)
        else:
            layout.addStretch(stretch)
    return layout
