"""How a window looks: text that is cut off, and the number of controls."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QAction, QActionGroup, QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QToolButton,
    QWidget,
)
from shiboken6 import getCppPointer

from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.segmented_control import SegmentedControl

_SLACK = 2
"""Pixels by which hints and glyphs may differ."""


def clipped(root: QWidget) -> list[str]:
    """Return the visible widgets in `root` whose text has not enough space: object name, text and what is missing."""
    return [
        f"{widget.objectName() or type(widget).__name__} {text!r}: {need}"
        for widget in root.findChildren(QWidget)
        if widget.isVisibleTo(root) and widget.isVisible()
        for text, need in _missing(widget, root)
    ]


def _missing(widget: QWidget, root: QWidget) -> Iterator[tuple[str, str]]:
    """Yield each text of a widget that is cut off, and what it needs."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QAbstractButton) and widget.text():
        yield from _too_small(widget, root, widget.text(), _button_width(widget), metrics.height())
    elif isinstance(widget, QLabel) and widget.text() and not isinstance(widget, ElidedLabel):
        wraps = widget.wordWrap()
        high = widget.heightForWidth(widget.width()) if wraps else widget.sizeHint().height()
        wide = _longest_word(widget.text(), metrics) if wraps else widget.sizeHint().width()
        yield from _too_small(widget, root, widget.text(), wide, high)
    elif isinstance(widget, QComboBox) and widget.currentText():
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = widget.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, widget)
        need = metrics.horizontalAdvance(widget.currentText()) + widget.width() - room.width()
        yield from _too_small(widget, root, widget.currentText(), need, metrics.height())
    elif isinstance(widget, QAbstractSpinBox):
        edit = widget.lineEdit()
        need = metrics.horizontalAdvance(edit.text()) + edit.textMargins().left() + widget.width() - edit.width()
        yield from _too_small(widget, root, edit.text(), need, metrics.height())
    elif isinstance(widget, QTabBar):
        for number in range(widget.count()):
            tab = widget.tabRect(number)
            if metrics.horizontalAdvance(widget.tabText(number)) > tab.width() or not widget.rect().contains(tab):
                yield widget.tabText(number), f"is in {tab.width()} of {widget.width()}"


def _button_width(button: QAbstractButton) -> int:
    """Return the width that the text needs: a push button may lose some of its padding."""
    spare = 12 if isinstance(button, QPushButton) else 0
    return button.sizeHint().width() - spare


def _too_small(widget: QWidget, root: QWidget, text: str, wide: int, high: int) -> Iterator[tuple[str, str]]:
    shown = _shown(widget, root)
    if shown.width() + _SLACK < wide or shown.height() + _SLACK < high:
        yield text, f"needs {wide}×{high}, has {shown.width()}×{shown.height()}"


def _shown(widget: QWidget, root: QWidget) -> QRect:
    """Return the part of a widget that is inside of its ancestors; what scrolls into view counts as visible."""
    shown = widget.rect()
    inner = widget
    while inner is not root:
        parent = inner.parentWidget()
        if parent is None or isinstance(parent.parentWidget(), QAbstractScrollArea):
            break
        shown = shown.translated(inner.pos()) & parent.rect()
        inner = parent
    return shown if not shown.isEmpty() else QRect(QPoint(), QPoint())


def _longest_word(text: str, metrics: QFontMetrics) -> int:
    return max((metrics.horizontalAdvance(word) for word in text.split()), default=0)


def controls(window: QWidget) -> list[str]:
    """Return what a user sees to work with: the visible and enabled buttons and fields.

    A segmented bar, also one of exclusive tool buttons, a tab bar and the icon rail count as one. Sliders, images,
    menus and the parts of scroll bars do not count.
    """
    return list(
        dict.fromkeys(_counted_as(widget, window) for widget in window.findChildren(QWidget) if _counts(widget))
    )


def _counts(widget: QWidget) -> bool:
    if not (widget.isVisible() and widget.isEnabled()) or widget.visibleRegion().isEmpty():
        return False
    # Qt makes these of other controls, which count already, or for its own use.
    parent = widget.parentWidget()
    if widget.objectName().startswith("qt_") or isinstance(parent, QAbstractSpinBox | QComboBox | QLineEdit | QTabBar):
        return False
    return isinstance(widget, QAbstractButton | QComboBox | QAbstractSpinBox | QLineEdit | QTabBar)


def _counted_as(widget: QWidget, window: QWidget) -> str:
    """Return the bar that a control is a part of, or the control itself."""
    action: QAction | None = widget.defaultAction() if isinstance(widget, QToolButton) else None
    if action is not None:
        group: QActionGroup | None = action.actionGroup()
        if group is not None and group.isExclusive():
            return f"group of {group.actions()[0].text()}"
    counted = widget
    inner: QWidget | None = widget
    while inner is not None and inner is not window:
        if isinstance(inner, SegmentedControl) or inner.objectName() in {"rail", "workspace_bar"}:
            counted = inner
        inner = inner.parentWidget()
    return f"{type(counted).__name__} {counted.objectName()} {getCppPointer(counted)[0]:x}"
