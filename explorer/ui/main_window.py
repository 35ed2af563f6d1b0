"""The main window: the stage, the docks around it, toolbars, menus and status bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QChildEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QIcon,
    QKeyEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QTabBar

from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import PreferencesFile
from explorer.models.bundle import first_bundle
from explorer.paths import resources_dir
from explorer.ui.actions import Action, ActionRegistry, HasMenuActions, Section, When
from explorer.ui.app_actions import AppActions
from explorer.ui.center import Center
from explorer.ui.clipboard_dnd import ClipboardDnd
from explorer.ui.dialogs.files import FolderMemory
from explorer.ui.first_tour import Landmarks
from explorer.ui.notices import Notices
from explorer.ui.open_actions import OpenActions
from explorer.ui.panel_dock import PanelDock
from explorer.ui.panel_docks import PanelDocks
from explorer.ui.panels.arithmetic import ArithmeticPanel
from explorer.ui.panels.bookmarks import BookmarksPanel
from explorer.ui.panels.code import CodePanel
from explorer.ui.panels.compare import ComparePanel
from explorer.ui.panels.gallery import GalleryPanel
from explorer.ui.panels.history import HistoryPanel
from explorer.ui.panels.library import LibraryPanel
from explorer.ui.panels.map import MapPanel
from explorer.ui.panels.neighbors import NeighborsPanel
from explorer.ui.panels.noise import NoisePanel
from explorer.ui.panels.outliers import OutliersPanel
from explorer.ui.panels.samples import SamplesPanel
from explorer.ui.panels.stage import StagePanel
from explorer.ui.panels.timeline import TimelinePanel
from explorer.ui.panels.train import TrainPanel
from explorer.ui.panels.traversals import TraversalsPanel
from explorer.ui.plain_text import plain_window_title
from explorer.ui.session_actions import SessionActions
from explorer.ui.status import StatusBar
from explorer.ui.timeline_fold import TimelineFold
from explorer.ui.widgets.message_row import MessageRow
from explorer.ui.widgets.notice_bar import NoticeBar
from explorer.ui.widgets.problem_bar import ProblemBar
from explorer.ui.window_bars import WindowBars
from explorer.ui.workspaces import WORKSPACES, Workspace, Workspaces

SMALLEST = QSize(1024, 640)
"""Size in pixels below which the docks are hidden, so that the stage has room."""


class MainWindow(QMainWindow):
    """The main window: the stage in the center and the panels of `PANELS` in docks, arranged by workspace.

    `on_close` is called once, to stop the background work; without `preferences` nothing is kept between runs.
    `closing()`: the window closes and nothing can stop it any more.
    """

    closing = Signal()

    def __init__(
        self,
        document: Document,
        on_close: Callable[[], None] = lambda: None,
        preferences: PreferencesFile | None = None,
    ) -> None:
        super().__init__()
        self.document = document
        self._on_close = on_close
        self._alone = False
        preferences = preferences or PreferencesFile()
        self.setObjectName("main_window")
        self.setWindowIcon(QIcon(str(resources_dir() / "icons" / "app.svg")))
        self.setDockNestingEnabled(True)
        self.setAcceptDrops(True)
        document.places.begin(preferences)
        FolderMemory(self, preferences)
        self.panels = PanelDocks(document, self)
        self._name_panels()
        self.stage = StagePanel(document)
        self.problem_bar = ProblemBar()
        self.notice_bar = NoticeBar()
        Notices(document, self.notice_bar, self.show_panel)
        self.center = Center(document, self.stage)
        self.setCentralWidget(self.center)
        self.panels.make_docks(self)
        self.workspaces = Workspaces(self, self.panels.docks(), preferences)
        TimelineFold(document, self.timeline.strip, self.workspaces)
        self.status = StatusBar(document)
        self.setStatusBar(self.status)
        self.clipboard_dnd = ClipboardDnd(document, self)
        self.clipboard_dnd.offer_stage(self.stage)
        self.sessions = SessionActions(document, self)
        self.registry = ActionRegistry(self, document.announced.emit)
        self.app_actions = AppActions(self, document, preferences, self.registry, self.workspaces, self._landmarks)
        self.opening = OpenActions(document, self)
        self._fill_menus()
        messages = MessageRow(self.problem_bar, self.notice_bar)
        self.bars = WindowBars(self, document, self.registry.actions(), self.panels, messages)
        self._connect()
        self._show_title()
        self._fit_screen()

    def _connect(self) -> None:
        document = self.document
        self.panels.show_wanted.connect(self.show_panel)
        self.panels.help_wanted.connect(self.app_actions.show_help)
        self.workspaces.switched.connect(self._on_workspace_switched)
        self.gallery.key_pressed.connect(self.stage.press)
        self.timeline.strip.toggled.connect(lambda: self.workspaces.fit_height(self.dock("timeline")))
        self.panels.panel(CodePanel).mini_map.opened.connect(partial(self.show_panel, "map"))
        self.stage.commands.alone_requested.connect(self._switch_alone)
        self.stage.mode_changed.connect(lambda: document.sessions.put_stage(self.stage.mode))
        document.sessions.stage_restored.connect(self.stage.set_mode)
        document.sessions.changed.connect(self._show_title)
        document.sessions.tab_restored.connect(self._on_tab_restored)
        document.sessions.workspace_restored.connect(self.workspaces.switch)
        document.panel_requested.connect(self.show_panel)
        document.problem_reported.connect(self._on_problem_reported)
        for success in (document.changed.model, document.changed.source, document.exported):
            success.connect(self._on_success)
        document.changed.model.connect(self._show_title)
        self._connect_center()

    def _connect_center(self) -> None:
        page = self.center.start_page
        for signal, run in (
            (page.model_wanted, self.library.ask_model),
            (page.folder_wanted, self.library.ask_folder),
            (page.file_wanted, self.library.ask_file),
            (page.tour_wanted, self.app_actions.start_tour),
            (page.session_wanted, self.sessions.open),
            (self.center.turned, self._fold),
            (self.app_actions.tour_starting, self._on_tour_starting),
        ):
            signal.connect(run)

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    def _fit_screen(self) -> None:
        """Begin no larger than the screen; that of the offscreen platform is none."""
        offscreen = QGuiApplication.platformName() == "offscreen"
        room = self.sizeHint() if offscreen else self.screen().availableSize()
        self.setMinimumSize(SMALLEST.boundedTo(room))
        self.resize(self.sizeHint().boundedTo(room))

    # -- panels --------------------------------------------------------------------------------------------------

    def _name_panels(self) -> None:
        """Name the panels that other code reaches into; a new panel needs no line here."""
        panel = self.panels.panel
        self.library = panel(LibraryPanel)
        self.gallery = panel(GalleryPanel)
        self.feature_maps = panel(CodePanel).feature_maps
        self.latent = panel(CodePanel).latent
        self.timeline = panel(TimelinePanel)
        self.bookmarks = panel(BookmarksPanel)
        self.history = panel(HistoryPanel)
        self.map = panel(MapPanel)
        self.traversals = panel(TraversalsPanel)
        self.samples = panel(SamplesPanel)
        self.noise = panel(NoisePanel)
        self.outliers = panel(OutliersPanel)
        self.neighbors = panel(NeighborsPanel)
        self.arithmetic = panel(ArithmeticPanel)
        self.compare = panel(ComparePanel)
        self.train = panel(TrainPanel)

    def dock(self, name: str) -> PanelDock:
        return self.panels.dock(name)

    def show_panel(self, name: str) -> None:
        """Show a panel in front of others, in its home workspace unless the current one shows it."""
        panel, dock = self.panels.named(name), self.dock(name)
        self.center.leave_start_page()
        if self._alone:
            self._switch_alone()
        if panel.workspaces and self.workspaces.current not in panel.workspaces and dock.isHidden():
            self.workspaces.switch(panel.workspaces[0])
        dock.show()
        dock.raise_()

    def _landmarks(self) -> Landmarks:
        return Landmarks(
            self.stage,
            self.stage.reconstruction,
            {panel.name: made for panel, made in self.panels.made},
            self.bars.workspaces,
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Arrange the docks; before the first show, the layout would not keep their sizes."""
        super().showEvent(event)
        if not self.workspaces.began:
            self.workspaces.begin()
            self.bars.place_messages()
            self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.workspaces.began:
            self.workspaces.scale(event.oldSize().width(), self.width())
            self._fold()

    def _fold(self) -> None:
        """Hide the docks where they have no room or are not wanted; show them again otherwise."""
        small = self.width() < SMALLEST.width() or self.height() < SMALLEST.height()
        empty = self.center.at_start or self._alone
        self.workspaces.fold(empty, small=small)
        self.bars.show_tools(not empty)

    def childEvent(self, event: QChildEvent) -> None:
        """Name the tabs that Qt makes of docks in one place."""
        bar = event.child()
        if event.polished() and isinstance(bar, QTabBar):
            bar.setAccessibleName(self.tr("Panels"))
            bar.setObjectName("dock_tabs")
            bar.setDrawBase(False)  # in the dark theme, its line would be white
            # Qt keeps those of hidden docks outside of the window, where the focus would vanish.
            bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        super().childEvent(event)

    def _on_tour_starting(self) -> None:
        """Open a model for the tour, unless something is open."""
        self._alone = False
        self.center.leave_start_page()
        self._fold()
        first = first_bundle()
        if self.document.model is None and self.document.source is None and first is not None:
            self.document.open_requested.emit(OpenRequest((first,), "model"))

    # -- menus ---------------------------------------------------------------------------------------------------

    def _fill_menus(self) -> None:
        self.registry.add(
            self.sessions,
            *(made for _, made in self.panels.made if isinstance(made, HasMenuActions)),
            self.stage.commands,
            self.opening,
            self,
            self.panels,
            self.clipboard_dnd,
            self.status.show_in_folder,
            self.app_actions,
        )
        for panel, made in self.panels.made:
            title, _, _ = panel.words
            self.registry.add_panel(panel.id, title, made, partial(self.show_panel, panel.name))

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_start_page",
            self.tr("S&tart page"),
            self.center.show_start_page,
            Section.OPEN,
            shortcut="Ctrl+Shift+H",
            tip=self.tr("Show all models as cards, and recent sessions and datasets."),
            synonyms=self.tr("home, welcome, choose model, recent, overview"),
        )
        yield Action(
            "action_quit",
            self.tr("&Quit"),
            self.close,
            Section.QUIT,
            shortcut="Ctrl+Q",
            tip=self.tr("Close the window; a running training keeps its last checkpoint."),
            synonyms=self.tr("exit, close window, end program"),
        )
        for number, workspace in enumerate(WORKSPACES, 1):
            yield self._workspace_action(workspace, number)
        yield Action(
            "action_full_screen",
            self.tr("F&ull screen"),
            lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen),
            Section.FOCUS,
            shortcut="F11",
            tip=self.tr("Fill the screen with the window, or end that."),
            synonyms=self.tr("fullscreen, maximize window, presentation"),
            icon="maximize",
            checked=When(self.isFullScreen),
        )

    def _workspace_action(self, workspace: Workspace, number: int) -> Action:
        title, tip, synonyms = workspace.words
        return Action(
            f"action_workspace_{workspace.name}",
            self.tr("%1 workspace").replace("%1", title),
            partial(self._show_workspace, workspace.name),
            Section.WORKSPACES,
            shortcut=f"Ctrl+{number}",
            tip=tip,
            synonyms=synonyms,
            icon=workspace.icon,
            checked=When(lambda: self.workspaces.current == workspace.name, (self.workspaces.switched,)),
        )

    # -- what is shown -------------------------------------------------------------------------------------------

    def _show_workspace(self, name: str) -> None:
        self.center.leave_start_page()
        self.workspaces.switch(name)

    def _switch_alone(self) -> None:
        self.center.leave_start_page()
        self._alone = not self._alone
        self._fold()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the stage alone, or full screen, with Esc, if nothing inside needs the key."""
        if event.key() == Qt.Key.Key_Escape and self._alone:
            self._switch_alone()
        elif event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self._leave_full_screen()
        else:
            super().keyPressEvent(event)

    def _leave_full_screen(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)

    def _on_workspace_switched(self, name: str) -> None:
        self._alone = False
        self.center.leave_start_page()
        self.bars.show_tools(True)
        self.document.sessions.put_workspace(name)
        self.document.sessions.put_tab(next((f"{front}_panel" for front in self.workspaces.front), ""))

    # -- following the document ------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        self.setWindowTitle(plain_window_title(self.sessions.title))

    def _on_tab_restored(self, name: str) -> None:
        for panel, _ in self.panels.made:
            if panel.id == name:
                self.show_panel(panel.name)

    def _on_problem_reported(self, problem: Problem) -> None:
        self.problem_bar.show_problem(problem.message, problem.details)

    def _on_success(self) -> None:
        """Hide the last error once an operation has succeeded."""
        self.problem_bar.hide()

    # -- drops -----------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.clipboard_dnd.welcome(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.clipboard_dnd.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self.clipboard_dnd.drop(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work; hide at once, then stop the background work."""
        if not self.sessions.may_close(self.close):
            event.ignore()
            return
        self.closing.emit()
        self.document.sessions.let_go()
        super().closeEvent(event)
        self._leave_full_screen()
        self.workspaces.keep()
        self.hide()
        self._on_close()
