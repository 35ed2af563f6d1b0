"""The preview of the gallery: the image under the mouse, or the current one, larger than its thumbnail."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QListView, QToolTip

from explorer.document.document import Document
from explorer.document.views.preview import PREVIEW, PreviewView
from explorer.ui.gallery_model import GalleryModel
from explorer.ui.images import image_to_qimage
from explorer.ui.widgets.image_preview import ImagePreview

_DELAY_MS: Final = 150
"""How long the mouse is on a thumbnail before the first preview; the next ones follow at once."""

_ENTER: Final = {Qt.Key.Key_Return, Qt.Key.Key_Enter}
_Type = QEvent.Type
_LEAVING: Final = {_Type.Leave, _Type.Hide, _Type.Resize, _Type.FocusOut, _Type.WindowDeactivate}
_PRESSING: Final = {_Type.MouseButtonPress, _Type.MouseButtonDblClick, _Type.Wheel}


class GalleryPreview(QObject):
    """Enlarges the image under the mouse, or by Enter the current one, which it then follows until Enter or Esc.

    It appears when the image has been read, without animation.
    """

    def __init__(self, document: Document, view: QListView, model: GalleryModel) -> None:
        super().__init__(view)
        self._document = document
        self._view = view
        self._model = model
        self._by_keys = False
        self._item = QPersistentModelIndex()
        self._dismissed = QPersistentModelIndex()
        self._popup = ImagePreview("gallery_preview", view)
        self._delay = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self._delay.timeout.connect(self._request)
        view.setAccessibleDescription(self.tr("Enter shows the selected image larger."))
        view.viewport().setMouseTracking(True)
        for watched in (view, view.viewport()):
            watched.installEventFilter(self)
        for bar in (view.verticalScrollBar(), view.horizontalScrollBar()):
            bar.valueChanged.connect(lambda value: self._hide())
        model.modelReset.connect(self._leave)
        view.selectionModel().currentChanged.connect(self._on_current_changed)
        document.views.changed(PREVIEW).connect(self._on_preview_view_changed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if isinstance(event, QMouseEvent) and kind == _Type.MouseMove:
            self._on_mouse_moved(event)
        elif isinstance(event, QHelpEvent) and kind == _Type.ToolTip:
            return self._show_tooltip()
        elif isinstance(event, QKeyEvent) and kind == _Type.KeyPress and watched is self._view:
            return self._on_key_pressed(Qt.Key(event.key()))
        elif kind in _PRESSING:
            self._dismiss()
        elif kind in _LEAVING:
            self._leave()
        return False

    def _on_mouse_moved(self, event: QMouseEvent) -> None:
        item = self._view.indexAt(event.position().toPoint())
        if event.buttons() != Qt.MouseButton.NoButton or not item.isValid():
            self._leave()
        elif item not in (self._dismissed, self._item):
            self._by_keys = False
            self._want(item, at_once=self._popup.isVisible())

    def _on_key_pressed(self, key: Qt.Key) -> bool:
        if key in _ENTER or (key == Qt.Key.Key_Escape and self._popup.isVisible()):
            if self._popup.isVisible():
                self._dismiss()
            elif self._view.currentIndex().isValid():
                self._by_keys = True
                self._want(self._view.currentIndex(), at_once=True)
            return True
        return False

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if self._by_keys and current.isValid():
            self._want(current, at_once=True)

    def _want(self, item: QModelIndex, *, at_once: bool) -> None:
        self._item, self._dismissed = QPersistentModelIndex(item), QPersistentModelIndex()
        if at_once:
            self._request()
        else:
            self._delay.start()

    def _request(self) -> None:
        if self._item.isValid():
            self._document.preview_requested.emit(self._model.position(self._item.row()))

    def _on_preview_view_changed(self) -> None:
        view = self._document.views[PREVIEW]
        if not isinstance(view, PreviewView) or view.source is not self._document.source:
            self._leave()
        elif self._item.isValid() and self._model.position(self._item.row()) == view.index:
            title = str(self._item.data(Qt.ItemDataRole.AccessibleTextRole))
            self._popup.show_image(image_to_qimage(view.pixels, self._document.mixer), title, self._place())

    def _place(self) -> QRect:
        """Return where the item is on the screen, as far as it is visible."""
        viewport = self._view.viewport()
        place = self._view.visualRect(self._view.model().index(self._item.row(), 0)) & viewport.rect()
        return QRect(viewport.mapToGlobal(place.topLeft()), place.size())

    def _show_tooltip(self) -> bool:
        """Show the tooltip beside the preview, which it would cover; return whether there is a preview."""
        if not self._popup.isVisible():
            return False
        beside = self._popup.geometry().topRight() + QPoint(0, -16)  # Qt shows it as far below a place
        QToolTip.showText(beside, str(self._item.data(Qt.ItemDataRole.ToolTipRole)), self._view.viewport())
        return True

    def _dismiss(self) -> None:
        """Hide it until the mouse is on another thumbnail."""
        item = self._item
        self._leave()
        self._dismissed = item

    def _leave(self) -> None:
        self._by_keys = False
        self._dismissed = QPersistentModelIndex()
        self._hide()

    def _hide(self) -> None:
        self._delay.stop()
        self._item = QPersistentModelIndex()
        self._popup.hide()
        self._document.preview_requested.emit(None)
