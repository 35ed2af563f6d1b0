"""Masks of the images that have a label or an attribute, from which a direction in latent space is found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.attributes import UNKNOWN
from explorer.data.source import UNLABELED, Source
from explorer.errors import DataError
from explorer.types import Indices

AttributeMasks = tuple[str, NDArray[np.bool_], NDArray[np.bool_]]
"""Name, which images have a known value, and which of them have this one; both masks ``(n,)``."""


def categories(source: Source, attribute: str | None) -> tuple[str, ...]:
    """Return the category names of an attribute, or of the labels for None; empty for a numeric attribute."""
    if attribute is None:
        if source.labels is None:
            return ()
        if source.label_names is not None:
            return tuple(source.label_names)
        return tuple(str(value) for value in range(int(source.labels.max(initial=-1)) + 1))
    return tuple(source.attributes[attribute].names or ())


def classes_of(source: Source, attribute: str | None) -> tuple[NDArray[np.bool_], Indices]:
    """Return which images have a known value, ``(n,)``, and the class of each, int64 ``(n,)``.

    A numeric attribute has two classes, at or below its median and above.

    Raises DataError if the source has no such attribute.
    """
    names = () if attribute is None else categories(source, attribute)
    if attribute is not None and not names:
        (_, known, above) = attribute_masks(source, attribute, ())[0]
        return known, above.astype(np.int64)
    column = source.labels if attribute is None else source.attributes[attribute].values
    if column is None:
        raise _no_labels(source)
    return np.asarray(column != (UNLABELED if attribute is None else UNKNOWN)), np.asarray(column, np.int64)


def attribute_masks(source: Source, attribute: str | None, values: tuple[str, ...]) -> list[AttributeMasks]:
    """Return the masks of some categories; of a numeric attribute, the mask of values above the median.

    Raises DataError if the source has no such attribute or category.
    """
    if attribute is not None and attribute not in source.attributes:
        raise DataError(
            "“{source}” has no attribute “{name}”. Choose one of: {known}.",
            source=source.title,
            name=attribute,
            known=list(source.attributes),
        )
    names = categories(source, attribute)
    title = attribute or "label"
    if attribute is not None and not names:
        numbers = np.asarray(source.attributes[attribute].values, np.float32)
        known = np.isfinite(numbers)
        middle = float(np.median(numbers[known])) if known.any() else 0.0
        return [(f"{title} above {middle:.3g}", known, numbers > middle)]
    unknown = set(values) - set(names)
    if unknown:
        raise DataError("“{name}” has no category “{value}”. Choose another.", name=title, value=sorted(unknown)[0])
    column = source.labels if attribute is None else source.attributes[attribute].values
    if column is None:
        raise _no_labels(source)
    known = np.asarray(column != (UNLABELED if attribute is None else UNKNOWN))
    return [(f"{title}: {value}", known, np.asarray(column == names.index(value))) for value in values]


def _no_labels(source: Source) -> DataError:
    return DataError("“{source}” has no labels. Choose an attribute instead.", source=source.title)
