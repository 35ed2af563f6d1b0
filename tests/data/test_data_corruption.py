from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from explorer.data.corruption import (
    CORRUPTIONS,
    NOISE_PRESETS,
    Corruption,
    Noise,
    corrupt,
    current_kinds,
    format_noise,
    noise_rng,
    parse_noise,
)
from explorer.data.preprocessing import Channels, to_floats, to_pixels
from explorer.errors import UsageError
from explorer.types import Floats

images = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
)
seeds = st.integers(0, 2**32)
kinds = st.sampled_from(sorted(CORRUPTIONS))


def strengths(kind: str) -> st.SearchStrategy[float]:
    return st.floats(0, min(CORRUPTIONS[kind].limit, 10))


noises = kinds.flatmap(
    lambda kind: st.builds(
        Noise,
        st.just(kind),
        strengths(kind),
        st.floats(-2, 2) if CORRUPTIONS[kind].takes_mean else st.just(0.0),
        st.none() | seeds,
    )
)
RANDOM = sorted(name for name, kind in CORRUPTIONS.items() if kind.random)
GRAY = np.full((40, 50, 50, 1), 0.5, np.float32)


@pytest.mark.numeric
@given(images, kinds)
def test_strength_zero_changes_no_bit(clean: Floats, kind: str) -> None:
    result = corrupt(clean, [Noise(kind, 0.0)])
    assert result is not clean
    assert result.tobytes() == clean.tobytes()


@given(images, st.lists(noises, max_size=3))
def test_range_shape_and_input_are_kept(clean: Floats, several: list[Noise]) -> None:
    before = clean.copy()
    result = corrupt(clean, several)
    assert result.shape == clean.shape
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    assert not np.shares_memory(result, clean)
    assert result.min() >= 0
    assert result.max() <= 1
    np.testing.assert_array_equal(clean, before)


@given(images, noises, seeds)
def test_the_same_seed_gives_the_same_noise(clean: Floats, noise: Noise, seed: int) -> None:
    noise = Noise(noise.kind, noise.strength, noise.mean, seed)
    np.testing.assert_array_equal(corrupt(clean, [noise]), corrupt(clean, [noise]))


@pytest.mark.numeric
@given(noises, seeds, st.integers(0, 12))
def test_how_a_set_is_cut_into_batches_does_not_matter(noise: Noise, seed: int, cut: int) -> None:
    clean = np.random.default_rng(4).random((12, 7, 9, 3), dtype=np.float32)
    whole, parts = np.random.default_rng(seed), np.random.default_rng(seed)
    pieces = [corrupt(clean[:cut], [noise], parts), corrupt(clean[cut:], [noise], parts)]
    # Products of matrices round otherwise where the batch has another size.
    np.testing.assert_allclose(
        corrupt(clean, [noise], whole), np.concatenate(pieces), atol=0 if noise.kind in RANDOM else 1e-6
    )


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
def test_another_seed_gives_another_noise_where_a_kind_is_random(kind: str) -> None:
    clean = np.random.default_rng(4).random((2, 20, 20, 3), dtype=np.float32)
    first, second = (corrupt(clean, [Noise(kind, CORRUPTIONS[kind].default, seed=seed)]) for seed in (1, 2))
    assert (first != clean).any()
    assert (first != second).any() == CORRUPTIONS[kind].random


@given(seeds)
def test_two_noises_of_one_seed_are_two_noises(seed: int) -> None:
    # One pattern added twice would have a deviation of 0.1 · 2, two patterns 0.1 · √2.
    twice = corrupt(GRAY, [Noise("gaussian", 0.1, seed=seed)] * 2)
    assert twice.std() == pytest.approx(0.1 * math.sqrt(2), rel=0.05)


def test_another_seed_or_none_gives_another_noise() -> None:
    first = corrupt(GRAY, [Noise("gaussian", 0.1, seed=1)])
    assert (first != corrupt(GRAY, [Noise("gaussian", 0.1, seed=2)])).any()
    assert (corrupt(GRAY, [Noise("gaussian", 0.1)]) != corrupt(GRAY, [Noise("gaussian", 0.1)])).any()


@pytest.mark.parametrize(("strength", "mean"), [(0.05, 0.0), (0.1, 0.1), (0.08, -0.12), (0.0, 0.25)])
def test_gaussian_has_the_mean_and_the_deviation_that_are_stated(strength: float, mean: float) -> None:
    # Strengths that the clipping at 0 and 1 does not reach (more than three deviations away).
    difference = corrupt(GRAY, [Noise("gaussian", strength, mean, seed=3)]).astype(np.float64) - 0.5
    assert difference.mean() == pytest.approx(mean, abs=2e-3)
    assert difference.std() == pytest.approx(strength, abs=2e-3)


@given(st.floats(0.01, 1), seeds)
def test_salt_and_pepper_hit_the_share_of_pixels_that_is_stated(strength: float, seed: int) -> None:
    result = corrupt(np.full((40, 50, 50, 3), 0.5, np.float32), [Noise("salt_pepper", strength, seed=seed)])
    assert (result == result[..., :1]).all(), "all channels of a pixel together"
    values = result[..., 0]
    assert set(np.unique(values)) <= {0, 0.5, 1}
    for value in (0, 1):  # 100,000 pixels: six deviations of a share are less than 0.01
        assert (values == value).mean() == pytest.approx(strength / 2, abs=0.01)


@given(st.floats(0, 1), st.integers(1, 30), st.integers(1, 30), seeds)
def test_occlusion_is_one_rectangle_of_the_stated_area(strength: float, height: int, width: int, seed: int) -> None:
    hidden = corrupt(np.ones((6, height, width, 1), np.float32), [Noise("occlusion", strength, seed=seed)])[..., 0] == 0
    for mask in hidden:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == len(rows) * len(columns)
        assert len(rows) == (np.ptp(rows) + 1 if len(rows) else 0)
        assert len(columns) == (np.ptp(columns) + 1 if len(columns) else 0)
        # Whole columns of the rectangle's height are what it can miss by.
        assert abs(mask.sum() - strength * height * width) <= max(len(rows), height)


def test_occlusion_is_everywhere_and_of_the_stated_share_on_average() -> None:
    hidden = corrupt(np.ones((20_000, 9, 13, 1), np.float32), [Noise("occlusion", 0.15, seed=1)])[..., 0] == 0
    assert hidden.mean() == pytest.approx(0.15, abs=0.002)
    assert hidden.any(axis=0).all()
    shapes = {(mask.any(axis=1).sum(), mask.any(axis=0).sum()) for mask in hidden[:500]}
    assert len(shapes) > 5, "of many proportions"


@pytest.mark.numeric
@given(images, st.floats(0.01, 20))
def test_blur_is_scipys_gaussian_filter_and_keeps_the_mean(clean: Floats, sigma: float) -> None:
    result = corrupt(clean, [Noise("blur", sigma)])
    expected = ndimage.gaussian_filter(clean.astype(np.float64), (0, sigma, sigma, 0), mode="reflect", truncate=4)
    np.testing.assert_allclose(result, expected, atol=2e-6)
    np.testing.assert_allclose(result.mean(axis=(1, 2)), clean.mean(axis=(1, 2)), atol=2e-6)


@pytest.mark.numeric
@given(images, st.floats(0, 1))
def test_downsampling_is_pillows_bicubic_resize_there_and_back(clean: Floats, strength: float) -> None:
    result = corrupt(clean, [Noise("downsample", strength)])
    height, width = clean.shape[1:3]
    small = max(1, round(width * (1 - strength))), max(1, round(height * (1 - strength)))
    plane = Image.fromarray(clean[0, ..., 0])
    expected = plane.resize(small, Image.Resampling.BICUBIC).resize((width, height), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(result[0, ..., 0], np.asarray(expected).clip(0, 1), atol=2e-6)


@pytest.mark.numeric
@given(images)
def test_downsampled_to_one_pixel_nothing_but_its_level_is_left(clean: Floats) -> None:
    result = corrupt(clean, [Noise("downsample", 1.0)])
    np.testing.assert_allclose(result, np.broadcast_to(result[:, :1, :1], result.shape), atol=2e-6)


@given(images, st.floats(0, 1))
def test_gray_takes_that_share_of_the_saturation(clean: Floats, strength: float) -> None:
    result = corrupt(clean, [Noise("gray", strength)])
    spread = np.ptp(clean, axis=3)
    np.testing.assert_allclose(np.ptp(result, axis=3), spread * (1 - strength), atol=1e-6)
    wholly = corrupt(clean, [Noise("gray", 1.0)])
    if clean.shape[3] == 1:
        np.testing.assert_array_equal(wholly, clean)
    else:
        np.testing.assert_allclose(result @ [0.299, 0.587, 0.114], clean @ [0.299, 0.587, 0.114], atol=1e-6)


def test_wholly_gray_is_what_the_recipe_for_gray_images_makes() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 11, 5, 3), dtype=np.uint8)
    gray = to_pixels(corrupt(to_floats(pixels), [Noise("gray", 1.0)])).astype(int)
    assert np.abs(gray - Channels(count=1).on_array(pixels)).max() <= 1  # the recipe rounds in fixed point


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
def test_more_strength_is_more_corruption(kind: str) -> None:
    # Smooth images, as photographs are.
    rough = np.random.default_rng(2).random((8, 24, 31, 3))
    smooth = ndimage.gaussian_filter(rough, (0, 1, 1, 0))
    clean = ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)
    steps = np.linspace(0, CORRUPTIONS[kind].largest, 5)
    errors = [((corrupt(clean, [Noise(kind, float(step), seed=3)]) - clean) ** 2).mean() for step in steps]
    assert errors[0] == 0
    assert all(before < after for before, after in itertools.pairwise(errors))


@pytest.mark.parametrize("kind", CORRUPTIONS.values(), ids=lambda kind: kind.name)
def test_the_registry_says_what_a_control_needs(kind: Corruption) -> None:
    assert CORRUPTIONS[kind.name] is kind
    assert 0 < kind.default <= kind.largest <= kind.limit
    assert kind.title
    assert kind.scale
    assert str(kind.about).endswith(".")


def test_presets_are_noises_of_the_registry() -> None:
    assert len({preset.name for preset in NOISE_PRESETS}) == len(NOISE_PRESETS)
    for preset in NOISE_PRESETS:
        assert parse_noise(format_noise(preset.noises)) == preset.noises
    named = {preset.name: format_noise(preset.noises) for preset in NOISE_PRESETS}
    assert named["reference_faces"] == "gaussian:0.1"
    assert named["reference_digits"] == "gaussian:0.5@0.5"


def test_the_references_noise_is_clipped_normal_noise() -> None:
    clean = np.zeros((40, 50, 50, 1), np.float32)
    result = corrupt(clean, [Noise("gaussian", 0.5, 0.5, seed=1)])
    # N(0.5, 0.5²) lies below 0 as often as above 1: beyond one deviation, 15.87 %.
    assert (result == 0).mean() == pytest.approx(0.1587, abs=0.005)
    assert (result == 1).mean() == pytest.approx(0.1587, abs=0.005)


def test_a_generator_goes_on_and_wins_over_seeds() -> None:
    noise = [Noise("gaussian", 0.1, seed=1)]
    rng = np.random.default_rng(9)
    first, second = corrupt(GRAY, noise, rng), corrupt(GRAY, noise, rng)
    assert (first != second).any()
    np.testing.assert_array_equal(first, corrupt(GRAY, noise, np.random.default_rng(9)))


def test_noise_rng_takes_the_noises_seeds_or_the_fallback() -> None:
    seeded = parse_noise("gaussian:0.1:7")
    assert noise_rng(seeded, 1).random() == noise_rng(seeded, 2).random()
    free = parse_noise("gaussian:0.1")
    assert noise_rng(free, 1).random() == noise_rng(free, 1).random() != noise_rng(free, 2).random()


def test_several_are_applied_in_order() -> None:
    brighter_then_darker = corrupt(GRAY, parse_noise("gaussian:0@0.75+gaussian:0@-0.75"))
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
        ("salt_pepper:1:3 + blur:2.5+gray:1", (Noise("salt_pepper", 1, seed=3), Noise("blur", 2.5), Noise("gray", 1))),
    ],
)
def test_the_grammar_of_the_command_line(text: str, expected: tuple[Noise, ...]) -> None:
    assert parse_noise(text) == expected


@pytest.mark.parametrize("text", ["grey:0.5", "gaussian:0.1:7 + GREY : 0.5", "gaussian:0.1:7+gray:0.5"])
def test_the_old_name_of_gray_is_read_and_not_written(text: str) -> None:
    assert parse_noise(text)[-1] == Noise("gray", 0.5)
    assert current_kinds(text).lower() == text.lower().replace("grey", "gray")
    assert "grey" not in format_noise(parse_noise(text))


@pytest.mark.parametrize(
    "text",
    [
        *("gaussian", "gaussian:", "gaussian:x", "gaussian:-1", "gaussian:nan", "gaussian:0.1:-1", "gaussian:0.1:1.5"),
        *("gaussian:0.1+", "snow:0.1", "gaussian:0.1@", "gaussian:0.1:1:2", ":0.3", "blur:1@0.5", "gaussian:0.1@1e999"),
    ],
)
def test_what_is_no_noise_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_noise(text)


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        *((f"{kind}:1.5", "must be from 0 to 1, not") for kind in ("salt_pepper", "occlusion", "downsample", "gray")),
        ("blur:101", "blur must be from 0 to 100, not 101"),
        ("gaussian:1e999", "gaussian must be 0 or more, not inf"),
    ],
)
def test_a_strength_off_the_scale_is_reported_the_scale(text: str, range_: str) -> None:
    with pytest.raises(UsageError, match=range_):
        parse_noise(text)


@pytest.mark.parametrize("noise", [Noise("snow", 1.0), Noise("gaussian", -0.1), Noise("gaussian", float("nan"))])
def test_corrupt_checks_too(noise: Noise) -> None:
    with pytest.raises(UsageError):
        corrupt(GRAY, [noise])


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
@pytest.mark.parametrize("channels", [2, 4, 16])
def test_every_noise_takes_many_channels(kind: str, channels: int) -> None:
    clean = np.random.default_rng(1).random((3, 12, 10, channels), dtype=np.float32)
    noisy = corrupt(clean, [Noise(kind, CORRUPTIONS[kind].default, seed=2)])
    assert noisy.shape == clean.shape
    assert (noisy != clean).any()
    if kind == "gray":
        np.testing.assert_allclose(noisy, np.broadcast_to(clean.mean(axis=3, keepdims=True), clean.shape), atol=1e-6)
