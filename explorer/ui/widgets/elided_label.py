"""A line of text that does not widen its layout."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from explorer.ui.plain_text import PlainLabel, plain_tooltip
from explorer.ui.widgets.fields import Look


class ElidedLabel(PlainLabel):
    """Elides its text if there is not enough space; the tooltip then has all of it, after `tip`."""

    def __init__(self, name: str, text: str = "", tip: str = "", *, look: Look = "plain") -> None:
        self._tip = tip
        super().__init__(text)
        self.setObjectName(name)
        self.setProperty(look, True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._show_tip()

    def set_tip(self, tip: str) -> None:
        """Set what the tooltip says before the text."""
        self._tip = tip
        self._show_tip()

    def _show_tip(self) -> None:
        self.setToolTip(plain_tooltip("\n".join(part for part in (self._tip, self.text()) if part)))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        area = self.contentsRect().adjusted(self.margin(), 0, -self.margin(), 0)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | self.alignment()), text)
        painter.end()
