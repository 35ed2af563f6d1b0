"""Ranking by reconstruction error, and the line between usual and unusual."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_sample, make_source
from explorer_testing.codec import MatrixCodec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.data.metrics import mse_per_image
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import ArraySource, Facts, Source
from explorer.data.splits import random_splits
from explorer.errors import UsageError
from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import open_bundle
from explorer.models.codes import CodeSample
from explorer.models.outliers import Outliers, ThresholdRule, rank_by_error, write_outliers
from explorer.paths import pretrained_dir, resources_dir
from explorer.types import Codec, Indices, Progress

pytestmark = pytest.mark.numeric

SHAPE = (12, 10, 1)
COUNT = 300
CODEC = MatrixCodec(SHAPE, 20)
errors_ = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1))


def rank(
    codec: Codec,
    source: Source,
    indices: Indices,
    reference: CodeSample | None = None,
    rule: ThresholdRule | None = None,
) -> Outliers:
    *progress, result = rank_by_error(
        codec, source, indices, Preprocessing.standard(codec.image_shape), reference, rule
    )
    assert isinstance(result, Outliers)
    assert progress
    last = progress[-1]
    assert isinstance(last, Progress)
    assert last.done == last.total == len(indices)
    return result


def test_errors_are_those_of_the_reconstructions_and_the_worst_comes_first() -> None:
    source, indices = make_source(COUNT, SHAPE), np.arange(COUNT)[::-1].copy()
    result = rank(CODEC, source, indices)
    images = to_floats(source.read(indices, Preprocessing.standard(SHAPE)))
    np.testing.assert_allclose(result.errors, mse_per_image(images, CODEC.decode(CODEC.encode(images))), rtol=1e-5)
    assert (np.diff(result.errors[result.order]) <= 0).all()
    np.testing.assert_array_equal(result.ranked, indices[result.order])
    assert len(result.above) == (result.errors > result.threshold).sum() == 3  # above the 0.99 quantile of 300
    assert set(result.above) == set(result.ranked[:3])


def test_the_line_is_drawn_in_the_models_own_images() -> None:
    sample, source = make_sample(CODEC, 50), make_source(COUNT, SHAPE)
    result = rank(CODEC, source, np.arange(COUNT), sample, ThresholdRule("quantile", 0.5))
    images = to_floats(sample.thumbnails)
    expected = mse_per_image(images, CODEC.decode(CODEC.encode(images)))
    np.testing.assert_allclose(result.reference, expected, rtol=1e-5)
    assert (result.reference <= result.threshold).sum() == 25


@given(errors_, errors_)
def test_the_histogram_counts_every_image_once(errors: np.ndarray, reference: np.ndarray) -> None:
    result = Outliers(np.arange(len(errors)), errors, reference, 0.5)
    assert result.counts.sum() == len(errors)
    assert result.reference_counts.sum() == len(reference)
    assert len(result.edges) == len(result.counts) + 1
    assert result.edges[0] <= min(errors.min(), reference.min())
    assert result.edges[-1] >= max(errors.max(), reference.max())


@given(errors_, st.floats(0, 1))
def test_the_quantile_leaves_its_share_below(errors: np.ndarray, share: float) -> None:
    threshold = ThresholdRule("quantile", share).of(errors)
    assert (errors <= threshold).mean() >= share - 1e-9
    assert threshold in errors


def test_median_deviations_are_standard_deviations_of_normal_errors() -> None:
    errors = np.random.default_rng(0).normal(5, 0.5, 200_000)
    assert ThresholdRule("mad", 3).of(errors) == pytest.approx(6.5, abs=0.02)
    errors[:20_000] = 1e6  # a tenth that is far off moves it little
    assert ThresholdRule("mad", 3).of(errors) < 7


@pytest.mark.parametrize(
    ("rule", "amount"), [("quantile", 1.1), ("quantile", -0.1), ("mad", -1), ("mad", np.nan), ("?", 0)]
)
def test_a_rule_off_its_scale_is_refused(rule: str, amount: float) -> None:
    with pytest.raises(UsageError, match="quantile"):
        ThresholdRule(rule, amount)  # type: ignore[arg-type]


def test_another_line_is_drawn_without_measuring_again() -> None:
    result = rank(CODEC, make_source(COUNT, SHAPE), np.arange(COUNT))
    moved = replace(result, threshold=0.0)
    assert len(moved.above) == COUNT
    np.testing.assert_array_equal(moved.order, result.order)


def test_nothing_to_rank_is_refused() -> None:
    with pytest.raises(UsageError):
        next(rank_by_error(CODEC, make_source(4, SHAPE), np.zeros(0, np.int64), Preprocessing.standard(SHAPE)))


def test_the_table_has_the_worst_image_first(tmp_path: Path) -> None:
    source, indices = make_source(COUNT, SHAPE), np.arange(10, 30)
    result = rank(CODEC, source, indices, rule=ThresholdRule("quantile", 0.75))
    write_outliers(tmp_path / "outliers.csv", result, source)
    with (tmp_path / "outliers.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [int(row["index"]) for row in table] == list(result.ranked)
    assert [int(row["rank"]) for row in table] == list(range(1, 21))
    assert [row["label"] for row in table] == [str(index % 10) for index in result.ranked]
    assert [float(row["mse"]) for row in table] == list(result.errors[result.order])
    assert [row["above_threshold"] for row in table] == ["1"] * 5 + ["0"] * 15


def bars(count: int) -> ArraySource:
    """Images such as no digit is: stripes of half brightness, each shifted otherwise."""
    rows, columns = np.indices((28, 28))
    images = np.stack([((rows + columns * (1 + n % 3) + n) % 8 < 4) * 128 for n in range(count)])
    return ArraySource(Facts("bars", "Bars", "bars"), images.astype(np.uint8)[..., None], random_splits(count))


def test_what_is_no_digit_is_off_the_scale_of_a_digit_model() -> None:
    bundle = open_bundle(pretrained_dir() / "digits-deep-49")
    codec = OnnxCodec(bundle)
    with np.load(resources_dir() / "data" / "digits.npz") as arrays:
        images = arrays["images"][:300]
    digits = ArraySource(Facts("digits", "Digits", "digits"), images, random_splits(300))
    usual, strange = (rank(codec, source, np.arange(100), bundle.sample) for source in (digits, bars(100)))
    assert len(usual.above) <= 5
    assert len(strange.above) == 100
    assert np.median(strange.errors) > 5 * usual.threshold


def test_clothing_is_off_the_scale_of_a_digit_model(shared_data: Path) -> None:
    from explorer.data.sources.idx import read_idx

    images = read_idx(shared_data / "fashion-mnist" / "t10k-images-idx3-ubyte.gz")[:500, ..., None].astype(np.uint8)
    bundle = open_bundle(pretrained_dir() / "digits-deep-49")
    clothing = ArraySource(Facts("clothing", "Clothing", "clothing"), images, random_splits(500))
    result = rank(OnnxCodec(bundle), clothing, np.arange(500), bundle.sample)
    assert len(result.above) > 0.98 * 500
