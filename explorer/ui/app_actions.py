"""The commands around the panels: command palette, message log, tour, settings, theme, layout and focus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from explorer.document.preferences import PreferencesFile
from explorer.ui.command_tips import command_tips, tab_tips
from explorer.ui.commands import Command, commands_of
from explorer.ui.dialogs.command_palette import RECENT, CommandPalette
from explorer.ui.dialogs.problems import ProblemsDialog
from explorer.ui.dialogs.settings import SettingsDialog
from explorer.ui.first_tour import FirstTour, Step
from explorer.ui.focus_ring import Pane, step_pane
from explorer.ui.layout_store import LayoutStore
from explorer.ui.panel_menu import PREFIX, PanelMenu
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.problems import ProblemList
from explorer.ui.theme import choose_scheme, chosen_scheme
from explorer.ui.widgets.fields import button

if TYPE_CHECKING:
    from explorer.ui.main_window import MainWindow

SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


class Act(Protocol):
    """Adds a command to a menu."""

    def __call__(
        self,
        menu: QMenu,
        name: str,
        title: str,
        run: Callable[[], object],
        keys: str | QKeySequence.StandardKey | None = None,
    ) -> QAction: ...


class AppActions(QObject):
    """Menus and dialogs of one window; dialogs are created on first use.

    Parameters
    ----------
    window
        Their parent.
    preferences
        Settings kept between runs.
    """

    def __init__(self, window: MainWindow, preferences: PreferencesFile) -> None:
        super().__init__(window)
        self._window = window
        self.preferences = preferences
        self.layout = LayoutStore(window, preferences)
        self.problems = ProblemList(window.document, self)
        self._palette: CommandPalette | None = None
        self._problems_dialog: ProblemsDialog | None = None
        self._settings: SettingsDialog | None = None
        self._tour: FirstTour | None = None
        self._schemes: dict[str, QAction] = {}
        self._panel_menu: PanelMenu | None = None
        self._count = button("status_problems", self.tr("No errors"), self.tr("Show the message log (Ctrl+Shift+E)"))
        self._count.hide()
        self._count.clicked.connect(self.show_problems)
        window.status.addPermanentWidget(self._count)
        for changed in (self.problems.rowsInserted, self.problems.rowsRemoved, self.problems.modelReset):
            changed.connect(self._on_problems_changed)

    # -- menus ---------------------------------------------------------------------------------------------------

    def add_to_edit(self, menu: QMenu, act: Act) -> None:
        """Add the clipboard commands and the settings."""
        clipboard_dnd, keys = self._window.clipboard_dnd, QKeySequence.StandardKey
        menu.addSeparator()
        act(menu, "action_copy_image", self.tr("&Copy image"), clipboard_dnd.copy_image, keys.Copy)
        act(menu, "action_copy_code", self.tr("C&opy code"), clipboard_dnd.copy_code, "Ctrl+Shift+C")
        act(menu, "action_paste", self.tr("Pas&te"), clipboard_dnd.paste, keys.Paste)
        negative = self.tr("In&vert imported image")
        invert_image = clipboard_dnd.invert_imported_image
        invert = act(menu, "action_invert_imported_image", negative, invert_image, "Ctrl+Shift+I")
        invert.setEnabled(False)
        document = self._window.document
        document.changed.imported_image.connect(lambda: invert.setEnabled(document.state.imported_image is not None))
        menu.addSeparator()
        act(menu, "action_settings", self.tr("Settin&gs…"), self.show_settings, "Ctrl+,")

    def add_to_view(self, menu: QMenu, act: Act) -> None:
        """Add the themes, the command palette and the focus commands."""
        menu.addSeparator()
        group = QActionGroup(self)
        for name, title, keys in (
            ("system", self.tr("Use s&ystem theme"), "Ctrl+F10"),
            ("light", self.tr("Use &light theme"), "Ctrl+F11"),
            ("dark", self.tr("Use &dark theme"), "Ctrl+F12"),
        ):
            action = act(menu, f"action_scheme_{name}", title, partial(self.choose_colors, name), keys)
            action.setCheckable(True)
            action.setActionGroup(group)
            action.setChecked(SCHEMES[name] == chosen_scheme())
            self._schemes[name] = action
        menu.addSeparator()
        act(menu, "action_palette", self.tr("&Commands…"), self.show_palette, "Ctrl+Shift+P")
        act(menu, "action_next_pane", self.tr("Ne&xt panel"), lambda: self._step_pane(1), "F6")
        before = self.tr("Pre&vious panel")
        act(menu, "action_previous_pane", before, lambda: self._step_pane(-1), "Shift+F6")

    def finish(self, panels: QMenu) -> None:
        """Fill the Panels menu and set all tooltips; the other menus must exist."""
        self._panel_menu = PanelMenu(self._window, panels)
        self._explain()
        self._window.clipboard_dnd.offer_stage(self._window.stage)

    def add_to_help(self, menu: QMenu, act: Act) -> None:
        """Add the tour and the message log."""
        act(menu, "action_tour", self.tr("Take the &tour"), self.start_tour, "Shift+F1")
        menu.addSeparator()
        act(menu, "action_problems", self.tr("&Message log…"), self.show_problems, "Ctrl+Shift+E")

    def _explain(self) -> None:
        """Set the tooltips of commands and tabs."""
        self._window.menuBar().setAccessibleName(self.tr("Menus"))
        tips = command_tips()
        for action in self._window.findChildren(QAction):
            tip = tips.get(action.objectName())
            if tip:
                action.setToolTip(plain_tooltip(tip))
        for menu in self._window.menuBar().findChildren(QMenu):
            menu.setToolTipsVisible(True)
        tabs, sentences = self._window.tabs, tab_tips()
        for number in range(tabs.count()):
            panel = tabs.widget(number)
            if panel is not None:
                tabs.setTabToolTip(number, plain_tooltip(sentences.get(panel.objectName(), "")))

    # -- what is shown -------------------------------------------------------------------------------------------

    def show_palette(self) -> CommandPalette:
        """Show the command palette."""
        if self._palette is None:
            recent = self.preferences
            self._palette = CommandPalette(
                self._commands, lambda: recent.values.recent_commands, self._remember, self._window
            )
        self._palette.begin()
        return self._palette

    def _commands(self) -> list[Command]:
        """Return all commands with their current availability."""
        if self._panel_menu is not None:
            self._panel_menu.sync()
        found = commands_of(self._window)
        if self._panel_menu is not None:
            self._panel_menu.let_all()
        return found

    def main_commands(self) -> list[Command]:
        """Return the commands of the other menus than Panels."""
        return [command for command in commands_of(self._window) if not command.keys.startswith(PREFIX)]

    def _remember(self, name: str) -> None:
        others = [other for other in self.preferences.values.recent_commands if other != name]
        self.preferences.put(recent_commands=(name, *others)[:RECENT])

    def show_problems(self) -> ProblemsDialog:
        """Show the message log."""
        if self._problems_dialog is None:
            self._problems_dialog = ProblemsDialog(self.problems, self._window)
        self._problems_dialog.choose_newest()
        _raise(self._problems_dialog)
        return self._problems_dialog

    def _on_problems_changed(self) -> None:
        count = self.problems.rowCount()
        words = self.tr("1 error") if count == 1 else self.tr("%1 errors")
        self._count.setText(words.replace("%1", str(count)))
        self._count.setVisible(count > 0)

    def show_settings(self) -> SettingsDialog:
        if self._settings is None:
            self._settings = SettingsDialog(self.preferences, self._window)
            self._settings.scheme_chosen.connect(self.choose_colors)
        self._settings.refresh()
        _raise(self._settings)
        return self._settings

    def choose_colors(self, name: str) -> None:
        """Apply and store a theme: ``system``, ``light`` or ``dark``."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            choose_scheme(app, SCHEMES[name])
        if name in self._schemes:
            self._schemes[name].setChecked(True)
        self.preferences.put(scheme=name)

    # -- the first tour ------------------------------------------------------------------------------------------

    def start_tour(self) -> FirstTour:
        """Start the tour at its first step."""
        if self._tour is None:
            self._tour = FirstTour(self._window, self._steps())
            self._tour.ended.connect(lambda: self.preferences.put(tour_seen=True))
        self._window.tabs.setCurrentWidget(self._window.map)
        self.layout.show_all()
        self._tour.start()
        return self._tour

    def greet(self) -> None:
        """Start the tour if it has not been seen."""
        if not self.preferences.values.tour_seen:
            self.start_tour()

    def _steps(self) -> tuple[Step, ...]:
        window = self._window
        return (
            Step(
                self.tr("Select an image"),
                self.tr(
                    "An autoencoder compresses each image into a short latent code. Click an image, or drop or paste "
                    "one of your own."
                ),
                lambda: window.gallery,
            ),
            Step(
                self.tr("Compare the reconstruction"),
                self.tr(
                    "The decoder reconstructs the image from the code. MSE, PSNR and SSIM measure the difference; "
                    "the error map shows where it is."
                ),
                lambda: window.stage,
            ),
            Step(
                self.tr("Edit the code"),
                self.tr(
                    "Drag a slider and watch the edited image. The histogram behind a slider shows the dataset's "
                    "codes; outside it, decoded images become unreliable."
                ),
                lambda: window.latent,
            ),
            Step(
                self.tr("Explore the latent space"),
                self.tr(
                    "The map decodes a plane of latent space. Click or drag to move the current code. The other tabs "
                    "show samples, traversals, denoising and training."
                ),
                lambda: window.tabs,
            ),
            Step(
                self.tr("Make an animation"),
                self.tr(
                    "Add keyframes (Ctrl+K), play the animation, and export it as a video or GIF. Press Ctrl+Shift+P "
                    "to search all commands."
                ),
                lambda: window.timeline,
            ),
        )

    # -- the keyboard --------------------------------------------------------------------------------------------

    def _step_pane(self, by: int) -> None:
        step_pane(self._panes(), by)

    def _panes(self) -> Sequence[Pane]:
        window = self._window
        tabs = window.tabs
        return (
            lambda: window.library,
            lambda: window.gallery,
            lambda: window.stage,
            lambda: tabs,
            lambda: window.feature_maps,
            lambda: window.latent,
            lambda: window.timeline,
        )


def _raise(dialog: QWidget) -> None:
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
