"""The help: pages of the guide, found by words and by links, and opened by F1 for the panel in use."""

from __future__ import annotations

import re

import pytest
from explorer_testing.window import WindowDriver
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QImage, QTextCursor, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from explorer.ui.dialogs.help import HelpDialog
from explorer.ui.help_pages import INDEX, anchor_of, help_pages
from explorer.ui.main_window import MainWindow
from explorer.ui.panels import PANELS


def exists(link: str) -> bool:
    page, _, anchor = link.partition("#")
    sections = help_pages()[page].sections if page in help_pages() else ()
    return bool(sections) and (not anchor or anchor in {anchor_of(section.title) for section in sections})


def top_heading(dialog: HelpDialog) -> str:
    """Return the first heading that is in sight."""
    browser = dialog.browser
    block = browser.cursorForPosition(QPoint(5, 5)).block()
    while block.isValid() and not block.blockFormat().headingLevel():
        block = block.next()
    return block.text()


def listed(dialog: HelpDialog) -> list[str]:
    return [dialog.list.item(row).text() for row in range(dialog.list.count())]


def opened(window: MainWindow) -> HelpDialog:
    QTest.keyClick(window, Qt.Key.Key_F1)
    dialog = window.findChild(HelpDialog)
    assert dialog is not None
    assert dialog.isVisible()
    return dialog


# -- pages -------------------------------------------------------------------------------------------------------------


def test_every_panel_has_a_page() -> None:
    assert [panel.name for panel in PANELS if not exists(panel.help)] == []


def test_every_link_leads_to_a_heading_of_a_page() -> None:
    pages = help_pages()
    assert next(iter(pages)) == INDEX
    assert {"faces", "sessions", "glossary"} < set(pages)
    for page in pages.values():
        links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)", page.markdown)
        wrong = [link for link in links if not exists(re.sub(r"^.*?(\w[\w-]*)\.md", r"\1", link))]
        assert wrong == [], page.name


def test_every_page_is_linked_from_the_first() -> None:
    assert set(re.findall(r"([\w-]+)\.md", help_pages()[INDEX].markdown)) == set(help_pages()) - {INDEX}


@pytest.mark.parametrize("name", help_pages())
def test_a_page_shows_its_images_and_reads_nothing_else(bare_window: MainWindow, name: str) -> None:
    browser = bare_window.app_actions.show_help(name).browser
    assert browser.page == name
    words = browser.toPlainText()
    for section in help_pages()[name].sections:
        assert section.title.replace("`", "") in words
    block = browser.document().begin()
    while block.isValid():
        assert not block.text() or block.layout().boundingRect().height() > 0, f"not painted: {block.text()}"
        block = block.next()
    kind = QTextDocument.ResourceType.ImageResource.value
    for image in re.findall(r"!\[.*?\]\((images/[^)]+)\)", help_pages()[name].markdown):
        shown = browser.loadResource(kind, QUrl(f"help:/{image}"))
        assert isinstance(shown, QImage)
        assert 0 < shown.width() <= 640, image
    assert browser.loadResource(kind, QUrl("https://example.org/a.png")) is None
    assert browser.loadResource(kind, QUrl.fromLocalFile("/etc/passwd")) is None


# -- the dialog --------------------------------------------------------------------------------------------------------


def test_a_search_lists_headings_and_return_shows_one(bare_window: MainWindow) -> None:
    dialog = opened(bare_window)
    assert len(listed(dialog)) == len(help_pages()) + 1
    QTest.keyClicks(dialog.field, "similar")
    found = listed(dialog)
    faces = f"Similar faces\n{title('faces')}"
    assert {title("map"), f"Similar images\n{title('map')}", title("faces"), faces} == set(found[:4])
    for _ in range(found.index(faces)):
        QTest.keyClick(dialog.field, Qt.Key.Key_Down)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert dialog.browser.page == "faces"
    assert top_heading(dialog) == "Similar faces"
    dialog.field.clear()
    assert dialog.list.currentItem().text() == title("faces")
    QTest.keyClicks(dialog.field, "qqqq")
    assert listed(dialog) == ["No page contains these words."]
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.browser.page == "faces"


def title(name: str) -> str:
    return help_pages()[name].title


def test_links_lead_from_page_to_page_and_back(driver: WindowDriver) -> None:
    dialog = opened(driver.window)
    dialog.show_page(INDEX)
    browser = dialog.browser
    back, forward = (driver.find(QPushButton, name) for name in ("help_back", "help_forward"))
    assert not forward.isEnabled()
    cursor = browser.document().find("Edit an image")
    browser.setTextCursor(QTextCursor(cursor.block()))
    cursor.setPosition(cursor.selectionStart() + 2)
    QTest.mouseClick(browser.viewport(), Qt.MouseButton.LeftButton, pos=browser.cursorRect(cursor).center())
    assert browser.page == "explore"
    assert top_heading(dialog) == "Edit the code"
    assert dialog.list.currentItem().text() == title("explore")
    QTest.mouseClick(back, Qt.MouseButton.LeftButton)
    assert browser.page == INDEX
    QTest.mouseClick(forward, Qt.MouseButton.LeftButton)
    assert browser.page == "explore"


def test_a_click_on_a_page_of_the_list_shows_it(bare_window: MainWindow) -> None:
    dialog = opened(bare_window)
    item = dialog.list.item(listed(dialog).index("Keyboard shortcuts"))
    dialog.list.scrollToItem(item)
    where = dialog.list.visualItemRect(item).center()
    QTest.mouseClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    text = " ".join(dialog.browser.toPlainText().split())
    for command in bare_window.registry.commands(panels=False):
        if command.keys:
            assert f"{command.keys} {command.record.title}" in text


def test_f1_shows_the_page_of_the_panel_in_use(driver: WindowDriver) -> None:
    driver.open()
    window = driver.window
    for widget, page, heading in (
        (window.stage, "explore", title("explore")),
        (window.timeline.track, "animate", title("animate")),
        (window.library.tree, "models", title("models")),
        (window.gallery.view, "explore", "Choose an image"),
    ):
        widget.setFocus()
        dialog = opened(window)
        assert dialog.browser.page == page
        assert top_heading(dialog) == heading
        dialog.close()
        window.activateWindow()
    assert window.app_actions.show_help("no-such-page").browser.page == INDEX


def test_a_closed_dialog_keeps_no_window_and_opens_again(driver: WindowDriver) -> None:
    dialog = opened(driver.window)
    dialog.show_page("map")
    dialog.resize(700, 500)
    dialog.close()
    driver.running.backend.housekeeping.rested.emit()
    assert dialog.windowHandle() is None
    assert driver.window.windowHandle() is not None
    assert opened(driver.window) is dialog
    assert dialog.windowHandle() is not None
    assert (dialog.width(), dialog.height()) == (700, 500)
    assert not dialog.grab().toImage().isNull()
