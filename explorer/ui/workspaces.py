"""Workspaces: arrangements of the docks for a task; each remembers its own layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from PySide6.QtCore import QByteArray, QCoreApplication, QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow

from explorer.document.preferences import PreferencesFile, WorkspaceLayout
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panel_dock import PanelDock

_VERSION = 2
"""Version of the window's parts; a layout of another version is discarded."""

_NARROWEST = 310
"""Width in pixels in which the sliders fit."""

_SPARED = "gallery"
"""The panel that a small window does without, so that the timeline has room; one click shows it."""

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
        side=0.64,
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
    """Shows the docks of one workspace at a time; `switched(str)`: another workspace is shown.

    `switching()`: it is about to be; what changes the height of its docks does so now, before they get their sizes.

    Each workspace remembers which docks are open, which are in front, and their sizes. Where a dock is, is the same in
    all of them: `QMainWindow.restoreState` would leave a tab bar behind at each switch.
    """

    switching = Signal()
    switched = Signal(str)

    def __init__(
        self, window: QMainWindow, docks: Sequence[tuple[Panel, PanelDock]], preferences: PreferencesFile
    ) -> None:
        super().__init__(window)
        self._window = window
        self._docks = docks
        self._preferences = preferences
        self._layouts: dict[str, WorkspaceLayout] = {}
        self._folded = False
        self._small = False
        self.current = WORKSPACES[0].name
        self.began = False

    def begin(self) -> None:
        """Place the docks at the first show: before it, a window would not keep their sizes."""
        self._place()
        kept = self._preferences.values
        if kept.keep_layout:
            self._layouts = dict(kept.workspaces)
            if kept.geometry:
                self._window.restoreGeometry(_unpacked(kept.geometry))
            if kept.layout:
                self._window.restoreState(_unpacked(kept.layout), _VERSION)
        self.began = True
        self._show()

    def switch(self, name: str) -> None:
        """Show a workspace as it was left."""
        if name != self.current and any(workspace.name == name for workspace in WORKSPACES):
            self._remember()
            self.current = name
            self.switching.emit()
            if self.began:
                self._show()
            self.switched.emit(name)

    def reset(self) -> None:
        """Restore the initial places of all docks, and the initial layout of the current workspace."""
        self._layouts.pop(self.current, None)
        self._release_focus(self._docks)
        self._place()
        if not self._folded:
            self._show()

    def show_panels(self) -> None:
        """Show the panels of the current workspace that were closed; the others stay."""
        for panel, dock in self._docks:
            if not self._folded and self.current in panel.workspaces and dock.isHidden():
                dock.show()

    def keep(self) -> None:
        if self.began and self._preferences.values.keep_layout:
            self._remember()
            self._preferences.put(
                geometry=_packed(self._window.saveGeometry()),
                layout=_packed(self._window.saveState(_VERSION)),
                workspaces=self._layouts,
            )

    def fold(self, alone: bool, *, small: bool) -> None:
        """Hide all docks to leave the stage alone, and when the window becomes small; otherwise show them again.

        In a window that stays small, docks that were opened since stay.
        """
        became_small, was_small = small and not self._small, self._small
        if (alone or became_small) and not self._folded:
            self._remember()
            self._folded = True
            for _, dock in self._docks:
                if not dock.isFloating():
                    dock.hide()
        self._small = small
        if not alone and not small and (self._folded or was_small):
            self._show()

    @property
    def front(self) -> tuple[str, ...]:
        """The panels that the current workspace shows in front when it opens."""
        return (self._layouts.get(self.current) or self._first_layout()).front

    def scale(self, before: int, now: int) -> None:
        """Let the docks at the right keep their share of a window that was `before` pixels wide."""
        docked = (dock for _, dock in self._docks if dock.in_front and not dock.isFloating())
        side = next((dock for dock in docked if self._window.dockWidgetArea(dock) == _RIGHT), None)
        if side is not None and before > 0:
            width = self._share(side.width(), before, now)
            self._window.resizeDocks([side], [width], Qt.Orientation.Horizontal)

    def _share(self, width: int, before: int, now: int) -> int:
        """Return the width at the right in a window of another width; the usual one stays so, also at its limits."""
        if width == self._usual(before):
            return self._usual(now)
        return min(max(round(width * now / before), min(_NARROWEST, width)), max(self._workspace.widest, width))

    def _usual(self, window: int) -> int:
        """Return the initial width at the right in a window of a width."""
        return min(max(round(window * self._workspace.side), _NARROWEST), self._workspace.widest)

    @property
    def _workspace(self) -> Workspace:
        return next(workspace for workspace in WORKSPACES if workspace.name == self.current)

    def _remember(self) -> None:
        if self.began and not self._folded and not self._small:
            shown = [(panel.name, dock) for panel, dock in self._docks if not dock.isHidden()]
            front = [(name, dock) for name, dock in shown if dock.in_front]
            self._layouts[self.current] = WorkspaceLayout(
                panels=tuple(name for name, _ in shown),
                front=tuple(name for name, _ in front),
                sizes={name: self._size(dock) for name, dock in front if not dock.isFloating()},
                window=self._window.width(),
            )

    def _size(self, dock: PanelDock) -> int:
        return dock.height() if self._window.dockWidgetArea(dock) == _BOTTOM else dock.width()

    def fit_height(self, changed: PanelDock) -> None:
        """Give a dock at the bottom the height that it wants now, and keep those of the others there."""
        shown = [dock for _, dock in self._docks if not dock.isHidden() and not dock.isFloating()]
        low = [dock for dock in shown if self._window.dockWidgetArea(dock) == _BOTTOM]
        if self.began and changed in low:
            heights = [(dock.sizeHint() if dock is changed else dock.size()).height() for dock in low]
            self._window.resizeDocks(low, heights, Qt.Orientation.Vertical)

    def _place(self) -> None:
        """Put all docks in their initial places, hidden."""
        fronts: dict[Qt.DockWidgetArea, PanelDock] = {}
        for _, dock in self._docks:
            dock.setFloating(False)
            self._window.removeDockWidget(dock)
        for panel, dock in self._docks:
            front = fronts.setdefault(panel.area, dock)
            self._window.addDockWidget(panel.area, dock, Qt.Orientation.Vertical)
            if front is not dock and panel.area != _BOTTOM:
                self._window.tabifyDockWidget(front, dock)

    def _show(self) -> None:
        self._folded = False
        layout = self._layouts.get(self.current) or self._first_layout()
        behind = [part for part in self._docks if part[0].area == _RIGHT and part[0].name not in layout.front]
        self._release_focus([*behind, *(part for part in self._docks if part[0].name not in layout.panels)])
        self._window.setUpdatesEnabled(False)
        try:
            for panel, dock in self._docks:
                dock.hold(True)
                dock.setVisible(panel.name in layout.panels and not (self._small and panel.name == _SPARED))
            for panel, dock in self._docks:
                if panel.name in layout.front and panel.name in layout.panels:
                    dock.raise_()
            self._resize(layout)
        finally:
            self._window.setUpdatesEnabled(True)
            for _, dock in self._docks:
                dock.hold(False)

    def _release_focus(self, docks: Sequence[tuple[Panel, PanelDock]]) -> None:
        """Give the focus to the center before docks are hidden; Qt would give it to any button."""
        focus, center = QApplication.focusWidget(), self._window.centralWidget()
        if focus is not None and center is not None and any(dock.isAncestorOf(focus) for _, dock in docks):
            center.setFocus()

    def _resize(self, layout: WorkspaceLayout) -> None:
        arranged = self._window.layout()
        assert arranged is not None
        arranged.activate()  # otherwise it would discard the sizes
        lows: dict[QDockWidget, int] = {}
        now = self._window.width()
        for panel, dock in self._docks:
            size = layout.sizes.get(panel.name)
            if size and panel.name in layout.panels and not dock.isFloating():
                area = self._window.dockWidgetArea(dock)
                if area == _BOTTOM:
                    lows[dock] = _fitting(dock, size)
                else:
                    width = self._share(size, layout.window or now, now) if area == _RIGHT else size
                    self._window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
        # At once: a strip that gets lower would leave its height to the one above it.
        self._window.resizeDocks(list(lows), list(lows.values()), Qt.Orientation.Vertical)
        arranged.activate()  # a switch that follows at once remembers the sizes

    def _first_layout(self) -> WorkspaceLayout:
        """Return the initial layout of the current workspace: the first of its panels at the right is in front."""
        shown = [panel for panel, _ in self._docks if self.current in panel.workspaces]
        side = [panel.name for panel in shown if panel.area == _RIGHT]
        width = self._usual(self._window.width())
        low = {panel.name: dock for panel, dock in self._docks if panel in shown and panel.area == _BOTTOM}
        heights = {name: dock.sizeHint().height() for name, dock in low.items()}
        return WorkspaceLayout(
            panels=tuple(panel.name for panel in shown),
            front=tuple(side[:1]),
            sizes=dict.fromkeys(side[:1], width) | heights,
        )


def _fitting(dock: QDockWidget, height: int) -> int:
    """Return the height, or the preferred one where the dock has been folded or unfolded since it had that height."""
    possible = dock.minimumSizeHint().height() <= height <= dock.maximumHeight()
    return height if possible else dock.sizeHint().height()


def _packed(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _unpacked(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii"))
