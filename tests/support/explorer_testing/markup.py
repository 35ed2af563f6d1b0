"""Names that are markup, a trap that notices when one is rendered, and a walk that finds what would render one."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QHelpEvent
from PySide6.QtGui import Qt as QtText
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDockWidget,
    QGraphicsTextItem,
    QGraphicsView,
    QGroupBox,
    QLabel,
    QMenu,
    QTabBar,
    QTextEdit,
    QWidget,
)

TRAP = "trap"
MARK = f"<img src={TRAP}>A&B[*]"
"""A name that loads a file where it is rendered, has a mnemonic where `&` is one, and the mark of window titles."""

IMAGE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""What stands for an image in the plain text of a document."""

_MOST = 60
"""Lines of a view that are looked at: they are all made alike."""

_WRITER = """
import sys
open(sys.argv[1], 'wb').close()
print('sprung', flush=True)
while True:
    open(sys.argv[1], 'wb').close()
"""
"""It says so once: while a reader has the pipe open, each open returns at once, and its words would fill their pipe."""


class Trap:
    """A named pipe in the current folder, which blocks who reads it; `sprung` says whether anybody did.

    A process waits for readers, and frees each: opening one end waits for the other.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / TRAP
        os.mkfifo(path)
        command = [sys.executable, "-I", "-S", "-c", _WRITER, str(path)]
        self._writer = subprocess.Popen(command, stdout=subprocess.PIPE)

    @property
    def sprung(self) -> bool:
        """Whether the pipe was opened."""
        assert self._writer.stdout is not None
        return bool(select.select([self._writer.stdout], [], [], 0)[0])

    def wait(self) -> None:
        """Wait until it is sprung."""
        assert self._writer.stdout is not None
        self._writer.stdout.read(1)

    def close(self) -> None:
        """End the process."""
        self._writer.kill()
        self._writer.communicate()


def faults(root: QWidget) -> list[str]:
    """Return where names that are markup are, or would be, rendered in a window, or stand behind a mnemonic."""
    return sorted({fault for widget in (root, *root.findChildren(QWidget)) for fault in _faults_of(widget)})


def _faults_of(widget: QWidget) -> Iterator[str]:
    name = f"{type(widget).__name__} {widget.objectName()}"
    if isinstance(widget, QLabel) and widget.textFormat() != QtText.TextFormat.PlainText and _rendered(widget.text()):
        yield f"{name}: text {widget.text()!r}"
    for what, text in (("tooltip", widget.toolTip()), ("what's this", widget.whatsThis())):
        if _rendered(text):
            yield f"{name}: {what} {text!r}"
    title = widget.windowTitle()
    if "[*]" in title.replace("[*][*]", ""):
        yield f"{name}: title {title!r}"
    for text in _with_mnemonics(widget):
        if re.search("(?<!&)(&&)*&B", text):
            yield f"{name}: mnemonic {text!r}"
    for action in widget.actions():
        yield from (f"{name}: {fault}" for fault in _faults_of_action(action))
    if isinstance(widget, QTextEdit) and IMAGE in widget.toPlainText():
        yield f"{name}: an image in its text"
    if isinstance(widget, QGraphicsView):
        for item in widget.items():
            if isinstance(item, QGraphicsTextItem) and IMAGE in item.toPlainText():
                yield f"{name}: an image in {item.toHtml()!r}"
    model = widget.model() if isinstance(widget, QAbstractItemView | QComboBox) else None
    if model is not None:
        yield from (f"{name}: tooltip {text!r}" for text in _tooltips(model) if _rendered(text))
    if isinstance(widget, QTabBar):
        tips = [widget.tabToolTip(number) for number in range(widget.count())]
        yield from (f"{name}: tab's tooltip {tip!r}" for tip in tips if _rendered(tip))


def _rendered(text: str) -> bool:
    """Say whether Qt would take a text for markup, and render a name in it."""
    return QtText.mightBeRichText(text) and f"<img src={TRAP}>" in text


def _with_mnemonics(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QAbstractButton) or (isinstance(widget, QLabel) and widget.buddy() is not None):
        yield widget.text()
    elif isinstance(widget, QGroupBox | QMenu):
        yield widget.title()
    elif isinstance(widget, QDockWidget):
        yield widget.windowTitle()
    elif isinstance(widget, QTabBar):
        yield from (widget.tabText(number) for number in range(widget.count()))


def _faults_of_action(action: QAction) -> Iterator[str]:
    if re.search("(?<!&)(&&)*&B", action.text()):
        yield f"mnemonic of action {action.text()!r}"
    if _rendered(action.toolTip()):
        yield f"tooltip of action {action.toolTip()!r}"


def _tooltips(model: QAbstractItemModel) -> Iterator[str]:
    role = Qt.ItemDataRole.ToolTipRole
    for column in range(_columns(model, QModelIndex())):
        yield str(model.headerData(column, Qt.Orientation.Horizontal, role) or "")
    for index in _indexes(model, QModelIndex()):
        yield str(index.data(role) or "")


def _columns(model: QAbstractItemModel, parent: QModelIndex) -> int:
    # Qt hides a list's.
    return 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)


def _indexes(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[QModelIndex]:
    for row in range(min(_MOST, model.rowCount(parent))):
        for column in range(_columns(model, parent)):
            index = model.index(row, column, parent)
            yield index
            if column == 0:
                yield from _indexes(model, index)


def hover_all(root: QWidget) -> None:
    """Have every tooltip of a window shown, as when the mouse rests there."""
    for widget in (root, *root.findChildren(QWidget)):
        if widget.isVisible():
            _hover(widget, widget.rect().center())
        if isinstance(widget, QAbstractItemView) and widget.isVisible():
            for index in list(_indexes(widget.model(), QModelIndex()))[:_MOST]:
                _hover(widget.viewport(), widget.visualRect(index).center())


def _hover(widget: QWidget, where: QPoint) -> None:
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, where, widget.mapToGlobal(where)))
