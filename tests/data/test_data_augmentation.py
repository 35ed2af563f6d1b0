from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import augment
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.data import augmentation
from explorer.data.augmentation import Augmented, Strengths, augmenting, changed
from explorer.data.preprocessing import Preprocessing, as_depth
from explorer.data.sources import open_source
from explorer.errors import DataError
from explorer.messages import message
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


@settings(max_examples=40)
@given(st.integers(1, 33), st.integers(1, 33), st.sampled_from([1, 3]), st.integers(1, 5), st.integers(1, 40))
def test_any_size_in_gray_or_color(height: int, width: int, channels: int, originals: int, count: int) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (originals, height, width, channels), dtype=np.uint8)
    before = pixels.copy()
    result = augment(pixels, count, 3)
    assert result.pixels.shape == (count, height, width, channels)
    np.testing.assert_array_equal(pixels, before)
    # The number of an image decides, and not how many there are or which lie beside it.
    last = np.array([count - 1])
    wanted = changed(pixels[last % originals], last, 3) if count > originals else pixels[last]
    np.testing.assert_array_equal(result.pixels[-1:], wanted)


@pytest.mark.numeric
def test_more_of_them_begin_with_the_same(letters: Pixels) -> None:
    np.testing.assert_array_equal(augment(letters, 900, 5).pixels[:300], augment(letters, 300, 5).pixels)


def test_channels_are_changed_alike(letters: Pixels) -> None:
    color = np.repeat(letters, 3, axis=3)
    gray = augment(letters, 120, 5).pixels
    np.testing.assert_array_equal(augment(color, 120, 5).pixels, np.repeat(gray, 3, axis=3))


def test_many_lie_in_a_file_that_nobody_sees(
    letters: Pixels, monkeypatch: pytest.MonkeyPatch, explorer_home: Path
) -> None:
    wanted = augment(letters, 300, 5).pixels
    monkeypatch.setattr(augmentation, "IN_MEMORY", 100_000)
    result = augment(letters, 300, 5).pixels
    assert isinstance(result, np.memmap)
    np.testing.assert_array_equal(result, wanted)
    assert [file for file in explorer_home.rglob("*") if file.is_file()] == []


def test_more_than_the_disk_holds_is_refused(letters: Pixels) -> None:
    with pytest.raises(DataError, match=r"10,000,000,000 images of 64×64×1: 40960\.0 GB.*--augment"):
        augment(letters, 10_000_000_000, 0)


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


def test_rotation_keeps_the_area_of_an_image_that_is_not_square() -> None:
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


def test_progress_rises_to_the_end_and_the_images_come_last(letters: Pixels) -> None:
    *heard, result = augmenting(letters, 1_000, 0)
    assert isinstance(result, Augmented)
    done = [progress.done for progress in heard if isinstance(progress, Progress)]
    assert len(done) == len(heard)
    assert done == sorted(done)
    assert heard[-1] == Progress(1_000, 1_000, message("Augmenting"))
    np.testing.assert_array_equal(result.pixels, augment(letters, 1_000, 0).pixels)


def test_nothing_to_change_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 1"):
        augment(np.zeros((0, 8, 8, 1), np.uint8), 5, 0)
    with pytest.raises(DataError, match="at least 1"):
        augment(np.zeros((1, 8, 8, 1), np.uint8), 0, 0)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_images_of_many_channels_are_changed_like_shallow_ones(letters: Pixels, dtype: type[np.generic]) -> None:
    shallow = letters[:20]
    deep = np.repeat(as_depth(shallow, dtype), 4, axis=3)
    numbers = np.arange(100, 120, dtype=np.int64)

    found = changed(deep, numbers, seed=3)

    assert found.dtype == dtype
    assert found.shape == deep.shape
    for channel in range(4):
        back = as_depth(found[..., [channel]], np.uint8).astype(int)
        assert np.abs(back - changed(shallow, numbers, seed=3)).max() <= 1
    assert len(np.unique(found)) > 256, "more than 8 bits are kept between the pixels"
    result = augment(deep, 25, 0)
    assert result.pixels.dtype == dtype
    np.testing.assert_array_equal(result.pixels[:20], deep)
