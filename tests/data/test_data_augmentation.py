from __future__ import annotations

import numpy as np
import pytest

from explorer.data.augmentation import Strengths, augment
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.errors import DataError
from explorer.types import Pixels, Progress

STILL = Strengths(rotate=0, shear=0, zoom=(1, 1), shift=0, elastic=0)


@pytest.fixture(scope="module")
def letters() -> Pixels:
    return open_source("glyphs").read(range(0, 672, 12), Preprocessing.standard((64, 64, 1)))


def test_originals_come_first_and_copies_follow_in_turn(letters: Pixels) -> None:
    result = augment(letters, 300, 5)
    assert result.pixels.shape == (300, 64, 64, 1)
    np.testing.assert_array_equal(result.pixels[: len(letters)], letters)
    np.testing.assert_array_equal(result.indices, np.arange(300) % len(letters))


def test_the_seed_decides(letters: Pixels) -> None:
    first = augment(letters, 200, 5).pixels
    np.testing.assert_array_equal(first, augment(letters, 200, 5).pixels)
    assert (first != augment(letters, 200, 6).pixels).any()


def test_without_strength_nothing_changes(letters: Pixels) -> None:
    result = augment(letters, 200, 0, strengths=STILL)
    np.testing.assert_array_equal(result.pixels, letters[result.indices])


@pytest.mark.parametrize(
    "strengths",
    [
        Strengths(rotate=20, shear=0, zoom=(1, 1), shift=0, elastic=0),
        Strengths(rotate=0, shear=0.3, zoom=(1, 1), shift=0, elastic=0),
        Strengths(rotate=0, shear=0, zoom=(0.7, 0.8), shift=0, elastic=0),
        Strengths(rotate=0, shear=0, zoom=(1, 1), shift=0.1, elastic=0),
        Strengths(rotate=0, shear=0, zoom=(1, 1), shift=0, elastic=0.03),
    ],
    ids=["rotate", "shear", "zoom", "shift", "elastic"],
)
def test_each_change_acts(letters: Pixels, strengths: Strengths) -> None:
    result = augment(letters, 2 * len(letters), 0, strengths=strengths)
    changed = result.pixels[len(letters) :]
    assert (changed != letters).any(axis=(1, 2, 3)).mean() > 0.9


def test_letters_stay_what_they_are(letters: Pixels) -> None:
    # A changed letter keeps most of its ink, and stays nearer to its own original than to another in general.
    result = augment(letters, 6 * len(letters), 0)
    ink = result.pixels.mean(axis=(1, 2, 3), dtype=float)
    ratio = ink / ink[result.indices]
    assert ratio.min() > 0.5
    assert ratio.max() < 1.3
    assert np.median(ratio) == pytest.approx(0.87, abs=0.08)


def test_zoom_out_makes_smaller() -> None:
    square = np.zeros((1, 40, 40, 1), np.uint8)
    square[:, 10:30, 10:30] = 255
    half = Strengths(rotate=0, shear=0, zoom=(0.5, 0.5), shift=0, elastic=0)
    small = augment(square, 2, 0, strengths=half).pixels[1]
    assert small.mean() == pytest.approx(square.mean() / 4, rel=0.02)


def test_rotation_keeps_the_area_of_a_picture_that_is_not_square() -> None:
    bar = np.zeros((1, 60, 90, 1), np.uint8)
    bar[:, 25:35, 30:60] = 255
    turn = Strengths(rotate=30, shear=0, zoom=(1, 1), shift=0, elastic=0)
    turned = augment(bar, 20, 0, strengths=turn).pixels
    np.testing.assert_allclose(turned.mean(axis=(1, 2, 3)), bar.mean(), rtol=0.03)


def test_outside_comes_the_border_value() -> None:
    paper = np.full((1, 20, 30, 3), (250, 240, 230), np.uint8)
    paper[:, 8:12, 10:20] = 0
    result = augment(paper, 30, 0, strengths=Strengths(shift=0.2)).pixels
    np.testing.assert_array_equal(result[:, 0, 0], np.broadcast_to([250, 240, 230], (30, 3)))


def test_fewer_than_there_are(letters: Pixels) -> None:
    result = augment(letters, 3, 0)
    np.testing.assert_array_equal(result.pixels, letters[:3])


def test_progress_rises_to_the_end_and_can_stop_the_work(letters: Pixels) -> None:
    heard: list[Progress] = []
    augment(letters, 1_000, 0, progress=heard.append)
    assert [progress.done for progress in heard] == sorted(progress.done for progress in heard)
    assert heard[-1] == Progress(1_000, 1_000, "augmenting")

    def stop(_progress: Progress) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        augment(letters, 1_000, 0, progress=stop)


def test_nothing_to_change_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 1"):
        augment(np.zeros((0, 8, 8, 1), np.uint8), 5, 0)
    with pytest.raises(DataError, match="at least 1"):
        augment(np.zeros((1, 8, 8, 1), np.uint8), 0, 0)
