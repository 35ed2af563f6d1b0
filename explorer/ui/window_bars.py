"""What is around the docks: the bar of workspaces, the tools, the messages and the icon rail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMainWindow, QMenu

from explorer.document.document import Document
from explorer.ui.actions import WindowAction
from explorer.ui.panel_docks import PanelDocks
from explorer.ui.panels.library import LibraryPanel
from explorer.ui.plain_text import name_action
from explorer.ui.toolbar import Picker, add_actions, beside_icon, named_actions, spacer, tool_bar
from explorer.ui.widgets.message_row import MessageRow
from explorer.ui.widgets.stage_canvas import MODES
from explorer.ui.workspaces import WORKSPACES

_TOOLS = (
    "action_undo",
    "action_redo",
    None,
    "action_reset",
    "action_shuffle",
    None,
    *(f"action_stage_{mode}" for mode in MODES),
    None,
    "action_keyframe",
    "action_bookmark",
    None,
    "action_export",
    "action_help",
)
"""Commands in the toolbar, in order; None is a separator."""


class WindowBars(QObject):
    """The toolbars of a window, filled with its actions; the pickers list what the library lists."""

    def __init__(
        self,
        window: QMainWindow,
        document: Document,
        actions: Sequence[WindowAction],
        panels: PanelDocks,
        messages: MessageRow,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._actions = actions
        self._library = panels.panel(LibraryPanel)
        self._messages = messages
        top, left = Qt.ToolBarArea.TopToolBarArea, Qt.ToolBarArea.LeftToolBarArea
        self.workspaces = tool_bar(window, "workspace_bar", self.tr("Workspaces"), top)
        self._fill_workspaces()
        window.addToolBarBreak(top)
        self.tools = tool_bar(window, "tools", self.tr("Tools"), top)
        add_actions(self.tools, named_actions(actions, _TOOLS))
        window.addToolBar(top, messages)
        self.place_messages()
        self.rail = tool_bar(window, "rail", self.tr("Panels"), left)
        add_actions(self.rail, named_actions(actions, [f"action_show_{panel.name}" for panel, _ in panels.made]))
        document.changed.model.connect(self._show_open)
        document.changed.source.connect(self._show_open)
        self._show_open()

    def _fill_workspaces(self) -> None:
        buttons = named_actions(self._actions, [f"action_workspace_{workspace.name}" for workspace in WORKSPACES])
        for workspace, action in zip(WORKSPACES, buttons, strict=True):
            assert action is not None
            action.setIconText(beside_icon(workspace.words[0]))  # of the button
        add_actions(self.workspaces, buttons, text=True)
        self.workspaces.addWidget(spacer())
        self.model_picker = Picker(
            "pick_model",
            self.tr("Model"),
            self.tr("Open another model of the library"),
            "sliders-horizontal",
            partial(self._fill_picker, 0),
        )
        self.data_picker = Picker(
            "pick_data",
            self.tr("Dataset"),
            self.tr("Open another dataset of the library"),
            "images",
            self._fill_data_picker,
        )
        self.workspaces.addWidget(self.model_picker)
        self.workspaces.addWidget(self.data_picker)
        add_actions(self.workspaces, named_actions(self._actions, ["action_palette"]))

    def _fill_picker(self, section: int, menu: QMenu) -> None:
        for item in self._library.tree.items_of(section):
            action = menu.addAction("")
            name_action(action, item.text(0))
            action.setToolTip(item.toolTip(0))
            action.triggered.connect(partial(self._library.open_entry, *self._library.tree.entry_of(item)))

    def _fill_data_picker(self, menu: QMenu) -> None:
        self._fill_picker(1, menu)
        menu.addSeparator()
        menu.addActions(list(filter(None, named_actions(self._actions, ["action_reading"]))))

    def _show_open(self) -> None:
        model, source = self._document.model, self._document.source
        self.model_picker.show_name(model.name if model is not None else "")
        self.data_picker.show_name(source.title if source is not None else "")

    def place_messages(self) -> None:
        """Give the messages a row of their own; a restored layout may do otherwise."""
        self._messages.place(self._window)

    def show_tools(self, shown: bool) -> None:
        """Show or hide the tools and the rail."""
        for bar in (self.tools, self.rail):
            bar.setVisible(shown)
