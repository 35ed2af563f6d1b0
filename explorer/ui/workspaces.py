"""Workspaces: arrangements of the docks for a task; each remembers its own layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from PySide6.QtCore import QByteArray, QCoreApplication, QObject, Qt, Signal
from PySide6.QtWidgets import QMainWindow

from explorer.document.preferences import PreferencesFile
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.widgets.panel_dock import PanelDock

_VERSION = 2
"""Version of the window's parts; a layout of another version is discarded."""

_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


@dataclass(frozen=True)
class Workspace:
    """An arrangement of the docks; the panels say in which they are shown (`Panel.workspaces`).

    `side` is the width of the docks at the right, as a share of the window's, at most `widest` pixels.
    """

    name: str
    title: str
    _: KW_ONLY
    icon: str
    tip: str
    synonyms: str
    side: float
    widest: int

    @property
    def words(self) -> tuple[str, str, str]:
        """Title, tip and synonyms in the language of the user."""
        translate = QCoreApplication.translate
        return (
            translate("workspaces", self.title),
            translate("workspaces", self.tip),
            translate("workspaces", self.synonyms),
        )


WORKSPACES: tuple[Workspace, ...] = (
    Workspace(
        "explore",
        QT_TRANSLATE_NOOP("workspaces", "Explore"),
        icon="compass",
        tip=QT_TRANSLATE_NOOP("workspaces", "Edit the latent code of an image, and see the decoded image."),
        synonyms=QT_TRANSLATE_NOOP("workspaces", "sliders, edit image, main view"),
        side=0.26,
        widest=420,
    ),
    Workspace(
        "map",
        QT_TRANSLATE_NOOP("workspaces", "Map"),
        icon="map",
        tip=QT_TRANSLATE_NOOP("workspaces", "Walk a decoded plane of latent space, and find similar images."),
        synonyms=QT_TRANSLATE_NOOP("workspaces", "latent space, grid, scatter plot"),
        side=0.56,
        widest=1400,
    ),
    Workspace(
        "analyze",
        QT_TRANSLATE_NOOP("workspaces", "Analyze"),
        icon="chart-scatter",
        tip=QT_TRANSLATE_NOOP("workspaces", "Measure noise removal, find outliers, and compare models."),
        synonyms=QT_TRANSLATE_NOOP("workspaces", "measure, evaluate, metrics"),
        side=0.56,
        widest=1400,
    ),
    Workspace(
        "train",
        QT_TRANSLATE_NOOP("workspaces", "Train"),
        icon="graduation-cap",
        tip=QT_TRANSLATE_NOOP("workspaces", "Train a model, and explore it while it trains."),
        synonyms=QT_TRANSLATE_NOOP("workspaces", "fit, learn, new model"),
        side=0.62,
        widest=1400,
    ),
    Workspace(
        "animate",
        QT_TRANSLATE_NOOP("workspaces", "Animate"),
        icon="clapperboard",
        tip=QT_TRANSLATE_NOOP("workspaces", "Set keyframes, play the animation between them, and export it."),
        synonyms=QT_TRANSLATE_NOOP("workspaces", "timeline, keyframes, morph, video"),
        side=0.26,
        widest=420,
    ),
)
"""All workspaces; Ctrl+1 shows the first, and so on."""


class Workspaces(QObject):
    """Arranges the docks of a window; `switched(str)`: another workspace is shown."""

    switched = Signal(str)

    def __init__(
        self, window: QMainWindow, docks: Sequence[tuple[Panel, PanelDock]], preferences: PreferencesFile
    ) -> None:
        super().__init__(window)
        self._window = window
        self._docks = docks
        self._preferences = preferences
        self._layouts: dict[str, QByteArray] = {}
        self._folded: list[PanelDock] | None = None
        self.current = WORKSPACES[0].name
        self.began = False

    def begin(self) -> None:
        """Arrange the docks at the first show: before it, a window would not keep their sizes."""
        self.began = True
        kept = self._preferences.values
        if kept.keep_layout:
            self._layouts = {name: _unpacked(layout) for name, layout in kept.layouts.items()}
            if kept.geometry:
                self._window.restoreGeometry(_unpacked(kept.geometry))
        self._show()

    def switch(self, name: str) -> None:
        """Show a workspace as it was left."""
        if name != self.current and any(workspace.name == name for workspace in WORKSPACES):
            if self.began:
                self._layouts[self.current] = self._state()
            self.current = name
            if self.began:
                self._show()
            self.switched.emit(name)

    def reset(self) -> None:
        """Restore the initial layout of the current workspace."""
        self._layouts.pop(self.current, None)
        self._show()

    def keep(self) -> None:
        if self.began and self._preferences.values.keep_layout:
            self._layouts[self.current] = self._state()
            layouts = {name: _packed(layout) for name, layout in self._layouts.items()}
            self._preferences.put(geometry=_packed(self._window.saveGeometry()), layouts=layouts)

    def fold(self, folded: bool) -> None:
        """Hide all docks to leave the stage alone, or show them again."""
        if folded and self._folded is None:
            self._layouts[self.current] = self._window.saveState(_VERSION)
            self._folded = [dock for _, dock in self._docks if not dock.isHidden() and not dock.isFloating()]
            for dock in self._folded:
                dock.hide()
        elif not folded and self._folded is not None:
            self._folded = None
            self._show()

    def scale(self, before: int, now: int) -> None:
        """Let the docks at the right keep their share of a window that was `before` pixels wide."""
        shown = [dock for panel, dock in self._docks if panel.area == _RIGHT and not dock.isFloating()]
        side = next((dock for dock in shown if dock.in_front), None)
        if side is None or before <= 0 or self._window.dockWidgetArea(side) != _RIGHT:
            return
        widest = max(self._workspace.widest, side.width())
        self._window.resizeDocks([side], [min(round(side.width() * now / before), widest)], Qt.Orientation.Horizontal)

    @property
    def _workspace(self) -> Workspace:
        return next(workspace for workspace in WORKSPACES if workspace.name == self.current)

    @property
    def folded(self) -> bool:
        return self._folded is not None

    def _state(self) -> QByteArray:
        """Return the layout, without the folding."""
        if self._folded is not None:
            return self._layouts[self.current]
        return self._window.saveState(_VERSION)

    def _show(self) -> None:
        self._folded = None
        layout = self._layouts.get(self.current)
        if layout is None or not self._window.restoreState(layout, _VERSION):
            self._arrange(self._workspace)

    def _arrange(self, workspace: Workspace) -> None:
        """Place all docks, hidden ones too, so that each opens in its place."""
        for _, dock in self._docks:
            dock.setFloating(False)
            self._window.removeDockWidget(dock)
        # Those of the workspace first: the first in an area is in front, and the others are tabs behind it.
        fronts: dict[Qt.DockWidgetArea, PanelDock] = {}
        for panel, dock in sorted(self._docks, key=lambda one: workspace.name not in one[0].workspaces):
            front = fronts.setdefault(panel.area, dock)
            self._window.addDockWidget(panel.area, dock, Qt.Orientation.Vertical)
            if front is not dock and panel.area != _BOTTOM:
                self._window.tabifyDockWidget(front, dock)
            dock.setVisible(workspace.name in panel.workspaces)
        layout = self._window.layout()
        assert layout is not None
        layout.activate()  # otherwise it would discard the sizes
        side = fronts[_RIGHT]
        if not side.isHidden():
            side.raise_()
            width = min(round(self._window.width() * workspace.side), workspace.widest)
            self._window.resizeDocks([side], [width], Qt.Orientation.Horizontal)
        bottom = [dock for panel, dock in self._docks if panel.area == _BOTTOM and not dock.isHidden()]
        if bottom:
            heights = [max(1, dock.widget().sizeHint().height()) for dock in bottom]
            self._window.resizeDocks(bottom, heights, Qt.Orientation.Vertical)


def _packed(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _unpacked(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii"))
