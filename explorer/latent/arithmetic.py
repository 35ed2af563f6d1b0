"""Codes made of codes: sums and differences, those around one, and crosses of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats


def combine(terms: Sequence[tuple[float, Floats]]) -> Floats:
    """Return the sum of terms, each the mean of its codes times a strength: a − b + c with strengths 1, −1 and 1.

    Parameters
    ----------
    terms
        Strength and codes ``(n, d)`` each, n > 0, all of one length.

    Returns
    -------
    Floats
        ``(d,)``.

    Raises
    ------
    UsageError
        If there are no terms, one has no codes, or lengths differ.
    """
    means = [(strength, as_codes(codes)) for strength, codes in terms]
    lengths = {codes.shape[1] for _, codes in means}
    if len(lengths) != 1 or not all(len(codes) for _, codes in means):
        raise UsageError("pictures in every slot, and codes of one length", f"lengths {sorted(lengths)}")
    total = sum(strength * codes.mean(axis=0, dtype=np.float64) for strength, codes in means)
    return np.asarray(total, np.float32)


def around(code: Floats, statistics: CodeStatistics, spread: float, count: int, seed: int) -> Floats:
    """Return codes around one: normal noise in every dimension, in σ of the data; float32 ``(count, d)``.

    Raises
    ------
    UsageError
        If the spread is below 0 or not finite, or the count below 1.
    """
    if not (0 <= spread < np.inf and count >= 1):
        raise UsageError("a spread of 0 σ or more, and at least one picture", f"{spread:g} and {count}")
    noise = np.random.default_rng(seed).standard_normal((count, len(code))).astype(np.float32)
    return np.asarray(code + spread * statistics.sigma * noise, np.float32)


def cross(first: Floats, second: Floats, share: float, seed: int) -> Floats:
    """Return a code that has each dimension of one of two codes ``(d,)``: of the second in about that share of them.

    The same seed takes more and more dimensions of the second as the share grows.

    Raises
    ------
    UsageError
        If the codes differ in length, or the share is not in [0, 1].
    """
    if first.shape != second.shape or not 0 <= share <= 1:
        raise UsageError("two codes of one length and a share from 0 to 1", f"{first.shape}, {second.shape}, {share:g}")
    drawn = np.random.default_rng(seed).random(len(first))
    return np.where(drawn < share, second, first).astype(np.float32)
