"""Images side by side, or in columns of two where that makes them larger."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.layouts import tiles


@pytest.mark.parametrize(
    ("size", "gap", "count", "rows"),
    [
        ((900, 220), False, 4, 1),
        ((560, 560), False, 4, 2),
        ((560, 560), True, 5, 2),
        ((900, 220), True, 5, 1),
        ((300, 240), False, 4, 2),  # too narrow for a row
    ],
)
def test_images_are_as_large_as_one_row_or_two_allow(
    size: tuple[int, int], gap: bool, count: int, rows: int, qtbot: QtBot
) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    frames = [ImageFrame(str(number), "") for number in range(count)]
    first, *others = frames
    holder.setLayout(tiles(first, *([None] if gap else []), *others))
    holder.resize(*size)
    holder.show()
    tops = [frame.y() for frame in frames]
    assert len(set(tops)) == rows
    assert len({frame.size().toTuple() for frame in frames}) == 1
    assert tops[-1] == max(tops), "pairs are below each other"
    assert not any(one.geometry().intersects(other.geometry()) for one in frames for other in frames if one != other)
    assert all(holder.contentsRect().contains(frame.geometry()) for frame in frames)
    if gap and rows == 2:
        assert tops[0] == tops[1] == min(tops), "the place below the first is free"
