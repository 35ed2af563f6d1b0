"""The first tour: five steps through the main loop, shown at the first start and from the Help menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Signal
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.widgets.tour_card import TourCard, TourVeil


@dataclass(frozen=True)
class Step:
    """What one step says, and the part of the window that it is about."""

    title: str
    text: str
    target: Callable[[], QWidget]


class FirstTour(QObject):
    """Walks through the steps over a window.

    The window stays alive behind it: what a step speaks of can be tried while it is shown.

    Signals
    -------
    ended()
        It was gone through, or skipped.
    """

    ended = Signal()

    def __init__(self, window: QWidget, steps: tuple[Step, ...]) -> None:
        super().__init__(window)
        self._window = window
        self._steps = steps
        self._place = 0
        self._before: QWidget | None = None
        self.veil = TourVeil(window)
        self.card = TourCard(window)
        self.card.moved.connect(self._move)
        self.card.skipped.connect(self.end)
        window.installEventFilter(self)

    @property
    def running(self) -> bool:
        """Whether a step is shown."""
        return self.card.isVisible()

    def start(self) -> None:
        """Begin at the first step."""
        self._before = QApplication.focusWidget()
        self._place = 0
        self._show()

    def end(self) -> None:
        """Go away, and give the keyboard back."""
        if not self.running:
            return
        self.veil.hide()
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
        self.veil.show_hole(self._target())
        self.veil.raise_()
        self.card.raise_()

    def _target(self) -> QRect:
        widget = self._steps[self._place].target()
        return QRect(widget.mapTo(self._window, QPoint(0, 0)), widget.size())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow a window that is laid out anew."""
        if event.type() in {QEvent.Type.Resize, QEvent.Type.LayoutRequest} and self.running:
            self._frame()
            self.card.stand_beside(self._target())
        return super().eventFilter(watched, event)
