"""Checks of arguments: shapes of codes, dimension numbers."""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.messages import Message, message
from explorer.types import Floats

MOST_CODE_BYTES = 4 << 30
"""Maximum size of a table of codes."""

CODES, CODE = message("codes"), message("code")
DATA_CODES = message("codes of the data")
KEYS = message("keyframes")
DIMENSION, COMPONENT = message("dimension"), message("principal component")


def check_table(count: int, latent_dim: int) -> None:
    """Check that a table of codes fits into memory, before it is allocated; UsageError otherwise."""
    size = 4 * count * latent_dim
    if size > MOST_CODE_BYTES:
        raise UsageError(
            "Cannot make {count:# code|# codes} of {latent:,} dimensions ({size:,.1f} GB): "
            "at most {most:,} fit into {limit} GB. "
            "Use fewer images or steps, or a model with fewer latent dimensions.",
            count=count,
            latent=latent_dim,
            size=size / 2**30,
            most=MOST_CODE_BYTES // (4 * latent_dim),
            limit=MOST_CODE_BYTES >> 30,
        )


def as_codes(codes: Floats, name: Message = CODES) -> Floats:
    """Return float32 ``(n, d)`` with ``n >= 1`` and ``d >= 1``; UsageError, with `name`, for another shape."""
    array = np.asarray(codes, dtype=np.float32)
    if array.ndim != 2 or array.size == 0:
        raise UsageError(
            "Invalid {name} of shape {shape}. Use an array (n, latent_dim) with at least one row.",
            name=name,
            shape=str(array.shape),
        )
    return array


def as_code(z: Floats, name: Message = CODE) -> Floats:
    """Return `z` as one float32 code ``(d,)``; UsageError, with `name`, for another shape."""
    array = np.asarray(z, dtype=np.float32)
    if array.ndim != 1 or array.size == 0:
        raise UsageError(
            "Invalid {name} of shape {shape}. Use one flat code (latent_dim,).", name=name, shape=str(array.shape)
        )
    return array


def check_dimension(dimension: int, count: int, what: Message = DIMENSION) -> int:
    """Return `dimension` if it is in ``0 … count - 1``; UsageError, with `what`, otherwise."""
    if not 0 <= dimension < count:
        if not count:
            raise UsageError("There is no {what} {number}: the model has no such {what}.", what=what, number=dimension)
        raise UsageError(
            "There is no {what} {number}. Choose a number from 0 to {last}.",
            what=what,
            number=dimension,
            last=count - 1,
        )
    return int(dimension)
