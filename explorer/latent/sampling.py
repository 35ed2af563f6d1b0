"""Random codes from the standard normal prior, or from a prior fitted to the codes of the data."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes, check_table
from explorer.types import Floats

if TYPE_CHECKING:
    from typing import Self

FULL_COVARIANCE_DIM = 64
"""Maximum number of dimensions for full covariances in a fitted prior."""

_FIT_ROWS = 20_000


def sample_normal(count: int, latent_dim: int, rng: np.random.Generator, temperature: float = 1.0) -> Floats:
    """Codes ``(count, latent_dim)`` from N(0, temperature² I); UsageError if `count` or `temperature` is negative."""
    _check(count, temperature)
    check_table(count, latent_dim)
    return rng.standard_normal((count, latent_dim), dtype=np.float32) * np.float32(temperature)


class FittedPrior:
    """A Gaussian mixture fitted to the codes of the data; needed for plain autoencoders, which have no prior.

    It has at most `max_components` Gaussians m, fewer for few codes: `weights_` ``(m,)``, adding up to 1, and `means_`
    ``(m, d)``, float64. Up to 64 dimensions `covariance_type_` is ``"full"``, and `factors_` ``(m, d, d)`` are lower
    Cholesky factors of the covariances; above ``"diag"``, and ``(m, d)`` standard deviations.
    """

    def __init__(self, max_components: int = 10) -> None:
        if max_components < 1:
            raise UsageError("A mixture of {count} components is impossible. Choose at least 1.", count=max_components)
        self.max_components = max_components

    def fit(self, codes: Floats, random_state: int = 0) -> Self:
        """Fit to codes ``(n, d)``; deterministic for a given `random_state`. Imports scikit-learn.

        Raises UsageError if `codes` are not a table of finite numbers.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        table = as_codes(codes).astype(np.float64)
        if not np.isfinite(table).all():
            raise UsageError("Some codes contain NaN or infinity. Check the model.")
        if len(table) > _FIT_ROWS:
            chosen = np.random.default_rng(random_state).choice(len(table), _FIT_ROWS, replace=False)
            table = table[np.sort(chosen)]
        dim = table.shape[1]
        full = dim <= FULL_COVARIANCE_DIM
        rows_each = 10 * (dim + 1) if full else 50
        spread = float(table.var(axis=0).mean())
        mixture = GaussianMixture(
            n_components=int(np.clip(len(table) // rows_each, 1, self.max_components)),
            covariance_type="full" if full else "diag",
            # Relative to the variance of the data, which differs between models by orders of magnitude.
            reg_covar=max(spread * 1e-4, 1e-12),
            random_state=random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # GaussianMixture needs two rows; duplicating a single one keeps mean and variance.
            mixture.fit(table if len(table) > 1 else np.repeat(table, 2, axis=0))
        self.covariance_type_ = "full" if full else "diag"
        self.weights_ = np.asarray(mixture.weights_, dtype=np.float64)
        self.means_ = np.asarray(mixture.means_, dtype=np.float64)
        covariances = np.asarray(mixture.covariances_, dtype=np.float64)
        self.factors_ = np.linalg.cholesky(covariances) if full else np.sqrt(covariances)
        return self

    @classmethod
    def of(cls, weights: NDArray[np.float64], means: NDArray[np.float64], factors: NDArray[np.float64]) -> FittedPrior:
        prior = cls(len(weights))
        prior.weights_, prior.means_, prior.factors_ = weights, means, factors
        prior.covariance_type_ = "full" if factors.ndim == 3 else "diag"
        return prior

    def sample(self, count: int, rng: np.random.Generator, temperature: float = 1.0) -> Floats:
        """Return random codes ``(count, d)``; `temperature` scales the standard deviation of each component.

        Raises UsageError if the prior was not fitted, or `count` or `temperature` is negative.
        """
        if not hasattr(self, "weights_"):
            raise UsageError("The prior is not fitted. Call fit with the codes of the data first.")
        _check(count, temperature)
        weights = self.weights_ / self.weights_.sum()
        chosen = rng.choice(len(weights), size=count, p=weights)
        check_table(count, self.means_.shape[1])
        noise = rng.standard_normal((count, self.means_.shape[1])) * temperature
        if self.covariance_type_ == "diag":
            return (self.means_[chosen] + noise * self.factors_[chosen]).astype(np.float32)
        codes = self.means_[chosen]
        for component in np.unique(chosen):
            mine = chosen == component
            codes[mine] += noise[mine] @ self.factors_[component].T
        return codes.astype(np.float32)


def _check(count: int, temperature: float) -> None:
    if count < 0:
        raise UsageError("Cannot sample {count} codes. Choose 0 or more, for example 25.", count=count)
    if not (temperature >= 0 and np.isfinite(temperature)):
        raise UsageError(
            "A temperature of {temperature:g} is impossible. Choose 0 or more; 1 is the prior itself.",
            temperature=float(temperature),
        )
