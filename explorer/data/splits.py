"""Training, validation and test splits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np

from explorer.errors import UsageError
from explorer.types import Indices

Split = Literal["train", "val", "test", "all"]
TEST_SHARE: Final = 0.2
_PART_NAMES: Final = tuple(
    re.compile(rf"(.*[-_ .])?({names})([-_ .].*)?", re.IGNORECASE)
    for names in ("train|training", "test|testing", "val|valid|validation|dev")
)
"""Names of files with the images of one part: training, test, validation."""


@dataclass(frozen=True, eq=False)
class Splits:
    """Disjoint sets that together contain every image of a source: positions, int64 ``(n,)``, sorted.

    `origin` is for a model's card: ``given``, or the rule with its seed. `validation` is empty unless it is given: then
    the test images are used for validation, too.
    """

    train: Indices
    test: Indices
    origin: str
    validation: Indices = field(default_factory=lambda: np.empty(0, np.int64))

    def select(self, split: Split | str, count: int | None = None) -> Indices:
        """Return sorted positions int64 ``(n,)`` of a split, or of ``all``; at most `count`, spread evenly.

        Many sources are sorted by class. UsageError if the split has another name, or the count is below 1.
        """
        if split not in get_args(Split):
            raise UsageError("Unknown split “{split}”. Choose train, val, test or all.", split=split)
        if count is not None and count < 1:
            raise UsageError("The number of images must be at least 1, not {count}.", count=count)
        parts = {"train": self.train, "test": self.test, "val": self.validation}
        chosen = parts.get(split, np.sort(np.concatenate(list(parts.values()))))
        if count is None or count >= len(chosen):
            return chosen.copy()
        return chosen[np.arange(count) * len(chosen) // count]


def part_named(stem: str) -> int | None:
    """Return the part that a file has, by its name: 0 for training, 1 for test, 2 for validation; None for others."""
    return next((part for part, name in enumerate(_PART_NAMES) if name.fullmatch(stem)), None)


def given_splits(train_count: int, test_count: int, validation_count: int = 0) -> Splits:
    """Return the splits of images in the order training, test, validation.

    Without test images, those for validation are the test split.
    """
    order = np.arange(train_count + test_count + validation_count, dtype=np.int64)
    train, test, validation = np.split(order, [train_count, train_count + test_count])
    return Splits(train, test, "given", validation) if test_count else Splits(train, validation, "given")


def random_splits(count: int, seed: int = 0) -> Splits:
    """Return a seeded random split of `count` images.

    Each split gets at least one image; a single image is in the test split.
    """
    wanted = min(max(1, round(count * TEST_SHARE)), max(1, count - 1))
    order = np.random.default_rng(seed).permutation(count).astype(np.int64)
    return Splits(np.sort(order[wanted:]), np.sort(order[:wanted]), f"random, {TEST_SHARE:g} held out, seed {seed}")


def grouped_splits(groups: Indices, seed: int = 0) -> Splits:
    """Return a seeded split with each group entirely in one of the two; `groups` has the group of each image, ``(n,)``.

    Groups join the test split in random order, while each brings it nearer to its share. Each split gets at least one
    group; for a single group `random_splits` is used.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        return random_splits(len(groups), seed)
    order = np.random.default_rng(seed).permutation(len(names))
    target = TEST_SHARE * len(groups)
    held_out = [int(order[0])]
    for position in order[1:-1]:
        now = sum(int(sizes[index]) for index in held_out)
        if abs(now + int(sizes[position]) - target) < abs(now - target):
            held_out.append(int(position))
    mask = np.isin(groups, names[held_out])
    return Splits(
        np.flatnonzero(~mask).astype(np.int64),
        np.flatnonzero(mask).astype(np.int64),
        f"by group, {TEST_SHARE:g} held out, seed {seed}",
    )
