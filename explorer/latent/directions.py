"""Attribute directions in latent space, with a significance test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.types import Floats, Indices

Method: TypeAlias = Literal["means", "logistic"]

SPLITS = 200
"""Number of label permutations in the significance test."""

_HELD_OUT = 0.3
_LEAST = 5
_MOST_FITTED = 5_000


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction along which an attribute changes.

    Attributes
    ----------
    vector
        Float32 ``(d,)``: from the mean code without the attribute to the mean code with it, or the normal of a logistic
        regression, scaled to the difference of the means along it.
    count
        Number of images with and without the attribute; zeros for an unmeasured combination of directions.
    accuracy
        Balanced accuracy on held-out images, with the midpoint of the means as threshold; 0.5 is chance.
    effect, null_effect
        Cohen's d along the direction, on held-out images; its mean and standard deviation for shuffled labels.
    p
        p-value of the effect, from r shuffles with at least this effect: (1 + r) / (1 + `SPLITS`).
    """

    vector: Floats
    method: Method
    count: tuple[int, int]
    accuracy: float
    effect: float
    null_effect: tuple[float, float]
    p: float

    @property
    def measured(self) -> bool:
        return self.count != (0, 0)

    def moved_to(self, vector: Floats) -> Direction:
        return replace(self, vector=vector, count=(0, 0), accuracy=0.0, effect=0.0, null_effect=(0.0, 0.0), p=1.0)


def attribute_direction(
    codes: Floats, has: NDArray[np.bool_], method: Method = "means", *, splits: int = SPLITS, seed: int = 0
) -> Direction:
    """Find the direction of an attribute, and measure it on held-out images of codes ``(n, d)``.

    ``means`` is the difference of means; ``logistic`` the normal of a logistic regression, which is less affected by
    correlated attributes. `splits` is the number of label permutations. UsageError if shapes differ, or there are fewer
    than five images with or without the attribute.
    """
    codes, has = as_codes(codes), np.asarray(has, np.bool_)
    if has.shape != (len(codes),):
        raise UsageError(
            "There are {count:# code|# codes}, but attributes of shape {shape}. Give one value for each code.",
            count=len(codes),
            shape=str(has.shape),
        )
    if min(int(has.sum()), int((~has).sum())) < _LEAST:
        raise UsageError(
            "Cannot find a direction: {having:# image has|# images have} the attribute and {lacking:# does|# do} not. "
            "Choose an attribute with at least {least} of each.",
            having=int(has.sum()),
            lacking=int((~has).sum()),
            least=_LEAST,
        )
    rng = np.random.default_rng(seed)
    fitted, held = _parted(has, rng)
    along = _normal(codes[fitted], has[fitted], method)
    effect = _effect(codes[held] @ along, has[held])
    accuracy = _accuracy(codes, has, along, fitted, held)
    shuffled = np.empty(splits)
    for number in range(splits):
        labels = rng.permutation(has)
        # Also for `logistic`: a regression for each permutation would take minutes with the same result.
        random = _normal(codes[fitted], labels[fitted], "means")
        shuffled[number] = _effect(codes[held] @ random, labels[held])
    gap = codes[has].mean(axis=0, dtype=np.float64) - codes[~has].mean(axis=0, dtype=np.float64)
    vector = gap if method == "means" else along * float(gap @ along)
    return Direction(
        vector=np.asarray(vector, np.float32),
        method=method,
        count=(int(has.sum()), int((~has).sum())),
        accuracy=accuracy,
        effect=float(effect),
        null_effect=(float(shuffled.mean()), float(shuffled.std())),
        p=float((1 + (shuffled >= effect).sum()) / (1 + splits)),
    )


def _parted(has: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Split both classes into fitted and held-out codes."""
    fitted, held = [], []
    for kind in (has, ~has):
        order = rng.permutation(np.flatnonzero(kind))
        out = max(1, round(len(order) * _HELD_OUT))
        held.append(order[:out])
        fitted.append(order[out:][:_MOST_FITTED])
    return np.concatenate(fitted), np.concatenate(held)


def _normal(codes: Floats, has: NDArray[np.bool_], method: Method) -> NDArray[np.float64]:
    """Of length 1."""
    if method == "means":
        if has.all() or not has.any():
            return np.zeros(codes.shape[1])
        found = codes[has].mean(axis=0, dtype=np.float64) - codes[~has].mean(axis=0, dtype=np.float64)
    else:
        from sklearn.linear_model import LogisticRegression

        scale = np.maximum(codes.std(axis=0), 1e-6)
        model = LogisticRegression(class_weight="balanced", max_iter=1_000)
        model.fit((codes - codes.mean(axis=0)) / scale, has)
        found = np.asarray(model.coef_[0], np.float64) / scale
    length = float(np.linalg.norm(found))
    return np.asarray(found / length if length > 0 else found)


def _effect(values: NDArray[np.float64], has: NDArray[np.bool_]) -> float:
    """Return Cohen's d: the distance of two means in pooled standard deviations."""
    if has.all() or not has.any():
        return 0.0
    first, second = values[has], values[~has]
    pooled = np.sqrt((first.var() * len(first) + second.var() * len(second)) / len(values))
    return float((first.mean() - second.mean()) / max(pooled, 1e-12))


def _accuracy(
    codes: Floats, has: NDArray[np.bool_], along: NDArray[np.float64], fitted: Indices, held: Indices
) -> float:
    known = codes[fitted] @ along
    middle = (known[has[fitted]].mean() + known[~has[fitted]].mean()) / 2
    right = (codes[held] @ along > middle) == has[held]
    return float((right[has[held]].mean() + right[~has[held]].mean()) / 2)


class Ruler:
    """Coordinate along a direction ``(d,)``, in σ of the data, codes ``(n, d)``, from their mean.

    For a direction of zeros all coordinates are 0.
    """

    def __init__(self, vector: Floats, codes: Floats) -> None:
        length = float(np.linalg.norm(vector))
        self._unit = (vector / length if length > 0 else np.zeros_like(vector)).astype(np.float32)
        along = codes @ self._unit
        self._mean, self._sigma = float(along.mean()), float(max(along.std(), 1e-6))

    @property
    def sigma(self) -> float:
        """Standard deviation of the data along the direction, in code units."""
        return self._sigma

    def value(self, code: Floats) -> float:
        # Not a matrix product, which would wake the threads of BLAS while dragging.
        return (float(np.einsum("d,d->", self._unit, code)) - self._mean) / self._sigma

    def values(self, codes: Floats) -> Floats:
        """Return the coordinates of codes ``(n, d)``, float32 ``(n,)``."""
        return np.asarray((codes @ self._unit - self._mean) / self._sigma, np.float32)

    def moved(self, code: Floats, value: float) -> Floats:
        """Return a copy of a code moved along the direction to the coordinate `value`."""
        return np.asarray(code + (value - self.value(code)) * self._sigma * self._unit, np.float32)


def orthogonal(vectors: Sequence[Floats]) -> list[Floats]:
    """Return vectors ``(d,)`` orthogonalized in order (Gram-Schmidt), not normalized.

    A vector that depends linearly on the previous ones becomes zeros.
    """
    basis: list[NDArray[np.float64]] = []
    made: list[Floats] = []
    for vector in vectors:
        rest = np.asarray(vector, np.float64)
        # Twice, since after one pass the rounding error of a small remainder is large.
        for _ in range(2):
            for unit in basis:
                rest = rest - (rest @ unit) * unit
        length = float(np.linalg.norm(rest))
        if length > 1e-6 * max(float(np.linalg.norm(vector)), 1e-12):
            basis.append(rest / length)
        else:
            rest = np.zeros_like(rest)
        made.append(np.asarray(rest, np.float32))
    return made


def probe_accuracy(codes: Floats, labels: Indices, *, seed: int = 0) -> tuple[float, float]:
    """Return the accuracy of a linear probe on held-out codes, and the share of the majority class.

    Of codes ``(n, d)`` with labels ``(n,)`` at most 5,000 are fitted. UsageError if there are fewer than two classes,
    or fewer than ten codes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    codes = as_codes(codes)
    if len(np.unique(labels)) < 2 or len(codes) < 2 * _LEAST:
        raise UsageError(
            "Cannot train a linear probe on {count:# code|# codes} of {classes:# class|# classes}. "
            "Use at least ten images of two classes.",
            count=len(codes),
            classes=len(np.unique(labels)),
        )
    known = np.arange(len(codes))
    fitted, held = train_test_split(known, test_size=_HELD_OUT, random_state=seed, shuffle=True)
    fitted = fitted[:_MOST_FITTED]
    mean, scale = codes[fitted].mean(axis=0), np.maximum(codes[fitted].std(axis=0), 1e-6)
    model = LogisticRegression(max_iter=300)
    model.fit((codes[fitted] - mean) / scale, labels[fitted])
    right = model.predict((codes[held] - mean) / scale) == labels[held]
    share = np.unique(labels[held], return_counts=True)[1].max() / len(held)
    return float(right.mean()), float(share)
