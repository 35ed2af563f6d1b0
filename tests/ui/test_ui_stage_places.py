"""Where the images of the stage are: the edited one as large as possible, the others beside or above it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect, QSize

from explorer.ui.widgets.stage_places import Captions, pair, places

CAPTIONS = Captions(21, lambda width: 21 + 15 * (2 if width > 140 else 3))


def image_size(place: QRect, aspect: float) -> tuple[float, float]:
    """Return width and height of the image in a place, above its caption."""
    height = min(place.height() - CAPTIONS.line, place.width() / aspect)
    return height * aspect, height


@pytest.mark.parametrize(
    ("room", "aspect", "column"),
    [
        ((876, 526), 1.0, True),
        ((696, 406), 1.0, True),
        ((500, 900), 1.0, False),
        ((900, 600), 4.0, False),
        ((900, 600), 0.25, True),
        ((1476, 816), 1.0, True),
        ((276, 206), 1.0, True),
    ],
)
def test_a_wide_stage_has_a_column_and_a_tall_one_a_row(room: tuple[int, int], aspect: float, column: bool) -> None:
    found = places(QSize(*room), aspect, 2, CAPTIONS)
    first, second = found.small
    assert (first.left() == second.left()) is column
    assert (found.hero.left() > first.right()) is column
    assert (found.hero.top() > first.bottom()) is not column


def test_the_small_ones_are_as_wide_as_fits_and_not_wider() -> None:
    found = places(QSize(876, 526), 1.0, 2, CAPTIONS)
    assert found.figures
    assert [place.width() for place in found.small] == [170, 170]
    narrow = places(QSize(600, 526), 1.0, 2, CAPTIONS)
    assert 84 <= narrow.small[0].width() < 170


@pytest.mark.parametrize("height", range(180, 420, 12))
def test_figures_are_shown_only_where_each_fits(height: int) -> None:
    found = places(QSize(700, height), 1.0, 2, Captions(21, CAPTIONS.height, narrowest=70))
    assert not found.figures or min(place.width() for place in found.small) >= 70


def test_the_other_arrangement_has_no_larger_image() -> None:
    wide, tall = QSize(900, 500), QSize(500, 900)
    for aspect in (0.25, 0.5, 1.0, 2.0, 4.0):
        for room in (wide, tall):
            hero = places(room, aspect, 2, CAPTIONS).hero
            side = min(image_size(hero, aspect))
            column = QRect(0, 0, room.width() - 96 - 14, room.height())
            row = QRect(0, 0, room.width(), room.height() - round(170 / max(1, aspect)) - 8 - 66)
            assert side >= min(image_size(column, aspect)) - 31, "as much as figures are worth"
            assert side >= min(image_size(row, aspect)) - 31


@given(st.integers(276, 3000), st.integers(190, 2000), st.floats(0.1, 10), st.integers(0, 3))
def test_nothing_overlaps_and_all_is_inside(width: int, height: int, aspect: float, small: int) -> None:
    room = QRect(0, 0, width, height)
    found = places(room.size(), aspect, small, CAPTIONS)
    everything = [found.hero, *found.small]
    assert len(found.small) in {0, small}
    for number, place in enumerate(everything):
        assert room.contains(place)
        assert not any(place.intersects(other) for other in everything[number + 1 :])


def test_two_images_are_of_the_same_size() -> None:
    for room, beside in ((QSize(900, 500), True), (QSize(400, 900), False)):
        first, second = pair(room, 1.0, CAPTIONS)
        assert first.size() == second.size()
        assert not first.intersects(second)
        assert (first.top() == second.top()) is beside
