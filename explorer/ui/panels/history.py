"""The history: a list of edits; a click undoes or redoes to one."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont, QKeySequence
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from explorer.document.document import Document
from explorer.messages import NO_MESSAGE, message_text
from explorer.ui.actions import Action, Section, When
from explorer.ui.list_menu import ListMenu
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.widgets.fields import name_widget
from explorer.ui.widgets.layouts import vbox


class HistoryPanel(QWidget):
    """One line per edit below the initial state; undone edits are muted."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        name_widget(self, "history_panel", self.tr("History"))
        self.list = QListWidget()
        name_widget(self.list, "history_list", self.tr("Edits (click or press Enter to undo or redo to one)"))
        self.list.setUniformItemSizes(True)
        self.list.setSpacing(2)
        self.setLayout(vbox(self.list, margins=(8, 4, 8, 4)))
        self.list.itemClicked.connect(self._on_item_chosen)
        self.list.itemActivated.connect(self._on_item_chosen)
        ListMenu(self.list, "history_menu", self._item_actions)
        document.history_changed.connect(self._show)
        self._show()

    def menu_actions(self) -> Iterator[Action]:
        document = self._document
        yield Action(
            "action_undo",
            self.tr("&Undo"),
            document.undo,
            Section.HISTORY,
            shortcut=QKeySequence.StandardKey.Undo,
            tip=self.tr("Undo the last edit; a drag is one edit."),
            synonyms=self.tr("revert, step back, take back"),
            icon="undo-2",
            enabled=When(lambda: document.undo_label is not None, (document.history_changed,)),
            detail=lambda: message_text(document.undo_label or NO_MESSAGE),
        )
        yield Action(
            "action_redo",
            self.tr("&Redo"),
            document.redo,
            Section.HISTORY,
            shortcut=QKeySequence.StandardKey.Redo,
            tip=self.tr("Redo the last undone edit."),
            synonyms=self.tr("repeat, step forward, do again"),
            icon="redo-2",
            enabled=When(lambda: document.redo_label is not None, (document.history_changed,)),
            detail=lambda: message_text(document.redo_label or NO_MESSAGE),
        )

    def _item_actions(self) -> Iterator[Action]:
        row, place = self.list.currentRow(), self._document.history_place
        yield Action(
            "history_go",
            self.tr("Redo to this edit") if row > place else self.tr("Undo to this edit"),
            lambda: self._document.go_to_step(row),
            tip=self.tr("Show the document as it was after this edit."),
            synonyms=self.tr("undo, redo"),
            enabled=When(lambda: row != place),
        )
        yield Action(
            "history_undo_all",
            self.tr("Undo all"),
            lambda: self._document.go_to_step(0),
            tip=self.tr("Undo all edits; redo restores them."),
            synonyms=self.tr("revert, start over"),
            enabled=When(lambda: place > 0),
        )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "list"):
            self._show()

    def _on_item_chosen(self, item: QListWidgetItem) -> None:
        self._document.go_to_step(self.list.row(item))

    def _show(self) -> None:
        labels = [self.tr("Opened"), *map(message_text, self._document.history)]
        place = self._document.history_place
        while self.list.count() > len(labels):
            self.list.takeItem(self.list.count() - 1)
        muted = self.palette().placeholderText()
        for number, label in enumerate(labels):
            if number == self.list.count():
                self.list.addItem(QListWidgetItem())
            item = self.list.item(number)
            item.setText(label)
            undone = number > place
            tip = self.tr("Redo to “%1”") if undone else self.tr("Undo to “%1”")
            item.setToolTip(plain_tooltip(tip.replace("%1", label) if number else self.tr("Undo all")))
            item.setData(Qt.ItemDataRole.ForegroundRole, muted if undone else None)
            font = item.font()
            font.setWeight(QFont.Weight.DemiBold if number == place else QFont.Weight.Normal)
            item.setFont(font)
        self.list.setCurrentRow(place)
        self.list.scrollToItem(self.list.item(place))


PANEL = Panel(
    "history",
    QT_TRANSLATE_NOOP("panels", "History"),
    HistoryPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Show or hide the list of edits; click one to undo or redo to it."),
    synonyms=QT_TRANSLATE_NOOP("panels", "undo list, edits, steps"),
    icon="history",
    area=Qt.DockWidgetArea.LeftDockWidgetArea,
    help="explore#undo",
)
