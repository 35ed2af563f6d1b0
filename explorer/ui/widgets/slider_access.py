"""What a screen reader sees of a slider list: one slider, the current one, whose value it can set."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleActionInterface, QAccessibleInterface, QAccessibleValueInterface
from PySide6.QtWidgets import QAccessibleWidget
from shiboken6 import Shiboken, VoidPtr

from explorer.ui.text import sigmas
from explorer.ui.widgets.slider_painter import RANGE

if TYPE_CHECKING:
    from explorer.ui.widgets.slider_list import SliderList

_STEP = 0.01


@cache
def install_slider_access() -> None:
    """Have Qt describe slider lists to screen readers."""
    QAccessible.installFactory(_access_of)


def _access_of(name: str, widget: QObject) -> QAccessibleInterface | None:
    from explorer.ui.widgets.slider_list import SliderList

    return _Access(widget) if isinstance(widget, SliderList) else None


class _Access(QAccessibleWidget):
    def __init__(self, sliders: SliderList) -> None:
        super().__init__(sliders, QAccessible.Role.Slider)
        self._sliders = sliders
        self._parts = {
            QAccessible.InterfaceType.ValueInterface: _Value(sliders),
            QAccessible.InterfaceType.ActionInterface: _Focus(sliders),
        }

    def text(self, kind: QAccessible.Text) -> str:
        return sigmas(self._sliders.current_value) if kind == QAccessible.Text.Value else super().text(kind)

    def interface_cast(self, kind: QAccessible.InterfaceType) -> VoidPtr | None:  # type: ignore[override]
        # Not what Qt's types say: it crashes on an address that is a plain number, its own included.
        part = self._parts.get(kind)
        return None if part is None else VoidPtr(Shiboken.getCppPointer(part)[0], 1)  # type: ignore[call-arg]


class _Value(QAccessibleValueInterface):
    def __init__(self, sliders: SliderList) -> None:
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
    def __init__(self, sliders: SliderList) -> None:
        super().__init__()
        self._sliders = sliders

    def actionNames(self) -> list[str]:
        return [QAccessibleActionInterface.setFocusAction()]

    def doAction(self, name: str) -> None:
        if name == QAccessibleActionInterface.setFocusAction():
            self._sliders.setFocus()

    def keyBindingsForAction(self, name: str) -> list[str]:
        return []
