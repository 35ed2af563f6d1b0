from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.data.corruption import KINDS, Noise, corrupt, format_noise, noise_rng, parse_noise
from explorer.errors import UsageError

images = st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3])).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
)
noises = st.builds(
    Noise,
    st.sampled_from(sorted(KINDS)),
    st.floats(0, 10),
    st.just(0.0),
    st.none() | st.integers(0, 2**32),
).flatmap(
    lambda noise: (
        st.builds(lambda mean: Noise(noise.kind, noise.strength, mean, noise.seed), st.floats(-2, 2))
        if KINDS[noise.kind].takes_mean
        else st.just(noise)
    )
)
GREY = np.full((40, 50, 50, 1), 0.5, np.float32)


@given(images, st.sampled_from(sorted(KINDS)))
def test_strength_zero_changes_no_bit(clean: np.ndarray, kind: str) -> None:
    result = corrupt(clean, [Noise(kind, 0.0)])
    assert result is not clean
    assert result.tobytes() == clean.tobytes()


@given(images, st.lists(noises, max_size=3))
def test_range_shape_and_input_are_kept(clean: np.ndarray, several: list[Noise]) -> None:
    before = clean.copy()
    result = corrupt(clean, several)
    assert result.shape == clean.shape
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1
    np.testing.assert_array_equal(clean, before)


@given(images, st.integers(0, 2**32), st.sampled_from(sorted(KINDS)))
def test_the_same_seed_gives_the_same_noise(clean: np.ndarray, seed: int, kind: str) -> None:
    noise = Noise(kind, 0.4, seed=seed)
    np.testing.assert_array_equal(corrupt(clean, [noise]), corrupt(clean, [noise]))


def test_another_seed_or_none_gives_another_noise() -> None:
    first = corrupt(GREY, [Noise("gaussian", 0.1, seed=1)])
    assert (first != corrupt(GREY, [Noise("gaussian", 0.1, seed=2)])).any()
    assert (corrupt(GREY, [Noise("gaussian", 0.1)]) != corrupt(GREY, [Noise("gaussian", 0.1)])).any()


@pytest.mark.parametrize(("strength", "mean"), [(0.05, 0.0), (0.1, 0.1), (0.08, -0.12), (0.0, 0.25)])
def test_gaussian_has_the_mean_and_the_deviation_that_are_stated(strength: float, mean: float) -> None:
    # Strengths that the clipping at 0 and 1 does not reach (more than three deviations away).
    difference = corrupt(GREY, [Noise("gaussian", strength, mean, seed=3)]).astype(np.float64) - 0.5
    assert difference.mean() == pytest.approx(mean, abs=2e-3)
    assert difference.std() == pytest.approx(strength, abs=2e-3)


def test_a_generator_goes_on_and_wins_over_seeds() -> None:
    noise = [Noise("gaussian", 0.1, seed=1)]
    rng = np.random.default_rng(9)
    first, second = corrupt(GREY, noise, rng), corrupt(GREY, noise, rng)
    assert (first != second).any()
    np.testing.assert_array_equal(first, corrupt(GREY, noise, np.random.default_rng(9)))


def test_noise_rng_takes_the_noises_seeds_or_the_fallback() -> None:
    seeded = parse_noise("gaussian:0.1:7")
    assert noise_rng(seeded, 1).random() == noise_rng(seeded, 2).random()
    free = parse_noise("gaussian:0.1")
    assert noise_rng(free, 1).random() == noise_rng(free, 1).random() != noise_rng(free, 2).random()


def test_several_are_applied_in_order() -> None:
    brighter_then_darker = corrupt(GREY, parse_noise("gaussian:0@0.75+gaussian:0@-0.75"))
    np.testing.assert_allclose(brighter_then_darker, 0.25)  # clipped at 1 in between


@given(st.lists(noises, max_size=4))
def test_format_and_parse_are_inverse(several: list[Noise]) -> None:
    assert parse_noise(format_noise(several)) == tuple(several)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("gaussian:0.3", (Noise("gaussian", 0.3),)),
        ("gaussian:.5@0.5", (Noise("gaussian", 0.5, 0.5),)),
        (" Gaussian : 1e+0 @ -0.5 : 7 ", (Noise("gaussian", 1.0, -0.5, 7),)),
        ("gaussian:0.1:0+gaussian:0.2", (Noise("gaussian", 0.1, seed=0), Noise("gaussian", 0.2))),
    ],
)
def test_the_grammar_of_the_command_line(text: str, expected: tuple[Noise, ...]) -> None:
    assert parse_noise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("gaussian", "gaussian:", "gaussian:x", "gaussian:-1", "gaussian:nan", "gaussian:0.1:-1", "gaussian:0.1:1.5"),
        *("gaussian:0.1+", "snow:0.1", "gaussian:0.1@", "gaussian:0.1:1:2", ":0.3"),
    ],
)
def test_what_is_no_noise_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_noise(text)


@pytest.mark.parametrize("noise", [Noise("snow", 1.0), Noise("gaussian", -0.1), Noise("gaussian", float("nan"))])
def test_corrupt_checks_too(noise: Noise) -> None:
    with pytest.raises(UsageError):
        corrupt(GREY, [noise])
