"""The evaluation against its definitions, written out in numpy (and scikit-image for SSIM)."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_source
from explorer_testing.codec import LOG_VARIANCE, MatrixCodec
from skimage.metrics import structural_similarity

from explorer.data.corruption import Noise, corrupt, noise_rng
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.models.evaluation import BATCH, SAMPLING_SEED, Evaluation, evaluate
from explorer.types import Progress

SHAPE = (9, 11, 1)
COUNT = BATCH + 37
"""More than one batch, the last one not whole."""


def run(codec: MatrixCodec, indices: object, noises: tuple[Noise, ...] = ()) -> tuple[Evaluation, list[Progress]]:
    source = make_source(COUNT, SHAPE)
    items = list(evaluate(codec, source, np.asarray(indices), Preprocessing.standard(SHAPE), noises))
    result = items.pop()
    assert isinstance(result, Evaluation)
    return result, [item for item in items if isinstance(item, Progress)]


def images(indices: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return to_floats(make_source(COUNT, SHAPE).read(np.asarray(indices), Preprocessing.standard(SHAPE)))


def test_figures_are_those_of_their_definitions() -> None:
    codec, indices = MatrixCodec(SHAPE, 20), np.arange(COUNT)
    result, progress = run(codec, indices)
    clean = images(indices).astype(np.float64)
    output = codec.decode(codec.encode(images(indices))).astype(np.float64)
    assert output.max() > 1  # clipping makes a difference
    clipped, open_interval = output.clip(0, 1), output.clip(1e-7, 1 - 1e-7)
    squared = ((clean - output) ** 2).mean(axis=(1, 2, 3))
    entropy = -(clean * np.log(open_interval) + (1 - clean) * np.log(1 - open_interval))
    psnr = -10 * np.log10(((clean - clipped) ** 2).mean(axis=(1, 2, 3)))
    ssim = [structural_similarity(a[..., 0], b[..., 0], data_range=1.0) for a, b in zip(clean, output, strict=True)]
    assert result.count == COUNT
    assert result.mse == pytest.approx(squared.mean(), rel=1e-6)
    assert result.bce == pytest.approx(entropy.mean(), rel=1e-5)
    assert result.psnr == pytest.approx(psnr.mean(), rel=1e-6)
    assert result.ssim == pytest.approx(np.mean(ssim), rel=1e-4)
    assert (result.kl, result.loss, result.active_dims, result.kl_per_dim) == (None, None, None, None)
    assert set(result.metrics()) == {"mse", "bce", "psnr", "ssim"}
    assert [(item.done, item.total) for item in progress] == [(BATCH, COUNT), (COUNT, COUNT)]


def test_only_the_images_asked_for_count() -> None:
    codec, indices = MatrixCodec(SHAPE, 3), np.array([5, 2, 400])
    result, _ = run(codec, indices)
    clean = images(indices)
    assert result.count == 3
    assert result.mse == pytest.approx(((clean - codec.decode(codec.encode(clean))) ** 2).mean(), rel=1e-5)


def test_a_variational_model_is_scored_at_its_mean_and_its_loss_with_sampled_codes() -> None:
    codec, indices = MatrixCodec(SHAPE, 4, variational=True), np.arange(COUNT)
    result, _ = run(codec, indices)
    plain, _ = run(MatrixCodec(SHAPE, 4), indices)
    assert (result.mse, result.bce, result.psnr, result.ssim) == (plain.mse, plain.bce, plain.psnr, plain.ssim)
    mean = codec.encode(images(indices)).astype(np.float64)
    kl = 0.5 * (mean**2 + np.exp(LOG_VARIANCE) - 1 - LOG_VARIANCE).mean(axis=0)
    assert result.kl_per_dim == pytest.approx(list(kl), rel=1e-4)
    assert result.kl == pytest.approx(kl.sum(), rel=1e-4)
    assert result.active_dims == (mean.var(axis=0) > 0.01).sum()
    rng = np.random.default_rng(SAMPLING_SEED)
    parts = [rng.standard_normal(mean[at : at + BATCH].shape, dtype=np.float32) for at in range(0, COUNT, BATCH)]
    sampled = mean + np.exp(LOG_VARIANCE / 2) * np.concatenate(parts)
    output = codec.decode(sampled.astype(np.float32)).astype(np.float64).clip(1e-7, 1 - 1e-7)
    clean = images(indices).astype(np.float64)
    summed = -(clean * np.log(output) + (1 - clean) * np.log(1 - output)).sum(axis=(1, 2, 3))
    assert result.loss == pytest.approx(summed.mean() + kl.sum(), rel=1e-4)
    assert set(result.metrics()) == {"mse", "bce", "psnr", "ssim", "kl", "loss"}


def test_noise_goes_in_and_the_clean_image_is_what_counts() -> None:
    codec, indices, noises = MatrixCodec(SHAPE, 20), np.arange(40), (Noise("gaussian", 0.4, seed=3),)
    result, _ = run(codec, indices, noises)
    clean = images(indices)
    noisy = corrupt(clean, noises, noise_rng(noises, SAMPLING_SEED))
    assert result.mse == pytest.approx(((clean - codec.decode(codec.encode(noisy))) ** 2).mean(), rel=1e-5)
    assert run(codec, indices, noises)[0] == result
    assert result.mse > run(codec, indices)[0].mse
