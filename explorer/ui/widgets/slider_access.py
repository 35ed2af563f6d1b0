"""What a screen reader sees of a slider list: one slider, the current one, whose value it can set."""

from __future__ import annotations

from typing import Protocol, cast

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleActionInterface, QAccessibleInterface, QAccessibleValueInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget
from shiboken6 import Shiboken, VoidPtr

from explorer.ui.text import sigmas
from explorer.ui.widgets.slider_painter import RANGE

_STEP = 0.01
_described: set[type[QWidget]] = set()


class Sliders(Protocol):
    """A widget with several sliders, of which one is current."""

    @property
    def current_value(self) -> float: ...

    def set_current_value(self, value: float) -> None: ...


def describe_sliders(kind: type[QWidget]) -> None:
    """Have Qt describe widgets of a class, which are `Sliders`, to screen readers."""
    if not _described:
        QAccessible.installFactory(_access_of)
    _described.add(kind)


def _access_of(name: str, widget: QObject) -> QAccessibleInterface | None:
    return _Access(widget) if isinstance(widget, QWidget) and type(widget) in _described else None


class _Access(QAccessibleWidget):
    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget, QAccessible.Role.Slider)
        self._sliders = sliders = cast("Sliders", widget)
        self._parts = {
            QAccessible.InterfaceType.ValueInterface: _Value(sliders),
            QAccessible.InterfaceType.ActionInterface: _Focus(widget),
        }

    def text(self, kind: QAccessible.Text) -> str:
        return sigmas(self._sliders.current_value) if kind == QAccessible.Text.Value else super().text(kind)

    def interface_cast(self, kind: QAccessible.InterfaceType) -> VoidPtr | None:  # type: ignore[override]
        # Not what Qt's types say: it crashes on an address that is a plain number, its own included.
        part = self._parts.get(kind)
        return None if part is None else VoidPtr(Shiboken.getCppPointer(part)[0], 1)  # type: ignore[call-arg]


class _Value(QAccessibleValueInterface):
    def __init__(self, sliders: Sliders) -> None:
        super().__init__()
        self._sliders = sliders

    def currentValue(self) -> float:
        return self._sliders.current_value

    def setCurrentValue(self, value: float) -> None:
        self._sliders.set_current_value(min(max(float(value), -RANGE), RANGE))

    def minimumValue(self) -> float:
        return -RANGE

    def maximumValue(self) -> float:
        return RANGE

    def minimumStepSize(self) -> float:
        return _STEP


class _Focus(QAccessibleActionInterface):
    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self._widget = widget

    def actionNames(self) -> list[str]:
        return [QAccessibleActionInterface.setFocusAction()]

    def doAction(self, name: str) -> None:
        if name == QAccessibleActionInterface.setFocusAction():
            self._widget.setFocus()

    def keyBindingsForAction(self, name: str) -> list[str]:
        return []
