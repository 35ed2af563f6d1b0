"""A source of the images of a container file: how its values become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explorer.data.image_arrays import images_of
from explorer.data.source import ArraySource, Facts
from explorer.data.sources.containers import Contents
from explorer.data.splits import Splits, given_splits, random_splits


def source_of(facts: Facts, contents: Contents) -> ArraySource:
    """Return the source of images ``(n, h, w, c)`` of any dtype, with their labels, columns and splits.

    DataError if the choices do not fit, or the values are not finite.
    """
    stack, labels, chosen = contents.stack, contents.labels, facts.choices
    picked = chosen.channels or (tuple(range(stack.shape[3])) if stack.measured else ())
    how = replace(chosen, layout="channels-last", channels=picked, range=chosen.range or stack.range)
    (images,), found = images_of([contents.images], facts.name, how)
    found = replace(found, arrays=stack.arrays, frames=stack.frames, layout=stack.layout)
    return ArraySource(
        replace(facts, found=found),
        images,
        splits_of(stack.parts, len(images)),
        None if labels is None else labels.values,
        None if labels is None else labels.names,
        contents.columns,
        tuple(contents.skipped),
    )


def splits_of(parts: Sequence[tuple[str, int]], count: int) -> Splits:
    """Return the splits of images in parts of given names and sizes, in the order train, test, val."""
    sizes = dict(parts)
    given = sizes.get("train", 0), sizes.get("test", 0), sizes.get("val", 0)
    return given_splits(*given) if given[0] and any(given[1:]) else random_splits(count)
