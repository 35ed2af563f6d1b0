"""The context menu of a keyframe on the timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QPoint, QPointF

from explorer.document.document import Document
from explorer.ui.actions import Action
from explorer.ui.context_menu import ContextMenu
from explorer.ui.widgets.timeline_track import TimelineTrack


class KeyframeMenu(ContextMenu):
    """Selects the keyframe that it opens on; `duplicate` and `remove` get its number."""

    def __init__(
        self,
        document: Document,
        track: TimelineTrack,
        duplicate: Callable[[int], object],
        remove: Callable[[int], object],
    ) -> None:
        super().__init__(track, "timeline_menu")
        self._document = document
        self._track = track
        self._duplicate = duplicate
        self._remove = remove

    def records(self, where: QPoint | None) -> Iterator[Action] | None:
        key = self._track.key if where is None else self._track.key_at(QPointF(where))
        if key is None or not self._track.key_count:
            return None
        self._track.choose_key(key)
        return self._actions(key)

    def place_by_keys(self) -> QPoint:
        return self._track.key_rect(self._track.key).center().toPoint()

    def _actions(self, key: int) -> Iterator[Action]:
        yield Action(
            "timeline_menu_go",
            self.tr("&Jump to keyframe"),
            partial(self._document.timeline.take, key),
            tip=self.tr("Make its code the current code (Enter)."),
            synonyms=self.tr("go to, edit keyframe"),
        )
        yield Action(
            "timeline_menu_replace",
            self.tr("&Replace with current code"),
            partial(self._replace, key),
            tip=self.tr("Give the keyframe the current code."),
            synonyms=self.tr("update keyframe, overwrite"),
        )
        yield Action(
            "timeline_menu_duplicate",
            self.tr("D&uplicate"),
            partial(self._duplicate, key),
            tip=self.tr("Insert a copy after it (Insert)."),
            synonyms=self.tr("copy keyframe, clone"),
        )
        yield Action(
            "timeline_menu_delete",
            self.tr("&Delete"),
            partial(self._remove, key),
            tip=self.tr("Delete the keyframe (Delete)."),
            synonyms=self.tr("remove keyframe"),
        )

    def _replace(self, key: int) -> None:
        if self._document.code is not None:
            self._document.timeline.bend(key, self._document.code)
