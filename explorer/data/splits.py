"""Which pictures are for training and which are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.errors import UsageError
from explorer.types import Indices

Split = Literal["train", "test", "all"]


@dataclass(frozen=True, eq=False)
class Splits:
    """Two disjoint sets that together hold every picture of a source.

    Attributes
    ----------
    train, test
        Positions in the source, int64 ``(n,)``, sorted.
    origin
        How they came about, for people and for a model's card: ``given``, or the rule with its seed.
    """

    train: Indices
    test: Indices
    origin: str

    def select(self, split: Split | str, count: int | None = None) -> Indices:
        """Return sorted positions int64 ``(n,)`` of one split.

        Parameters
        ----------
        split
            ``train``, ``test`` or ``all``.
        count
            At most so many, spread evenly over the split (many sources are sorted by class); all where left out.

        Raises
        ------
        UsageError
            If the split has another name, or the count is below 1.
        """
        if split not in ("train", "test", "all"):
            raise UsageError("a split called train, test or all", f"“{split}”", "Choose one of the three.")
        if count is not None and count < 1:
            raise UsageError("a count of at least 1", str(count), "Ask for at least one picture.")
        chosen = {"train": self.train, "test": self.test}.get(split)
        if chosen is None:
            chosen = np.sort(np.concatenate([self.train, self.test]))
        if count is None or count >= len(chosen):
            return chosen.copy()
        return chosen[np.arange(count) * len(chosen) // count]


def given_splits(train_count: int, test_count: int) -> Splits:
    """Return the splits of a source whose training pictures come first."""
    order = np.arange(train_count + test_count, dtype=np.int64)
    return Splits(order[:train_count], order[train_count:], "given")


def random_splits(count: int, seed: int = 0, test_share: float = 0.2) -> Splits:
    """Return a seeded random split of `count` pictures.

    Each side gets at least one picture; a single picture is held out.
    """
    wanted = min(max(1, round(count * test_share)), max(1, count - 1))
    order = np.random.default_rng(seed).permutation(count).astype(np.int64)
    return Splits(np.sort(order[wanted:]), np.sort(order[:wanted]), f"random, {test_share:g} held out, seed {seed}")


def grouped_splits(groups: Indices, seed: int = 0, test_share: float = 0.2) -> Splits:
    """Return a seeded split that never divides a group.

    Parameters
    ----------
    groups
        The group of each picture, int64 ``(n,)``.
    seed
        Decides the order in which groups are held out, as long as each brings the share nearer to the wanted one.
    test_share
        Share of pictures to hold out.

    Notes
    -----
    Each side gets at least one group; a single group falls back to `random_splits`.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        return random_splits(len(groups), seed, test_share)
    order = np.random.default_rng(seed).permutation(len(names))
    target = test_share * len(groups)
    held_out = [int(order[0])]
    for position in order[1:-1]:
        now = sum(int(sizes[index]) for index in held_out)
        if abs(now + int(sizes[position]) - target) < abs(now - target):
            held_out.append(int(position))
    mask = np.isin(groups, names[held_out])
    return Splits(
        np.flatnonzero(~mask).astype(np.int64),
        np.flatnonzero(mask).astype(np.int64),
        f"by group, {test_share:g} held out, seed {seed}",
    )
