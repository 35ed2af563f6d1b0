"""Panels: the record by which one registers, and the base of those that show a view of the document.

The window makes docks, the icon rail and the View menu from the records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.document.view_store import ViewKey


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Mark a text for Qt's translation tools, like PySide6's function of this name, whose types are wrong."""
    return text


@dataclass(frozen=True)
class Panel:
    """A panel around the stage, shown in a dock.

    `name` begins the object names of the panel, its dock and its commands. `title`, `tip` and `synonyms` are as of an
    action, marked with ``QT_TRANSLATE_NOOP("panels", â¦)``, translated by `words`. `workspaces` show it by default; the
    first is its home, to which its command switches. Without any it is opened and closed in the current workspace. A
    `strip` has no title bar. `help` is its page of the help: ``page`` or ``page#heading``.
    """

    name: str
    title: str
    make: Callable[[Document], QWidget]
    _: KW_ONLY
    tip: str
    synonyms: str
    icon: str = "panel-right"
    area: Qt.DockWidgetArea = Qt.DockWidgetArea.RightDockWidgetArea
    workspaces: tuple[str, ...] = ()
    strip: bool = False
    help: str = ""

    @property
    def id(self) -> str:
        """Its name in session files."""
        return f"{self.name}_panel"

    @property
    def words(self) -> tuple[str, str, str]:
        """Title, tip and synonyms in the language of the user."""
        translate = QCoreApplication.translate
        return (
            translate("panels", self.title),
            translate("panels", self.tip),
            translate("panels", self.synonyms),
        )


class WatchingPanel(QWidget):
    """A panel whose view, `watched`, the document computes only while the panel is visible."""

    watched: ClassVar[ViewKey[Any]]

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._document.views.watch(self.watched, True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._document.views.watch(self.watched, False)
