"""Even motion, the curves below the timeline, and the presets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.animation import Animation, AnimationCurve, AnimationSettings, Segment
from explorer.latent.animation_presets import (
    AnimationPreset,
    breathing,
    one_of_each,
    random_walk,
    reference_animation,
    strip,
)
from explorer.latent.curves import image_change
from explorer.latent.easing import EASINGS, easing_named
from explorer.latent.statistics import compute_statistics
from explorer.latent.timing import even_out, even_times


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 100)))
def test_the_change_grows_evenly(changes: NDArray[np.float64]) -> None:
    times = np.sort(np.random.default_rng(len(changes)).uniform(0, 5, len(changes) + 1))
    even = even_times(times, changes)
    assert even.shape == times.shape
    assert (even[0], even[-1]) == (times[0], times[-1])
    assert (np.diff(even) >= 0).all()
    if changes.sum() > 1e-3 and (changes > changes.sum() * 1e-3).all() and (np.diff(times) > 1e-6).all():
        growth = np.concatenate([[0], np.cumsum(changes)])
        np.testing.assert_allclose(
            np.interp(even, times, growth), np.linspace(0, growth[-1], len(times)), atol=1e-6 * growth[-1]
        )


def test_where_nothing_changes_nothing_is_timed_again() -> None:
    times = np.array([0, 0.1, 0.9, 1])
    np.testing.assert_array_equal(even_times(times, np.zeros(3)), times)


@pytest.mark.parametrize("changes", [[1, 2], [1, -1, 1], [1, np.nan, 1]])
def test_changes_that_are_none_are_refused(changes: list[float]) -> None:
    with pytest.raises(UsageError):
        even_times(np.arange(4.0), np.array(changes))


@pytest.mark.parametrize("closed", [False, True])
def test_an_evened_animation_moves_evenly(closed: bool) -> None:
    """Keys at uneven distances, eased: every frame is a different jump, until the motion is evened out."""
    keys = np.array([[0, 0], [1, 0], [9, 3], [9, 4]], np.float32)
    count = 4 if closed else 3
    animation = Animation((Segment(30, "linear", "ease"),) * count, 5, 25, "repeat", closed)

    def moves(animation: Animation) -> NDArray[np.float64]:
        codes = AnimationCurve(keys, animation).at(animation.pass_positions())
        path = np.concatenate([codes, codes[:1]]) if animation.closed else codes
        return np.asarray(np.linalg.norm(np.diff(path, axis=0), axis=1), np.float64)

    before = moves(animation)
    evened = animation
    for _ in range(6):
        evened = even_out(evened, moves(evened))
    after = moves(evened)
    assert evened.frames == animation.frames
    assert before.max() > 20 * before.mean() / 10
    # A corner is cut between two frames, so that one jump may be shorter.
    assert after.std() < 0.12 * after.mean()
    assert before.std() > 0.5 * before.mean()
    assert Animation.from_dict(evened.to_dict()) == evened


@pytest.mark.parametrize("name", list(EASINGS))
@given(times=arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1)))
def test_easings_keep_order_and_range(name: str, times: NDArray[np.float64]) -> None:
    ordered = np.sort(times)
    progress = easing_named(name)(ordered)
    assert (np.diff(progress) >= -1e-12).all()
    assert progress.min() >= 0
    assert progress.max() <= 1
    np.testing.assert_array_equal(easing_named(name)(np.array([0.0, 1.0])), [0, 1])


def test_image_change() -> None:
    frames = np.zeros((4, 5, 6, 3), np.uint8)
    frames[2] = 255
    frames[3, :, :3] = 255
    expected = [0, 1, np.sqrt(0.5)]
    np.testing.assert_allclose(image_change(frames), expected, rtol=1e-6)
    np.testing.assert_allclose(image_change(iter(frames.astype(np.float32) / 255)), expected, rtol=1e-6)
    assert image_change(frames[:1]).shape == (0,)
    with pytest.raises(UsageError):
        image_change([])


# -- presets -----------------------------------------------------------------------------------------------------------

CODES = np.random.default_rng(4).normal([1, 0, 5], [2, 1, 0.1], (300, 3)).astype(np.float32)
STATS = compute_statistics(CODES)


def test_the_references_animation() -> None:
    keys, animation = reference_animation(CODES[0], CODES[1])
    assert (animation.frames, animation.fps) == (216, 50)
    assert animation.seconds == pytest.approx(4.32)
    np.testing.assert_array_equal(keys, CODES[:2])


def test_a_strip_has_eighteen_images_with_its_ends() -> None:
    keys, animation = strip(CODES[0], CODES[1])
    codes = AnimationCurve(keys, animation).at(animation.positions())
    assert codes.shape == (18, 3)
    np.testing.assert_array_equal(codes[[0, -1]], CODES[:2])


def test_one_of_each_class() -> None:
    labels = (CODES[:, 0] > 1).astype(np.int64) * 2 + 3
    labels[:5] = -1
    keys, animation = one_of_each(CODES, labels)
    assert len(keys) == animation.key_count == 2
    assert keys[0, 0] < 1 < keys[1, 0]
    assert all((CODES[5:] == key).all(axis=1).any() for key in keys)
    with pytest.raises(UsageError, match="fewer than two labeled classes"):
        one_of_each(CODES, np.zeros(300, np.int64))


def test_a_random_walk_is_repeatable_and_looks_like_the_data() -> None:
    keys, animation = random_walk(STATS, seed=3, count=400)
    np.testing.assert_array_equal(keys, random_walk(STATS, seed=3, count=400).keys)
    assert not np.array_equal(keys, random_walk(STATS, seed=4, count=400).keys)
    np.testing.assert_allclose(keys.std(axis=0), STATS.sigma, rtol=0.3)
    assert animation.closed
    near = np.linalg.norm(np.diff(keys, axis=0), axis=1).mean()
    assert near < 0.9 * np.linalg.norm(keys[:200] - keys[200:], axis=1).mean()


def test_breathing_moves_one_dimension() -> None:
    keys, animation = breathing(CODES[0], STATS, 1, sigmas=1.5)
    codes = AnimationCurve(keys, animation).at(animation.positions())
    np.testing.assert_array_equal(codes[:, [0, 2]], np.tile(CODES[0, [0, 2]], (len(codes), 1)))
    assert np.ptp(codes[:, 1]) == pytest.approx(3 * STATS.sigma[1], rel=1e-4)
    assert np.abs(np.diff(codes[:, 1])).max() == pytest.approx(np.abs(np.diff(codes[:, 1]))[24], rel=0.05)
    assert AnimationSettings().animation(2).frames == 216


def test_presets_that_cannot_be_meant() -> None:
    calls: tuple[Callable[[], AnimationPreset], ...] = (
        lambda: strip(CODES[0], CODES[1], -1),
        lambda: random_walk(STATS, 0, 1),
        lambda: random_walk(STATS, 0, 8, 0.0),
        lambda: breathing(CODES[0], STATS, 3),
        lambda: breathing(CODES[0], STATS, 0, 0.0),
    )
    for call in calls:
        with pytest.raises(UsageError):
            call()
