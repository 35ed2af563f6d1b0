"""A source of the images of a container file: how its values become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data.image_arrays import images_of
from explorer.data.source import ArraySource, Facts, Skipped
from explorer.data.sources.containers import Contents
from explorer.data.splits import Splits, given_splits, random_splits
from explorer.messages import message


def source_of(facts: Facts, contents: Contents) -> ArraySource:
    """Return the source of images ``(n, h, w, c)`` of any dtype, with their labels, columns and splits.

    DataError if the choices do not fit, or the values are not finite.
    """
    stack, labels, chosen = contents.stack, contents.labels, facts.choices
    picked = chosen.channels or (tuple(range(stack.shape[3])) if stack.measured else ())
    how = replace(chosen, layout="channels-last", channels=picked, range=chosen.range or stack.range)
    values, notes = _finite(contents.images, facts.name)
    (images,), found = images_of([values], facts.name, how, alpha=stack.alpha, profile=stack.profile)
    alpha = found.alpha and not stack.measured
    found = replace(found, arrays=stack.arrays, frames=stack.frames, layout=stack.layout, alpha=alpha)
    return ArraySource(
        replace(facts, found=found),
        images,
        splits_of(stack.parts, len(images)),
        None if labels is None else labels.values,
        None if labels is None else labels.names,
        contents.columns,
        (*contents.skipped, *notes),
    )


def _finite(values: NDArray[Any], name: str) -> tuple[NDArray[Any], list[Skipped]]:
    """Return numbers with the lowest one instead of NaN and infinities, which measurements have, and a note on it."""
    if values.dtype.kind != "f" or (finite := np.isfinite(values)).all() or not finite.any():
        return values, []
    bad = int(finite.size - finite.sum())
    note = message("{bad:# value is|# values are} NaN or infinite, and read as the lowest value", bad=bad)
    return np.where(finite, values, values[finite].min()), [Skipped(name, note)]


def splits_of(parts: Sequence[tuple[str, int]], count: int) -> Splits:
    """Return the splits of images in parts of given names and sizes, in the order train, test, val."""
    sizes = dict(parts)
    given = sizes.get("train", 0), sizes.get("test", 0), sizes.get("val", 0)
    return given_splits(*given) if given[0] and any(given[1:]) else random_splits(count)
