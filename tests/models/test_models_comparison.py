"""Comparison: the figures are those of the evaluation, files and codes cost what they do, PCA is scikit-learn's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from explorer.data.metrics import psnr
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source
from explorer.engine.codecs import open_codec
from explorer.errors import UsageError
from explorer.models.bundle import open_bundle
from explorer.models.comparison import Comparison, bytes_at, compare, quantized
from explorer.models.evaluation import Evaluation, evaluate
from explorer.models.pca_codec import PcaCodec
from explorer.paths import pretrained_dir

RECIPE = Preprocessing.standard((28, 28, 1))


def test_a_shipped_model_beside_pca_of_the_same_size() -> None:
    source = open_source("digits")
    bundle = open_bundle(pretrained_dir() / "digits-deep-49")
    codec, indices = open_codec(bundle), source.splits.test[:300]
    *progress, row = compare("deep", codec, RECIPE, source, indices, parameters=5, size=7)
    assert progress
    assert isinstance(row, Comparison)
    expected = list(evaluate(codec, source, indices, RECIPE))[-1]
    assert isinstance(expected, Evaluation)
    for key in ("mse", "psnr", "ssim", "bce"):
        assert getattr(row, key) == pytest.approx(getattr(expected, key), rel=1e-4)
    assert (row.name, row.count, row.latent_dim, row.parameters, row.size) == ("deep", 300, 49, 5, 7)
    assert (row.half_bytes, row.eight_bytes) == (98, 49)
    assert abs(row.half_psnr - row.psnr) < 1.5, "other images, hardly another quality"
    assert 0 <= row.half_psnr - row.eight_psnr < 0.5
    assert row.jpeg_bytes > 5 * row.eight_bytes
    assert row.webp_bytes > row.eight_bytes
    assert row.milliseconds > 0
    pca = PcaCodec(to_floats(source.read(source.splits.train[:2000], RECIPE)), 49)
    other = list(compare("PCA", pca, RECIPE, source, indices))[-1]
    assert isinstance(other, Comparison)
    assert other.mse == pytest.approx(0.0117, rel=0.2), "as measured on MNIST for 49 components"
    assert row.mse < other.mse


def test_pca_is_scikit_learns() -> None:
    from sklearn.decomposition import PCA

    images = np.random.default_rng(0).uniform(0, 1, (60, 6, 5, 1)).astype(np.float32)
    codec = PcaCodec(images, 10)
    own = PCA(10, svd_solver="full").fit(images.reshape(60, -1))
    made = codec.decode(codec.encode(images)).reshape(60, -1)
    expected = own.inverse_transform(own.transform(images.reshape(60, -1)))
    assert np.square(made - images.reshape(60, -1)).mean() == pytest.approx(
        np.square(expected - images.reshape(60, -1)).mean(), rel=0.02
    )
    assert (codec.latent_dim, codec.image_shape, codec.parameters) == (10, (6, 5, 1), 10 * 30 + 30)
    assert codec.encode_distribution(images)[1] is None
    for size in (0, 31, 60):
        with pytest.raises(UsageError):
            PcaCodec(images, size)


def test_eight_bits_are_256_steps() -> None:
    codes = np.random.default_rng(1).standard_normal((1000, 3)).astype(np.float32)
    codes[:, 2] = 4
    made = quantized(codes)
    assert all(len(np.unique(column)) <= 256 for column in made.T)
    step = (codes.max(axis=0) - codes.min(axis=0)) / 255
    assert (np.abs(made - codes) <= step / 2 + 1e-6).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("channels", [1, 3])
def test_files_are_as_small_as_the_quality_allows(kind: str, channels: int) -> None:
    rows, columns = np.mgrid[:32, :32]
    base = 127 + 90 * np.sin(rows / 5) * np.cos(columns / 7)
    pixels = np.stack([np.repeat(base[..., None], channels, 2), np.repeat(255 - base[..., None], channels, 2)])
    pixels = pixels.astype(np.uint8)
    sizes = [bytes_at(pixels, kind, wanted) for wanted in (20.0, 30.0, 36.0)]
    assert sizes == sorted(sizes)
    file = io.BytesIO()
    Image.fromarray(pixels[0][:, :, 0] if channels == 1 else pixels[0]).save(file, kind, quality=95)
    assert sizes[-1] <= file.tell() + 1
    assert np.isnan(bytes_at(pixels, kind, 99.0))
    assert psnr(to_floats(pixels), to_floats(pixels)) == np.inf
