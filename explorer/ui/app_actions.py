"""The actions around the panels: command palette, help, tour, message log, settings, theme, layout and focus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QMainWindow

from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile
from explorer.ui.actions import Action, ActionRegistry, Command, Section, When
from explorer.ui.dialogs.command_palette import RECENT, Article, CommandPalette
from explorer.ui.dialogs.help import HelpDialog
from explorer.ui.dialogs.in_front import show_in_front
from explorer.ui.dialogs.problems import ProblemsDialog
from explorer.ui.dialogs.settings import SettingsDialog
from explorer.ui.first_tour import FirstTour, Landmarks
from explorer.ui.focus_ring import step_pane
from explorer.ui.help_pages import INDEX, help_pages
from explorer.ui.matching import Entry
from explorer.ui.panel_dock import PanelDock
from explorer.ui.panels.stage import StagePanel
from explorer.ui.problems import ProblemList
from explorer.ui.theme import choose_scheme, chosen_scheme
from explorer.ui.widgets.fields import button
from explorer.ui.workspaces import WORKSPACES, Workspaces

SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}

_TABS = ("arithmetic", "compare", "map", "neighbors", "noise", "outliers", "samples", "train", "traversals")
_DOCKS = ("bookmarks", "gallery", "history", "latent", "library", "timeline")

FORMER_NAMES = {
    **{f"action_tab_{name}": f"action_show_{name}" for name in _TABS},
    **{f"action_show_{name}_dock": f"action_show_{name}" for name in _DOCKS},
    "action_compare_pictures": "action_compare_images",
    "action_copy_picture": "action_copy_image",
    "action_invert_guest": "action_invert_imported_image",
    "action_map_pictures": "action_map_images",
    "action_neighbours_add": "action_neighbors_add",
    "action_neighbours_cancel": "action_neighbors_cancel",
    "action_neighbours_cursor": "action_neighbors_cursor",
    "action_neighbours_picture": "action_neighbors_image",
    "action_neighbours_retry": "action_neighbors_retry",
    "action_tab_neighbours": "action_show_neighbors",
    "action_train_film_export": "action_train_frames_export",
    "action_train_run_go_on": "action_train_run_resume",
    "noise_add_grey": "noise_add_gray",
    "noise_clean_picture": "noise_clean_image",
    "noise_preset_colourisation": "noise_preset_colorization",
    "train_noise_add_grey": "train_noise_add_gray",
    "train_noise_preset_colourisation": "train_noise_preset_colorization",
}
"""Names of actions in earlier versions, with their current ones; settings may hold the old ones."""


class AppActions(QObject):
    """Dialogs and settings of one window; dialogs are created on first use.

    `landmarks` returns the stops of the tour and of the focus. `scheme_changed()`: another theme was chosen.
    `tour_starting()`: the tour is about to start. `provider_changed()`: decoders are to run on another device.
    """

    scheme_changed = Signal()
    tour_starting = Signal()
    provider_changed = Signal()

    def __init__(
        self,
        window: QMainWindow,
        document: Document,
        preferences: PreferencesFile,
        registry: ActionRegistry,
        workspaces: Workspaces,
        landmarks: Callable[[], Landmarks],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._registry = registry
        self._landmarks = landmarks
        self.preferences = preferences
        self.workspaces = workspaces
        self.problems = ProblemList(document, self)
        self._palette: CommandPalette | None = None
        self._help: HelpDialog | None = None
        self._problems_dialog: ProblemsDialog | None = None
        self._settings: SettingsDialog | None = None
        self._tour: FirstTour | None = None
        self._count = button("status_problems", self.tr("No errors"), self.tr("Show the message log (Ctrl+Shift+E)"))
        self._count.hide()
        self._count.clicked.connect(self.show_problems)
        window.statusBar().addPermanentWidget(self._count)
        for changed in (self.problems.rowsInserted, self.problems.rowsRemoved, self.problems.modelReset):
            changed.connect(self._on_problems_changed)

    # -- actions -------------------------------------------------------------------------------------------------

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_settings",
            self.tr("Settin&gs…"),
            self.show_settings,
            Section.SETTINGS,
            shortcut="Ctrl+,",
            tip=self.tr("Change theme, layout, startup and the device that decodes."),
            synonyms=self.tr("preferences, options, configure, GPU, CUDA, CoreML, DirectML, execution provider"),
        )
        yield Action(
            "action_reset_layout",
            self.tr("&Reset layout"),
            self.workspaces.reset,
            Section.PANELS_SHOWN,
            shortcut="Alt+0",
            tip=self.tr("Restore the initial layout of this workspace."),
            synonyms=self.tr("restore docks, default layout, arrange windows"),
        )
        yield from self._scheme_actions()
        yield Action(
            "action_palette",
            self.tr("&Commands…"),
            self.show_palette,
            Section.FOCUS,
            shortcut="Ctrl+K; Ctrl+Shift+P",
            tip=self.tr("Search all commands and the help."),
            synonyms=self.tr("command palette, find action, search"),
            icon="search",
        )
        yield Action(
            "action_next_pane",
            self.tr("Ne&xt panel"),
            lambda: step_pane(self._landmarks().panes, 1),
            Section.FOCUS,
            shortcut="F6",
            tip=self.tr("Move the focus to the next panel."),
            synonyms=self.tr("move focus, keyboard focus, switch panel"),
        )
        yield Action(
            "action_previous_pane",
            self.tr("Pre&vious panel"),
            lambda: step_pane(self._landmarks().panes, -1),
            Section.FOCUS,
            shortcut="Shift+F6",
            tip=self.tr("Move the focus to the previous panel."),
            synonyms=self.tr("move focus back, keyboard focus, switch panel"),
        )
        yield Action(
            "action_help",
            self.tr("&Help"),
            self.show_help,
            Section.HELP,
            shortcut=QKeySequence.StandardKey.HelpContents,
            tip=self.tr("Show help on the panel that has the focus, and all keyboard shortcuts."),
            synonyms=self.tr("manual, shortcuts, keys, documentation"),
            icon="circle-help",
        )
        yield Action(
            "action_tour",
            self.tr("Take the &tour"),
            self.start_tour,
            Section.HELP,
            shortcut="Shift+F1",
            tip=self.tr("See the main steps, from an image to an animation."),
            synonyms=self.tr("tutorial, introduction, getting started"),
        )
        yield Action(
            "action_problems",
            self.tr("&Message log…"),
            self.show_problems,
            Section.LOG,
            shortcut="Ctrl+Shift+E",
            tip=self.tr("Show all errors since startup, with details to copy, and the log file."),
            synonyms=self.tr("errors, problems, log file, report bug"),
        )

    def _scheme_actions(self) -> Iterator[Action]:
        for name, label, keys, tip, synonyms in (
            (
                "system",
                self.tr("Use s&ystem theme"),
                "Ctrl+F10",
                self.tr("Follow the light or dark theme of the system."),
                self.tr("automatic theme, colors, default theme"),
            ),
            (
                "light",
                self.tr("Use &light theme"),
                "Ctrl+F11",
                self.tr("Light background, dark text."),
                self.tr("day, bright, white background"),
            ),
            (
                "dark",
                self.tr("Use &dark theme"),
                "Ctrl+F12",
                self.tr("Dark background, light text."),
                self.tr("night, dark mode, black background"),
            ),
        ):
            yield Action(
                f"action_scheme_{name}",
                label,
                partial(self.choose_colors, name),
                Section.THEME,
                shortcut=keys,
                tip=tip,
                synonyms=synonyms,
                checked=When(partial(_is_chosen, name), (self.scheme_changed,)),
            )

    # -- what is shown -------------------------------------------------------------------------------------------

    def show_palette(self) -> CommandPalette:
        if self._palette is None:
            self._palette = CommandPalette(
                self._registry.commands, self._recent, self._remember, self._articles(), self._window
            )
        self._palette.begin()
        return self._palette

    def _recent(self) -> list[str]:
        """Return the names of recent actions, those of version 1 by their current ones."""
        return [FORMER_NAMES.get(name, name) for name in self.preferences.values.recent_commands]

    def _remember(self, name: str) -> None:
        """Put a command first; articles of the help are not remembered."""
        known = {command.record.name for command in self._registry.commands()}
        names = dict.fromkeys((name, *self._recent()))
        self.preferences.put(recent_commands=tuple(name for name in names if name in known)[:RECENT])

    def _articles(self) -> list[Article]:
        """Return the sections of the help; their headings rank like synonyms of commands."""
        articles = []
        for section in (section for page in help_pages().values() for section in page.sections):
            show = partial(self.show_help, section.link)
            record = Action(f"help_{section.link}", section.title, show, tip=section.summary, synonyms="")
            where = self.tr("Help › %1").replace("%1", section.page_title)
            entry = Entry("", (section.title,), f"{section.page_title} {section.text}")
            articles.append((Command(record, section.title, where, "", True, show), entry))
        return articles

    def show_help(self, page: str = "") -> HelpDialog:
        """Show a page of the help, ``page`` or ``page#heading``; by default that of the panel with the focus."""
        page = page or self._page_of_focus()
        if self._help is None:
            self._help = HelpDialog(partial(self._registry.commands, panels=False), self._window)
        show_in_front(self._help)
        self._help.show_page(page)
        return self._help

    def _page_of_focus(self) -> str:
        place = QApplication.focusWidget()
        while place is not None and not isinstance(place, PanelDock | StagePanel):
            place = place.parentWidget()
        return (place and place.help) or INDEX

    def show_problems(self) -> ProblemsDialog:
        if self._problems_dialog is None:
            self._problems_dialog = ProblemsDialog(self.problems, self._window)
        self._problems_dialog.choose_newest()
        show_in_front(self._problems_dialog)
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
            self._settings.provider_chosen.connect(self.provider_changed)
        self._settings.refresh()
        show_in_front(self._settings)
        return self._settings

    def choose_colors(self, name: str) -> None:
        """Apply and store a theme: ``system``, ``light`` or ``dark``."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            choose_scheme(app, SCHEMES[name])
        self.scheme_changed.emit()
        self.preferences.put(scheme=name)

    def start_tour(self) -> FirstTour:
        if self._tour is None:
            self._tour = FirstTour(self._window, self._landmarks())
            self._tour.ended.connect(lambda: self.preferences.put(tour_seen=True))
        self.tour_starting.emit()
        self.workspaces.switch(WORKSPACES[0].name)
        self.workspaces.show_panels()
        self._tour.start()
        return self._tour

    def greet(self) -> None:
        """Start the tour if it has not been seen."""
        if not self.preferences.values.tour_seen:
            self.start_tour()


def _is_chosen(scheme: str) -> bool:
    return SCHEMES[scheme] == chosen_scheme()
