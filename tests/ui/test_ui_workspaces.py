"""Workspaces: each shows its panels, remembers its layout, and leaves the stage room."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.looks import controls
from explorer_testing.window import MakeWindow, WindowDriver, array_of
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QTabBar, QToolButton

from explorer.document.views.samples import SAMPLES
from explorer.ui.main_window import SMALLEST, MainWindow
from explorer.ui.panels import PANELS
from explorer.ui.panels.code import CodePanel
from explorer.ui.widgets.slider_list import ROW_HEIGHT
from explorer.ui.workspaces import WORKSPACES


def shown(window: MainWindow) -> set[str]:
    return {panel.name for panel in PANELS if not window.dock(panel.name).isHidden()}


def click(window: MainWindow, name: str) -> None:
    button = window.findChild(QAbstractButton, name)
    assert button is not None
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("workspace", WORKSPACES, ids=lambda workspace: workspace.name)
def test_a_workspace_shows_its_panels_the_first_in_front(bare_window: MainWindow, workspace: object) -> None:
    name = workspace.name  # type: ignore[attr-defined]
    click(bare_window, f"tool_workspace_{name}")
    wanted = [panel for panel in PANELS if name in panel.workspaces]
    assert bare_window.workspaces.current == name
    assert shown(bare_window) == {panel.name for panel in wanted}
    right = [panel.name for panel in wanted if panel.area == Qt.DockWidgetArea.RightDockWidgetArea]
    assert [bare_window.dock(one).in_front for one in right] == [True] + [False] * (len(right) - 1)


def test_every_panel_is_one_click_away_in_every_workspace(bare_window: MainWindow) -> None:
    for workspace in WORKSPACES:
        for panel in PANELS:
            bare_window.workspaces.switch(workspace.name)
            bare_window.workspaces.reset()
            if not bare_window.dock(panel.name).in_front:
                click(bare_window, f"tool_show_{panel.name}")
            assert bare_window.dock(panel.name).in_front, (workspace.name, panel.name)


def test_each_workspace_keeps_its_layout_also_across_starts(make: MakeWindow) -> None:
    first = make()
    click(first, "tool_show_bookmarks")
    assert shown(first) == {"gallery", "latent", "timeline", "traversals", "samples", "arithmetic", "bookmarks"}
    click(first, "tool_show_samples")
    first.workspaces.switch("train")
    assert shown(first) == {"train"}
    first.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, first.dock("train"))
    first.workspaces.switch("map")
    QApplication.processEvents()
    first.resizeDocks([first.dock("map")], [611], Qt.Orientation.Horizontal)
    QApplication.processEvents()
    first.workspaces.switch("explore")
    assert "bookmarks" in shown(first)
    first.workspaces.switch("map")
    QApplication.processEvents()
    assert first.dock("map").width() == pytest.approx(611, abs=2)
    first.workspaces.switch("explore")
    assert first.dock("samples").in_front
    first.close()
    second = make()
    assert "bookmarks" in shown(second)
    assert second.dock("samples").in_front
    second.workspaces.switch("train")
    assert second.dockWidgetArea(second.dock("train")) == Qt.DockWidgetArea.LeftDockWidgetArea
    second.workspaces.reset()
    assert second.dockWidgetArea(second.dock("train")) == Qt.DockWidgetArea.RightDockWidgetArea
    second.workspaces.switch("explore")
    assert "bookmarks" in shown(second), "only the current layout was reset"


def test_switching_at_once_keeps_the_sizes_and_the_focus_goes_to_the_stage(driver: WindowDriver) -> None:
    driver.open()
    window, docks = driver.window, driver.window.workspaces
    before = window.dock("latent").width()
    docks.switch("map")
    QApplication.processEvents()
    assert window.dock("map").width() != before
    docks.switch("explore")
    docks.switch("map")
    docks.switch("explore")
    QApplication.processEvents()
    assert window.dock("latent").width() == before
    window.latent.sliders.setFocus()
    docks.switch("train")
    focus = QApplication.focusWidget()
    assert focus is not None
    assert window.stage.isAncestorOf(focus), "not to a button of the toolbars"
    window.show_panel("map")
    window.map.canvas.setFocus()
    window.show_panel("neighbors")
    focus = QApplication.focusWidget()
    assert focus is not None
    assert window.stage.isAncestorOf(focus)


def test_the_timeline_leaves_its_height_to_the_stage_wherever_it_opens_and_closes(driver: WindowDriver) -> None:
    driver.open()
    window, document = driver.window, driver.document

    def height() -> int:
        QApplication.processEvents()
        return window.gallery.height()

    before = height()
    for _ in range(3):
        document.timeline.add()
        assert height() == before
        document.undo()
        assert height() == before
    document.timeline.add()
    window.workspaces.switch("map")
    assert height() == before
    window.workspaces.switch("train")
    document.timeline.clear()
    for name in ("map", "explore"):
        window.workspaces.switch(name)
        assert height() == before
    document.undo()
    for name in ("map", "explore"):
        assert height() == before
        window.workspaces.switch(name)
        assert window.timeline.height() > 150


@pytest.mark.parametrize("at_once", [True, False])
def test_the_timeline_of_animate_leaves_the_filmstrip_its_height(driver: WindowDriver, at_once: bool) -> None:
    driver.open()
    window = driver.window
    window.workspaces.switch("explore")
    QApplication.processEvents()
    before = window.gallery.height(), window.stage.height()
    for name in ("animate", "explore", "analyze", "explore"):
        window.workspaces.switch(name)
        if not at_once:
            QApplication.processEvents()
    QApplication.processEvents()
    assert (window.gallery.height(), window.stage.height()) == before


def test_switching_leaves_no_tab_bars_behind(bare_window: MainWindow) -> None:
    def bars() -> int:
        return len(bare_window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly))

    for workspace in WORKSPACES:
        bare_window.workspaces.switch(workspace.name)
    before = bars()
    for workspace in (*WORKSPACES, *WORKSPACES):
        bare_window.workspaces.switch(workspace.name)
        QApplication.processEvents()
    assert bars() == before


def test_docks_at_the_side_keep_their_share_of_the_window(bare_window: MainWindow) -> None:
    bare_window.workspaces.switch("map")
    QApplication.processEvents()
    before = bare_window.dock("map").width() / bare_window.width()
    bare_window.resize(1800, 1000)
    QApplication.processEvents()
    assert bare_window.dock("map").width() / bare_window.width() == pytest.approx(before, abs=0.02)
    assert before == pytest.approx(0.56, abs=0.02)


def test_the_usual_width_of_docks_returns_with_that_of_the_window(bare_window: MainWindow) -> None:
    before = bare_window.dock("latent").width()
    for width in (1024, 1280, 2600, 1280):
        bare_window.resize(width, 800)
        QApplication.processEvents()
    assert bare_window.dock("latent").width() == before


def test_docks_of_other_workspaces_keep_their_share_too(make: MakeWindow) -> None:
    window = make()
    for name in ("analyze", "explore"):
        window.workspaces.switch(name)
        QApplication.processEvents()
    window.resize(1900, 1000)
    QApplication.processEvents()
    window.workspaces.switch("analyze")
    QApplication.processEvents()
    assert window.dock("noise").width() / 1900 == pytest.approx(0.64, abs=0.02)
    window.workspaces.switch("explore")
    window.resize(1280, 800)
    window.close()
    again = make()
    again.workspaces.switch("analyze")
    QApplication.processEvents()
    assert again.dock("noise").width() / again.width() == pytest.approx(0.64, abs=0.02)


def test_a_small_window_hides_the_panels_and_keeps_stage_and_export(bare_window: MainWindow) -> None:
    bare_window.setMinimumSize(QSize(0, 0))
    bare_window.resize(960, 500)
    QApplication.processEvents()
    assert shown(bare_window) == set()
    assert bare_window.size() == QSize(960, 500)
    for part in (bare_window.stage, bare_window.status, bare_window.findChild(QToolButton, "tool_export")):
        assert part is not None
        assert part.isVisible()
        corner = part.mapTo(bare_window, part.rect().bottomRight())
        assert bare_window.rect().contains(corner)
    bare_window.resize(1280, 800)
    QApplication.processEvents()
    assert "latent" in shown(bare_window)


def test_a_workspace_opened_in_a_small_window_fits_and_is_whole_again_in_a_larger_one(bare_window: MainWindow) -> None:
    bare_window.setMinimumSize(QSize(0, 0))
    before = shown(bare_window)
    bare_window.resize(960, 500)
    QApplication.processEvents()
    for workspace in (*WORKSPACES[1:], WORKSPACES[0]):
        bare_window.workspaces.switch(workspace.name)
        QApplication.processEvents()
        assert shown(bare_window), workspace.name
        assert bare_window.minimumSizeHint().height() <= 500, f"{workspace.name} would lie over the status bar"
    bare_window.resize(1280, 800)
    QApplication.processEvents()
    assert shown(bare_window) == before


def test_the_window_can_be_as_small_as_promised_in_every_workspace(bare_window: MainWindow) -> None:
    for workspace in WORKSPACES:
        bare_window.workspaces.switch(workspace.name)
        bare_window.resize(SMALLEST)
        QApplication.processEvents()
        assert bare_window.size() == SMALLEST, workspace.name
        assert bare_window.stage.visibleRegion().boundingRect().width() >= 240
        least = bare_window.minimumSizeHint()
        assert least.height() <= SMALLEST.height(), f"{workspace.name} would lie over the status bar"


def test_the_stage_alone_and_back(bare_window: MainWindow) -> None:
    before = shown(bare_window)
    command = next(one for one in bare_window.registry.commands() if one.record.name == "action_stage_alone")
    command.run()
    assert shown(bare_window) == set()
    command.run()
    assert shown(bare_window) == before


def test_escape_leaves_the_stage_alone_then_full_screen(bare_window: MainWindow) -> None:
    before = shown(bare_window)
    full = next(one for one in bare_window.registry.commands() if one.record.name == "action_full_screen")
    full.run()
    QTest.keyClick(bare_window.stage.edited, Qt.Key.Key_F)
    assert shown(bare_window) == set()
    QTest.keyClick(bare_window.stage.edited, Qt.Key.Key_Escape)
    assert shown(bare_window) == before
    assert bare_window.isFullScreen()
    QTest.keyClick(bare_window.stage.edited, Qt.Key.Key_Escape)
    assert not bare_window.isFullScreen()


def test_a_workspace_ends_the_stage_alone(bare_window: MainWindow) -> None:
    command = next(one for one in bare_window.registry.commands() if one.record.name == "action_stage_alone")
    command.run()
    bare_window.workspaces.switch("map")
    assert "map" in shown(bare_window)
    assert bare_window.bars.tools.isVisible(), "no panels without tools"
    command.run()
    assert shown(bare_window) == set()


def test_a_panel_behind_a_tab_is_not_computed(driver: WindowDriver) -> None:
    driver.open()
    watched = driver.document.views.watched
    assert SAMPLES not in watched
    places = {
        bar.tabText(place): (bar, bar.tabRect(place).center())
        for bar in driver.window.findChildren(QTabBar)
        for place in range(bar.count())
    }
    bar, point = places["Samples"]
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=point)
    driver.until(lambda: SAMPLES in driver.document.views.watched)
    bar, point = places["Latent code"]
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=point)
    driver.until(lambda: SAMPLES not in driver.document.views.watched)


def test_the_mini_map_shows_the_code_and_opens_the_map(driver: WindowDriver) -> None:
    driver.open()
    mini = driver.window.findChildren(CodePanel)[0].mini_map
    QApplication.processEvents()
    assert mini.height() >= 150, "there is room for it at 1280×800"
    model = driver.document.model
    assert model is not None
    statistics = model.sample.statistics
    driver.document.set_code((statistics.mean + statistics.sigma * (1, -2)).astype(np.float32))
    scale = min(mini.width(), mini.height()) / 6
    point = mini.point()
    assert point is not None
    assert point.x() == pytest.approx(mini.width() / 2 + scale, abs=0.1)
    assert point.y() == pytest.approx(mini.height() / 2 + 2 * scale, abs=0.1)
    QTest.mouseClick(mini, Qt.MouseButton.LeftButton)
    assert driver.window.dock("map").in_front
    driver.window.workspaces.switch("explore")
    QTest.keyClick(mini, Qt.Key.Key_Return)
    assert driver.window.dock("map").in_front


@pytest.mark.parametrize(("dims", "grows"), [(2, True), (49, False)])
def test_the_mini_map_takes_the_height_that_few_sliders_leave(driver: WindowDriver, dims: int, grows: bool) -> None:
    driver.window.resize(1920, 1080)
    driver.open(make_model(latent_dim=dims))
    driver.settle_layout()
    latent, mini_map = driver.window.latent, driver.window.panels.panel(CodePanel).mini_map
    assert (mini_map.height() > 300) is grows
    assert latent.sliders.viewport().height() >= min(dims, 8) * ROW_HEIGHT
    driver.window.resize(1280, 800)
    driver.settle_layout()
    assert mini_map.height() >= 150
    assert latent.sliders.viewport().height() >= 2 * ROW_HEIGHT


def test_the_timeline_is_a_strip_until_it_has_keyframes(driver: WindowDriver) -> None:
    driver.open()
    timeline = driver.window.timeline
    assert timeline.height() <= 28
    driver.document.timeline.add()
    QApplication.processEvents()
    assert timeline.height() > 150
    click(driver.window, "timeline_expand")
    QApplication.processEvents()
    assert timeline.height() <= 28
    driver.document.undo()
    driver.window.workspaces.switch("animate")
    QApplication.processEvents()
    assert timeline.height() > 150
    driver.window.workspaces.switch("explore")
    QApplication.processEvents()
    assert timeline.height() <= 28


def test_an_empty_timeline_closes_unless_the_user_opened_it(driver: WindowDriver) -> None:
    driver.open()
    timeline, document = driver.window.timeline, driver.document

    def height() -> int:
        QApplication.processEvents()
        return timeline.height()

    document.timeline.add()
    assert height() > 150
    document.undo()
    assert height() <= 28, "the last keyframe is gone"
    document.redo()
    assert height() > 150
    driver.window.workspaces.switch("map")
    assert height() > 150, "it has a keyframe"
    document.timeline.clear()
    assert height() <= 28
    driver.window.workspaces.switch("explore")
    assert height() <= 28
    click(driver.window, "timeline_expand")
    document.timeline.add()
    document.timeline.clear()
    assert height() > 150, "the user has opened it"
    driver.window.workspaces.switch("map")
    assert height() <= 28
    driver.window.workspaces.switch("explore")
    assert height() > 150


def test_the_gallery_is_a_filmstrip_and_a_grid_where_it_is_high(driver: WindowDriver) -> None:
    driver.open()
    view = driver.window.gallery.view
    first, second = (view.visualRect(view.model().index(row, 0)) for row in (0, 1))
    assert (first.y(), first.right() < second.left() + 1) == (second.y(), True)
    last = driver.window.gallery.model.rowCount() - 1
    view.scrollTo(view.model().index(last, 0))
    assert driver.window.gallery.visible_range()[1] == last
    driver.window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, driver.window.dock("gallery"))
    driver.until(lambda: driver.window.gallery.height() > 200)
    columns = view.viewport().width() // driver.window.gallery.model.cell
    below = view.visualRect(view.model().index(columns, 0))
    assert below.y() > view.visualRect(view.model().index(0, 0)).y()
    driver.window.workspaces.reset()
    driver.until(lambda: driver.window.gallery.height() < 90)


def test_the_pickers_show_what_is_open_and_open_others(driver: WindowDriver) -> None:
    driver.open()
    picker = driver.window.bars.model_picker
    model = driver.document.model
    assert model is not None
    assert picker.text().strip() == model.name
    assert picker.accessibleName() == f"Model: {model.name}"
    menu = picker.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    other = next(action for action in menu.actions() if action.text() == "glyphs-vae-2d")
    other.trigger()
    driver.until(lambda: driver.document.model is not None and driver.document.model.name == "glyphs-vae-2d")
    assert picker.text().strip() == "glyphs-vae-2d"


@pytest.mark.parametrize(
    ("size", "share"),
    [((1024, 640), 0.12), ((1280, 800), 0.12), ((1920, 1080), 0.20), ((3840, 2160), 0.20)],
    ids=["1024x640", "1280x800", "1920x1080", "3840x2160"],
)
def test_the_edited_image_covers_its_share_of_the_window(
    driver: WindowDriver, size: tuple[int, int], share: float
) -> None:
    driver.open()
    driver.window.resize(*size)
    QApplication.processEvents()
    magenta = QImage(28, 28, QImage.Format.Format_RGB888)
    magenta.fill(QColor(255, 0, 255))
    driver.window.stage.edited.show_image(magenta)
    pixels = array_of(driver.window.grab().toImage())
    assert (pixels == (255, 0, 255)).all(axis=2).mean() >= share


def test_few_controls_are_visible_at_the_first_start(driver: WindowDriver) -> None:
    driver.window.center.show_start_page()
    QApplication.processEvents()
    assert len(controls(driver.window)) <= 25
    driver.window.center.leave_start_page()
    driver.open()
    assert len(controls(driver.window)) <= 25
