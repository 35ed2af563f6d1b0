"""When the timeline is open, and when it is a strip."""

from __future__ import annotations

from PySide6.QtCore import QObject

from explorer.document.document import Document
from explorer.ui.widgets.collapsible import Collapsible
from explorer.ui.workspaces import Workspaces

_HOME = "animate"
"""The workspace that shows an empty timeline, too."""


class TimelineFold(QObject):
    """Opens the timeline where it has keyframes, and keeps it in each workspace as the user left it there."""

    def __init__(self, document: Document, strip: Collapsible, workspaces: Workspaces) -> None:
        super().__init__(strip)
        self._document = document
        self._strip = strip
        self._workspaces = workspaces
        self._chosen: dict[str, bool] = {}
        self._count = 0
        strip.button.clicked.connect(self._on_clicked)
        document.changed.keyframes.connect(self._on_keyframes_changed)
        workspaces.switching.connect(self._follow)

    def _on_clicked(self, expanded: bool) -> None:
        self._chosen[self._workspaces.current] = expanded

    def _on_keyframes_changed(self) -> None:
        """Show a new keyframe, also where the user has closed the timeline; close what has become empty."""
        before, self._count = self._count, len(self._document.state.keyframes)
        if self._count > before and not self._chosen.get(self._workspaces.current):
            self._chosen.pop(self._workspaces.current, None)
        if self._count > before or not self._count:
            self._follow()

    def _follow(self) -> None:
        workspace = self._workspaces.current
        self._strip.expand(self._chosen.get(workspace, workspace == _HOME or self._count > 0))
