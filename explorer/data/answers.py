"""Yes and no of each picture, out of labels and attributes: what a direction in code space can be found for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.attributes import UNKNOWN
from explorer.data.source import UNLABELLED, Source
from explorer.errors import DataError
from explorer.types import Indices

Answers = tuple[str, NDArray[np.bool_], NDArray[np.bool_]]
"""What is asked, of which pictures it is known, and which have it; both ``(n,)``."""


def categories(source: Source, attribute: str | None) -> tuple[str, ...]:
    """Return the names of an attribute's categories, those of the labels for None; none where it is a number."""
    if attribute is None:
        if source.labels is None:
            return ()
        if source.label_names is not None:
            return tuple(source.label_names)
        return tuple(str(value) for value in range(int(source.labels.max(initial=-1)) + 1))
    return tuple(source.attributes[attribute].names or ())


def classes_of(source: Source, attribute: str | None) -> tuple[NDArray[np.bool_], Indices]:
    """Return of which pictures it is known, ``(n,)``, and the class of each, int64 ``(n,)``.

    The classes of a column of numbers are its lower and its upper half.

    Raises
    ------
    DataError
        If the pictures have no such attribute.
    """
    names = () if attribute is None else categories(source, attribute)
    if attribute is not None and not names:
        (_, known, above) = attribute_answers(source, attribute, ())[0]
        return known, above.astype(np.int64)
    column = source.labels if attribute is None else source.attributes[attribute].values
    if column is None:
        raise DataError("labelled pictures", f"{source.title}, which has no labels", "Choose an attribute.")
    return np.asarray(column != (UNLABELLED if attribute is None else UNKNOWN)), np.asarray(column, np.int64)


def attribute_answers(source: Source, attribute: str | None, values: tuple[str, ...]) -> list[Answers]:
    """Return the answers to each of some categories; of a number, whether it lies in its upper half.

    Raises
    ------
    DataError
        If the pictures have no such attribute or category.
    """
    if attribute is not None and attribute not in source.attributes:
        raise DataError(f"an attribute of {source.title}", f"“{attribute}”", "Choose another.")
    names = categories(source, attribute)
    title = attribute or "label"
    if attribute is not None and not names:
        numbers = np.asarray(source.attributes[attribute].values, np.float32)
        known = np.isfinite(numbers)
        middle = float(np.median(numbers[known])) if known.any() else 0.0
        return [(f"{title} above {middle:.3g}", known, numbers > middle)]
    unknown = set(values) - set(names)
    if unknown:
        raise DataError(f"a category of “{title}”", f"“{sorted(unknown)[0]}”", "Choose another.")
    column = source.labels if attribute is None else source.attributes[attribute].values
    if column is None:
        raise DataError("labelled pictures", f"{source.title}, which has no labels", "Choose an attribute.")
    known = np.asarray(column != (UNLABELLED if attribute is None else UNKNOWN))
    return [(f"{title}: {value}", known, np.asarray(column == names.index(value))) for value in values]
