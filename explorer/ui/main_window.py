"""The main window: panels, menus and status bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QIcon, QShowEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import PreferencesFile
from explorer.models.bundle import first_bundle
from explorer.paths import resources_dir
from explorer.ui.actions import Action, ActionRegistry, HasMenuActions, Section
from explorer.ui.app_actions import AppActions
from explorer.ui.clipboard_dnd import ClipboardDnd
from explorer.ui.dialogs.files import FolderMemory
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.first_tour import Landmarks
from explorer.ui.focus_ring import show_or_hide
from explorer.ui.notices import Notices
from explorer.ui.panel import Dock, Panel
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
from explorer.ui.plain_text import plain_menu_text, plain_tooltip, plain_window_title
from explorer.ui.session_actions import SessionActions
from explorer.ui.start_page import StartPage
from explorer.ui.status import StatusBar
from explorer.ui.widgets.notice_bar import NoticeBar
from explorer.ui.widgets.problem_bar import ProblemBar

_LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea

W = TypeVar("W", bound=QWidget)


class MainWindow(QMainWindow):
    """The main window: stage and tabs in the center, docks around them; the panels are those of `PANELS`.

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
        self.setObjectName("main_window")
        self.setWindowIcon(QIcon(str(resources_dir() / "icons" / "app.svg")))
        self.resize(1280, 800)
        self.setDockNestingEnabled(True)
        self.setAcceptDrops(True)
        preferences = preferences or PreferencesFile()
        document.places.begin(preferences)
        FolderMemory(self, preferences)
        self._panels = [(panel, panel.make(document)) for panel in PANELS]
        self._name_panels()
        self.stage = StagePanel(document)
        self.problem_bar = ProblemBar()
        self.notice_bar = NoticeBar()
        self.notices = Notices(document, self.notice_bar, self.show_panel)
        self.start_page = StartPage(document)
        self._hidden_docks: list[QDockWidget] = []
        self.tabs = QTabWidget()
        self._place_center()
        self._docks: dict[str, QDockWidget] = {}
        self._place_panels()
        self.status = StatusBar(document)
        self.setStatusBar(self.status)
        self.clipboard_dnd = ClipboardDnd(document, self)
        self.clipboard_dnd.offer_stage(self.stage)
        self.sessions = SessionActions(document, self)
        self.registry = ActionRegistry(self, document.announced.emit)
        self.app_actions = AppActions(
            self,
            document,
            preferences,
            self.registry,
            Landmarks(self.library, self.gallery, self.stage, self.tabs, self.feature_maps, self.latent, self.timeline),
        )
        self._fill_menus()
        document.sessions.changed.connect(self._show_title)
        document.sessions.tab_restored.connect(self._on_tab_restored)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        document.problem_reported.connect(self._on_problem_reported)
        document.imports.wanted.connect(self._on_import_wanted)
        for success in (document.changed.model, document.changed.source, document.exported):
            success.connect(self._on_success)
        document.changed.model.connect(self._show_title)
        self._connect_start_page()
        self._show_title()

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

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

    def _place_center(self) -> None:
        self.tabs.setObjectName("tabs")
        self.tabs.setAccessibleName(self.tr("Views"))
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setObjectName("center_splitter")
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.stage)
        splitter.addWidget(self.tabs)
        splitter.setStretchFactor(0, 4)
        splitter.setStretchFactor(1, 5)
        splitter.setSizes([250, 350])
        self._pages = QStackedWidget()
        self._pages.addWidget(self.start_page)
        self._pages.addWidget(splitter)
        self._pages.setCurrentIndex(1)
        center = QWidget()
        layout = QVBoxLayout(center)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.problem_bar)
        layout.addWidget(self.notice_bar)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(center)

    def _place_panels(self) -> None:
        self.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
        self.setCorner(Qt.Corner.BottomLeftCorner, _LEFT)
        for panel, made in self._panels:
            title, tip, _ = panel.words
            if panel.dock is None:
                self.tabs.setTabToolTip(self.tabs.addTab(made, title), plain_tooltip(tip))
            else:
                self._docks[panel.name] = self._add_dock(panel, panel.dock, made)

    def _add_dock(self, panel: Panel, place: Dock, made: QWidget) -> QDockWidget:
        title, _, _ = panel.words
        dock = QDockWidget(title, self)
        dock.setObjectName(f"{panel.name}_dock")
        dock.toggleViewAction().setObjectName(f"toggle_{panel.name}_dock")
        dock.setWidget(made)
        self.addDockWidget(place.area, dock)
        if place.behind:
            front = self._docks[place.behind]
            self.tabifyDockWidget(front, dock)
            front.raise_()
        return dock

    def showEvent(self, event: QShowEvent) -> None:
        """Set the dock sizes; before the first show, the layout would not keep them."""
        super().showEvent(event)
        if not self.app_actions.layout.began:
            library, gallery, latent = (self._docks[name] for name in ("library", "gallery", "latent"))
            self.resizeDocks([library, latent], [248, 320], Qt.Orientation.Horizontal)
            self.resizeDocks([library, gallery], [300, 420], Qt.Orientation.Vertical)
            self.app_actions.layout.begin()

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
        """Show the start page in place of stage, tabs and docks, until something is opened."""
        if self._pages.currentWidget() is not self.start_page:
            self._hidden_docks = [dock for dock in self._docks.values() if not dock.isHidden()]
            for dock in self._hidden_docks:
                dock.hide()
            self._pages.setCurrentWidget(self.start_page)

    def leave_start_page(self) -> None:
        if self._pages.currentWidget() is self.start_page:
            self._pages.setCurrentIndex(1)
            for dock in self._hidden_docks:
                dock.show()

    def _on_opened(self) -> None:
        if self._pages.currentWidget() is self.start_page:
            self.leave_start_page()
            if not self.document.sessions.begun:
                self.document.forget_history()
                self.document.sessions.begin()

    def _on_tour_starting(self) -> None:
        """Open a model for the tour, unless something is open."""
        self.leave_start_page()
        first = first_bundle()
        if self.document.model is None and self.document.source is None and first is not None:
            self.document.open_requested.emit(OpenRequest((first,), "model"))

    # -- menus ---------------------------------------------------------------------------------------------------

    def _fill_menus(self) -> None:
        parts = [made for _, made in self._panels if isinstance(made, HasMenuActions)]
        self.registry.add(self.sessions, *parts, self, self.clipboard_dnd, self.app_actions)
        for panel, made in self._panels:
            title, _, _ = panel.words
            self.registry.add_panel(panel.id, title, made, partial(self._reveal, panel, made))

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_import",
            self.tr("Import &Keras model…"),
            self.show_import,
            Section.OPEN,
            shortcut="Ctrl+I",
            tip=self.tr("Split a Keras autoencoder at its bottleneck into encoder and decoder."),
            synonyms=self.tr("h5, tensorflow, convert model, third-party model"),
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
        tabs = docks = 0
        for panel, made in self._panels:
            title, tip, synonyms = panel.words
            if panel.dock is None:
                tabs += 1
                # Ctrl+0 is the tenth.
                keys = f"Ctrl+{tabs % 10}" if tabs <= 10 else ""
                name, section, run = f"action_tab_{panel.name}", Section.TABS, partial(self._reveal, panel, made)
            else:
                docks += 1
                keys = f"Alt+{docks}"
                name, section = f"action_show_{panel.name}_dock", Section.DOCKS
                run = partial(show_or_hide, self._docks[panel.name])
            yield Action(name, plain_menu_text(title), run, section, shortcut=keys, tip=tip, synonyms=synonyms)

    def show_panel(self, name: str) -> None:
        """Show a panel by its name, in front of others in its place."""
        self.leave_start_page()
        self._reveal(*next(entry for entry in self._panels if entry[0].name == name))

    def _reveal(self, panel: Panel, made: QWidget) -> None:
        """Show a panel in front of others in its place."""
        if panel.dock is None:
            self.tabs.setCurrentWidget(made)
        else:
            self._docks[panel.name].show()
            self._docks[panel.name].raise_()

    # -- following the document ------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        self.setWindowTitle(plain_window_title(self.sessions.title))

    def _on_tab_changed(self, number: int) -> None:
        shown = self.tabs.widget(number)
        self.document.sessions.put_tab(next((panel.id for panel, made in self._panels if made is shown), ""))

    def _on_tab_restored(self, name: str) -> None:
        for panel, made in self._panels:
            if panel.id == name and panel.dock is None:
                self.tabs.setCurrentWidget(made)

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

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work; hide at once, then stop the background work."""
        if not self.sessions.may_close(self.close):
            event.ignore()
            return
        self.closing.emit()
        self.document.sessions.let_go()
        super().closeEvent(event)
        self.leave_start_page()
        self.app_actions.layout.keep()
        self.hide()
        self._on_close()
