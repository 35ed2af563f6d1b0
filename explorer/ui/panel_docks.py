"""The panels of `PANELS` in docks of the window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMainWindow, QTabWidget, QWidget

from explorer.document.document import Document
from explorer.ui.actions import Action, Section, When
from explorer.ui.panel import Panel
from explorer.ui.panel_dock import PanelDock
from explorer.ui.panels import PANELS
from explorer.ui.plain_text import plain_menu_text

W = TypeVar("W", bound=QWidget)


class PanelDocks(QObject):
    """The panels of a window, in `made`, and their docks.

    `show_wanted(str)`: a panel is to be shown, by its name. `help_wanted(str)`: a page of the help is.
    """

    show_wanted = Signal(str)
    help_wanted = Signal(str)

    def __init__(self, document: Document, window: QMainWindow) -> None:
        super().__init__(window)
        self._document = document
        self.made = [(panel, panel.make(document)) for panel in PANELS]
        self._docks: dict[str, PanelDock] = {}

    def make_docks(self, window: QMainWindow) -> None:
        """Make the docks, hidden."""
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for panel, made in self.made:
            dock = PanelDock(panel, made, window)
            dock.help_wanted.connect(partial(self.help_wanted.emit, panel.help))
            if not panel.strip:
                dock.panel_shown.connect(partial(self._on_panel_shown, panel))
            self._docks[panel.name] = dock

    def panel(self, kind: type[W]) -> W:
        return next(made for _, made in self.made if isinstance(made, kind))

    def dock(self, name: str) -> PanelDock:
        return self._docks[name]

    def docks(self) -> list[tuple[Panel, PanelDock]]:
        return [(panel, self._docks[panel.name]) for panel, _ in self.made]

    def named(self, name: str) -> Panel:
        """Return the record of a panel."""
        return next(panel for panel, _ in self.made if panel.name == name)

    def _on_panel_shown(self, panel: Panel) -> None:
        if panel.workspaces:
            self._document.sessions.put_tab(panel.id)

    def menu_actions(self) -> Iterator[Action]:
        for number, (panel, dock) in enumerate(self.docks(), 1):
            title, tip, synonyms = panel.words
            yield Action(
                f"action_show_{panel.name}",
                plain_menu_text(title),
                partial(self._show_or_hide, panel),
                Section.PANELS_SHOWN,
                shortcut=f"Alt+{number}" if number <= 9 else f"Alt+Shift+{number - 9}",
                tip=tip,
                synonyms=synonyms,
                icon=panel.icon,
                checked=When(partial(getattr, dock, "in_front"), (dock.visibilityChanged,)),
            )

    def _show_or_hide(self, panel: Panel) -> None:
        dock = self._docks[panel.name]
        if dock.in_front:
            dock.hide()
        else:
            self.show_wanted.emit(panel.name)
