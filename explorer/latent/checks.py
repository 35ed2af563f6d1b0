"""Checks that the rooms' functions share: shapes of codes, numbers of dimensions."""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.types import Floats

MOST_CODE_BYTES = 4 << 30
"""Most that a table of codes may take."""


def check_table(count: int, latent_dim: int) -> None:
    """Make sure that so many codes of that length fit into memory, before they are made.

    Raises
    ------
    UsageError
        If they do not; it says how many would.
    """
    size = 4 * count * latent_dim
    if size > MOST_CODE_BYTES:
        raise UsageError(
            f"at most {MOST_CODE_BYTES // (4 * latent_dim):,} codes of {latent_dim:,} numbers at a time "
            f"({MOST_CODE_BYTES >> 30} GB)",
            f"{count:,} ({size / 2**30:,.1f} GB)",
            "Take a sample of the images or one split, or fewer steps, or a model with a shorter code.",
        )


def as_codes(codes: Floats, name: str = "codes") -> Floats:
    """Return `codes` as a float32 array ``(n, d)`` with ``n >= 1`` and ``d >= 1``.

    Raises
    ------
    UsageError
        If the shape is another.
    """
    array = np.asarray(codes, dtype=np.float32)
    if array.ndim != 2 or array.size == 0:
        raise UsageError(
            f"{name} as a table (n, latent_dim) with at least one row",
            f"the shape {array.shape}",
            "Flatten every code to one row.",
        )
    return array


def as_code(z: Floats, name: str = "a code") -> Floats:
    """Return `z` as one float32 code ``(d,)``.

    Raises
    ------
    UsageError
        If it is not one flat code.
    """
    array = np.asarray(z, dtype=np.float32)
    if array.ndim != 1 or array.size == 0:
        raise UsageError(f"{name} as one flat vector", f"the shape {array.shape}", "Give one code, flattened.")
    return array


def check_dimension(dimension: int, count: int, what: str = "dimension") -> int:
    """Return `dimension` if it lies in ``0 … count - 1``.

    Raises
    ------
    UsageError
        If it does not.
    """
    if not 0 <= dimension < count:
        span = f"between 0 and {count - 1}" if count else f"of a model that has any {what}"
        raise UsageError(f"a number of a {what} {span}", str(dimension), "Counting starts at 0.")
    return int(dimension)
