"""No text is cut off: each panel, alone, in a narrow and in a wide place; and controls are counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.looks import clipped, controls
from explorer_testing.programs import PATIENCE_S, REPOSITORY, environment
from explorer_testing.rooms import dialogs, furnish
from explorer_testing.window import WindowDriver
from PySide6.QtGui import QActionGroup, QImage
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from explorer.document.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.panel import Panel
from explorer.ui.panels import PANELS
from explorer.ui.panels.noise import NoisePanel
from explorer.ui.panels.train import TrainPanel
from explorer.ui.widgets.collapsible import Collapsible
from explorer.ui.widgets.curve_plot import CurvePlot
from explorer.ui.widgets.fields import combo_box, line_edit, spin_box
from explorer.ui.widgets.layouts import vbox
from explorer.ui.widgets.segmented_control import SegmentedControl

NARROW = (320, 420)
WIDE = (700, 400)
_WIDE_ONLY = {"map", "noise", "compare", "train", "timeline"}
"""Panels that no workspace shows in a narrow place."""

PLACES = [
    *((panel, NARROW) for panel in PANELS if panel.name not in _WIDE_ONLY),
    *((panel, WIDE) for panel in PANELS if panel.name != "timeline"),
    *((panel, (635, 470)) for panel in PANELS if panel.name == "train"),  # in the smallest window
]


@pytest.fixture
def document() -> Document:
    document = Document()
    document.open(make_model(), make_source())
    document.timeline.insert(np.array([[0, 0], [1, 2], [-1, 0.5]], np.float32), 0)
    return document


def pages(panel: QWidget) -> Iterator[str]:
    """Yield what is shown while each segment is chosen, then with all sections expanded."""
    yield "at first"
    for bar in panel.findChildren(SegmentedControl):
        for part in bar.findChildren(QPushButton):
            if part.isVisible() and part.isEnabled():
                part.click()
                QApplication.processEvents()
                yield part.text()
    for section in panel.findChildren(Collapsible):
        section.button.setChecked(True)
    QApplication.processEvents()
    yield "expanded"


@pytest.mark.usefixtures("themed", "light_again")
@pytest.mark.parametrize(("panel", "size"), PLACES, ids=lambda value: getattr(value, "name", str(value)))
def test_no_text_of_a_panel_is_cut_off(panel: Panel, size: tuple[int, int], document: Document, qtbot: QtBot) -> None:
    frame = QWidget()
    qtbot.addWidget(frame)
    made = panel.make(document)
    made.setParent(frame)
    frame.resize(*size)
    made.resize(*size)
    frame.show()
    qtbot.waitExposed(frame)
    faults = {page: found for page in pages(made) if (found := clipped(frame))}
    assert faults == {}
    least = made.minimumSizeHint()
    assert (least.width() <= size[0], least.height() <= size[1]) == (True, True), least


@pytest.mark.parametrize("factor", ["1.5", "3"])
def test_no_text_of_a_panel_is_cut_off_on_a_scaled_screen(factor: str) -> None:
    """The factor holds for a whole process, and widths of texts do not scale exactly."""
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "of_a_panel_is_cut_off and not scaled",
            __file__,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        cwd=REPOSITORY,
        env=environment(QT_SCALE_FACTOR=factor, QT_QPA_PLATFORM="offscreen"),
    )
    assert ended.returncode == 0, ended.stdout[-4000:]


@pytest.mark.usefixtures("light_again")
def test_no_text_of_a_dialog_is_cut_off(bare_window: MainWindow) -> None:
    furnish(bare_window)
    assert [(name, found) for name, dialog in dialogs(bare_window) if (found := clipped(dialog))] == []


@pytest.mark.usefixtures("themed", "light_again")
def test_plots_are_at_least_200_pixels_high_in_a_dock_on_a_full_hd_screen(document: Document, qtbot: QtBot) -> None:
    noise, train = NoisePanel(document), TrainPanel(document)
    for panel in (noise, train):
        qtbot.addWidget(panel)
        panel.resize(1000, 640)
        panel.show()
        qtbot.waitExposed(panel)
    noise.pages.part(2).click()
    train.watch.pages.setCurrentIndex(1)
    QApplication.processEvents()
    plots = [plot for panel in (noise, train) for plot in panel.findChildren(CurvePlot)]
    assert len(plots) == 2
    assert min(plot.height() for plot in plots) >= 200


def test_no_panel_scrolls_in_a_window_of_the_usual_size(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Noise")
    driver.click("noise_curves")
    driver.click("noise_measure")
    driver.until(lambda: driver.find(CurvePlot, "noise_plot").isVisible())
    scrolled = []
    for panel in PANELS:
        driver.window.show_panel(panel.name)
        driver.settle_layout()
        area = driver.window.dock(panel.name).widget()
        if isinstance(area, QScrollArea) and area.verticalScrollBar().isVisible():
            scrolled.append(panel.name)
    assert scrolled == []


@pytest.mark.usefixtures("themed")
def test_the_check_finds_cut_off_text(qtbot: QtBot) -> None:
    frame = QWidget()
    qtbot.addWidget(frame)
    layout = QHBoxLayout(frame)
    for widget in (QPushButton("Export animation…"), QLabel("Threshold percentile")):
        widget.setObjectName(type(widget).__name__)
        widget.setFixedWidth(40)
        layout.addWidget(widget)
    frame.show()
    assert [fault.split(" ")[0] for fault in clipped(frame)] == ["QPushButton", "QLabel"]


@pytest.mark.usefixtures("themed")
def test_bars_count_as_one_control(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    tools = window.addToolBar("Tools")
    tools.addAction("Undo")
    modes = QActionGroup(window)
    for title in ("1-up", "2-up"):
        tools.addAction(modes.addAction(title))
    rail = window.addToolBar("Rail")
    rail.setObjectName("rail")
    rail.addAction("Library")
    rail.addAction("History")
    tabs = QTabBar()
    tabs.addTab("One")
    tabs.addTab("Two")
    off = QPushButton("Off")
    off.setEnabled(False)
    content = QWidget()
    bar = SegmentedControl(("first", "First", ""), ("second", "Second", ""))
    content.setLayout(vbox(bar, tabs, off, spin_box("number", "", 0, 9, 1), line_edit("text", "")))
    window.setCentralWidget(content)
    window.resize(600, 400)
    window.show()
    qtbot.waitExposed(window)
    kinds = sorted(control.split(" ")[0] for control in controls(window))
    assert kinds == ["QLineEdit", "QSpinBox", "QTabBar", "QToolBar", "QToolButton", "SegmentedControl", "group"]


@pytest.mark.usefixtures("themed")
def test_a_combo_box_elides_what_has_no_room(qtbot: QtBot) -> None:
    text = "Arabic letters in eight typefaces"
    whole, plain = combo_box("box", "", [(text, 0)]), QComboBox()
    plain.addItem("")
    for box in (whole, plain):
        qtbot.addWidget(box)
        box.resize(120, 26)
        box.show()
        qtbot.waitExposed(box)
    shorter = [f"{text[:end]}…" for end in range(6, 20)]
    assert sum(_looks(plain, words) == _looks(whole) for words in shorter) == 1


def _looks(box: QComboBox, text: str = "") -> QImage:
    if text:
        box.setItemText(0, text)
    return box.grab().toImage()
