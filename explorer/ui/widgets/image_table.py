"""A table of images."""

from __future__ import annotations

from typing import Literal, NamedTuple

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.types import Shown
from explorer.ui.images import pixels_to_qimage
from explorer.ui.theme import current_theme

_GAP = 4
_FIRST_GAP = 14
"""A wider gap sets the first column apart."""

_LARGEST = 72
"""Side in pixels up to which images grow where the table scrolls."""


class _Fit(NamedTuple):
    """An arrangement: images a line, number of lines, and size of an image in pixels."""

    across: int
    lines: int
    width: int
    height: int


class ImageTable(QWidget):
    """A grid of small images, with a gap of `first_gap` pixels after the first column.

    `whole` enlarges by integer factors only, which keeps pixels square and equal. `wrap` continues in further lines
    where that makes the images larger: `images` one after the other, `rows` with the rows of a table kept together.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        first_gap: int = _FIRST_GAP,
        whole: bool = True,
        wrap: Literal["", "images", "rows"] = "",
    ) -> None:
        super().__init__(parent)
        self._first_gap = first_gap
        self._whole = whole
        self._wrap = wrap
        self._rows: list[list[QImage]] = []
        self._labels: list[tuple[str, bool]] = []
        self._message = ""
        self._fitted: tuple[object, _Fit] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 100)

    @property
    def rows(self) -> list[list[QImage]]:
        return self._rows

    @property
    def message(self) -> str:
        return self._message

    def show_pixels(self, pixels: Shown) -> None:
        """Show images, uint8 ``(rows, columns, h, w, c)``."""
        self._rows = [[pixels_to_qimage(image) for image in row] for row in pixels]
        self._message = ""
        self.updateGeometry()
        self.update()

    def show_message(self, text: str) -> None:
        self._rows, self._message = [], text
        self.updateGeometry()
        self.update()

    def set_labels(self, labels: list[tuple[str, bool]]) -> None:
        """Set the titles above the rows, and whether each is muted; [] for none."""
        self._labels = labels
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        """Return the height at which the images are as wide as their columns, which a scrolling table takes."""
        if not self._rows:
            return self.minimumHeight()
        image, columns = self._rows[0][0], len(self._rows[0])
        side = min(_LARGEST, (width - self._first_gap - _GAP * (columns + 1)) / columns)
        line = round(side * image.height() / image.width()) + self._title + _GAP
        return len(self._rows) * line + _GAP

    def cell(self, row: int, column: int) -> QRect:
        fit = self._fit()
        line, place = self._line(fit, row, column)
        left = (self.width() - fit.across * (fit.width + _GAP) + _GAP - self._first_gap) // 2
        top = (self.height() - fit.lines * (fit.height + self._title + _GAP) + _GAP) // 2
        if self.sizePolicy().hasHeightForWidth():
            top = _GAP
        shift = self._first_gap if place else 0
        down = line * (fit.height + self._title + _GAP) + self._title
        return QRect(left + shift + place * (fit.width + _GAP), top + down, fit.width, fit.height)

    @property
    def _title(self) -> int:
        """Height in pixels of the title of a row."""
        return self.fontMetrics().height() if self._labels else 0

    def _fit(self) -> _Fit:
        """Return the arrangement with the largest images, and of equal ones that with the fewest lines."""
        rows, columns, image = len(self._rows), len(self._rows[0]), self._rows[0][0]
        key = (self.width(), self.height(), rows, columns, image.width(), image.height(), self._title)
        if self._fitted is not None and self._fitted[0] == key:
            return self._fitted[1]
        if self._wrap == "images":
            rows, columns = 1, rows * columns
        counts = range(1, columns + 1) if self._wrap else (1,)
        fits = (self._sized(-(-columns // bands), rows * bands) for bands in counts)
        best = max(fits, key=lambda fit: (fit.width, -fit.lines))
        self._fitted = key, best
        return best

    def _sized(self, across: int, lines: int) -> _Fit:
        image = self._rows[0][0]
        width = (self.width() - self._first_gap - _GAP * (across + 1)) / across
        height = (self.height() - _GAP * (lines + 1)) / lines - self._title
        scale = max(0.0, min(width / image.width(), height / image.height()))
        # Scale large images down to fit.
        scale = int(scale) if scale >= 1 and self._whole else scale
        return _Fit(across, lines, max(1, int(image.width() * scale)), max(1, int(image.height() * scale)))

    def _line(self, fit: _Fit, row: int, column: int) -> tuple[int, int]:
        """Return the line of an image, and its place in it."""
        if self._wrap == "images":
            return divmod(row * len(self._rows[0]) + column, fit.across)
        band, place = divmod(column, fit.across)
        return band * len(self._rows) + row, place

    def _found(self, fit: _Fit, line: int, place: int) -> tuple[int, int]:
        """Return row and column of an image in a line; past the last one, of the last."""
        columns = len(self._rows[0])
        if self._wrap == "images":
            last = len(self._rows) * columns - 1
            return divmod(min(line * fit.across + place, last), columns)
        band, row = divmod(line, len(self._rows))
        return row, min(band * fit.across + place, columns - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.fillRect(self.rect(), theme.color("stage"))
        if not self._rows:
            painter.setPen(theme.color("muted"))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(16, 8, -16, -8), flags, self._message)
        else:
            self._paint_labels(painter)
        for row, images in enumerate(self._rows):
            for column, image in enumerate(images):
                place = self.cell(row, column)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, place.width() % image.width() != 0)
                painter.drawImage(place, image)
        painter.end()

    def _paint_labels(self, painter: QPainter) -> None:
        """Paint the title of a row above it, wherever it is continued."""
        theme, fit = current_theme(), self._fit()
        for row, (text, quiet) in enumerate(self._labels[: len(self._rows)]):
            painter.setPen(theme.color("muted" if quiet else "text"))
            for column in range(0, len(self._rows[0]), fit.across):
                first = self.cell(row, column)
                place = QRect(first.left(), first.top() - self._title, self.width() - first.left(), self._title)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange}:
            self.update()
