"""Read files from anybody: whatever a parser raises becomes one of our errors, with the file's name.

Parsers of damaged files raise what they like: ``tokenize.TokenError``, ``struct.error``, ``SystemError``. Each reader's
entry point wraps its parser in `reading` once.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import DataError, ExplorerError

_LONGEST_REASON = 200


@contextmanager
def reading(
    what: str, where: str, error: type[ExplorerError] = DataError, remedy: str = "Copy or download it again."
) -> Iterator[None]:
    """Turn every foreign exception of the block into an `ExplorerError`; our own errors pass unchanged.

    Cancellation, ``KeyboardInterrupt`` and the closing of a generator are no ``Exception`` and pass too.

    Parameters
    ----------
    what
        What the file should be, such as ``a whole NumPy file``.
    where
        Its name.
    error
        The class to raise.
    remedy
        What the user can do.
    """
    try:
        yield
    except ExplorerError:
        raise
    except FileNotFoundError as missing:
        raise error(f"{what} at {where}", "no such file", "Check the path.") from missing
    except MemoryError as full:
        raise error(f"{what} that fits into memory in {where}", "one that does not", remedy) from full
    except Exception as foreign:
        raise error(f"{what} in {where}", f"“{reason_of(foreign)}”", remedy) from foreign


def reason_of(error: BaseException) -> str:
    """Return the first line of an exception's text, or its class where it has none."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines()
    return lines[0][:_LONGEST_REASON] if lines else type(error).__name__


def read_limited(path: Path, most: int, what: str, error: type[ExplorerError] = DataError) -> bytes:
    """Return the content of a small file.

    Parameters
    ----------
    path
        The file.
    most
        The most bytes that it may have.
    what
        What it should be, such as ``a card``.
    error
        The class to raise.

    Raises
    ------
    ExplorerError
        If it is larger, or a pipe or a device, which might never end.
    OSError
        If it cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{what} in a plain file", f"{path}, which is none", "Choose another file.")
    with path.open("rb") as file:
        # No more than there is, since so much memory is asked for.
        content = file.read(min(most, found.st_size) + 1)
    if len(content) > most:
        raise error(f"{what} of at most {size_text(most)} in {path}", "a larger one", "Do not open files you distrust.")
    return content


def size_text(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / (1 << 20):,.0f} MB" if size >= 1 << 20 else f"{max(1, size >> 10):,} kB"
