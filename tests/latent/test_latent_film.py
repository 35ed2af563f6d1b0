from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.latent.easing import EASINGS, easing_named
from explorer.latent.film import LOOPS, Film, FilmCurve, FilmSettings, Segment, code_at, film_codes, film_times
from explorer.latent.neighbour_graph import NeighbourGraph
from explorer.latent.paths import PATHS

DATA = NeighbourGraph(np.random.default_rng(8).normal(0, 4, size=(60, 3)).astype(np.float32))

films = st.builds(
    FilmSettings,
    steps=st.integers(2, 30),
    hold=st.integers(0, 9),
    loop=st.sampled_from(LOOPS),
    path=st.sampled_from(list(PATHS)),
    easing=st.sampled_from(list(EASINGS)),
)


def keys_of_seed(k: int, dim: int = 3, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 4, size=(k, dim)).astype(np.float32)


def test_the_references_film() -> None:
    keys = keys_of_seed(2, 2)
    codes = film_codes(keys, FilmSettings())
    assert codes.shape == (216, 2)
    assert len(codes) / FilmSettings().fps == pytest.approx(4.32)
    np.testing.assert_array_equal(codes[:19], np.tile(keys[0], (19, 1)))
    np.testing.assert_array_equal(codes[107:127], np.tile(keys[1], (20, 1)))
    np.testing.assert_array_equal(codes[126:], codes[18:108][::-1])
    # Even steps: the middle of the segment lies between the 45th and the 46th of its 90 frames.
    np.testing.assert_allclose((codes[18 + 44] + codes[18 + 45]) / 2, keys.mean(0), rtol=1e-5)


def test_the_references_gif_has_ten_frames_a_second_of_the_same_film() -> None:
    film = FilmSettings().film(2)
    positions = film.positions_at(10)
    assert len(positions) == 43
    np.testing.assert_allclose(positions, film.positions()[::5][:43])


@given(films, st.integers(1, 5), st.floats(1, 200))
def test_at_another_speed_a_film_shows_the_same_at_the_same_time(settings: FilmSettings, k: int, fps: float) -> None:
    film = settings.film(k)
    curve = FilmCurve(keys_of_seed(k), film, DATA)
    np.testing.assert_array_equal(film.positions_at(film.fps), film.positions())
    twice = film.positions_at(2 * film.fps)
    assert len(twice) == 2 * film.frames
    np.testing.assert_allclose(curve.at(twice[::2]), curve.at(film.positions()), atol=1e-4)
    positions = film.positions_at(fps)
    assert len(positions) == max(1, round(film.frames * fps / film.fps))
    # Between two frames of the film nothing is shown that does not lie between them.
    end = float(len(film.segments))
    known = film.positions()
    for number, position in enumerate(positions):
        at = min(int(number * film.fps / fps + 1e-9), film.frames - 1)
        first = known[at]
        second = known[at + 1] if at + 1 < film.frames else known[0] if film.loop == "pingpong" else first
        if film.closed:
            first, second = (end if at >= film.hold + film.pass_frames else first), max(second, first)
            second = end if at + 1 >= film.hold + film.pass_frames else second
        assert min(first, second) - 1e-9 <= position <= max(first, second) + 1e-9


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_another_speed_must_be_one(fps: float) -> None:
    with pytest.raises(UsageError):
        FilmSettings().film(2).positions_at(fps)


@given(films, st.integers(1, 5))
def test_number_of_frames(settings: FilmSettings, k: int) -> None:
    closed = settings.path == "spline" and settings.loop == "repeat" and k > 1
    once = k * (settings.steps - 1) if closed else (k - 1) * (settings.steps - 1) + 1
    expected = once + 2 * settings.hold
    if settings.loop == "pingpong":
        expected += once if settings.hold else max(once - 2, 0)
    keys = keys_of_seed(k)
    assert film_codes(keys, settings, DATA).shape == (expected, 3)
    assert film_times(k, settings).shape == (expected,)
    film = settings.film(k)
    assert film.frames == expected
    assert film.closed == closed
    assert film.seconds == pytest.approx(expected / settings.fps)


@given(films, st.integers(1, 5))
def test_every_key_is_hit_exactly(settings: FilmSettings, k: int) -> None:
    keys = keys_of_seed(k)
    codes = film_codes(keys, settings, DATA)
    assert codes.dtype == np.float32
    for number in range(k):
        np.testing.assert_array_equal(codes[settings.hold + number * (settings.steps - 1)], keys[number])
    np.testing.assert_array_equal(codes[settings.film(k).key_frames()], keys)
    np.testing.assert_array_equal(codes[: settings.hold + 1], np.tile(keys[0], (settings.hold + 1, 1)))
    if settings.film(k).closed:
        np.testing.assert_array_equal(codes[len(codes) - settings.hold :], np.tile(keys[0], (settings.hold, 1)))
    elif settings.loop != "pingpong":
        np.testing.assert_array_equal(codes[-settings.hold - 1 :], np.tile(keys[-1], (settings.hold + 1, 1)))


@given(films, st.integers(1, 4))
def test_a_timeline_that_scrubs_shows_the_films_frames(settings: FilmSettings, k: int) -> None:
    keys = keys_of_seed(k)
    film = settings.film(k)
    times = film_times(k, settings)
    assert times.dtype == np.float64
    assert times.min() >= 0
    assert times.max() <= len(film.segments)
    curve = FilmCurve(keys, film, DATA)
    for frame, code in enumerate(film_codes(keys, settings, DATA)):
        np.testing.assert_array_equal(curve.at([times[frame]])[0], code)
        if not film.closed:
            np.testing.assert_array_equal(code_at(keys, times[frame], settings.path, settings.easing, DATA), code)


def test_pingpong_without_hold_doubles_neither_end() -> None:
    times = film_times(2, FilmSettings(steps=4, hold=0))
    np.testing.assert_allclose(times, [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])


def test_positions_outside_are_the_nearer_end() -> None:
    keys = keys_of_seed(3)
    np.testing.assert_array_equal(code_at(keys, -1), keys[0])
    np.testing.assert_array_equal(code_at(keys, 7), keys[2])
    np.testing.assert_allclose(code_at(keys, 1.25), 0.75 * keys[1] + 0.25 * keys[2], rtol=1e-5)
    with pytest.raises(UsageError):
        code_at(keys, float("nan"))


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
        FilmSettings(**wrong)


def test_each_segment_goes_its_own_way() -> None:
    keys = keys_of_seed(4)
    film = Film((Segment(5), Segment(9, "slerp", "ease"), Segment(3, "spline")), hold=2, loop="none")
    codes = FilmCurve(keys, film).at(film.positions())
    assert len(codes) == film.frames == 4 + 8 + 2 + 1 + 4
    assert film.key_frames().tolist() == [0, 6, 14, 16]
    np.testing.assert_array_equal(codes[[0, 6, 14, 16]], keys)
    np.testing.assert_allclose(codes[3], 0.75 * keys[0] + 0.25 * keys[1], rtol=1e-5)
    np.testing.assert_array_equal(codes[10], code_at(keys, 1.5, "slerp"))
    assert not np.allclose(codes[15], (keys[2] + keys[3]) / 2, atol=1e-3)


film_plans = st.builds(
    lambda segments, hold, fps, loop: Film(tuple(segments), hold, fps, loop),
    st.lists(
        st.builds(Segment, st.integers(2, 40), st.sampled_from(list(PATHS)), st.sampled_from(list(EASINGS))), max_size=5
    ),
    st.integers(0, 9),
    st.floats(0.1, 100),
    st.sampled_from(LOOPS),
)


@given(film_plans)
def test_a_film_is_plain_values(film: Film) -> None:
    assert Film.from_dict(json.loads(json.dumps(film.to_dict()))) == film
    assert film.positions().shape == (film.frames,)


@pytest.mark.parametrize(
    "values",
    [{}, {"segments": 3}, {"segments": [{"speed": 1}]}, {"segments": [], "hold": -1}, {"segments": [], "times": ["x"]}],
)
def test_values_that_make_no_film_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Film.from_dict(values)


def test_films_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(UsageError, match="closed"):
        Film((Segment(), Segment()), loop="pingpong", closed=True)
    with pytest.raises(UsageError, match="3 increasing values"):
        Film((Segment(3),), times=(0.0, 0.7, 0.9))
    with pytest.raises(UsageError, match=r"2 keyframes, .* need 3"):
        FilmCurve(keys_of_seed(2), Film((Segment(), Segment())))


def test_a_film_needs_a_key() -> None:
    with pytest.raises(UsageError):
        film_codes(np.zeros((0, 2), dtype=np.float32), FilmSettings())
    with pytest.raises(UsageError, match="no keyframes"):
        film_times(0, FilmSettings())
