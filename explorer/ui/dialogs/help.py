"""The help (F1): the pages of the guide, searchable, and the keyboard shortcuts of the window."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QUrl
from PySide6.QtGui import QImage, QKeyEvent, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QWidget,
)

from explorer.paths import docs_dir
from explorer.ui.actions import Command
from explorer.ui.help_pages import INDEX, Section, anchor_of, help_pages, page_of_link
from explorer.ui.matching import Entry, ranked
from explorer.ui.widgets.fields import button, clearable, line_edit, name_widget
from explorer.ui.widgets.layouts import hbox, vbox

SHORTCUTS = "shortcuts"
"""The page that is made from the commands of the window."""

_SCHEME = "help"
_LINK_ROLE = Qt.ItemDataRole.UserRole
_WIDEST = 640
"""Width of the largest images, in pixels."""


class HelpBrowser(QTextBrowser):
    """Shows pages by their names; reads nothing but them and the images of the guide."""

    def __init__(self, shortcuts: Callable[[], str]) -> None:
        super().__init__()
        self._shortcuts = shortcuts
        self.sourceChanged.connect(self._wrap_code)
        self.sourceChanged.connect(self._scroll)

    def show_page(self, link: str) -> None:
        """Show ``page`` or ``page#heading``; the index if there is no such page."""
        page, _, anchor = link.partition("#")
        url = QUrl(f"{_SCHEME}:/{page if page in {*help_pages(), SHORTCUTS} else INDEX}.md")
        if anchor:
            url.setFragment(anchor)
        self.setSource(url, QTextDocument.ResourceType.MarkdownResource)
        self._scroll(url)

    @property
    def page(self) -> str:
        return page_of_link(self.source().path())

    def loadResource(self, _kind: int, name: QUrl | str) -> object:
        url = QUrl(name)
        if url.scheme() != _SCHEME:
            return None
        file = url.path().rpartition("/")[2]
        if file.endswith(".md"):
            page = page_of_link(file)
            return self._shortcuts() if page == SHORTCUTS else help_pages()[page].markdown
        image = QImage(str(docs_dir() / "guide" / "images" / file))
        wide = image.width() > _WIDEST
        return image.scaledToWidth(_WIDEST, Qt.TransformationMode.SmoothTransformation) if wide else image

    def _wrap_code(self) -> None:
        """Break long lines of code, in one edit, since Qt leaves out blocks between several."""
        wrapped = QTextBlockFormat()
        wrapped.setNonBreakableLines(False)
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeBlockFormat(wrapped)

    def _scroll(self, url: QUrl) -> None:
        """Scroll to the heading; Qt makes no anchors of the headings of Markdown."""
        block = self.document().begin()
        while url.hasFragment() and block.isValid():
            if block.blockFormat().headingLevel() and anchor_of(block.text()) == url.fragment():
                top = self.document().documentLayout().blockBoundingRect(block).top()
                self.verticalScrollBar().setValue(int(top))
                return
            block = block.next()


class HelpDialog(QDialog):
    """The pages of the help beside their list, with a search; stays open beside the window.

    `commands` returns those whose shortcuts are listed.
    """

    def __init__(self, commands: Callable[[], Sequence[Command]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._commands = commands
        self.setObjectName("help_dialog")
        self.setWindowTitle(self.tr("Help"))
        self.resize(920, 680)
        self.field = line_edit("help_search", self.tr("Search the help; Return shows the page"), self.tr("Search help"))
        clearable(self.field)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        name_widget(self.list, "help_list", self.tr("Pages"), self.tr("Pages of the help, or those found"))
        self.list.setWordWrap(True)
        self.list.setSpacing(3)
        self.browser = HelpBrowser(self._shortcuts)
        name_widget(self.browser, "help_text", self.tr("Help"))
        back = button("help_back", self.tr("Back"), self.tr("Previous page (Alt+←)"))
        forward = button("help_forward", self.tr("Forward"), self.tr("Next page (Alt+→)"))
        for step, available, go in (
            (back, self.browser.backwardAvailable, self.browser.backward),
            (forward, self.browser.forwardAvailable, self.browser.forward),
        ):
            step.setEnabled(False)
            step.setAutoDefault(False)
            available.connect(step.setEnabled)
            step.clicked.connect(go)
        self._lay_out(hbox(back, forward, (self.field, 1)))
        self.field.textChanged.connect(self._fill_list)
        self.field.returnPressed.connect(lambda: self._open(self.list.currentItem()))
        self.list.itemClicked.connect(self._open)
        self.list.itemActivated.connect(self._open)
        # Emitted before `source` changes.
        self.browser.sourceChanged.connect(lambda url: self._choose_page(page_of_link(url.path())))
        self._fill_list("")

    def _lay_out(self, top: QHBoxLayout) -> None:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("help_close")
        close.setText(self.tr("Close"))
        close.setToolTip(self.tr("Close help (Esc)"))
        close.setAutoDefault(False)
        splitter = QSplitter()
        splitter.setObjectName("help_splitter")
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.list)
        splitter.addWidget(self.browser)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([250, 670])
        self.setLayout(vbox(top, (splitter, 1), buttons))

    def show_page(self, link: str) -> None:
        """Show ``page`` or ``page#heading``, with the list of all pages."""
        self.field.clear()
        self.browser.show_page(link)
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Forward arrow keys from the field to the list."""
        key = Qt.Key(event.key()) if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress else None
        if watched is self.field and key in {Qt.Key.Key_Down, Qt.Key.Key_Up}:
            QApplication.sendEvent(self.list, event)
            return True
        return super().eventFilter(watched, event)

    def _fill_list(self, query: str) -> None:
        self.list.clear()
        if query.strip():
            for section in _found(query):
                where = f"\n{section.page_title}" if section.title != section.page_title else ""
                self._add(f"{section.title}{where}", section.link)
            self.list.setCurrentRow(0)
            if not self.list.count():
                self._add(self.tr("No page contains these words."), "")
        else:
            for name, page in help_pages().items():
                self._add(page.title, name)
            self._add(self.tr("Keyboard shortcuts"), SHORTCUTS)
            self._choose_page(self.browser.page)

    def _add(self, text: str, link: str) -> None:
        item = QListWidgetItem(text, self.list)
        item.setData(_LINK_ROLE, link)
        if not link:
            item.setFlags(Qt.ItemFlag.NoItemFlags)

    def _open(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(_LINK_ROLE):
            self.browser.show_page(item.data(_LINK_ROLE))

    def _choose_page(self, name: str) -> None:
        """Select a page in the list of all pages."""
        names = [*help_pages(), SHORTCUTS]
        if not self.field.text().strip() and name in names:
            self.list.setCurrentRow(names.index(name))

    def _shortcuts(self) -> str:
        commands = [(one.keys, one.record.title) for one in self._commands() if one.keys]
        return "\n\n".join(
            (
                f"# {self.tr('Keyboard shortcuts')}",
                f"## {self.tr('In panels')}",
                _table((self.tr("keys"), self.tr("what they do")), self._keys_in_panels()),
                f"## {self.tr('Everywhere')}",
                _table((self.tr("keys"), self.tr("command")), commands),
            )
        )

    def _keys_in_panels(self) -> Iterator[tuple[str, str]]:
        yield "← →", self.tr("stage: previous or next image")
        yield "K, F, Space", self.tr("stage or gallery: add keyframe, stage alone, before and after")
        yield "+ − 0", self.tr("stage or map: zoom in, zoom out, fit")
        yield "↑ ↓ ← →", self.tr("sliders: select, change (Shift: ten times as far); map: move the current code")
        yield "Enter", self.tr("slider: type a value in σ; gallery: show the selected image larger, or hide it (Esc)")
        yield "↑ ↓ ← → + − Space", self.tr("feature map: move, change, paint; Page Up and Page Down: channel")
        yield "Delete", self.tr("slider or feature map: restore the original value; timeline: delete the keyframe")
        yield "← →, Alt+← →, Ctrl+← →", self.tr("timeline: select a keyframe, move it, move the playhead")
        yield "Ctrl+D, Insert", self.tr("timeline: duplicate the keyframe")
        yield self.tr("Ctrl+wheel"), self.tr("change the slider under the mouse")
        yield "Shift+F10", self.tr("open the context menu")
        yield "Ctrl+G…", self.tr("buttons of the panels; the Panels menu lists the shortcuts")
        yield "Tab, F6", self.tr("next control, next panel")


def _found(query: str) -> list[Section]:
    sections = [section for page in help_pages().values() for section in page.sections]
    entries = [Entry(one.title, (one.page_title,), one.text) for one in sections]
    return [sections[place] for place in ranked(query, entries)]


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [head, ("---", "---"), *((_escaped(keys), _escaped(words)) for keys, words in rows)]
    return "\n".join(f"| {left} | {right} |" for left, right in lines)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|+-])", r"\\\1", text)
