"""A real window with everything that works behind it, and hands for it: mouse, keys, and waiting for what is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTreeWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from explorer.app import Running
from explorer.data.source import Source
from explorer.document.document import Document, Problem
from explorer.document.state import OpenModel
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.noise import NOISE, NoiseView
from explorer.types import Floats
from explorer.ui.images import image_to_qimage
from explorer.ui.main_window import MainWindow
from explorer.ui.panel_dock import PanelDock
from explorer.ui.panels import PANELS
from explorer_testing.builders import make_model, make_source

PATIENCE_MS = 120_000
"""How long to wait for what must come; nothing is measured by it."""

W = TypeVar("W", bound=QWidget)

MakeWindow: TypeAlias = Callable[[], MainWindow]
"""Makes a window; the type of a fixture."""


class WindowDriver:
    """The window of `explorer.app.make_window`, shown, and what a person does with it."""

    def __init__(self, running: Running, bot: QtBot) -> None:
        self.running = running
        self.bot = bot
        self.problems: list[Problem] = []
        self.document.problem_reported.connect(self.problems.append)
        self.window.show()
        bot.waitExposed(self.window)

    @property
    def document(self) -> Document:
        return self.running.document

    @property
    def window(self) -> MainWindow:
        return self.running.window

    @property
    def code(self) -> Floats:
        """The latent cursor."""
        code = self.document.code
        assert code is not None
        return code

    def undo_label(self) -> str | None:
        """What undo would take back; a call, since an attribute's value is taken for lasting."""
        label = self.document.undo_label
        return label if label is None else str(label)

    def close(self) -> None:
        """Close the window as a person does."""
        self.running.close()
        self.window.deleteLater()

    # -- waiting -------------------------------------------------------------------------------------------------------

    def until(self, condition: Any) -> None:
        """Serve events until the condition holds."""
        self.bot.waitUntil(condition, timeout=PATIENCE_MS)

    def open(self, model: OpenModel | None = None, source: Source | None = None) -> None:
        """Open a small model and 30 images, or those given; wait until all is shown, and begin the history."""
        self.document.open(model or make_model(), source or make_source())
        self.settle()
        self.document.forget_history()

    def settle(self) -> None:
        """Wait until nothing that the codec was asked for is missing."""
        document = self.document
        self.until(lambda: isinstance(document.views[IMAGE], ImageView))
        self.until(lambda: isinstance(document.views[CURSOR], CursorView))
        if NOISE in document.views.watched:
            self.until(lambda: isinstance(document.views[NOISE], NoiseView))
        if document.map.window is not None and document.plane is not None:
            self.until(lambda: document.map.ready)
        gallery = self.window.gallery
        self.until(lambda: not gallery.model.missing(*gallery.visible_range()))

    def settle_layout(self) -> None:
        """Serve the events that lay widgets out again."""
        QApplication.processEvents()

    def until_edited_shows(self, code: Floats) -> None:
        """Wait until the stage shows what the open model decodes this code to."""
        model = self.document.model
        assert model is not None
        wanted = image_to_qimage(model.codec.decode(code[None])[0])
        self.until(lambda: self.window.stage.edited.image == wanted)

    # -- hands ---------------------------------------------------------------------------------------------------------

    def find(self, kind: type[W], name: str) -> W:
        """Return the control of that object name."""
        found = self.window.findChild(kind, name)
        assert found is not None, f"no {kind.__name__} named {name}"
        return found

    def click(self, name: str) -> None:
        """Click a control in its middle; a check box in the middle of its text, beside which it does not react."""
        control = self.find(QWidget, name)
        middle = control.rect().center()
        if isinstance(control, QCheckBox):
            middle.setX(min(control.width(), control.sizeHint().width()) // 2)
        QTest.mouseClick(control, Qt.MouseButton.LeftButton, pos=middle)

    def shortcut(self, action: str, at: QWidget | None = None) -> None:
        """Press the keys of a menu's action, in a widget or in the window itself."""
        found = self.window.findChild(QAction, action)
        assert found is not None, f"no action named {action}"
        assert not found.shortcut().isEmpty(), f"{action} has no keys"
        QTest.keySequence(at or self.window, found.shortcut())

    def tab(self, title: str) -> None:
        """Show the panel of that title, by its icon in the rail."""
        name = next(panel.name for panel in PANELS if panel.title == title)
        if not self.find(PanelDock, f"{name}_dock").in_front:
            self.click(f"tool_show_{name}")

    def click_item(self, item: QTreeWidgetItem | None) -> None:
        """Click a line of the library."""
        assert item is not None
        self.tab("Library")
        tree = self.window.library.tree
        tree.scrollToItem(item)
        QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(item).center())

    def open_item(self, item: QTreeWidgetItem | None) -> None:
        """Double-click a line of the library."""
        self.click_item(item)
        assert item is not None
        self.tab("Library")
        tree = self.window.library.tree
        QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(item).center())

    def type_into(self, name: str, text: str) -> None:
        """Put a text or number into a field, and press Return."""
        type_into(self.find(QWidget, name), text)

    def save_as(self, path: Path) -> None:
        """Type a path into the file dialog that is open, and save."""
        self.until(lambda: bool(self.window.findChildren(QFileDialog)))
        dialog = self.window.findChildren(QFileDialog)[-1]
        edit = dialog.findChild(QLineEdit, "fileNameEdit")
        assert edit is not None
        # Its list of completions pops up when the folder has been read, and takes the keyboard away.
        edit.setCompleter(None)  # type: ignore[arg-type]
        dialog.setDirectory(str(path.parent))
        edit.setFocus()
        edit.selectAll()
        QTest.keyClicks(edit, path.name)
        save = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
        # While the folder is being read the button says “Open”, and would.
        self.until(lambda: save.isEnabled() and "Save" in save.text())
        QTest.mouseClick(save, Qt.MouseButton.LeftButton)


def drag(widget: QWidget, points: Sequence[QPointF]) -> None:
    """Press at the first point, move along the others, let go at the last."""
    path = [point.toPoint() for point in points]
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=path[0])
    for point in path[1:]:
        QTest.mouseMove(widget, point)
        QApplication.processEvents()
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=path[-1])


def type_into(field: QWidget, text: str) -> None:
    """Put a text or number into a field, and press Return."""
    assert isinstance(field, QLineEdit | QSpinBox | QDoubleSpinBox)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def choose(parent: QWidget, name: str, value: object) -> None:
    """Choose the entry of a box that stands for a value, by keyboard."""
    box = parent.findChild(QComboBox, name)
    assert box is not None, f"no box named {name}"
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    while box.currentData() != value:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before, f"{value} cannot be chosen"


def plain(text: str) -> str:
    """Return a text with plain spaces in place of those that hold words together."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def array_of(qimage: QImage) -> NDArray[np.uint8]:
    """Return the pixels of an image, ``(h, w, 1)`` where it is gray and ``(h, w, 3)`` where not."""
    gray = qimage.format() == QImage.Format.Format_Grayscale8
    kind = QImage.Format.Format_Grayscale8 if gray else QImage.Format.Format_RGB888
    qimage = qimage.convertToFormat(kind)
    lines = np.frombuffer(qimage.constBits(), np.uint8).reshape(qimage.height(), qimage.bytesPerLine())
    channels = 1 if gray else 3
    return lines[:, : qimage.width() * channels].reshape(qimage.height(), qimage.width(), channels).copy()
