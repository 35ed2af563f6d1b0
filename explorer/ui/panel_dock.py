"""The dock of a panel, with its title bar."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QApplication, QDockWidget, QFrame, QMainWindow, QScrollArea, QToolButton, QWidget

from explorer.ui.icons import icon
from explorer.ui.panel import Panel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.layouts import hbox

_USUAL, _LEAST = QSize(260, 200), QSize(200, 120)


class PanelDock(QDockWidget):
    """Shows a panel, whose page of the help is `help`.

    `help_wanted()`: it was asked for. `panel_shown()`: the panel came to the front by itself.

    To Qt a dock behind the tab of another is visible; its panel is not, so that nothing is computed for it.
    """

    help_wanted = Signal()
    panel_shown = Signal()

    def __init__(self, panel: Panel, made: QWidget, window: QMainWindow) -> None:
        title, _, _ = panel.words
        super().__init__(title, window)
        self.panel = made
        self.help = panel.help
        self.setObjectName(f"{panel.name}_dock")
        self.toggleViewAction().setObjectName(f"toggle_{panel.name}_dock")
        self.setTitleBarWidget(QWidget() if panel.strip else self._title_bar(panel.name, title))
        if panel.strip:
            self.setWidget(made)
        else:  # a dock whose own widget is hidden could not be resized
            holder = _Holder(made.objectName(), title)
            # In this order, since the style sheet is applied again to all that a moved widget holds.
            self.setWidget(holder)
            holder.setWidget(made)
        self._tabbed = not panel.strip
        self._held = False
        if self._tabbed:
            made.hide()
            self.visibilityChanged.connect(self._show_panel)
        self.hide()  # until a workspace places it

    def hold(self, held: bool) -> None:
        """Do not show the panel while docks are arranged: those behind others would be shown for a moment."""
        self._held = held
        if not held and self._tabbed:
            self.panel.setVisible(self.in_front)

    def _show_panel(self, shown: bool) -> None:
        if not self._held or not shown:
            if not shown:
                self._release_focus()
            self.panel.setVisible(shown)
            if shown:
                self.panel_shown.emit()

    def _release_focus(self) -> None:
        """Give the focus to the stage before the panel is hidden; Qt would give it to any button."""
        focus, window = QApplication.focusWidget(), self.parent()
        center = window.centralWidget() if isinstance(window, QMainWindow) else None
        if focus is not None and center is not None and self.panel.isAncestorOf(focus):
            center.setFocus()

    @property
    def in_front(self) -> bool:
        """Whether it is visible and not behind the tab of another."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def _title_bar(self, name: str, title: str) -> QWidget:
        bar = QWidget()
        bar.setObjectName("dock_title")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        heading = ElidedLabel(f"{name}_title", title, look="heading")
        asks = self._button(f"{name}_help", "circle-help", self.tr("Help on %1").replace("%1", title))
        asks.clicked.connect(self.help_wanted)
        closes = self._button(f"{name}_close", "x", self.tr("Close %1").replace("%1", title))
        closes.clicked.connect(self.close)
        bar.setLayout(hbox((heading, 1), asks, closes, spacing=0, margins=(8, 0, 4, 0)))
        return bar

    def _button(self, name: str, icon_name: str, tip: str) -> QToolButton:
        made = QToolButton()
        made.setObjectName(name)
        made.setIcon(icon(icon_name))
        made.setIconSize(QSize(14, 14))
        made.setAutoRaise(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setAccessibleName(tip)
        made.setToolTip(plain_tooltip(tip))
        return made


class _Holder(QScrollArea):
    """Holds a panel, and scrolls one that has too little room; the workspaces set its size."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setObjectName(f"{name}_scroll")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)

    def sizeHint(self) -> QSize:
        return _USUAL

    def minimumSizeHint(self) -> QSize:
        return _LEAST
