"""The context menu of latent sliders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint

from explorer.ui.actions import Action, When
from explorer.ui.context_menu import ContextMenu

if TYPE_CHECKING:
    from explorer.ui.widgets.slider_list import SliderList


class SliderMenu(ContextMenu):
    """Does what double-click and keys do with the current slider, to which a right click moves."""

    def __init__(self, sliders: SliderList) -> None:
        super().__init__(sliders, "slider_menu")
        self._sliders = sliders

    def records(self, where: QPoint | None) -> Iterable[Action | None] | None:
        sliders = self._sliders
        if not sliders.row_count or (where is not None and not sliders.choose_at(where.y())):
            return None
        usable = When(sliders.isEnabled)
        return (
            Action(
                "slider_reset",
                self.tr("&Reset to original value"),
                sliders.reset_current,
                tip=self.tr("Set this slider to its value in the code of the selected image (double-click, Delete)."),
                synonyms=self.tr("undo edit, original value"),
                enabled=usable,
            ),
            Action(
                "slider_edit",
                self.tr("&Enter value…"),
                sliders.edit_value,
                tip=self.tr("Type the value in σ (double-click on the number, Enter)."),
                synonyms=self.tr("type number, exact value"),
                enabled=usable,
            ),
        )

    def place_by_keys(self) -> QPoint:
        return self._sliders.row_rect(self._sliders.current_row).center()
