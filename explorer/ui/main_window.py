"""The main window: the stage, the docks around it, toolbars, menus and status bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QChildEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QIcon,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QTabBar, QTabWidget, QWidget

from explorer.data.source import Source
from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest, ReadingQuestion
from explorer.document.preferences import PreferencesFile
from explorer.document.state import OpenModel
from explorer.models.bundle import first_bundle
from explorer.paths import resources_dir
from explorer.ui.actions import Action, ActionRegistry, HasMenuActions, Section, When
from explorer.ui.app_actions import AppActions
from explorer.ui.clipboard_dnd import ClipboardDnd
from explorer.ui.dialogs.files import FolderMemory
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.dialogs.reading import ReadingDialog, ReadingQuestionDialog
from explorer.ui.first_tour import Landmarks
from explorer.ui.notices import Notices
from explorer.ui.panel import Panel
from explorer.ui.panel_dock import PanelDock
from explorer.ui.panels import PANELS
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
from explorer.ui.plain_text import name_action, plain_menu_text, plain_window_title
from explorer.ui.session_actions import SessionActions
from explorer.ui.start_page import StartPage
from explorer.ui.status import StatusBar
from explorer.ui.toolbar import Picker, add_actions, named_actions, spacer, tool_bar
from explorer.ui.widgets.message_row import MessageRow
from explorer.ui.widgets.notice_bar import NoticeBar
from explorer.ui.widgets.problem_bar import ProblemBar
from explorer.ui.widgets.stage_canvas import MODES
from explorer.ui.workspaces import WORKSPACES, Workspace, Workspaces

SMALLEST = QSize(1024, 640)
"""Size in pixels below which the docks are hidden, so that the stage has room."""

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

W = TypeVar("W", bound=QWidget)


class _Pages(QStackedWidget):
    """Needs only the room of the page that it shows."""

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint().expandedTo(page.minimumSize()) if page is not None else QSize()


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
        self._import: ImportDialog | None = None
        self._reading: ReadingDialog | None = None
        self._alone = False
        self._begins = False
        self._model: OpenModel | None = None
        self._source: Source | None = None
        self._workspace = WORKSPACES[0].name
        self._strips: dict[str, bool] = {}
        preferences = preferences or PreferencesFile()
        self.setObjectName("main_window")
        self.setWindowIcon(QIcon(str(resources_dir() / "icons" / "app.svg")))
        self.setDockNestingEnabled(True)
        self.setAcceptDrops(True)
        document.places.begin(preferences)
        FolderMemory(self, preferences)
        self._panels = [(panel, panel.make(document)) for panel in PANELS]
        self._name_panels()
        self.stage = StagePanel(document)
        self.problem_bar = ProblemBar()
        self.notice_bar = NoticeBar()
        Notices(document, self.notice_bar, self.show_panel)
        self.start_page = StartPage(document)
        self._pages = _Pages()
        self._pages.addWidget(self.start_page)
        self._pages.addWidget(self.stage)
        self._pages.setCurrentWidget(self.stage)
        self.setCentralWidget(self._pages)
        self._docks: dict[str, PanelDock] = {}
        self._place_panels()
        self.workspaces = Workspaces(self, [(panel, self._docks[panel.name]) for panel, _ in self._panels], preferences)
        self.status = StatusBar(document)
        self.setStatusBar(self.status)
        self.clipboard_dnd = ClipboardDnd(document, self)
        self.clipboard_dnd.offer_stage(self.stage)
        self.sessions = SessionActions(document, self)
        self.registry = ActionRegistry(self, document.announced.emit)
        self.app_actions = AppActions(self, document, preferences, self.registry, self.workspaces, self._landmarks)
        self._fill_menus()
        self._fill_toolbars()
        self._connect()
        self._show_title()
        self._show_open()
        self._fit_screen()

    def _connect(self) -> None:
        document = self.document
        self.workspaces.switched.connect(self._on_workspace_switched)
        self.gallery.key_pressed.connect(self.stage.press)
        self.timeline.strip.toggled.connect(lambda: self.workspaces.fit_height(self._docks["timeline"]))
        self._panel(CodePanel).mini_map.opened.connect(partial(self.show_panel, "map"))
        self.stage.alone_requested.connect(self._switch_alone)
        self.stage.mode_changed.connect(lambda: document.sessions.put_stage(self.stage.mode))
        document.sessions.stage_restored.connect(self.stage.set_mode)
        document.sessions.changed.connect(self._show_title)
        document.sessions.tab_restored.connect(self._on_tab_restored)
        document.sessions.workspace_restored.connect(self.workspaces.switch)
        document.panel_requested.connect(self.show_panel)
        document.problem_reported.connect(self._on_problem_reported)
        document.imports.wanted.connect(self._on_import_wanted)
        document.reading_requested.connect(self.show_reading)
        document.choice_wanted.connect(self._on_choice_wanted)
        for success in (document.changed.model, document.changed.source, document.exported):
            success.connect(self._on_success)
        document.changed.model.connect(self._show_title)
        document.changed.model.connect(self._show_open)
        document.changed.source.connect(self._show_open)
        self._connect_start_page()

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
        self.library = self._panel(LibraryPanel)
        self.gallery = self._panel(GalleryPanel)
        self.feature_maps = self._panel(CodePanel).feature_maps
        self.latent = self._panel(CodePanel).latent
        self.timeline = self._panel(TimelinePanel)
        self.bookmarks = self._panel(BookmarksPanel)
        self.history = self._panel(HistoryPanel)
        self.map = self._panel(MapPanel)
        self.traversals = self._panel(TraversalsPanel)
        self.samples = self._panel(SamplesPanel)
        self.noise = self._panel(NoisePanel)
        self.outliers = self._panel(OutliersPanel)
        self.neighbors = self._panel(NeighborsPanel)
        self.arithmetic = self._panel(ArithmeticPanel)
        self.compare = self._panel(ComparePanel)
        self.train = self._panel(TrainPanel)

    def _panel(self, kind: type[W]) -> W:
        return next(made for _, made in self._panels if isinstance(made, kind))

    def _landmarks(self) -> Landmarks:
        return Landmarks(
            self.stage,
            self.stage.reconstruction,
            {panel.name: made for panel, made in self._panels},
            self._workspace_bar,
        )

    def _place_panels(self) -> None:
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for panel, made in self._panels:
            dock = PanelDock(panel, made, self)
            dock.help_wanted.connect(partial(self._show_help, panel))
            if not panel.strip:
                dock.panel_shown.connect(partial(self._on_panel_shown, panel))
            self._docks[panel.name] = dock

    def _show_help(self, panel: Panel) -> None:
        self.app_actions.show_help(panel.help)

    def _on_panel_shown(self, panel: Panel) -> None:
        if panel.workspaces:
            self.document.sessions.put_tab(panel.id)

    def showEvent(self, event: QShowEvent) -> None:
        """Arrange the docks; before the first show, the layout would not keep their sizes."""
        super().showEvent(event)
        if not self.workspaces.began:
            self.workspaces.begin()
            self._messages.place(self)
            self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.workspaces.began:
            self.workspaces.scale(event.oldSize().width(), self.width())
            self._fold()

    def _fold(self) -> None:
        """Hide the docks where they have no room or are not wanted; show them again otherwise."""
        small = self.width() < SMALLEST.width() or self.height() < SMALLEST.height()
        at_start = self._pages.currentWidget() is self.start_page
        self.workspaces.fold(small or at_start or self._alone)
        for bar in (self.tools, self.rail):
            bar.setVisible(not at_start and not self._alone)

    def childEvent(self, event: QChildEvent) -> None:
        """Name the tabs that Qt makes of docks in one place."""
        bar = event.child()
        if event.polished() and isinstance(bar, QTabBar):
            bar.setAccessibleName(self.tr("Panels"))
            bar.setObjectName("dock_tabs")
            # Qt keeps those of hidden docks outside of the window, where the focus would vanish.
            bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        super().childEvent(event)

    # -- start page ------------------------------------------------------------------------------------------------

    def _connect_start_page(self) -> None:
        page, changed = self.start_page, self.document.changed
        for signal, run in (
            (page.model_wanted, self.library.ask_model),
            (page.folder_wanted, self.library.ask_folder),
            (page.file_wanted, self.library.ask_file),
            (page.tour_wanted, self.app_actions.start_tour),
            (page.session_wanted, self.sessions.open),
            (page.closed, self.leave_start_page),
            (self.app_actions.tour_starting, self._on_tour_starting),
        ):
            signal.connect(run)
        for opened in (changed.model, changed.source, changed.imported_image):
            opened.connect(self._on_opened)

    def show_start_page(self) -> None:
        """Show the start page in place of stage, panels and tools, until something is opened."""
        self._pages.setCurrentWidget(self.start_page)
        self._begins = True
        self._fold()

    def leave_start_page(self) -> None:
        if self._pages.currentWidget() is self.start_page:
            self._pages.setCurrentWidget(self.stage)
            self._fold()

    def _on_opened(self) -> None:
        """Leave the start page, unless a model in training or a folder that is being read was only renewed."""
        model, source = self.document.model, self.document.source
        model_renewed = model is self._model or (model is not None and model.continues(self._model))
        source_renewed = source is self._source or (source is not None and source.continues(self._source))
        if not (model_renewed and source_renewed) or self.document.state.imported_image is not None:
            self.leave_start_page()
        self._model, self._source = model, source
        if self._begins and not self.document.sessions.begun:
            self.document.forget_history()
            self.document.sessions.begin()

    def _on_tour_starting(self) -> None:
        """Open a model for the tour, unless something is open."""
        self._alone = False
        self.leave_start_page()
        self._fold()
        first = first_bundle()
        if self.document.model is None and self.document.source is None and first is not None:
            self.document.open_requested.emit(OpenRequest((first,), "model"))

    # -- menus ---------------------------------------------------------------------------------------------------

    def _fill_menus(self) -> None:
        parts = [made for _, made in self._panels if isinstance(made, HasMenuActions)]
        self.registry.add(
            self.sessions,
            *parts,
            self.stage,
            self,
            self.clipboard_dnd,
            self.status.show_in_folder,
            self.app_actions,
        )
        for panel, made in self._panels:
            title, _, _ = panel.words
            self.registry.add_panel(panel.id, title, made, partial(self.show_panel, panel.name))

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_import",
            self.tr("Import m&odel…"),
            self.show_import,
            Section.OPEN,
            shortcut="Ctrl+I",
            tip=self.tr("Import an autoencoder of Keras, TensorFlow Lite or TensorFlow.js, or an ONNX file."),
            synonyms=self.tr("h5, keras, tensorflow, tflite, tfjs, onnx, pytorch, convert model, third-party model"),
        )
        yield Action(
            "action_reading",
            self.tr("How images a&re read…"),
            self.show_reading,
            Section.OPEN,
            shortcut="Ctrl+Shift+R",
            tip=self.tr("Show and change the range of values, frames, channels and array of the open images."),
            synonyms=self.tr("range, contrast, bit depth, channels, frames, pages, array, dataset key"),
            enabled=When(lambda: self.document.source is not None, (self.document.changed.source,)),
        )
        yield Action(
            "action_start_page",
            self.tr("S&tart page"),
            self.show_start_page,
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
        for number, (panel, _) in enumerate(self._panels, 1):
            title, tip, synonyms = panel.words
            dock = self._docks[panel.name]
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
        yield Action(
            "action_full_screen",
            self.tr("F&ull screen"),
            self._switch_full_screen,
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

    def _fill_toolbars(self) -> None:
        actions = self.registry.actions()
        top, left = Qt.ToolBarArea.TopToolBarArea, Qt.ToolBarArea.LeftToolBarArea
        self._workspace_bar = tool_bar(self, "workspace_bar", self.tr("Workspaces"), top)
        names = [f"action_workspace_{workspace.name}" for workspace in WORKSPACES]
        of_workspaces = named_actions(actions, names)
        for workspace, action in zip(WORKSPACES, of_workspaces, strict=True):
            assert action is not None
            action.setIconText(workspace.words[0])  # of the button
        add_actions(self._workspace_bar, of_workspaces, text=True)
        self._workspace_bar.addWidget(spacer())
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
        self._workspace_bar.addWidget(self.model_picker)
        self._workspace_bar.addWidget(self.data_picker)
        add_actions(self._workspace_bar, named_actions(actions, ["action_palette"]))
        self.addToolBarBreak(top)
        self.tools = tool_bar(self, "tools", self.tr("Tools"), top)
        add_actions(self.tools, named_actions(actions, _TOOLS))
        self._messages = MessageRow(self.problem_bar, self.notice_bar)
        self.addToolBar(top, self._messages)
        self._messages.place(self)
        self.rail = tool_bar(self, "rail", self.tr("Panels"), left)
        add_actions(self.rail, named_actions(actions, [f"action_show_{panel.name}" for panel, _ in self._panels]))

    def _fill_picker(self, section: int, menu: QMenu) -> None:
        """List what the library lists."""
        for item in self.library.items_of(section):
            action = menu.addAction("")
            name_action(action, item.text(0))
            action.setToolTip(item.toolTip(0))
            action.triggered.connect(partial(self.library.open_entry, *self.library.entry_of(item)))

    def _fill_data_picker(self, menu: QMenu) -> None:
        self._fill_picker(1, menu)
        menu.addSeparator()
        menu.addActions([action for action in self.registry.actions() if action.objectName() == "action_reading"])

    def _show_open(self) -> None:
        model, source = self.document.model, self.document.source
        self.model_picker.show_name(model.name if model is not None else "")
        self.data_picker.show_name(source.title if source is not None else "")

    # -- what is shown -------------------------------------------------------------------------------------------

    def dock(self, name: str) -> PanelDock:
        return self._docks[name]

    def show_panel(self, name: str) -> None:
        """Show a panel in front of others, in its home workspace unless the current one shows it."""
        panel = next(panel for panel, _ in self._panels if panel.name == name)
        dock = self._docks[name]
        self.leave_start_page()
        if self._alone:
            self._switch_alone()
        if panel.workspaces and self.workspaces.current not in panel.workspaces and dock.isHidden():
            self.workspaces.switch(panel.workspaces[0])
        dock.show()
        dock.raise_()

    def _show_or_hide(self, panel: Panel) -> None:
        dock = self._docks[panel.name]
        if dock.in_front:
            dock.hide()
        else:
            self.show_panel(panel.name)

    def _show_workspace(self, name: str) -> None:
        self.leave_start_page()
        self.workspaces.switch(name)

    def _switch_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _switch_alone(self) -> None:
        self.leave_start_page()
        self._alone = not self._alone
        self._fold()

    def _on_workspace_switched(self, name: str) -> None:
        self._strips[self._workspace] = self.timeline.strip.expanded
        self._workspace = name
        self.leave_start_page()
        self.document.sessions.put_workspace(name)
        self.document.sessions.put_tab(next((f"{front}_panel" for front in self.workspaces.front), ""))
        self.timeline.strip.expand(self._strips.get(name, name == "animate" or bool(self.document.state.keyframes)))

    # -- following the document ------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        self.setWindowTitle(plain_window_title(self.sessions.title))

    def _on_tab_restored(self, name: str) -> None:
        for panel, _ in self._panels:
            if panel.id == name:
                self.show_panel(panel.name)

    def _on_problem_reported(self, problem: Problem) -> None:
        self.problem_bar.show_problem(problem.message, problem.details)

    def _on_import_wanted(self, paths: tuple[Path, ...]) -> None:
        self.show_import().begin(*paths)

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

    def show_import(self) -> ImportDialog:
        if self._import is None:
            self._import = ImportDialog(self.document, self)
        self._import.show()
        self._import.raise_()
        self._import.activateWindow()
        return self._import

    def show_reading(self) -> ReadingDialog:
        """Show how the open images were read."""
        if self._reading is None:
            self._reading = ReadingDialog(self.document, self)
        self._reading.show()
        self._reading.raise_()
        self._reading.activateWindow()
        return self._reading

    def _on_choice_wanted(self, question: ReadingQuestion) -> None:
        dialog = ReadingQuestionDialog(self, question)
        dialog.chosen.connect(lambda spec: self.document.open_requested.emit(OpenRequest((spec,), "images")))
        dialog.open()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work; hide at once, then stop the background work."""
        if not self.sessions.may_close(self.close):
            event.ignore()
            return
        self.closing.emit()
        self.document.sessions.let_go()
        super().closeEvent(event)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        self.workspaces.keep()
        self.hide()
        self._on_close()
