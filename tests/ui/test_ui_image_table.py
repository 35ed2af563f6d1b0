"""Tables of images: they continue in further lines where that makes the images larger."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from explorer.ui.widgets.image_grid import ImageGrid
from explorer.ui.widgets.image_table import ImageTable


def made(table: ImageTable, qtbot: QtBot, size: tuple[int, int], rows: int, columns: int) -> ImageTable:
    qtbot.addWidget(table)
    table.show_pixels(np.zeros((rows, columns, 28, 28, 1), np.uint8))
    table.resize(*size)
    table.show()
    qtbot.waitExposed(table)
    return table


def cells(table: ImageTable) -> list[QRect]:
    return [table.cell(row, column) for row, line in enumerate(table.rows) for column in range(len(line))]


@pytest.mark.parametrize("size", [(313, 287), (313, 600), (200, 100), (900, 120)])
@pytest.mark.parametrize("wrap", ["images", "rows"])
def test_images_are_as_large_as_any_number_of_lines_allows(qtbot: QtBot, size: tuple[int, int], wrap: str) -> None:
    table = ImageTable(first_gap=0, whole=False, wrap="images" if wrap == "images" else "rows")
    made(table, qtbot, size, 2, 20)
    places = cells(table)
    side = places[0].width()
    assert all(table.rect().contains(place) for place in places)
    assert not any(first.intersects(other) for number, first in enumerate(places) for other in places[number + 1 :])
    for across in range(1, 41 if wrap == "images" else 21):
        lines = -(-40 // across) if wrap == "images" else 2 * -(-20 // across)
        assert side >= min((size[0] - 4) / across, (size[1] - 4) / lines) - 6, f"{across} a line"


def test_rows_of_a_table_stay_together_and_keep_their_titles(qtbot: QtBot) -> None:
    table = ImageTable(first_gap=0, whole=False, wrap="rows")
    table.set_labels([("Original", False), ("Reconstruction", False)])
    made(table, qtbot, (388, 406), 2, 8)
    assert table.cell(0, 4).top() > table.cell(1, 0).bottom(), "a second band"
    for column in range(8):
        above, below = table.cell(0, column), table.cell(1, column)
        assert above.left() == below.left()
        assert below.top() - above.bottom() > table.fontMetrics().height(), "room for the title"
    assert table.cell(0, 0).top() >= table.fontMetrics().height()


def test_arrow_keys_follow_what_is_seen(qtbot: QtBot) -> None:
    grid = ImageGrid()
    made(grid, qtbot, (313, 287), 5, 8)
    seen: list[tuple[int, int]] = []
    grid.chosen.connect(lambda row, column: seen.append((row, column)))
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        QTest.keyClick(grid, key)
        QTest.keyClick(grid, Qt.Key.Key_Return)
    places = [grid.cell(*place) for place in seen]
    first = grid.cell(0, 0)
    assert places[0].left() == first.left()
    assert places[0].top() > first.bottom()
    assert places[1].top() == places[0].top()
    assert places[1].left() > places[0].right()
    assert (places[2].top(), places[2].left()) == (first.top(), places[1].left())
    assert places[3] == first
    QTest.keyClick(grid, Qt.Key.Key_Down)
    for _ in range(60):
        QTest.keyClick(grid, Qt.Key.Key_Down)
        QTest.keyClick(grid, Qt.Key.Key_Right)
    QTest.keyClick(grid, Qt.Key.Key_Return)
    assert seen[-1] == (4, 7), "the last image ends an incomplete line"


def test_a_scrolling_table_is_high_enough_for_images_as_wide_as_their_columns(qtbot: QtBot) -> None:
    grid = ImageGrid(wrap="")
    grid.set_labels([(f"z{number}", False) for number in range(12)])
    made(grid, qtbot, (300, 400), 12, 9)
    grid.resize(300, grid.heightForWidth(300))
    assert abs(grid.cell(0, 0).width() - (300 - 40) // 9) <= 1
