"""Saves networks with Keras, with disk errors as OSError."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_OF_HDF5 = re.compile(r"errno = (\d+)")


def save_network(model: Any, path: Path) -> None:
    """Save a model of Keras 3 or Keras 2; OSError if the file cannot be written.

    HDF5 raises other errors then, whose text contains the errno.
    """
    try:
        model.save(path)
    except Exception as error:
        number = next((number for one in _chain(error) if (number := _number(one))), 0)
        if not number:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int:
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _OF_HDF5.search(str(error))
    return int(found[1]) if found else 0
