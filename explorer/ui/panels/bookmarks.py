"""Bookmarks: saved codes with their decoded images; a click restores one."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemDelegate, QListWidget, QListWidgetItem, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.document.state import Bookmark
from explorer.document.views.bookmarks import BOOKMARKS, bookmark_thumbnails
from explorer.document.views.decoded import DecodedView
from explorer.errors import ExplorerError
from explorer.types import Shown
from explorer.ui.actions import Action, Section
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import pixels_to_qimage, stated
from explorer.ui.list_menu import pressed
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import hbox, vbox

_SIDE = 36


class BookmarksPanel(QWidget):
    """A list of bookmarks in the order in which they were added."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._icons: dict[int, tuple[Bookmark, QIcon]] = {}
        name_widget(self, "bookmarks_panel", self.tr("Bookmarks"))
        self.list = QListWidget()
        name_widget(self.list, "bookmarks_list", self.tr("Bookmarks (click or press Enter to restore, F2 to rename)"))
        self.list.setIconSize(QSize(_SIDE, _SIDE))
        self.list.setSpacing(1)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QListWidget.EditTrigger.EditKeyPressed)
        self.list.installEventFilter(self)
        self._empty = EmptyLabel("bookmarks_empty", self.tr("No bookmarks yet.\nBookmark a code with Add (Ctrl+M)."))
        self.add = button("bookmarks_add", self.tr("Add"), self.tr("Bookmark the current code (Ctrl+M)"))
        self.rename = button(
            "bookmarks_rename",
            self.tr("Rename"),
            self.tr("Rename bookmark (F2)"),
            self.tr("change name, bookmark name"),
        )
        self.remove = button(
            "bookmarks_delete",
            self.tr("Delete"),
            self.tr("Delete bookmark (Del)"),
            self.tr("remove bookmark, delete bookmark"),
        )
        self.setLayout(
            vbox(self.list, (self._empty, 1), hbox(self.add, self.rename, self.remove), spacing=4, margins=(8, 4, 8, 4))
        )
        self.add.clicked.connect(document.bookmarks.add)
        self.rename.clicked.connect(self._on_rename_clicked)
        self.remove.clicked.connect(self._on_remove_clicked)
        self.list.itemClicked.connect(self._on_item_chosen)
        self.list.itemActivated.connect(self._on_item_chosen)
        self.list.itemChanged.connect(self._on_item_changed)
        self.list.itemDelegate().closeEditor.connect(self._on_editor_closed)
        self.list.currentRowChanged.connect(lambda row: self._update_buttons())
        document.changed.bookmarks.connect(self._show)
        document.views.changed(BOOKMARKS).connect(self._show_images)
        document.changed.code.connect(self._update_buttons)
        document.changed.model.connect(self._update_buttons)
        ImageMenu(document, self.list, self._menu_image, self._item_actions)
        self._show()

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_bookmark",
            self.tr("Add book&mark"),
            self._document.bookmarks.add,
            Section.KEYFRAMES,
            shortcut="Ctrl+M",
            tip=self.tr("Save the current code as a bookmark."),
            synonyms=self.tr("remember code, favorite, star, save code"),
            icon="star",
            buttons=(self.add,),
        )

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        item = self.list.currentItem() if where is None else self.list.itemAt(where)
        if item is None:
            return None
        row = self.list.row(item)
        bookmark, images = self._document.bookmarks.kept[row], bookmark_thumbnails(self._document)
        pixels = images[row] if images is not None and row < len(images) else bookmark.thumbnail
        image = self._icon_of(bookmark).pixmap(_SIDE, _SIDE).toImage() if pixels is None else pixels_to_qimage(pixels)
        return MenuImage(stated(image, shown_text(self._document.state)), bookmark.name, code=bookmark.code)

    def _item_actions(self) -> Iterator[Action]:
        item = self.list.currentItem()
        yield Action(
            "bookmark_restore",
            self.tr("Restore"),
            lambda: self._on_item_chosen(item),
            tip=self.tr("Set the current code to this bookmark."),
            synonyms=self.tr("open bookmark, jump to bookmark"),
        )
        yield pressed(self.rename)
        yield pressed(self.remove)

    # -- intents -----------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed = watched is self.list and event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Delete:
            self._on_remove_clicked()
            return True
        return super().eventFilter(watched, event)

    def _on_item_chosen(self, item: QListWidgetItem) -> None:
        row = self.list.row(item)
        if 0 <= row < len(self._document.bookmarks.kept):  # a menu may be older than the list
            self._document.bookmarks.take(row)

    def _on_rename_clicked(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.list.setFocus()
            self.list.editItem(item)

    def _on_remove_clicked(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._document.bookmarks.kept):
            self._document.bookmarks.remove(row)
            self.list.setCurrentRow(min(row, self.list.count() - 1))

    def _on_item_changed(self, item: QListWidgetItem) -> None:
        """Rename the bookmark; report an invalid name and keep the old one."""
        try:
            self._document.bookmarks.rename(self.list.row(item), item.text())
        except ExplorerError as error:
            self._document.report(error.message)
            self._show()

    def _on_editor_closed(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        self.list.setFocus()
        self._show_images()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """List all bookmarks; the current row is kept, and a new bookmark becomes current."""
        kept, row = self._document.bookmarks.kept, self.list.currentRow()
        grown = len(kept) == self.list.count() + 1
        self.list.blockSignals(True)
        while self.list.count() > len(kept):
            self.list.takeItem(self.list.count() - 1)
        for number, bookmark in enumerate(kept):
            if number == self.list.count():
                self.list.addItem(QListWidgetItem())
            item = self.list.item(number)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setText(bookmark.name)
            item.setToolTip(plain_tooltip(self.tr("Restore %1").replace("%1", bookmark.name)))
            self._put_icon(item, self._icon_of(bookmark))
        self.list.setCurrentRow(len(kept) - 1 if grown else min(row, len(kept) - 1))
        self.list.blockSignals(False)
        self._icons = {key: value for key, value in self._icons.items() if key in {id(one.code) for one in kept}}
        self.list.setVisible(bool(kept))
        self._empty.setVisible(not kept)
        self._update_buttons()
        self._show_images()

    def _icon_of(self, bookmark: Bookmark) -> QIcon:
        """Return its image as decoded last, so that a changed list shows no blank icons."""
        known = self._icons.get(id(bookmark.code))
        if known is not None:
            return known[1]
        blank = QPixmap(_SIDE, _SIDE)
        blank.fill(Qt.GlobalColor.transparent)
        return QIcon(blank) if bookmark.thumbnail is None else _icon(bookmark.thumbnail)

    def _put_icon(self, item: QListWidgetItem, icon: QIcon) -> None:
        """Show an image, except during renaming: the field would be reset to the old name."""
        if self.list.state() != QListWidget.State.EditingState or item is not self.list.currentItem():
            item.setIcon(icon)

    def _show_images(self) -> None:
        view, kept = self._document.views[BOOKMARKS], self._document.bookmarks.kept
        if not isinstance(view, DecodedView) or len(view.images) != len(kept):
            return
        self.list.blockSignals(True)
        for number, (bookmark, pixels) in enumerate(zip(kept, shown(view.images, self._document.mixer), strict=True)):
            icon = _icon(pixels)
            self._icons[id(bookmark.code)] = (bookmark, icon)
            self._put_icon(self.list.item(number), icon)
        self.list.blockSignals(False)

    def _update_buttons(self) -> None:
        chosen = self.list.currentRow() >= 0
        self.add.setEnabled(self._document.code is not None)
        self.rename.setEnabled(chosen)
        self.remove.setEnabled(chosen)


def _icon(pixels: Shown) -> QIcon:
    """Without smoothing; not tinted when selected."""
    sides = (_SIDE, _SIDE)
    qimage = pixels_to_qimage(pixels)
    smooth = max(pixels.shape[:2]) > _SIDE
    how = Qt.TransformationMode.SmoothTransformation if smooth else Qt.TransformationMode.FastTransformation
    pixmap = QPixmap.fromImage(qimage.scaled(*sides, Qt.AspectRatioMode.KeepAspectRatio, how))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


PANEL = Panel(
    "bookmarks",
    QT_TRANSLATE_NOOP("panels", "Bookmarks"),
    BookmarksPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Show or hide the bookmarked codes."),
    synonyms=QT_TRANSLATE_NOOP("panels", "favorites, saved codes, pins"),
    icon="bookmark",
    area=Qt.DockWidgetArea.LeftDockWidgetArea,
    help="explore#bookmarks",
)
