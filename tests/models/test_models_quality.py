"""The curve against the metrics at single strengths."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source
from explorer_testing.codec import IdentityCodec, MatrixCodec

from explorer.data.corruption import CORRUPTIONS, Noise, corrupt, noise_rng, parse_noise
from explorer.data.metrics import mse, psnr, ssim
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.errors import UsageError
from explorer.models.quality import QualityCurve, Scores, curve_strengths, quality_curve, write_curves
from explorer.types import Codec, Progress

pytestmark = pytest.mark.numeric

SHAPE = (9, 11, 3)
COUNT = 130
SOURCE = make_source(COUNT, SHAPE)
RECIPE = Preprocessing.standard(SHAPE)
INDICES = np.arange(COUNT)[::-1].copy()


def curve(codec: Codec, noises: str, strengths: list[float], varied: int = 0, label: str = "") -> QualityCurve:
    job = quality_curve(codec, SOURCE, INDICES, RECIPE, parse_noise(noises), strengths, varied=varied, label=label)
    *progress, result = job
    assert isinstance(result, QualityCurve)
    steps = [item for item in progress if isinstance(item, Progress)]
    assert [item.done for item in steps] == list(range(1, steps[0].total + 1))
    return result


def rows(scores: Scores) -> list[list[float]]:
    return [list(map(float, values)) for values in zip(scores.mse, scores.psnr, scores.ssim, strict=True)]


def test_each_point_is_what_the_metrics_say_of_all_images() -> None:
    codec = MatrixCodec(SHAPE, 40)
    result = curve(codec, "gaussian:9@0.1+gray:0.5", [0.2, 0.4])
    clean = to_floats(SOURCE.read(INDICES, RECIPE))
    for place, strength in enumerate([0.2, 0.4]):
        noises = (Noise("gaussian", strength, 0.1), Noise("gray", 0.5))
        rng = noise_rng(noises, 0)
        noisy = np.concatenate([corrupt(part, noises, rng) for part in (clean[:100], clean[100:])])
        output = codec.decode(codec.encode(noisy))
        for measured, images in ((result.corrupted, noisy), (result.reconstructed, output)):
            expected = [measure(clean, images) for measure in (mse, psnr, ssim)]
            assert rows(measured)[place] == pytest.approx(expected, rel=1e-5)
    assert (result.kind, result.count, list(result.strengths)) == ("gaussian", COUNT, [0.2, 0.4])


def test_of_a_model_that_changes_nothing_both_curves_are_one() -> None:
    result = curve(IdentityCodec(SHAPE), "blur:1+salt_pepper:0.5", [0, 0.1, 0.5], varied=1)
    assert rows(result.corrupted) == rows(result.reconstructed)
    assert result.kind == "salt_pepper"
    assert (np.diff(result.corrupted.mse) > 0).all()
    assert result.noises == (Noise("blur", 1), Noise("salt_pepper", 0))


def test_without_noise_the_input_is_perfect() -> None:
    result = curve(MatrixCodec(SHAPE, 3), "gaussian:0.1", [0])
    assert rows(result.corrupted) == [[0, np.inf, pytest.approx(1)]]
    assert result.reconstructed.mse[0] > 0


def test_two_models_meet_the_same_noise_whatever_their_batches() -> None:
    one, other = (curve(codec, "gaussian:0", [0.3]) for codec in (MatrixCodec(SHAPE, 3), MatrixCodec(SHAPE, 9)))
    assert rows(one.corrupted) == rows(other.corrupted)
    assert rows(one.reconstructed) != rows(other.reconstructed)
    assert rows(curve(MatrixCodec(SHAPE, 3), "gaussian:0:5", [0.3]).corrupted) != rows(one.corrupted)


@pytest.mark.parametrize(
    ("noises", "strengths", "varied"),
    [("", [0.1], 0), ("gaussian:1", [], 0), ("gaussian:1", [0.1], 1), ("gray:1", [1.5], 0), ("gaussian:1", [-1], 0)],
)
def test_what_cannot_be_measured_is_refused_at_once(noises: str, strengths: list[float], varied: int) -> None:
    with pytest.raises(UsageError):
        next(quality_curve(MatrixCodec(SHAPE), SOURCE, INDICES, RECIPE, parse_noise(noises), strengths, varied=varied))


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
def test_strengths_go_from_nothing_to_the_end_of_the_slider(kind: str) -> None:
    strengths = curve_strengths(kind)
    assert (strengths[0], strengths[-1]) == (0, CORRUPTIONS[kind].largest)
    assert (np.diff(strengths) > 0).all()
    with pytest.raises(UsageError):
        curve_strengths("snow")


def test_the_table_has_a_row_for_each_model_and_strength(tmp_path: Path) -> None:
    curves = [
        curve(MatrixCodec(SHAPE, latent), "gaussian:0:3+gray:1", [0, 0.25], label=f"model, {latent}")
        for latent in (2, 5)
    ]
    write_curves(tmp_path / "curve.csv", curves)
    with (tmp_path / "curve.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["model"], row["noise"], row["images"]) for row in table] == [
        (f"model, {latent}", f"gaussian:{strength}:3+gray:1", str(COUNT))
        for latent in (2, 5)
        for strength in ("0", "0.25")
    ]
    assert {row["kind"] for row in table} == {"gaussian"}
    assert [float(row["strength"]) for row in table] == [0, 0.25, 0, 0.25]
    assert float(table[3]["reconstructed_psnr"]) == curves[1].reconstructed.psnr[1]
    assert float(table[3]["corrupted_ssim"]) == curves[1].corrupted.ssim[1]
