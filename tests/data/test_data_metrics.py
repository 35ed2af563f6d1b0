from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from explorer.data.metrics import (
    Figures,
    bce,
    bce_per_image,
    by_channel,
    mse,
    mse_per_image,
    psnr,
    psnr_per_image,
    ssim,
    ssim_per_image,
)
from explorer.errors import DataError
from explorer.types import Floats


def pair(seed: int, shape: tuple[int, ...], noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = rng.random(shape, dtype=np.float32)
    output = reference + np.float32(noise) * rng.standard_normal(shape, dtype=np.float32)
    return reference, output


shapes = st.tuples(st.integers(1, 4), st.integers(7, 40), st.integers(7, 40), st.sampled_from([1, 3]))


@given(st.integers(0, 1000), shapes, st.floats(0, 0.5))
def test_ssim_is_that_of_scikit_image(seed: int, shape: tuple[int, ...], noise: float) -> None:
    reference, output = pair(seed, shape, noise)
    expected = [
        structural_similarity(a.astype(np.float64), b.astype(np.float64), data_range=1, channel_axis=-1)
        for a, b in zip(reference, output, strict=True)
    ]
    np.testing.assert_allclose(ssim_per_image(reference, output), expected, atol=1e-6)
    assert ssim(reference, output) == pytest.approx(np.mean(expected), abs=1e-6)


@given(st.integers(0, 1000), shapes)
def test_psnr_is_that_of_scikit_image_on_clipped_output(seed: int, shape: tuple[int, ...]) -> None:
    reference, output = pair(seed, shape)
    expected = [
        peak_signal_noise_ratio(a.astype(np.float64), np.clip(b.astype(np.float64), 0, 1), data_range=1)
        for a, b in zip(reference, output, strict=True)
    ]
    np.testing.assert_allclose(psnr_per_image(reference, output), expected, atol=1e-6)
    assert psnr(reference, output) == pytest.approx(np.mean(expected), abs=1e-6)


@given(st.integers(1, 6), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(0, 100))
def test_ssim_of_small_images_takes_the_largest_odd_window(height: int, width: int, channels: int, seed: int) -> None:
    reference, output = pair(seed, (2, height, width, channels))
    side = min(height, width, 7)
    window = side if side % 2 else side - 1
    if window < 3:  # scikit-image has no window of one pixel without a warning
        assert np.isfinite(ssim_per_image(reference, output)).all()
        return
    expected = structural_similarity(
        reference[0].astype(np.float64), output[0].astype(np.float64), data_range=1, win_size=window, channel_axis=-1
    )
    assert ssim_per_image(reference, output)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 301, 413, 3), (1, 7, 640, 1), (1, 511, 9, 3)])
def test_large_and_oblong_images_agree_too(shape: tuple[int, ...]) -> None:
    reference, output = pair(5, shape, noise=1e-4)  # near equal: what the running sums must not lose
    a, b = reference[0].astype(np.float64), output[0].astype(np.float64)
    expected = structural_similarity(a, b, data_range=1, channel_axis=-1)
    assert ssim(reference, output) == pytest.approx(expected, abs=1e-6)
    assert psnr(reference, output) == pytest.approx(peak_signal_noise_ratio(a, b.clip(0, 1), data_range=1), abs=1e-6)


def test_equal_images() -> None:
    reference, _ = pair(0, (3, 9, 9, 1))
    assert mse(reference, reference) == 0
    assert psnr(reference, reference) == np.inf
    assert ssim(reference, reference) == pytest.approx(1)


def test_mse_counts_what_lies_outside_the_range_and_psnr_does_not() -> None:
    reference = np.ones((1, 8, 8, 1), np.float32)
    assert mse(reference, reference * 3) == 4
    assert psnr(reference, reference * 3) == np.inf


def test_bce_is_the_mean_in_nats_and_clipped() -> None:
    reference = np.array([0, 1, 1, 0.5], np.float32).reshape(1, 2, 2, 1)
    output = np.array([0.25, 0.5, -3, 0.5], np.float32).reshape(1, 2, 2, 1)
    expected = (-np.log(0.75) - np.log(0.5) - np.log(1e-7) - np.log(0.5)) / 4
    assert bce(reference, output) == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(bce(reference, np.zeros_like(reference)))


@pytest.mark.parametrize(
    ("whole", "single"), [(mse, mse_per_image), (bce, bce_per_image), (psnr, psnr_per_image), (ssim, ssim_per_image)]
)
def test_the_whole_is_the_mean_of_the_images_in_any_batch(
    whole: Callable[[Floats, Floats], float], single: Callable[[Floats, Floats], Figures]
) -> None:
    # More values than one internal batch holds.
    reference, output = pair(1, (700, 64, 64, 1))
    figures = single(reference, output)
    assert figures.shape == (700,)
    assert whole(reference, output) == pytest.approx(figures.mean())
    for index in (0, 511, 512, 699):
        assert single(reference[[index]], output[[index]])[0] == pytest.approx(figures[index], rel=1e-9)


@pytest.mark.parametrize("metric", [mse, bce, psnr, ssim])
def test_other_shapes_are_refused(metric: Callable[[Floats, Floats], float]) -> None:
    with pytest.raises(DataError, match="same shape"):
        metric(np.zeros((1, 8, 8, 1), np.float32), np.zeros((1, 8, 8, 3), np.float32))
    with pytest.raises(DataError, match="not empty"):
        metric(np.zeros((0, 8, 8, 1), np.float32), np.zeros((0, 8, 8, 1), np.float32))


@pytest.mark.parametrize("metric", [mse_per_image, psnr_per_image, ssim_per_image])
def test_by_channel_each_is_measured_alone(metric: Callable[[Floats, Floats], Figures]) -> None:
    rng = np.random.default_rng(0)
    clean = rng.random((3, 9, 8, 5), dtype=np.float32)
    made = clean + rng.normal(0, [0, 0.01, 0.1, 0.2, 0.5], clean.shape).astype(np.float32)
    found = by_channel(metric, clean, made)
    assert found.shape == (3, 5)
    for channel in range(5):
        alone = metric(np.ascontiguousarray(clean[..., [channel]]), np.ascontiguousarray(made[..., [channel]]))
        np.testing.assert_allclose(found[:, channel], alone)
    assert (np.diff(found.mean(axis=0)) * (1 if metric is mse_per_image else -1) > 0).all()
