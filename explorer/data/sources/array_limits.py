"""Find out what a NumPy file unfolds into before any of it is unfolded."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from explorer.errors import DataError

MAX_BYTES: Final = 16 << 30
"""More than this is no data set that is opened into memory."""

MAX_RATIO: Final = 300
UNSUSPICIOUS_BYTES: Final = 256 << 20
"""Arrays of one value pack about 1,000 : 1; pictures do not, and small files do no harm."""

_HEADERS: Final[dict[tuple[int, ...], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype[Any]]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def check_size(path: Path) -> None:
    """Read the headers of a ``.npy`` or ``.npz`` file, and refuse what cannot be meant.

    Raises
    ------
    DataError
        If its arrays are larger than any data set, unfold to far more than the file holds, or a header promises
        more than there is.
    OSError, ValueError, EOFError, zipfile.BadZipFile
        If it is broken otherwise.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            _check_array(file, size, path.name, path)
            return
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_total(sum(member.file_size for member in members), size, path)
            for member in members:
                if member.flag_bits & 1:
                    raise DataError(f"a NumPy file without a password in {path}", "an encrypted one", "Save it again.")
                with archive.open(member) as content:
                    _check_array(content, member.file_size, member.filename, path)


def _check_total(total: int, size: int, path: Path) -> None:
    if total > MAX_BYTES or (total > UNSUSPICIOUS_BYTES and total > MAX_RATIO * size):
        raise DataError(
            f"arrays of at most {MAX_BYTES >> 30} GB, and {MAX_RATIO} times the size of the file, in {path}",
            f"{total / (1 << 30):,.1f} GB from {size / (1 << 20):,.1f} MB",
            "Save fewer pictures in a file, if this is what it should hold.",
        )


def _check_array(file: IO[bytes], size: int, name: str, path: Path) -> None:
    """Compare what one array's header says with the bytes that there are."""
    start = file.read(len(np.lib.format.MAGIC_PREFIX))
    if start != np.lib.format.MAGIC_PREFIX:
        return  # np.load says what is wrong, or leaves it out
    reader = _HEADERS.get(tuple(file.read(2)))
    if reader is None:
        return
    shape, _, dtype = reader(file)
    promised = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and (promised > size or min(shape, default=0) < 0):
        raise DataError(
            f"the {promised:,} bytes that {name} promises in {path}", f"{size:,} at most", "Save or copy it again."
        )
