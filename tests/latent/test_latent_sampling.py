from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from explorer.errors import UsageError
from explorer.latent.sampling import FittedPrior, sample_normal

pytestmark = pytest.mark.numeric


def test_normal_samples_have_the_temperature_as_their_spread() -> None:
    codes = sample_normal(20_000, 3, np.random.default_rng(0), temperature=0.5)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(codes.std(0), 0.5, atol=0.02)
    np.testing.assert_array_equal(codes, sample_normal(20_000, 3, np.random.default_rng(0), 0.5))
    np.testing.assert_array_equal(sample_normal(4, 2, np.random.default_rng(0), 0.0), 0)


def test_fitted_prior_finds_two_clusters() -> None:
    rng = np.random.default_rng(2)
    codes = np.concatenate([rng.normal(-5, 0.5, (400, 2)), rng.normal(5, 0.5, (400, 2))]).astype(np.float32)
    prior = FittedPrior(max_components=2).fit(codes, random_state=0)
    drawn = prior.sample(2_000, np.random.default_rng(1))
    assert drawn.dtype == np.float32
    center = np.abs(drawn.mean(axis=1))
    assert center.min() > 3
    assert drawn[:, 0].std() == pytest.approx(codes[:, 0].std(), rel=0.05)
    again = FittedPrior(max_components=2).fit(codes, random_state=0).sample(2_000, np.random.default_rng(1))
    np.testing.assert_array_equal(drawn, again)
    cold = prior.sample(50, np.random.default_rng(1), temperature=0.0)
    assert len(np.unique(cold, axis=0)) <= 2


def test_fitted_prior_keeps_correlations_of_short_codes() -> None:
    rng = np.random.default_rng(4)
    first = rng.normal(size=3_000)
    codes = np.stack([first, 0.9 * first + 0.1 * rng.normal(size=3_000)], axis=1).astype(np.float32)
    prior = FittedPrior().fit(codes)
    assert prior.covariance_type_ == "full"
    drawn = prior.sample(5_000, np.random.default_rng(0))
    correlation = float(np.asarray(np.corrcoef(codes.T))[0, 1])
    assert np.asarray(np.corrcoef(drawn.T))[0, 1] == pytest.approx(correlation, abs=0.02)


def test_fitted_prior_is_diagonal_for_long_codes() -> None:
    codes = np.random.default_rng(0).normal(1, np.linspace(0.5, 2, 65), size=(300, 65)).astype(np.float32)
    prior = FittedPrior().fit(codes)
    assert prior.covariance_type_ == "diag"
    drawn = prior.sample(4_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.std(0), codes.std(0), rtol=0.15)


@pytest.mark.parametrize("shape", [(1, 3), (2, 40), (5, 200), (3, 1)])
def test_fitted_prior_takes_a_handful_of_codes(shape: tuple[int, int]) -> None:
    codes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    drawn = FittedPrior().fit(codes).sample(7, np.random.default_rng(0))
    assert drawn.shape == (7, shape[1])
    assert np.isfinite(drawn).all()
    assert np.abs(drawn - codes.mean(0)).max() < 12


def test_wrong_use_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="fit"):
        FittedPrior().sample(1, rng)
    with pytest.raises(UsageError, match="temperature"):
        sample_normal(1, 2, rng, -1.0)
    with pytest.raises(UsageError, match="NaN or infinity"):
        FittedPrior().fit(np.full((3, 2), np.inf, dtype=np.float32))


def test_the_rooms_do_not_load_scikit_learn() -> None:
    names = ["components", "animation", "planes", "sampling", "statistics", "traversal"]
    program = (
        "import sys\n"
        + "".join(f"import explorer.latent.{name}\n" for name in names)
        + "import explorer.export\n"
        + "sys.exit(int(any(heavy in sys.modules for heavy in ('sklearn', 'scipy', 'PySide6', 'tensorflow'))))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
