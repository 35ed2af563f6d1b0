"""The start page: cards of all models, recent sessions and datasets, and ways to open something else."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QComboBox, QListView, QListWidget, QListWidgetItem, QWidget

from explorer.data.choices import place_of
from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.models.bundle import Found, find_bundles
from explorer.models.card import Card
from explorer.models.recent import recent_sessions
from explorer.ui.card_images import CardImages
from explorer.ui.card_words import code_words, data_words, quality_words, task_words
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.theme import current_theme
from explorer.ui.widgets.card_delegate import CARD_WIDTH, IMAGES, LINES, CardDelegate, card_height
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import button, combo_box, label, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of

_PATH: Final = Qt.ItemDataRole.UserRole + 10
_SIDE: Final = 264
_WIDEST_CARD: Final = 420
_MOST_RECENT: Final = 8
_FILTER: Final = 14
"""Characters of the filters; longer titles are complete in their lists."""


class _Cards(QListView):
    """A grid of cards of equal size that fills the width: as large as shows `total` of them, within limits."""

    def __init__(self) -> None:
        super().__init__()
        self._total = 0
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set the width of the cards first, so that they are laid out once."""
        self.fit(self._total)
        super().resizeEvent(event)

    def fit(self, total: int) -> None:
        self._total = total
        room = self.viewport().size()
        width = max(CARD_WIDTH, (room.width() - 1) // max(1, (room.width() - 1) // CARD_WIDTH))
        for columns in range(-(-room.width() // _WIDEST_CARD), max(1, room.width() // CARD_WIDTH)):
            larger = (room.width() - 1) // columns
            if card_height(larger) * -(-total // columns) <= room.height():
                width = larger
                break
        self.setGridSize(QSize(width, card_height(width)))


class _DropArea(QWidget):
    """A dashed frame that says what may be dropped; the window takes the drop."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(current_theme().color("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 8, 8)
        painter.end()


class StartPage(QWidget):
    """Cards to open by double-click, Enter or their button; recent work; drop area.

    The window serves the signals; `session_wanted` has its file, `closed` means to return to what is open.
    """

    model_wanted = Signal()
    folder_wanted = Signal()
    file_wanted = Signal()
    tour_wanted = Signal()
    session_wanted = Signal(object)
    closed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._found: list[Found] = []
        name_widget(self, "start_page", self.tr("Start page"))
        self.images = CardImages(self)
        self.images.arrived.connect(lambda path: self.cards.viewport().update())
        self._make_cards()
        self._make_filters()
        self._make_recent()
        self._lay_out()
        # Several signals of one edit read the folders once.
        self._renewal = QTimer(self, interval=0, singleShot=True)
        self._renewal.timeout.connect(self.refresh)
        for changed in (document.library_changed, document.places.changed):
            changed.connect(self._on_changed, check_nargs=False)

    def _make_cards(self) -> None:
        self.cards = _Cards()
        name_widget(self.cards, "start_cards", self.tr("Models (double-click or press Enter to open)"))
        self.model = QStandardItemModel(self)
        self.cards.setModel(self.model)
        delegate = CardDelegate(self.cards, self.images)
        self.cards.setItemDelegate(delegate)
        self.cards.activated.connect(lambda index: self._open(index.data(_PATH)))
        delegate.open_pressed.connect(lambda index: self._open(index.data(_PATH)))
        self._empty = EmptyLabel("start_empty", self.tr("No models match. Choose another task or dataset."))

    def _make_filters(self) -> None:
        self.task = combo_box("start_task", self.tr("Show the models of one task"), [])
        self.data = combo_box("start_data", self.tr("Show the models of one dataset"), [])
        for box in (self.task, self.data):
            box.activated.connect(lambda row: self._fill_cards())
        self._count = label("start_count", wrap=False)
        self.tour = button(
            "start_tour",
            self.tr("Take the tour"),
            self.tr("See the main steps, from an image to an animation"),
            self.tr("tutorial, introduction"),
        )
        self.back = button(
            "start_back", self.tr("Close"), self.tr("Return to the open model (Esc)"), self.tr("back, leave page")
        )
        self.tour.clicked.connect(self.tour_wanted)
        self.back.clicked.connect(self.closed)

    def _make_recent(self) -> None:
        self.recent = QListWidget()
        about = self.tr("Recent sessions and datasets (double-click or press Enter to open)")
        name_widget(self.recent, "start_recent", about)
        self.recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.itemActivated.connect(lambda item: item.data(_PATH)())
        self._no_recent = label("start_no_recent", self.tr("Sessions and folders that you open are listed here."))
        self._drop = _DropArea()
        name_widget(self._drop, "start_drop", self.tr("Drop area"))

    def _lay_out(self) -> None:
        title = label("start_title", self.tr("Choose a model"), look="title", wrap=False)
        top = hbox(title, self._count, STRETCH, self.task, self.data, self.tour, self.back, spacing=8)
        opens = [
            (button("start_folder", self.tr("Open folder…"), self.tr("Open a folder of images")), "folder"),
            (button("start_file", self.tr("Open file…"), self.tr("Open an image, archive, array or font")), "file"),
            (button("start_model", self.tr("Open model…"), self.tr("Open a model folder")), "model"),
        ]
        signals = {"folder": self.folder_wanted, "file": self.file_wanted, "model": self.model_wanted}
        for made, name in opens:
            made.clicked.connect(signals[name])
        words = label("start_drop_text", self.tr("Drop an image, a folder, a model or a session here"))
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drop.setLayout(vbox(STRETCH, words, STRETCH, *(made for made, _ in opens), spacing=6, margins=12))
        heading = label("start_recent_title", self.tr("Recent"), look="heading")
        side = vbox(heading, (self.recent, 3), self._no_recent, 8, (self._drop, 2), spacing=6)
        cards = vbox((self.cards, 1), (self._empty, 1))
        body = hbox((cards, 1), widget_of(side, width=_SIDE), spacing=14)
        self.setLayout(vbox(top, (body, 1), spacing=10, margins=(16, 12, 16, 12)))

    def showEvent(self, event: QShowEvent) -> None:
        """List everything again: another window may have added some."""
        super().showEvent(event)
        self.refresh()
        self.cards.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.back.isVisible():
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _on_changed(self) -> None:
        if self.isVisible():
            self._renewal.start()

    # -- what is listed ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self._found = find_bundles()
        self.cards.fit(len(self._found))
        self.back.setVisible(self._document.model is not None or self._document.source is not None)
        whole = [found.bundle.card for found in self._found if found.bundle is not None]
        _fill(self.task, self.tr("All tasks"), sorted({task_words(card) for card in whole}))
        _fill(self.data, self.tr("All datasets"), sorted({card.data.title for card in whole}))
        self._fill_cards()
        self._fill_recent()

    def _fill_cards(self) -> None:
        current = self.cards.currentIndex().data(_PATH)
        self.model.clear()
        for found in self._found:
            card = found.bundle.card if found.bundle is not None else None
            if self._is_shown(card):
                self.model.appendRow(self._item(found, card))
        count = self.model.rowCount()
        self._count.setText((self.tr("1 model") if count == 1 else self.tr("%1 models")).replace("%1", str(count)))
        self.cards.setVisible(count > 0)
        self._empty.setVisible(count == 0)
        paths = [self.model.index(row, 0).data(_PATH) for row in range(count)]
        if paths:
            self.cards.setCurrentIndex(self.model.index(paths.index(current) if current in paths else 0, 0))

    def _is_shown(self, card: Card | None) -> bool:
        task, data = self.task.currentData(), self.data.currentData()
        if card is None:
            return task is None and data is None
        return task in {None, task_words(card)} and data in {None, card.data.title}

    def _item(self, found: Found, card: Card | None) -> QStandardItem:
        lines = [self.tr("damaged")]
        if card is not None:
            lines = [f"{task_words(card)} · {code_words(card)}", quality_words(card), card.data.title]
        item = QStandardItem(found.path.name if card is None else card.name)
        item.setEditable(False)
        item.setData(str(found.path), _PATH)
        item.setData(str(found.path), IMAGES)
        item.setData(lines, LINES)
        item.setData(", ".join([item.text(), *filter(None, lines)]), Qt.ItemDataRole.AccessibleTextRole)
        item.setToolTip(plain_tooltip(str(found.error) if card is None else f"{item.text()}: {data_words(card)}"))
        return item

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in recent_sessions()[:_MOST_RECENT]:
            self._add_recent(path.stem, self.tr("Session"), str(path), partial(self.session_wanted.emit, path))
        for place in self._document.places.paths[:_MOST_RECENT]:
            if os.path.exists(place_of(place)):
                self._add_recent(
                    Path(place_of(place)).name, self.tr("Dataset"), place, partial(self._open_images, place)
                )
        there = self.recent.count() > 0
        self.recent.setVisible(there)
        self._no_recent.setVisible(not there)

    def _add_recent(self, name: str, kind: str, path: str, run: Callable[[], object]) -> None:
        item = QListWidgetItem(f"{name} · {kind}")
        item.setToolTip(plain_tooltip(path))
        item.setData(_PATH, run)
        self.recent.addItem(item)

    # -- opening -----------------------------------------------------------------------------------------------------

    def _open(self, path: str) -> None:
        self._document.open_requested.emit(OpenRequest((Path(path),), "model"))

    def _open_images(self, place: str) -> None:
        self._document.open_requested.emit(OpenRequest((place,), "images"))


def _fill(box: QComboBox, every: str, names: list[str]) -> None:
    """List names below an entry for all; keep the choice if it is still there."""
    current = box.currentData()
    box.clear()
    box.addItem(every, None)
    for name in names:
        box.addItem(name, name)
    box.setMinimumContentsLength(_FILTER)
    box.setCurrentIndex(max(0, box.findData(current)))
