"""The tour: five steps through the window, shown on the first start and from the Help menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Signal
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.widgets.tour_card import TourCard, TourOverlay


@dataclass(frozen=True)
class Step:
    """The text of one step, and the widget it is about."""

    title: str
    text: str
    target: Callable[[], QWidget]


class FirstTour(QObject):
    """Steps through the tour over a window, which stays usable.

    Signals
    -------
    ended()
        The tour was finished or skipped.
    """

    ended = Signal()

    def __init__(self, window: QWidget, steps: tuple[Step, ...]) -> None:
        super().__init__(window)
        self._window = window
        self._steps = steps
        self._place = 0
        self._before: QWidget | None = None
        self.overlay = TourOverlay(window)
        self.card = TourCard(window)
        self.card.moved.connect(self._move)
        self.card.skipped.connect(self.end)
        window.installEventFilter(self)

    @property
    def running(self) -> bool:
        return self.card.isVisible()

    def start(self) -> None:
        self._before = QApplication.focusWidget()
        self._place = 0
        self._show()

    def end(self) -> None:
        if not self.running:
            return
        self.overlay.hide()
        self.card.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self._before = None
        self.ended.emit()

    def _move(self, by: int) -> None:
        self._place += by
        if self._place >= len(self._steps):
            self.end()
        else:
            self._place = max(0, self._place)
            self._show()

    def _show(self) -> None:
        step = self._steps[self._place]
        self._frame()
        self.card.show_step(step.title, step.text, self._place + 1, len(self._steps))
        self.card.stand_beside(self._target())
        self.card.raise_()

    def _frame(self) -> None:
        self.overlay.show_hole(self._target())
        self.overlay.raise_()
        self.card.raise_()

    def _target(self) -> QRect:
        widget = self._steps[self._place].target()
        return QRect(widget.mapTo(self._window, QPoint(0, 0)), widget.size())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Resize, QEvent.Type.LayoutRequest} and self.running:
            self._frame()
            self.card.stand_beside(self._target())
        return super().eventFilter(watched, event)
