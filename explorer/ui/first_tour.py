"""The tour: five steps through the window, shown on the first start and from the Help menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Signal
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.widgets.tour_card import TourCard, TourOverlay


class Landmarks(NamedTuple):
    """The parts of the window that the tour points at; the panels are by name."""

    stage: QWidget
    reconstruction: QWidget
    panels: Mapping[str, QWidget]
    workspaces: QWidget

    @property
    def panes(self) -> list[QWidget]:
        """The parts that F6 visits, in order."""
        return [self.stage, *self.panels.values()]


@dataclass(frozen=True)
class Step:
    """The text of one step, and the widget it is about."""

    title: str
    text: str
    target: QWidget


class FirstTour(QObject):
    """Steps through the tour over a window, which stays usable; `ended()`: it was finished or skipped."""

    ended = Signal()

    def __init__(self, window: QWidget, landmarks: Landmarks) -> None:
        super().__init__(window)
        self._window = window
        self._steps = self._make_steps(landmarks)
        self._place = 0
        self._before: QWidget | None = None
        self.overlay = TourOverlay(window)
        self.card = TourCard(window)
        self.card.moved.connect(self._move)
        self.card.skipped.connect(self.end)
        window.installEventFilter(self)

    def _make_steps(self, parts: Landmarks) -> tuple[Step, ...]:
        return (
            Step(
                self.tr("Select an image"),
                self.tr(
                    "An autoencoder compresses each image into a short latent code. Click an image, or drop or paste "
                    "one of your own."
                ),
                parts.panels["gallery"],
            ),
            Step(
                self.tr("Compare the reconstruction"),
                self.tr(
                    "The decoder reconstructs the image from the code. MSE, PSNR and SSIM measure the difference; "
                    "the error map shows where it is."
                ),
                parts.reconstruction,
            ),
            Step(
                self.tr("Edit the code"),
                self.tr(
                    "Drag a slider and watch the edited image. The histogram behind a slider shows the dataset's "
                    "codes; outside it, decoded images become unreliable."
                ),
                parts.panels["latent"],
            ),
            Step(
                self.tr("Explore the latent space"),
                self.tr(
                    "Each workspace shows the same image and code for another task: walk a map of latent space, "
                    "measure, train a model, animate."
                ),
                parts.workspaces,
            ),
            Step(
                self.tr("Make an animation"),
                self.tr(
                    "Add keyframes (Ctrl+Shift+K), play the animation, and export it as a video or GIF. Press Ctrl+K "
                    "to search all commands and the help."
                ),
                parts.panels["timeline"],
            ),
        )

    @property
    def running(self) -> bool:
        return self.card.isVisible()

    def start(self) -> None:
        """Show the first step."""
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
        widget = self._steps[self._place].target
        return QRect(widget.mapTo(self._window, QPoint(0, 0)), widget.size())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Resize, QEvent.Type.LayoutRequest} and self.running:
            self._frame()
            self.card.stand_beside(self._target())
        return super().eventFilter(watched, event)
