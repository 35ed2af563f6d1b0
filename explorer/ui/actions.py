"""Actions as records: menus, palette, help and the automation page are all made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QMainWindow, QMenu, QPushButton, QWidget

from explorer.messages import Message, message
from explorer.ui.icons import icon
from explorer.ui.plain_text import plain_menu_text, plain_tooltip

PREFIX = "Ctrl+G"
"""First key of the shortcuts of panel buttons; a letter for the panel and one for the button follow."""

OR = " / "
"""Between two shortcuts of one action."""

_PLACES = "1234567890QWERTYUIOPASDFGHJKLZXCVBNM"
_PLAIN = 3
"""Minimum length of a button text that is clear without its tooltip."""


class Section(Enum):
    """The groups of the menus in the order in which they are shown: the menu, and the group in it."""

    SESSION = "file", 1
    OPEN = "file", 2
    ANIMATION = "file", 3
    QUIT = "file", 4
    HISTORY = "edit", 1
    CODE = "edit", 2
    SLIDERS = "edit", 3
    KEYFRAMES = "edit", 4
    IMAGES = "edit", 5
    CLIPBOARD = "edit", 6
    SETTINGS = "edit", 7
    STAGE = "view", 0
    WORKSPACES = "view", 1
    PANELS_SHOWN = "view", 2
    THEME = "view", 3
    FOCUS = "view", 4
    PANELS = "panels", 1
    HELP = "help", 1
    LOG = "help", 2


class Connectable(Protocol):
    """A signal of the document or of Qt."""

    def connect(self, _slot: Callable[[], object], /) -> object: ...


@dataclass(frozen=True)
class When:
    """A condition, and the signals after which it may have changed; without any it is checked when a menu opens."""

    holds: Callable[[], bool]
    signals: tuple[Connectable, ...] = ()


@dataclass(frozen=True)
class Action:
    """A command, in the menus and the palette.

    It does `run`, and shows its panel before (`reveal`) if chosen by shortcut or palette; `buttons` of panels do the
    same. `name` is stable, and the object name. `section` None is the menu of a button. `synonyms` are at least two,
    separated by commas. Several shortcuts are separated by ``"; "``; they act in the whole window, or only while one of
    the widgets of `scope` has the focus. It is available and checked while `enabled` and `checked` say so; None for
    always available and not checkable. `detail` follows the label after a colon; it is evaluated with `enabled`.
    """

    name: str
    label: str
    run: Callable[[], object]
    section: Section | None = None
    _: KW_ONLY
    tip: str
    synonyms: str
    shortcut: str | QKeySequence.StandardKey = ""
    scope: tuple[QWidget, ...] = ()
    icon: str = ""
    enabled: When | None = None
    checked: When | None = None
    detail: Callable[[], str] | None = None
    reveal: Callable[[], object] | None = None
    buttons: tuple[QPushButton, ...] = ()

    @property
    def title(self) -> str:
        """The label without its mnemonic."""
        return plain_title(self.label)

    @property
    def keys(self) -> list[QKeySequence]:
        if isinstance(self.shortcut, str):
            return [keys for keys in QKeySequence.listFromString(self.shortcut) if not keys.isEmpty()]
        return [QKeySequence(self.shortcut)]

    @property
    def words(self) -> list[str]:
        return [word.strip() for word in self.synonyms.split(",") if word.strip()]


class WindowAction(QAction):
    """An action in a menu: shows its record, and follows its conditions.

    `refused(str)`: it was to run but is not available now: its title.
    """

    refused = Signal(str)

    def __init__(self, record: Action, parent: QObject) -> None:
        super().__init__(record.label, parent)
        self.record = record
        self.setObjectName(record.name)
        self.setShortcuts(record.keys)
        for widget in record.scope:
            self.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            widget.addAction(self)
        self.setToolTip(plain_tooltip(record.tip))
        self.setCheckable(record.checked is not None)
        if record.icon:
            self.setIcon(icon(record.icon))
            self.setIconVisibleInMenu(False)
        self.triggered.connect(self._on_triggered)
        for condition in (record.enabled, record.checked):
            for signal in condition.signals if condition is not None else ():
                signal.connect(self.refresh)
        self.refresh()

    @property
    def available(self) -> bool:
        return self.record.enabled.holds() if self.record.enabled is not None else self.isEnabled()

    @property
    def title(self) -> str:
        return plain_title(self.text())

    def refresh(self) -> None:
        """Show the conditions that have signals, whether it is checked, and the detail."""
        record = self.record
        if record.enabled is not None and record.enabled.signals:
            self.setEnabled(record.enabled.holds())
        if record.checked is not None:
            self.setChecked(record.checked.holds())
        if record.detail is not None:
            detail = plain_menu_text(record.detail())
            self.setText(f"{record.label}: {detail}" if detail else record.label)

    def check(self, *, opening: bool) -> None:
        """Disable an unavailable action in an open menu; in a closed one its shortcut must say why nothing happens."""
        self.refresh()
        if self.record.enabled is not None and not self.record.enabled.signals:
            self.setEnabled(not opening or self.available)

    def _on_triggered(self) -> None:
        if self.record.reveal is not None:
            self.record.reveal()
        if self.available:
            self.record.run()
        else:
            self.refused.emit(self.title)
        self.refresh()


@dataclass(frozen=True)
class Command:
    """An action as the window offers it now; `where` is the path of menus to it, `keys` its shortcuts."""

    record: Action
    title: str
    where: str
    keys: str
    enabled: bool
    run: Callable[[], object]


class ActionMenu(QMenu):
    """A menu made of records, with a separator where there is None."""

    def __init__(self, name: str, parent: QWidget, title: str = "", records: Iterable[Action | None] = ()) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(lambda: self._check(opening=True))
        self.aboutToHide.connect(lambda: self._check(opening=False))
        self.fill(records)

    def fill(self, records: Iterable[Action | None]) -> None:
        self.clear()
        for record in records:
            if record is None:
                self.addSeparator()
            else:
                self.addAction(WindowAction(record, self))

    def commands(self, where: str) -> Iterator[tuple[str, WindowAction]]:
        """Yield the actions of this menu and of those within, with the path of menus to each."""
        for action in self.actions():
            inner = action.menu()
            if isinstance(inner, ActionMenu):
                yield from inner.commands(f"{where} › {plain_title(action.text())}")
            elif isinstance(action, WindowAction):
                yield where, action

    def _check(self, *, opening: bool) -> None:
        for action in self.actions():
            if isinstance(action, WindowAction):
                action.check(opening=opening)


@dataclass(frozen=True)
class Submenu:
    """A menu within a menu of the menu bar."""

    section: Section
    menu: ActionMenu


@runtime_checkable
class HasMenuActions(Protocol):
    """A part of the window with actions in the menu bar."""

    def menu_actions(self) -> Iterable[Action | Submenu]: ...


class ActionRegistry(QObject):
    """All actions of a window; fills its menu bar. `announce` says that an action is not available."""

    def __init__(self, window: QMainWindow, announce: Callable[[Message], object]) -> None:
        super().__init__(window)
        self._announce = announce
        self._letters: set[str] = set()
        self._buttons: list[QAbstractButton] = []
        bar = window.menuBar()
        bar.setAccessibleName(self.tr("Menus"))
        titles = {
            "file": self.tr("&File"),
            "edit": self.tr("&Edit"),
            "view": self.tr("&View"),
            "panels": self.tr("&Panels"),
            "help": self.tr("&Help"),
        }
        self._menus = {name: ActionMenu(f"menu_{name}", bar, title) for name, title in titles.items()}
        for menu in self._menus.values():
            bar.addMenu(menu)
        # Qt hides a separator where nothing follows it.
        self._ends = {section: self._menus[section.value[0]].addSeparator() for section in Section}

    def add(self, *parts: HasMenuActions) -> None:
        for part in parts:
            for entry in part.menu_actions():
                if isinstance(entry, Submenu):
                    self._insert(entry.section, entry.menu)
                    continue
                assert entry.section is not None, entry.name
                menu = self._menus[entry.section.value[0]]
                made = WindowAction(entry, menu)
                made.refused.connect(self._on_refused)
                menu.insertAction(self._ends[entry.section], made)
                self._buttons += entry.buttons

    def add_panel(self, name: str, title: str, panel: QWidget, reveal: Callable[[], object]) -> None:
        """Make an action with a shortcut of every button of a panel that is not in the other menus already.

        Those of the menu of a button are added, too, and check boxes with synonyms. `name` is the object name of the
        panel; `reveal` shows it.
        """
        letter = next(one for one in f"{title.upper()}{_PLACES}" if one.isalnum() and one not in self._letters)
        buttons = [
            one
            for one in panel.findChildren(QAbstractButton)
            if one.text() and one not in self._buttons and _is_command(one)
        ]
        if not buttons:
            return
        self._letters.add(letter)
        keys = (QKeySequence(f"{PREFIX}, {letter}, {place}") for place in _PLACES)
        texts = [plain_title(button.text()) for button in buttons]
        menu = ActionMenu(f"menu_{name}", self._menus["panels"], plain_menu_text(title))
        self._insert(Section.PANELS, menu)
        for button, text in zip(buttons, texts, strict=True):
            inner: object = button.menu() if isinstance(button, QPushButton) else None
            if isinstance(inner, ActionMenu):
                menu.addMenu(inner).setText(plain_menu_text(text))
                made = [action for _, action in inner.commands("")]
            else:
                # A text that is unclear outside its panel is followed by the start of its tooltip.
                plain = len(text) >= _PLAIN and texts.count(text) == 1
                label = text if plain else f"{text}  {button.toolTip().partition('.')[0].partition(':')[0]}"
                made = [WindowAction(_of_button(button, label, panel, reveal), menu)]
                menu.addAction(made[0])
            for action in made:
                action.setShortcut(next(keys))
                action.refused.connect(self._on_refused)

    def commands(self, *, panels: bool = True) -> list[Command]:
        """Return the actions as they are now, in the order of the menus, those of panel buttons if asked for."""
        return [
            _command(where, action)
            for name, menu in self._menus.items()
            if panels or name != "panels"
            for where, action in menu.commands(plain_title(menu.title()))
        ]

    def actions(self) -> list[WindowAction]:
        """Return all actions of the menu bar, in the order of the menus."""
        return [action for name, menu in self._menus.items() for _, action in menu.commands(name)]

    def _insert(self, section: Section, menu: ActionMenu) -> None:
        self._menus[section.value[0]].insertMenu(self._ends[section], menu)

    def _on_refused(self, title: str) -> None:
        self._announce(message("Unavailable: {command}", command=title))


def _is_command(button: QAbstractButton) -> bool:
    return isinstance(button, QPushButton) or (isinstance(button, QCheckBox) and bool(button.property("synonyms")))


def _of_button(button: QAbstractButton, label: str, panel: QWidget, reveal: Callable[[], object]) -> Action:
    def press() -> None:
        button.setFocus()
        button.click()

    return Action(
        f"action_{button.objectName()}",
        plain_menu_text(label),
        press,
        tip=button.toolTip(),
        synonyms=str(button.property("synonyms") or ""),
        enabled=When(lambda: button.isEnabled() and button.isVisibleTo(panel)),
        checked=When(button.isChecked) if isinstance(button, QCheckBox) else None,
        reveal=reveal,
    )


def _command(where: str, action: WindowAction) -> Command:
    keys = [keys.toString(QKeySequence.SequenceFormat.NativeText) for keys in action.shortcuts()]
    return Command(action.record, action.title, where, OR.join(keys), action.available, action.trigger)


def plain_title(text: str) -> str:
    """Return a text without its mnemonic."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")
