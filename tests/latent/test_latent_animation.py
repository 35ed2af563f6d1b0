from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.latent.animation import (
    LOOPS,
    Animation,
    AnimationCurve,
    AnimationSettings,
    Segment,
    animation_codes,
)
from explorer.latent.easing import EASINGS, easing_named
from explorer.latent.neighbor_graph import NeighborGraph
from explorer.latent.paths import PATHS

DATA = NeighborGraph(np.random.default_rng(8).normal(0, 4, size=(60, 3)).astype(np.float32))

animations = st.builds(
    AnimationSettings,
    steps=st.integers(2, 30),
    hold=st.integers(0, 9),
    loop=st.sampled_from(LOOPS),
    path=st.sampled_from(list(PATHS)),
    easing=st.sampled_from(list(EASINGS)),
)


def keys_of_seed(k: int, dim: int = 3, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 4, size=(k, dim)).astype(np.float32)


def test_the_references_animation() -> None:
    keys = keys_of_seed(2, 2)
    codes = animation_codes(keys, AnimationSettings())
    assert codes.shape == (216, 2)
    assert len(codes) / AnimationSettings().fps == pytest.approx(4.32)
    np.testing.assert_array_equal(codes[:19], np.tile(keys[0], (19, 1)))
    np.testing.assert_array_equal(codes[107:127], np.tile(keys[1], (20, 1)))
    np.testing.assert_array_equal(codes[126:], codes[18:108][::-1])
    # Even steps: the middle of the segment lies between the 45th and the 46th of its 90 frames.
    np.testing.assert_allclose((codes[18 + 44] + codes[18 + 45]) / 2, keys.mean(0), rtol=1e-5)


def test_the_references_gif_has_ten_frames_a_second_of_the_same_animation() -> None:
    animation = AnimationSettings().animation(2)
    positions = animation.positions_at(10)
    assert len(positions) == 43
    np.testing.assert_allclose(positions, animation.positions()[::5][:43])


@given(animations, st.integers(1, 5), st.floats(1, 200))
def test_at_another_speed_an_animation_shows_the_same_at_the_same_time(
    settings: AnimationSettings, k: int, fps: float
) -> None:
    animation = settings.animation(k)
    curve = AnimationCurve(keys_of_seed(k), animation, DATA)
    np.testing.assert_array_equal(animation.positions_at(animation.fps), animation.positions())
    twice = animation.positions_at(2 * animation.fps)
    assert len(twice) == 2 * animation.frames
    np.testing.assert_allclose(curve.at(twice[::2]), curve.at(animation.positions()), atol=1e-4)
    positions = animation.positions_at(fps)
    assert len(positions) == max(1, round(animation.frames * fps / animation.fps))
    # Between two frames of the animation nothing is shown that does not lie between them.
    end = float(len(animation.segments))
    known = animation.positions()
    for number, position in enumerate(positions):
        at = min(int(number * animation.fps / fps + 1e-9), animation.frames - 1)
        first = known[at]
        second = known[at + 1] if at + 1 < animation.frames else known[0] if animation.loop == "pingpong" else first
        if animation.closed:
            first, second = (end if at >= animation.hold + animation.pass_frames else first), max(second, first)
            second = end if at + 1 >= animation.hold + animation.pass_frames else second
        assert min(first, second) - 1e-9 <= position <= max(first, second) + 1e-9


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_another_speed_must_be_one(fps: float) -> None:
    with pytest.raises(UsageError):
        AnimationSettings().animation(2).positions_at(fps)


@given(animations, st.integers(1, 5))
def test_number_of_frames(settings: AnimationSettings, k: int) -> None:
    closed = settings.path == "spline" and settings.loop == "repeat" and k > 1
    once = k * (settings.steps - 1) if closed else (k - 1) * (settings.steps - 1) + 1
    expected = once + 2 * settings.hold
    if settings.loop == "pingpong":
        expected += once if settings.hold else max(once - 2, 0)
    keys = keys_of_seed(k)
    assert animation_codes(keys, settings, DATA).shape == (expected, 3)
    animation = settings.animation(k)
    assert animation.positions().shape == (expected,)
    assert animation.frames == expected
    assert animation.closed == closed
    assert animation.seconds == pytest.approx(expected / settings.fps)


@given(animations, st.integers(1, 5))
def test_every_key_is_hit_exactly(settings: AnimationSettings, k: int) -> None:
    keys = keys_of_seed(k)
    codes = animation_codes(keys, settings, DATA)
    assert codes.dtype == np.float32
    for number in range(k):
        np.testing.assert_array_equal(codes[settings.hold + number * (settings.steps - 1)], keys[number])
    np.testing.assert_array_equal(codes[settings.animation(k).key_frames()], keys)
    np.testing.assert_array_equal(codes[: settings.hold + 1], np.tile(keys[0], (settings.hold + 1, 1)))
    if settings.animation(k).closed:
        np.testing.assert_array_equal(codes[len(codes) - settings.hold :], np.tile(keys[0], (settings.hold, 1)))
    elif settings.loop != "pingpong":
        np.testing.assert_array_equal(codes[-settings.hold - 1 :], np.tile(keys[-1], (settings.hold + 1, 1)))


@given(animations, st.integers(1, 4))
def test_a_timeline_that_scrubs_shows_the_animations_frames(settings: AnimationSettings, k: int) -> None:
    keys = keys_of_seed(k)
    animation = settings.animation(k)
    times = animation.positions()
    assert times.dtype == np.float64
    assert times.min() >= 0
    assert times.max() <= len(animation.segments)
    curve = AnimationCurve(keys, animation, DATA)
    for frame, code in enumerate(animation_codes(keys, settings, DATA)):
        np.testing.assert_array_equal(curve.at([times[frame]])[0], code)


def test_pingpong_without_hold_doubles_neither_end() -> None:
    times = AnimationSettings(steps=4, hold=0).animation(2).positions()
    np.testing.assert_allclose(times, [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])


def test_positions_outside_are_the_nearer_end() -> None:
    keys = keys_of_seed(3)
    curve = AnimationCurve(keys, Animation((Segment(), Segment())))
    np.testing.assert_array_equal(curve.at([-1, 7]), keys[[0, 2]])
    np.testing.assert_allclose(curve.at([1.25])[0], 0.75 * keys[1] + 0.25 * keys[2], rtol=1e-5)
    with pytest.raises(UsageError):
        curve.at([float("nan")])


@pytest.mark.parametrize("name", list(EASINGS))
def test_easings_rise_from_0_to_1(name: str) -> None:
    progress = easing_named(name)(np.linspace(0, 1, 1001))
    assert progress[0] == 0
    assert progress[-1] == 1
    assert (np.diff(progress) >= 0).all()


def test_easings_are_slow_where_their_name_says() -> None:
    t = np.array([0.1, 0.9])
    assert easing_named("linear")(t) == pytest.approx(t)
    start, end = easing_named("ease")(t)
    assert start < t[0]
    assert end > t[1]
    assert (easing_named("ease_in")(t) < t).all()
    assert (easing_named("ease_out")(t) > t).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 1}, "at least 2 frames"),
        ({"hold": -1}, "held for -1 frames"),
        ({"fps": 0}, "frame rate of 0"),
        ({"fps": float("inf")}, "frame rate of inf"),
        ({"loop": "round"}, "none, repeat, pingpong"),
        ({"path": "crooked"}, "linear"),
        ({"easing": "bounce"}, "ease_in, ease_out"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        AnimationSettings(**wrong)


def test_each_segment_goes_its_own_way() -> None:
    keys = keys_of_seed(4)
    animation = Animation((Segment(5), Segment(9, "slerp", "ease"), Segment(3, "spline")), hold=2, loop="none")
    codes = AnimationCurve(keys, animation).at(animation.positions())
    assert len(codes) == animation.frames == 4 + 8 + 2 + 1 + 4
    assert animation.key_frames().tolist() == [0, 6, 14, 16]
    np.testing.assert_array_equal(codes[[0, 6, 14, 16]], keys)
    np.testing.assert_allclose(codes[3], 0.75 * keys[0] + 0.25 * keys[1], rtol=1e-5)
    slerp = Animation((Segment(9, "slerp", "ease"),))
    np.testing.assert_array_equal(codes[10], AnimationCurve(keys[1:3], slerp).at([0.5])[0])
    assert not np.allclose(codes[15], (keys[2] + keys[3]) / 2, atol=1e-3)


animation_plans = st.builds(
    lambda segments, hold, fps, loop: Animation(tuple(segments), hold, fps, loop),
    st.lists(
        st.builds(Segment, st.integers(2, 40), st.sampled_from(list(PATHS)), st.sampled_from(list(EASINGS))), max_size=5
    ),
    st.integers(0, 9),
    st.floats(0.1, 100),
    st.sampled_from(LOOPS),
)


@given(animation_plans)
def test_an_animation_is_plain_values(animation: Animation) -> None:
    assert Animation.from_dict(json.loads(json.dumps(animation.to_dict()))) == animation
    assert animation.positions().shape == (animation.frames,)


@pytest.mark.parametrize(
    "values",
    [{}, {"segments": 3}, {"segments": [{"speed": 1}]}, {"segments": [], "hold": -1}, {"segments": [], "times": ["x"]}],
)
def test_values_that_make_no_animation_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Animation.from_dict(values)


def test_animations_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(UsageError, match="closed"):
        Animation((Segment(), Segment()), loop="pingpong", closed=True)
    with pytest.raises(UsageError, match="3 increasing values"):
        Animation((Segment(3),), times=(0.0, 0.7, 0.9))
    with pytest.raises(UsageError, match=r"2 keyframes, .* need 3"):
        AnimationCurve(keys_of_seed(2), Animation((Segment(), Segment())))


def test_an_animation_needs_a_key() -> None:
    with pytest.raises(UsageError):
        animation_codes(np.zeros((0, 2), dtype=np.float32), AnimationSettings())
    with pytest.raises(UsageError, match="no keyframes"):
        AnimationSettings().animation(0).positions()
