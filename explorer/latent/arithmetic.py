"""Code arithmetic: weighted sums, variations around a code, and crossover of two codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.types import Floats


def combine(terms: Sequence[tuple[float, Floats]]) -> Floats:
    """Return the weighted sum ``(d,)`` of terms, each the mean of its codes: a − b + c with the weights 1, −1 and 1.

    A term is a weight and codes ``(n, d)``. UsageError if there are no terms, one has no codes, or lengths differ.
    """
    means = [(strength, as_codes(codes)) for strength, codes in terms]
    lengths = {codes.shape[1] for _, codes in means}
    if len(lengths) != 1 or not all(len(codes) for _, codes in means):
        raise UsageError("Add an image to every term, all with codes of the same model.")
    total = sum(strength * codes.mean(axis=0, dtype=np.float64) for strength, codes in means)
    return np.asarray(total, np.float32)


def cross(first: Floats, second: Floats, share: float, seed: int) -> Floats:
    """Return the crossover of two codes ``(d,)``: each dimension is from the second one with probability `share`.

    With the same seed, a larger share keeps the dimensions that a smaller one takes from the second code. UsageError if
    the codes differ in length, or the share is not in [0, 1].
    """
    if first.shape != second.shape or not 0 <= share <= 1:
        raise UsageError(
            "Cannot combine codes of {first} and {second} dimensions with a ratio of {share:g}. "
            "Use two codes of one model and a ratio from 0 to 1.",
            first=first.size,
            second=second.size,
            share=share,
        )
    drawn = np.random.default_rng(seed).random(len(first))
    return np.where(drawn < share, second, first).astype(np.float32)
