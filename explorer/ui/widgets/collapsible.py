"""A collapsible section."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from explorer.ui.widgets.fields import name_control
from explorer.ui.widgets.layouts import vbox


class Collapsible(QWidget):
    """A header button above content that is collapsed at first; `toggled(bool)`: expanded or collapsed."""

    toggled = Signal(bool)

    def __init__(self, name: str, title: str, tip: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.button = QToolButton()
        name_control(self.button, name, tip)
        self.button.setText(title)
        self.button.setAccessibleName(title)
        self.button.setCheckable(True)
        self.button.setProperty("header", True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.toggled.connect(self._on_toggled)
        self.setLayout(vbox(self.button, (content, 1), spacing=4, margins=0))
        self._on_toggled(False)

    @property
    def expanded(self) -> bool:
        return self.button.isChecked()

    def expand(self, expanded: bool = True) -> None:
        self.button.setChecked(expanded)

    def _on_toggled(self, unfolded: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        self.content.setVisible(unfolded)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Preferred, policy.Preferred if unfolded else policy.Fixed)
        self.toggled.emit(unfolded)
