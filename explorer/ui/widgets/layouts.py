"""Box layouts as expressions."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

STRETCH: Final = "stretch"
"""Empty space that takes what the other items leave."""

Part: TypeAlias = QWidget | QLayout | Literal["stretch"]
Item: TypeAlias = Part | int | tuple[Part, int] | tuple[Part, int, Qt.AlignmentFlag]
"""A part, optionally with its stretch factor and alignment, or a gap in pixels."""

_L = TypeVar("_L", bound=QBoxLayout)

Margins: TypeAlias = int | tuple[int, int, int, int]
"""All four margins in pixels, or left, top, right and bottom."""


def hbox(*items: Item, spacing: int | None = None, margins: Margins | None = None) -> QHBoxLayout:
    """Return items side by side; without spacing and margins, those of the surrounding layout or style apply."""
    return _filled(QHBoxLayout(), items, spacing, margins)


def vbox(*items: Item, spacing: int | None = None, margins: Margins | None = None) -> QVBoxLayout:
    """Return items below each other; without spacing and margins, those of the surrounding layout or style apply."""
    return _filled(QVBoxLayout(), items, spacing, margins)


def widget_of(layout: QLayout, width: int | None = None) -> QWidget:
    made = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    made.setLayout(layout)
    if width is not None:
        made.setFixedWidth(width)
    return made


def _filled(layout: _L, items: tuple[Item, ...], spacing: int | None, margins: Margins | None) -> _L:
    if spacing is not None:
        layout.setSpacing(spacing)
    if margins is not None:
        layout.setContentsMargins(*(margins if isinstance(margins, tuple) else (margins,) * 4))
    for item in items:
        if isinstance(item, int):
            layout.addSpacing(item)
            continue
        part, stretch, *alignment = item if isinstance(item, tuple) else (item, 0)
        if isinstance(part, QWidget):
            layout.addWidget(part, stretch, *alignment)
        elif isinstance(part, QLayout):
            layout.addLayout(part, stretch)
        else:
            layout.addStretch(stretch)
    return layout
