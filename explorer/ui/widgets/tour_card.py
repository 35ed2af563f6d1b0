"""The tour's card, beside the framed part of the window that it explains."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPainterPath, QPaintEvent, QPen, QShortcut
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from explorer.ui.text import filled
from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import button, label, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_CARD_WIDTH = 330
_GAP = 14
_OVERLAY_ALPHA = 150


class TourOverlay(QWidget):
    """Dims the window except for one part; transparent to the mouse, so that the part can be used."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._hole = QRect()
        self.setObjectName("tour_overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def show_hole(self, hole: QRect) -> None:
        self._hole = hole
        self.setGeometry(self._window.rect())
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        free = QRectF(self._hole).adjusted(-2, -2, 2, 2)
        overlay = QPainterPath()
        overlay.addRect(QRectF(self.rect()))
        hole = QPainterPath()
        hole.addRoundedRect(free, 8, 8)
        tint = theme.color("window").darker(115)
        tint.setAlpha(_OVERLAY_ALPHA)
        painter.fillPath(overlay.subtracted(hole), tint)
        painter.setPen(QPen(theme.color("accent"), 2))
        painter.drawPath(hole)
        painter.end()


class TourCard(QFrame):
    """Title, text and buttons of a tour step. Return or →: next; ←: back; Esc: skip.

    `moved(int)`: one step forward (1) or back (−1). `skipped()`: the tour was ended early.
    """

    moved = Signal(int)
    skipped = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._target = QRect()
        name_widget(self, "tour_card", self.tr("Tour"))
        self.setFixedWidth(_CARD_WIDTH)
        self._count = label("tour_count", wrap=False)
        self._title = label("tour_title", look="heading", wrap=False)
        self._text = label("tour_text", look="plain")
        self._skip = button("tour_skip", self.tr("Skip"), self.tr("End the tour (Esc); restart it from the Help menu"))
        self._back = button("tour_back", self.tr("Back"), self.tr("Previous step (←)"))
        self.next = button("tour_next", self.tr("Next"), self.tr("Next step (Return or →)"), primary=True)
        self.setLayout(
            vbox(
                hbox((self._title, 1), self._count),
                self._text,
                4,
                hbox(self._skip, (STRETCH, 1), self._back, self.next),
                spacing=8,
                margins=(16, 14, 16, 12),
            )
        )
        self._skip.clicked.connect(self.skipped)
        self._back.clicked.connect(lambda: self.moved.emit(-1))
        self.next.clicked.connect(lambda: self.moved.emit(1))
        # Otherwise arrow keys would move the focus between the buttons.
        for arrow, part in ((Qt.Key.Key_Right, self.next), (Qt.Key.Key_Left, self._back)):
            keys = QShortcut(QKeySequence(arrow), self)
            keys.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            keys.activated.connect(part.click)
        parent.installEventFilter(self)
        self.hide()

    @property
    def title(self) -> str:
        return self._title.text()

    def show_step(self, title: str, text: str, number: int, count: int) -> None:
        """Show a step, counted from 1, and focus Next."""
        self._title.setText(title)
        self._text.setText(text)
        self._count.setText(filled(self.tr("%1 of %2"), number, count))
        self._back.setEnabled(number > 1)
        self.next.setText(self.tr("Done") if number == count else self.tr("Next"))
        self.setAccessibleDescription(f"{title}. {text}")
        self.show()
        self.raise_()
        self.next.setFocus(Qt.FocusReason.OtherFocusReason)

    def stand_beside(self, target: QRect) -> None:
        """Move beside a rectangle of the window, on the side with most space, within the window."""
        self._target = target
        self.setFixedHeight(self.heightForWidth(_CARD_WIDTH))
        window = self._window.rect()
        room = {
            "right": window.right() - target.right(),
            "left": target.left(),
            "below": window.bottom() - target.bottom(),
            "above": target.top(),
        }
        needed = {name: _GAP + (self.width() if name in {"left", "right"} else self.height()) for name in room}
        side = max(room, key=lambda name: room[name] / needed[name])
        middle = target.center()
        corner = {
            "right": QPoint(target.right() + _GAP, middle.y() - self.height() // 2),
            "left": QPoint(target.left() - _GAP - self.width(), middle.y() - self.height() // 2),
            "below": QPoint(middle.x() - self.width() // 2, target.bottom() + _GAP),
            "above": QPoint(middle.x() - self.width() // 2, target.top() - _GAP - self.height()),
        }[side]
        left = min(max(corner.x(), _GAP), max(_GAP, window.width() - self.width() - _GAP))
        top = min(max(corner.y(), _GAP), max(_GAP, window.height() - self.height() - _GAP))
        self.move(left, top)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc skips; Return clicks the focused button."""
        key = Qt.Key(event.key())
        focus = self.focusWidget()
        if key == Qt.Key.Key_Escape:
            self.skipped.emit()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and isinstance(focus, QPushButton):
            focus.click()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.stand_beside(self._target)
        return super().eventFilter(watched, event)
