"""The main window: panels, menus and status bar."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
    QKeySequence,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QMenu,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import PreferencesFile
from explorer.export import FORMATS
from explorer.messages import message_text
from explorer.paths import resources_dir
from explorer.ui.app_actions import AppActions
from explorer.ui.clipboard_dnd import ClipboardDnd
from explorer.ui.dialogs.files import ask_file
from explorer.ui.dialogs.help import HelpDialog
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.focus_ring import show_or_hide
from explorer.ui.panels.arithmetic import ArithmeticPanel
from explorer.ui.panels.bookmarks import BookmarksPanel
from explorer.ui.panels.compare import ComparePanel
from explorer.ui.panels.feature_maps import FeatureMapsPanel
from explorer.ui.panels.gallery import GalleryPanel
from explorer.ui.panels.history import HistoryPanel
from explorer.ui.panels.latent import LatentPanel
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
from explorer.ui.plain_text import plain_menu_text, plain_window_title
from explorer.ui.session_actions import SessionActions
from explorer.ui.status import StatusBar
from explorer.ui.widgets.problem_bar import ProblemBar

_LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class MainWindow(QMainWindow):
    """The main window: stage and tabs in the center, docks around them.

    Parameters
    ----------
    document
        What the window shows.
    on_close
        Called once when the window closes, to stop the background work.
    preferences
        Settings kept between runs; None keeps nothing.

    Signals
    -------
    closing()
        The window closes and nothing can stop it any more.
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
        self._help: HelpDialog | None = None
        self._import: ImportDialog | None = None
        self.setObjectName("main_window")
        self.setWindowIcon(QIcon(str(resources_dir() / "icons" / "app.svg")))
        self.resize(1280, 800)
        self.setDockNestingEnabled(True)
        self.setAcceptDrops(True)
        self.library = LibraryPanel(document)
        self.gallery = GalleryPanel(document)
        self.stage = StagePanel(document)
        self.feature_maps = FeatureMapsPanel(document)
        self.bookmarks = BookmarksPanel(document)
        self.history = HistoryPanel(document)
        self.latent = LatentPanel(document)
        self.timeline = TimelinePanel(document)
        self.map = MapPanel(document)
        self.traversals = TraversalsPanel(document)
        self.samples = SamplesPanel(document)
        self.noise = NoisePanel(document)
        self.outliers = OutliersPanel(document)
        self.neighbors = NeighborsPanel(document)
        self.arithmetic = ArithmeticPanel(document)
        self.compare = ComparePanel(document)
        self.train = TrainPanel(document)
        self.problem_bar = ProblemBar()
        self.clipboard_dnd = ClipboardDnd(document, self)
        self.tabs = QTabWidget()
        self._place_center()
        self._docks = self._place_docks()
        self.status = StatusBar(document)
        self.setStatusBar(self.status)
        self.app_actions = AppActions(self, preferences or PreferencesFile())
        self.sessions = SessionActions(document, self)
        self._make_menus()
        document.sessions.changed.connect(self._show_title)
        document.sessions.tab_restored.connect(self._on_tab_restored)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        document.problem_reported.connect(self._on_problem_reported)
        document.imports.wanted.connect(self._on_import_wanted)
        for success in (document.changed.model, document.changed.source, document.exported):
            success.connect(self._on_success)
        document.changed.model.connect(self._on_model_changed)
        document.history_changed.connect(self._update_history)
        document.changed.keyframes.connect(self._update_actions)
        self._on_model_changed()
        self._update_history()
        self._update_actions()

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    # -- places --------------------------------------------------------------------------------------------------

    def _place_center(self) -> None:
        self.tabs.setObjectName("tabs")
        self.tabs.setAccessibleName(self.tr("Views"))
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        for panel, title in (
            (self.map, self.tr("Map")),
            (self.traversals, self.tr("Traversals")),
            (self.samples, self.tr("Samples")),
            (self.noise, self.tr("Noise")),
            (self.outliers, self.tr("Outliers")),
            (self.neighbors, self.tr("Neighbors")),
            (self.arithmetic, self.tr("Arithmetic")),
            (self.compare, self.tr("Compare")),
            (self.train, self.tr("Train")),
        ):
            self.tabs.addTab(panel, title)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setObjectName("center_splitter")
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.stage)
        splitter.addWidget(self.tabs)
        splitter.setStretchFactor(0, 4)
        splitter.setStretchFactor(1, 5)
        splitter.setSizes([250, 350])
        center = QWidget()
        layout = QVBoxLayout(center)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.problem_bar)
        layout.addWidget(splitter, 1)
        self.setCentralWidget(center)

    def _place_docks(self) -> list[QDockWidget]:
        self.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
        self.setCorner(Qt.Corner.BottomLeftCorner, _LEFT)
        docks = [
            self._dock("library_dock", self.tr("Library"), self.library, _LEFT),
            self._dock("gallery_dock", self.tr("Gallery"), self.gallery, _LEFT),
            self._dock("latent_dock", self.tr("Latent code"), self._code_splitter(), _RIGHT),
            self._dock("timeline_dock", self.tr("Timeline"), self.timeline, _BOTTOM),
        ]
        docks.append(self._dock("bookmarks_dock", self.tr("Bookmarks"), self.bookmarks, _LEFT))
        docks.append(self._dock("history_dock", self.tr("History"), self.history, _LEFT))
        for behind in docks[-2:]:
            self.tabifyDockWidget(docks[1], behind)
        docks[1].raise_()
        return docks

    def showEvent(self, event: QShowEvent) -> None:
        """Set the dock sizes; before the first show, the layout would not keep them."""
        super().showEvent(event)
        if not self.app_actions.layout.began:
            library, gallery, latent = self._docks[:3]
            self.resizeDocks([library, latent], [248, 320], Qt.Orientation.Horizontal)
            self.resizeDocks([library, gallery], [300, 420], Qt.Orientation.Vertical)
            self.app_actions.layout.begin()

    def _code_splitter(self) -> QSplitter:
        """Return the feature maps, where the code has any, above the sliders."""
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setObjectName("latent_splitter")
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.feature_maps)
        splitter.addWidget(self.latent)
        splitter.setStretchFactor(1, 1)
        return splitter

    def _dock(self, name: str, title: str, panel: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(name)
        dock.toggleViewAction().setObjectName(f"toggle_{name}")
        dock.setWidget(panel)
        self.addDockWidget(area, dock)
        return dock

    def reset_layout(self) -> None:
        """Restore the initial layout."""
        self.app_actions.layout.reset()

    # -- menus ---------------------------------------------------------------------------------------------------

    def _make_menus(self) -> None:
        document, standard = self.document, QKeySequence.StandardKey
        file = self._menu("menu_file", self.tr("&File"))
        self.sessions.fill_menu(file)
        self._act(file, "action_open_model", self.tr("Open &model…"), self.library.ask_model, "Ctrl+O")
        self._act(file, "action_import", self.tr("Import &Keras model…"), self.show_import, "Ctrl+I")
        self._act(file, "action_open_folder", self.tr("Open image &folder…"), self.library.ask_folder, "Ctrl+D")
        self._act(file, "action_open_file", self.tr("Open image f&ile…"), self.library.ask_file, "Ctrl+Shift+D")
        file.addSeparator()
        self._act(file, "action_reopen", self.tr("Open expo&rted animation…"), self.ask_animation, "Ctrl+Shift+O")
        self._export = self._act(
            file, "action_export", self.tr("&Export animation…"), self.timeline.ask_export, "Ctrl+E"
        )
        file.addSeparator()
        self._act(file, "action_quit", self.tr("&Quit"), self.close, "Ctrl+Q")
        edit = self._menu("menu_edit", self.tr("&Edit"))
        self._undo = self._act(edit, "action_undo", self.tr("&Undo"), document.undo, standard.Undo)
        self._redo = self._act(edit, "action_redo", self.tr("&Redo"), document.redo, standard.Redo)
        edit.addSeparator()
        self._act(edit, "action_reset", self.tr("Re&set edit"), document.reset_code, "Ctrl+R")
        self._act(edit, "action_shuffle", self.tr("R&andom code"), self.latent.shuffle, "Ctrl+J")
        edit.addSeparator()
        self._act(
            edit,
            "action_code_view",
            self.tr("Cycle slider &basis"),
            self.latent.switch_view,
            "Ctrl+Shift+A",
        )
        self._act(edit, "action_filter", self.tr("&Filter sliders"), self.latent.find_sliders, "Ctrl+F")
        find = self.latent.find_directions
        self._act(edit, "action_find_directions", self.tr("Find attribute d&irection…"), find, "Ctrl+Shift+F")
        self._act(edit, "action_statistics", self.tr("Latent s&tatistics…"), self.latent.show_statistics, "Ctrl+T")
        paint = self.feature_maps.begin_painting
        self._paint = self._act(edit, "action_paint", self.tr("Paint feature ma&p"), paint, "Ctrl+B")
        edit.addSeparator()
        self._act(edit, "action_keyframe", self.tr("Add &keyframe"), document.timeline.add, "Ctrl+K")
        self._act(edit, "action_bookmark", self.tr("Add book&mark"), document.bookmarks.add, "Ctrl+M")
        duplicate = self.timeline.duplicate
        self._act(edit, "action_duplicate", self.tr("&Duplicate keyframe"), duplicate, "Ctrl+Shift+K")
        self._act(edit, "action_play", self.tr("P&lay or pause animation"), self.timeline.play.click, "Ctrl+Space")
        edit.addSeparator()
        self._act(edit, "action_previous", self.tr("Pre&vious image"), lambda: document.step_image(-1), "Alt+PgUp")
        self._act(edit, "action_next", self.tr("&Next image"), lambda: document.step_image(1), "Alt+PgDown")
        self.app_actions.add_to_edit(edit, self._act)
        self._make_view_menu()
        panels = self._menu("menu_panels", self.tr("&Panels"))
        help_menu = self._menu("menu_help", self.tr("&Help"))
        self._act(help_menu, "action_help", self.tr("&Help"), self.show_help, standard.HelpContents)
        self.app_actions.add_to_help(help_menu, self._act)
        self.app_actions.finish(panels)

    def _make_view_menu(self) -> None:
        view = self._menu("menu_view", self.tr("&View"))
        for number in range(self.tabs.count()):
            title, panel = self.tabs.tabText(number), self.tabs.widget(number)
            assert panel is not None
            # Titles are translated, object names are not.
            name = f"action_tab_{panel.objectName().removesuffix('_panel')}"
            # Ctrl+0 is the tenth.
            keys = f"Ctrl+{(number + 1) % 10}" if number < 10 else None
            self._act(view, name, title, partial(self.tabs.setCurrentIndex, number), keys)
        view.addSeparator()
        for number, dock in enumerate(self._docks, start=1):
            name = f"action_show_{dock.objectName()}"
            self._act(view, name, dock.windowTitle(), partial(show_or_hide, dock), f"Alt+{number}")
        self._act(view, "action_reset_layout", self.tr("&Reset layout"), self.reset_layout, "Alt+0")
        self.app_actions.add_to_view(view, self._act)

    def _menu(self, name: str, title: str) -> QMenu:
        menu = self.menuBar().addMenu(title)
        menu.setObjectName(name)
        return menu

    def _act(
        self,
        menu: QMenu,
        name: str,
        title: str,
        run: Callable[[], object],
        keys: str | QKeySequence.StandardKey | None = None,
    ) -> QAction:
        action = QAction(title, self)
        action.setObjectName(name)
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda checked=False: run())
        menu.addAction(action)
        return action

    # -- following the document ------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        model = self.document.model
        self._paint.setEnabled(model is not None and len(model.card.latent_shape) == 3)
        self._show_title()

    def _show_title(self) -> None:
        self.setWindowTitle(plain_window_title(self.sessions.title))

    def _on_tab_changed(self, number: int) -> None:
        panel = self.tabs.widget(number)
        self.document.sessions.put_tab(panel.objectName() if panel is not None else "")

    def _on_tab_restored(self, name: str) -> None:
        for number in range(self.tabs.count()):
            panel = self.tabs.widget(number)
            if panel is not None and panel.objectName() == name:
                self.tabs.setCurrentIndex(number)

    def _update_history(self) -> None:
        for action, word, label in (
            (self._undo, self.tr("&Undo"), self.document.undo_label),
            (self._redo, self.tr("&Redo"), self.document.redo_label),
        ):
            action.setEnabled(label is not None)
            action.setText(f"{word}: {plain_menu_text(message_text(label))}" if label else word)

    def _update_actions(self) -> None:
        self._export.setEnabled(self.document.timeline.frames > 0)

    def _on_problem_reported(self, problem: Problem) -> None:
        self.problem_bar.show_problem(problem.message, problem.details)

    def _on_import_wanted(self, paths: tuple[Path, ...]) -> None:
        self.show_import().begin(*paths)

    def _on_success(self) -> None:
        """Hide the last error once an operation has succeeded."""
        self.problem_bar.hide()

    def ask_animation(self) -> None:
        """Ask for an exported animation and open its recipe."""
        kinds = ((self.tr("Exported animations"), " ".join(f"*{suffix}" for suffix in FORMATS)),)
        ask_file(self, self.tr("Open an exported animation"), self._open, kinds=kinds)

    def _open(self, path: Path) -> None:
        self.document.open_requested.emit(OpenRequest((path,)))

    # -- drops -----------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.clipboard_dnd.welcome(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.clipboard_dnd.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open a dropped session, exported animation, model or dataset."""
        self.clipboard_dnd.drop(event)

    def show_import(self) -> ImportDialog:
        """Show the dialog that imports third-party models."""
        if self._import is None:
            self._import = ImportDialog(self.document, self)
        self._import.show()
        self._import.raise_()
        self._import.activateWindow()
        return self._import

    def show_help(self) -> None:
        if self._help is None:
            self._help = HelpDialog(self.app_actions.main_commands(), self)
        self._help.show()
        self._help.raise_()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work; hide at once, then stop the background work."""
        if not self.sessions.may_close(self.close):
            event.ignore()
            return
        self.closing.emit()
        self.document.sessions.let_go()
        super().closeEvent(event)
        self.app_actions.layout.keep()
        self.hide()
        self._on_close()
