"""Drives the real window in the tour: clicks, drags, keys, waiting, screenshots."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QEventLoop,
    QMimeData,
    QModelIndex,
    QPoint,
    QPointF,
    QRectF,
    Qt,
    QTimer,
)
from PySide6.QtGui import QAction, QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTreeWidgetItem,
    QWidget,
)

from explorer.app import Running
from explorer.document.document import Document, Problem
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.noise import NOISE, NoiseView
from explorer.errors import EngineError, UsageError
from explorer.tour.clicks import ClickCounter
from explorer.ui.panel_dock import PanelDock

PATIENCE_SECONDS = 180.0
"""Timeout of every wait in the tour; a training on a slow machine takes longest."""

_TICK_MS = 10
_LAYOUTS = 5
"""Turns of the event loop in which a layout reaches the innermost widgets."""
W = TypeVar("W", bound=QWidget)


@dataclass
class Tour:
    """A running tour: output folder, size and window, screenshots and problems."""

    out: Path
    _running: Running | None = None
    screenshots: list[str] = field(default_factory=list)
    gif: Path | None = None
    clicks: ClickCounter = field(default_factory=ClickCounter)
    problems: list[Problem] = field(default_factory=list)
    size: tuple[int, int] | None = None

    @property
    def running(self) -> Running:
        if self._running is None:
            raise UsageError("The tour has no window.")
        return self._running

    @property
    def document(self) -> Document:
        return self.running.document

    def enter(self, running: Running) -> None:
        """Go on in another window."""
        self._running = running
        if self.size is not None:
            running.window.resize(*self.size)
        self.document.problem_reported.connect(self.problems.append)

    def leave(self) -> None:
        """Close the window."""
        self.running.close()
        self.running.window.deleteLater()
        self._running = None
        QCoreApplication.processEvents()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        clock = QTimer()
        clock.start(_TICK_MS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if self.problems:
                raise EngineError(self.problems[0].message)
            if time.monotonic() > deadline:
                raise EngineError(
                    "Timed out after {seconds:.0f} s while waiting for {what}.", seconds=PATIENCE_SECONDS, what=what
                )
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        clock.stop()
        # An event loop that runs would have deleted these by now.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def settle(self) -> None:
        """Wait until all requested images are decoded."""
        self.until(lambda: isinstance(self.document.views[IMAGE], ImageView), "the reconstruction")
        self.until(lambda: isinstance(self.document.views[CURSOR], CursorView), "the edited image")
        if NOISE in self.document.views.watched:
            self.until(lambda: isinstance(self.document.views[NOISE], NoiseView), "the noisy image")
        grid = self.document.map
        self.until(lambda: grid.window is None or self.document.plane is None or grid.ready, "the map")
        self.until(self.gallery_ready, "the thumbnails")

    def gallery_ready(self) -> bool:
        gallery = self.running.window.gallery
        return not gallery.model.missing(*gallery.visible_range())

    def find(self, kind: type[W], name: str) -> W:
        widget = self.running.window.findChild(kind, name)
        if widget is None:
            raise UsageError("There is no {kind} named {name}.", kind=kind.__name__, name=name)
        return widget

    def trigger(self, name: str) -> None:
        action = self.running.window.findChild(QAction, name)
        if action is None:
            raise UsageError("There is no menu action named {name}.", name=name)
        action.trigger()

    def click(self, name: str) -> None:
        button = self.find(QAbstractButton, name)
        middle = button.rect().center()
        # A check box reacts to clicks on its text only.
        middle.setX(min(button.width(), button.sizeHint().width()) // 2)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=middle)

    def show_panel(self, name: str) -> None:
        """Show a panel by its icon in the rail."""
        if not self.find(PanelDock, f"{name}_dock").in_front:
            self.click(f"tool_show_{name}")

    def drag(self, widget: QWidget, points: list[QPointF]) -> None:
        path = [point.toPoint() for point in points]
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=path[0])
        for point in path[1:]:
            QTest.mouseMove(widget, point)
            QCoreApplication.processEvents()
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=path[-1])

    def drag_to(self, view: QAbstractItemView, index: QModelIndex, target: QWidget, end: QPoint) -> None:
        """Drag an item of a view to another widget; the events of the drop are sent here, as offscreen has no drags."""
        start = view.visualRect(index).center()
        QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
        self.drop(target, view.model().mimeData([index]), end)
        QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=start)

    def drop(self, widget: QWidget, mime: QMimeData, where: QPoint) -> None:
        copy, left, no_key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(widget, QDragEnterEvent(where, copy, mime, left, no_key))
        QApplication.sendEvent(widget, QDragMoveEvent(where, copy, mime, left, no_key))
        QApplication.sendEvent(widget, QDropEvent(QPointF(where), copy, mime, left, no_key))

    def wheel(self, widget: QWidget, where: QPoint, notches: int) -> None:
        """Turn the wheel at a position in a widget, away from the user if positive."""
        no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        at, turn = QPointF(where), QPoint(0, 120 * notches)
        over = QPointF(widget.mapToGlobal(where))
        event = QWheelEvent(at, over, QPoint(), turn, no_button, no_key, Qt.ScrollPhase.NoScrollPhase, False)
        QApplication.sendEvent(widget, event)

    def press(self, name: str) -> None:
        """Press the shortcut of an action where the focus is."""
        action = self.running.window.findChild(QAction, name)
        if action is None:
            raise UsageError("There is no menu action named {name}.", name=name)
        # Offscreen, nothing activates the window again after a dialog.
        self.running.window.activateWindow()
        self.until(self.running.window.isActiveWindow, "the window")
        QTest.keySequence(QApplication.focusWidget() or self.running.window, action.shortcut())

    def type_path(self, path: Path) -> None:
        """Type a path into the open file dialog, whose folder exists, and press Return."""
        window = self.running.window
        self.until(lambda: bool(window.findChildren(QFileDialog)), "the file dialog")
        dialog = window.findChildren(QFileDialog)[-1]
        edit = dialog.findChild(QLineEdit, "fileNameEdit")
        if edit is None:
            raise UsageError("The file dialog has no field for the name.")
        # The completion popup would take the keyboard focus.
        edit.setCompleter(None)  # type: ignore[arg-type]
        edit.setFocus()
        edit.selectAll()
        # The button to save knows a folder only once it has been read.
        dialog.setDirectory(str(path.parent))
        QTest.keyClicks(edit, path.name)
        button = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
        verb = "Save" if dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave else ""
        self.until(lambda: button.isEnabled() and verb in button.text(), "the dialog to take the name")
        QTest.keyClick(edit, Qt.Key.Key_Return)

    def type_number(self, name: str, value: int) -> None:
        box = self.find(QSpinBox, name)
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, str(value))
        QTest.keyClick(box, Qt.Key.Key_Return)
        box.clearFocus()
        box.lineEdit().deselect()  # for the screenshots

    def has_model(self, name: str) -> bool:
        """The wheel contains only some of the models in the repository."""
        return self.running.window.library.item_of("model", name) is not None

    def open_model(self, name: str) -> None:
        library, before = self.running.window.library, self.document.model
        if before is not None and before.name == name:
            return
        item = library.item_of("model", name)
        if item is None:
            raise UsageError("The library has no model {name}.", name=name)
        self.open_item(item)
        self.until(lambda: self.document.model is not before, f"{name} to open")

    def open_item(self, item: QTreeWidgetItem) -> None:
        """Double-click an item of the library."""
        tree = self.running.window.library.tree
        tree.scrollToItem(item)
        where = tree.visualItemRect(item).center()
        QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
        QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=where)

    def open_source(self, name: str) -> None:
        library, before = self.running.window.library, self.document.source
        item = library.item_of("source", name)
        if item is None:
            raise UsageError("The library has no dataset {name}.", name=name)
        self.open_item(item)
        self.until(lambda: self.document.source is not before, f"{name} to open")

    def choose(self, name: str, value: object) -> None:
        """Choose an item of a combo box by its data, with the keyboard."""
        box = self.find(QComboBox, name)
        wanted = box.findData(value)
        if wanted < 0:
            raise UsageError("{name} has no item {value}.", name=name, value=value)
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Home)
        while box.currentIndex() != wanted:
            QTest.keyClick(box, Qt.Key.Key_Down)
        box.activated.emit(wanted)

    def shoot(self, name: str, dialog: QWidget | None = None) -> None:
        """Save a screenshot of the window, optionally with an open dialog over it."""
        path = self.out / f"{len(self.screenshots) + 1:02d}-{name}.png"
        for _ in range(_LAYOUTS):
            QCoreApplication.processEvents()
        window = self.running.window
        shot = window.grab()
        if dialog is not None:
            over = dialog.grab()
            painter = QPainter(shot)
            painter.fillRect(shot.rect(), QColor(0, 0, 0, 90))
            where = QRectF(QPointF(), over.deviceIndependentSize())
            where.moveCenter(QRectF(window.rect()).center().toPoint())
            painter.drawPixmap(where.topLeft().toPoint(), over)
            painter.end()
        if not shot.save(str(path)):
            raise UsageError("Cannot write screenshots to {folder}. Choose another folder.", folder=self.out)
        self.screenshots.append(str(path))
