"""The command palette: search all commands and the help by name or synonym, run one with Return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDialog,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from explorer.ui.actions import Command
from explorer.ui.matching import Entry, ranked
from explorer.ui.plain_text import PlainLabel, plain_tooltip
from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import clearable, line_edit

_WIDTH, _HEIGHT = 560, 400
_ROW = 34
_Index = QModelIndex | QPersistentModelIndex
_MOVES = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}
RECENT = 8
"""Number of recent commands on top."""

Article: TypeAlias = tuple[Command, Entry]
"""A page or heading of the help: what shows it, and the words by which it is found."""


def _entry(command: Command) -> Entry:
    return Entry(command.title, command.record.words, f"{command.where} {command.record.tip}")


class CommandList(QAbstractListModel):
    """The commands and help articles that match a query; without one, the commands."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._commands: list[Command] = []
        self._all: list[tuple[Command, Entry]] = []
        self._shown: list[Command] = []

    def put(self, commands: Sequence[Command], recent: Sequence[str], articles: Sequence[Article]) -> None:
        """Recent commands are on top, the others in menu order; articles are found after equal commands."""
        places = {name: place for place, name in enumerate(recent)}
        self._commands = sorted(commands, key=lambda command: places.get(command.record.name, len(places)))
        self._all = [*((one, _entry(one)) for one in self._commands), *articles]
        self.find("")

    def find(self, query: str) -> None:
        self.beginResetModel()
        entries = [entry for _, entry in self._all]
        found = [self._all[place][0] for place in ranked(query, entries)]
        self._shown = found if query.strip() else self._commands
        self.endResetModel()

    def command(self, row: int) -> Command | None:
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        command = self.command(index.row())
        if command is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return command.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            now = "" if command.enabled else self.tr("unavailable")
            return ", ".join(part for part in (command.title, command.where, command.keys, now) if part)
        if role in {Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole}:
            tip = command.record.tip or f"{command.where}: {command.title}"
            return plain_tooltip(tip) if role == Qt.ItemDataRole.ToolTipRole else tip
        return None


class _CommandDelegate(QStyledItemDelegate):
    """Paints a command: title, menu path and shortcut."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(_WIDTH // 2, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        command = model.command(index.row()) if isinstance(model, CommandList) else None
        if command is None:
            return
        theme = current_theme()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(theme.color("accent"))
            painter.setBrush(theme.color("accent_soft"))
            painter.drawRoundedRect(rect.adjusted(2, 1, -3, -2), 5, 5)
        inner = rect.adjusted(12, 0, -12, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(theme.color("muted"))
        painter.drawText(inner, int(middle | Qt.AlignmentFlag.AlignRight), command.keys)
        painter.setPen(theme.color("text" if command.enabled else "muted"))
        painter.drawText(inner, int(middle), command.title)
        used = painter.fontMetrics().horizontalAdvance(command.title) + 10
        painter.setPen(theme.color("muted"))
        painter.drawText(inner.adjusted(used, 0, 0, 0), int(middle), command.where)
        painter.restore()


class CommandPalette(QDialog):
    """A search field above a list of all commands; the field keeps the focus.

    `commands` returns them with their current availability, `recent` names, newest first; `done` is called with the
    name of an executed command. `articles` are found, too.
    """

    def __init__(
        self,
        commands: Callable[[], Sequence[Command]],
        recent: Callable[[], Sequence[str]],
        done: Callable[[str], object],
        articles: Sequence[Article],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self._commands = commands
        self._recent = recent
        self._done = done
        self._articles = articles
        self.setObjectName("command_palette")
        self.setWindowTitle(self.tr("Commands"))
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self.setModal(True)
        tip = self.tr("Type letters of a command: “exp an” finds “Export animation”")
        self.field = line_edit("command_field", tip, self.tr("Search commands and help"))
        clearable(self.field)
        self.model = CommandList(self)
        self.list = QListView()
        self.list.setObjectName("command_list")
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.setToolTip(self.tr("↑ and ↓ select, Return runs, Esc closes"))
        self.list.setModel(self.model)
        self.list.setItemDelegate(_CommandDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._tip = PlainLabel()
        self._tip.setObjectName("command_tip")
        self._tip.setProperty("muted", True)
        self._tip.setWordWrap(True)
        self._tip.setMinimumHeight(2 * self.fontMetrics().height())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 10)
        layout.addWidget(self.field)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._tip)
        self.field.textChanged.connect(self._on_text_changed)
        self.field.returnPressed.connect(self._run_current)
        self.field.installEventFilter(self)
        self.list.clicked.connect(lambda index: self._run_current())
        self.list.activated.connect(lambda index: self._run_current())
        self.list.selectionModel().currentChanged.connect(lambda current, before: self._show_tip(current))

    def begin(self) -> None:
        self.model.put(self._commands(), self._recent(), self._articles)
        self.field.clear()
        self._choose_first()
        window = self._window
        width = min(_WIDTH, window.width() - 40)
        corner = window.mapToGlobal(window.rect().topLeft())
        self.setGeometry(corner.x() + (window.width() - width) // 2, corner.y() + 70, width, _HEIGHT)
        self.show()
        self.raise_()
        self.activateWindow()
        self.field.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a frame, since the dialog has no window frame."""
        super().paintEvent(event)
        theme = current_theme()
        painter = QPainter(self)
        painter.setPen(QPen(theme.color("accent"), 1))
        painter.setBrush(theme.color("panel"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Forward navigation keys from the field to the list."""
        if watched is self.field and _moves(event) and isinstance(event, QKeyEvent):
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _on_text_changed(self, text: str) -> None:
        self.model.find(text)
        self._choose_first()

    def _choose_first(self) -> None:
        first = self.model.index(0, 0)
        self.list.setCurrentIndex(first)
        self._show_tip(first)

    def _show_tip(self, current: QModelIndex) -> None:
        command = self.model.command(current.row()) if current.isValid() else None
        if command is None:
            self._tip.setText(self.tr("No matching command"))
        elif not command.enabled:
            self._tip.setText(self.tr("Unavailable: %1").replace("%1", command.record.tip or command.title))
        else:
            self._tip.setText(command.record.tip)

    def _run_current(self) -> None:
        """Close first, which restores the focus, then run the command."""
        command = self.model.command(self.list.currentIndex().row())
        if command is not None and command.enabled:
            self.accept()
            self._done(command.record.name)
            command.run()


def _moves(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and Qt.Key(event.key()) in _MOVES
