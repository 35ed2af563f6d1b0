"""A panel and an action are found everywhere once they are registered, each by one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from explorer_testing.automation import page_of
from explorer_testing.rooms import furnish
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from explorer.document.document import Document
from explorer.ui.actions import Action, Section, When
from explorer.ui.main_window import MainWindow
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels import PANELS
from explorer.ui.widgets.fields import button


class ToyPanel(QWidget):
    """What a new file would hold."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.setObjectName("toy_panel")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pressed = 0
        self.wound = 0
        wind = button("toy_wind", self.tr("Wind up"), self.tr("Wind the toy up"), self.tr("crank, turn the key"))
        wind.clicked.connect(self._on_wind_clicked)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(self.tr("A toy")))
        layout.addWidget(wind)

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_toy",
            self.tr("Press to&y"),
            self._press,
            Section.CODE,
            shortcut="Ctrl+Alt+Y",
            tip=self.tr("Press the toy once."),
            synonyms=self.tr("squeeze, play thing"),
            enabled=When(lambda: self._document.code is None, (self._document.changed.code,)),
        )

    def _press(self) -> None:
        self.pressed += 1

    def _on_wind_clicked(self) -> None:
        self.wound += 1


TIP = QT_TRANSLATE_NOOP("panels", "A thing to play with.")
SYNONYMS = QT_TRANSLATE_NOOP("panels", "teddy, doll")
TOY = Panel(
    "toy",
    QT_TRANSLATE_NOOP("panels", "Toy"),
    ToyPanel,
    tip=TIP,
    synonyms=SYNONYMS,
    workspaces=("analyze",),
    help="analyze#find-outliers",
)
TOY_DOCK = Panel(
    "toy",
    QT_TRANSLATE_NOOP("panels", "Toy"),
    ToyPanel,
    tip=TIP,
    synonyms=SYNONYMS,
    area=Qt.DockWidgetArea.LeftDockWidgetArea,
)


def window_with(toy: Panel, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> MainWindow:
    monkeypatch.setattr("explorer.ui.panel_docks.PANELS", (*PANELS, toy))
    window = MainWindow(Document())
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def found(window: MainWindow, query: str) -> str:
    palette = window.app_actions.show_palette()
    QTest.keyClicks(palette.field, query)
    command = palette.model.command(0)
    palette.close()
    assert command is not None
    return command.record.name


@pytest.mark.usefixtures("themed")
def test_a_toy_panel_is_in_its_workspace_the_rail_and_the_view_menu(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = window_with(TOY, monkeypatch, qtbot)
    shown: list[str] = []
    monkeypatch.setattr(window.document.sessions, "put_tab", shown.append)
    toy = window.findChild(ToyPanel)
    assert toy is not None
    dock = window.dock("toy")
    assert (dock.windowTitle(), dock.isVisible()) == ("Toy", False)
    commands = {command.record.name: command for command in window.registry.commands()}
    assert commands["action_show_toy"].where == "View"
    button = window.findChild(QToolButton, "tool_show_toy")
    assert button is not None
    assert "A thing to play with." in button.toolTip()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (window.workspaces.current, dock.in_front) == ("analyze", True)
    assert shown[-1] == "toy_panel"
    toy.setFocus()
    browser = window.app_actions.show_help().browser
    assert (browser.page, browser.source().fragment()) == ("analyze", "find-outliers")
    window.app_actions.show_help().close()
    assert found(window, "teddy") == "action_show_toy"
    assert commands["action_toy_wind"].where == "Panels › Toy"
    window.workspaces.switch("explore")
    assert not dock.isVisible()
    commands["action_toy_wind"].run()
    assert (toy.wound, dock.in_front) == (1, True)


@pytest.mark.usefixtures("themed")
def test_a_toy_panel_without_a_workspace_opens_in_the_current_one(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = window_with(TOY_DOCK, monkeypatch, qtbot)
    dock = window.dock("toy")
    assert not dock.isVisible()
    command = next(one for one in window.registry.commands() if one.record.name == "action_show_toy")
    command.run()
    assert (window.workspaces.current, dock.in_front) == ("explore", True)
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea
    command.run()
    assert not dock.isVisible()


@pytest.mark.usefixtures("themed")
def test_a_toy_action_is_in_menu_palette_help_and_automation_page(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = window_with(TOY, monkeypatch, qtbot)
    toy = window.findChild(ToyPanel)
    assert toy is not None
    command = next(one for one in window.registry.commands() if one.record.name == "action_toy")
    assert (command.title, command.where, command.enabled) == ("Press toy", "Edit", True)
    QTest.keySequence(window, "Ctrl+Alt+Y")
    assert toy.pressed == 1
    assert found(window, "squeeze") == "action_toy"
    page = window.app_actions.show_help("shortcuts").browser
    assert "Ctrl+Alt+Y Press toy" in " ".join(page.toPlainText().split())
    assert "| `action_toy` | Edit | Press toy | Ctrl+Alt+Y |" in page_of(window)
    # With a code, the condition of the toy does not hold any more.
    furnish(window)
    QTest.keySequence(window, "Ctrl+Alt+Y")
    assert toy.pressed == 1
