"""Directions in code space that mean something: from attributes of pictures, with a test of whether they are real."""

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
"""Random splits that an effect is compared with."""

_HELD_OUT = 0.3
_LEAST = 5
_MOST_FITTED = 5_000


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction along which an attribute changes.

    Attributes
    ----------
    vector
        Float32 ``(d,)``: from the mean code of those without the attribute to that of those with it, or as long as that
        along what a logistic regression found. Adding it once makes an average picture without one with.
    method
        ``means`` or ``logistic``.
    count
        Pictures with and without; zeros for one that was made of others and never measured.
    accuracy
        Share of held-out pictures that are told rightly by which side of the middle they lie on, both kinds counting
        the same; 0.5 is chance.
    effect
        Distance of the two means along the direction, in standard deviations within them (Cohen's d), held out.
    chance
        Mean and standard deviation of the same for labels that were shuffled.
    p
        Share of shuffled labels with as large an effect, counting this one: (1 + r) / (1 + `SPLITS`).
    """

    vector: Floats
    method: Method
    count: tuple[int, int]
    accuracy: float
    effect: float
    chance: tuple[float, float]
    p: float

    @property
    def measured(self) -> bool:
        """Whether the figures mean anything."""
        return self.count != (0, 0)

    def moved_to(self, vector: Floats) -> Direction:
        """Return one with another vector, of which nothing is known."""
        return replace(self, vector=vector, count=(0, 0), accuracy=0.0, effect=0.0, chance=(0.0, 0.0), p=1.0)


def attribute_direction(
    codes: Floats, has: NDArray[np.bool_], method: Method = "means", *, splits: int = SPLITS, seed: int = 0
) -> Direction:
    """Find the direction of an attribute, and measure it on pictures that it was not found on.

    Parameters
    ----------
    codes
        ``(n, d)``.
    has
        ``(n,)``, which pictures have the attribute.
    method
        ``means``: difference of means. ``logistic``: a logistic regression's normal, which is not drawn aside by what
        merely goes with the attribute.
    splits
        How often the labels are shuffled for the comparison.
    seed
        Of what is held out and of the shuffling.

    Raises
    ------
    UsageError
        If shapes differ, or fewer than five pictures have it, or have it not.
    """
    codes, has = as_codes(codes), np.asarray(has, np.bool_)
    if has.shape != (len(codes),):
        raise UsageError(f"an answer for each of {len(codes)} codes", f"{has.shape}")
    if min(int(has.sum()), int((~has).sum())) < _LEAST:
        raise UsageError(
            f"at least {_LEAST} pictures with and {_LEAST} without", f"{int(has.sum())} and {int((~has).sum())}"
        )
    rng = np.random.default_rng(seed)
    fitted, held = _parted(has, rng)
    along = _normal(codes[fitted], has[fitted], method)
    effect = _effect(codes[held] @ along, has[held])
    accuracy = _accuracy(codes, has, along, fitted, held)
    shuffled = np.empty(splits)
    for number in range(splits):
        labels = rng.permutation(has)
        # The difference of means stands for both: a regression anew for each would take minutes and say the same.
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
        chance=(float(shuffled.mean()), float(shuffled.std())),
        p=float((1 + (shuffled >= effect).sum()) / (1 + splits)),
    )


def _parted(has: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Part each kind into those that are fitted and those that are held out."""
    fitted, held = [], []
    for kind in (has, ~has):
        order = rng.permutation(np.flatnonzero(kind))
        out = max(1, round(len(order) * _HELD_OUT))
        held.append(order[:out])
        fitted.append(order[out:][:_MOST_FITTED])
    return np.concatenate(fitted), np.concatenate(held)


def _normal(codes: Floats, has: NDArray[np.bool_], method: Method) -> NDArray[np.float64]:
    """Return a direction of length 1."""
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
    """Return the distance of two means in pooled standard deviations."""
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
    told = (codes[held] @ along > middle) == has[held]
    return float((told[has[held]].mean() + told[~has[held]].mean()) / 2)


class Ruler:
    """Where codes stand along a direction, in σ of the data from their mean.

    Parameters
    ----------
    vector
        ``(d,)``; zeros give a ruler on which everything stands at 0.
    codes
        The data's, ``(n, d)``, n > 0.
    """

    def __init__(self, vector: Floats, codes: Floats) -> None:
        length = float(np.linalg.norm(vector))
        self._unit = (vector / length if length > 0 else np.zeros_like(vector)).astype(np.float32)
        along = codes @ self._unit
        self._mean, self._sigma = float(along.mean()), float(max(along.std(), 1e-6))

    @property
    def sigma(self) -> float:
        """Spread of the data along it, in code units."""
        return self._sigma

    def value(self, code: Floats) -> float:
        """Return where one code ``(d,)`` stands."""
        # No matrix product: BLAS would wake its threads for one number at every step of a drag.
        return (float(np.einsum("d,d->", self._unit, code)) - self._mean) / self._sigma

    def values(self, codes: Floats) -> Floats:
        """Return where codes ``(n, d)`` stand, float32 ``(n,)``."""
        return np.asarray((codes @ self._unit - self._mean) / self._sigma, np.float32)

    def moved(self, code: Floats, value: float) -> Floats:
        """Return a copy of a code that stands at `value`, its part across the direction kept."""
        return np.asarray(code + (value - self.value(code)) * self._sigma * self._unit, np.float32)


def orthogonal(vectors: Sequence[Floats]) -> list[Floats]:
    """Return vectors ``(d,)`` that share no part, in order (Gram and Schmidt): each without what those before it hold.

    What is left of a vector that the earlier ones hold altogether is zeros.
    """
    basis: list[NDArray[np.float64]] = []
    made: list[Floats] = []
    for vector in vectors:
        rest = np.asarray(vector, np.float64)
        # Twice, since once leaves a rounding error that is large where little is left.
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
    """Return how well a linear classifier tells labels from held-out codes, and the share of the largest class.

    Parameters
    ----------
    codes
        ``(n, d)``; at most 5,000 are fitted.
    labels
        Int64 ``(n,)``; two classes or more.

    Raises
    ------
    UsageError
        If there are fewer than two classes, or too few codes to hold some out.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    codes = as_codes(codes)
    if len(np.unique(labels)) < 2 or len(codes) < 2 * _LEAST:
        raise UsageError("two classes, and ten codes or more", f"{len(np.unique(labels))} and {len(codes)}")
    known = np.arange(len(codes))
    fitted, held = train_test_split(known, test_size=_HELD_OUT, random_state=seed, shuffle=True)
    fitted = fitted[:_MOST_FITTED]
    mean, scale = codes[fitted].mean(axis=0), np.maximum(codes[fitted].std(axis=0), 1e-6)
    model = LogisticRegression(max_iter=300)
    model.fit((codes[fitted] - mean) / scale, labels[fitted])
    told = model.predict((codes[held] - mean) / scale) == labels[held]
    share = np.unique(labels[held], return_counts=True)[1].max() / len(held)
    return float(told.mean()), float(share)
