"""Read untrusted files: every exception of a parser becomes an `ExplorerError` with the name of the file.

Parsers of damaged files raise anything: ``tokenize.TokenError``, ``struct.error``, ``SystemError``. The entry point of
each reader wraps its parser in `reading` once.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import DataError, ExplorerError
from explorer.messages import Message, Value, message

COPY_AGAIN = message("Copy or download it again.")

_LONGEST_REASON = 200


@contextmanager
def reading(
    what: Value, where: Value, error: type[ExplorerError] = DataError, remedy: Message = COPY_AGAIN
) -> Iterator[None]:
    """Turn every foreign exception of the block into an `ExplorerError`; our own errors pass unchanged.

    Cancellation, ``KeyboardInterrupt`` and the closing of a generator are no ``Exception`` and pass too. `what` is what
    the file should be, such as ``message("a NumPy file")``, `where` its name, `remedy` a sentence.
    """
    try:
        yield
    except ExplorerError:
        raise
    except FileNotFoundError as missing:
        raise error("Cannot read {file}: no such file. Check the path.", file=where) from missing
    except MemoryError as full:
        raise error(
            "Cannot read {file} as {what}: not enough memory. {remedy}", file=where, what=what, remedy=remedy
        ) from full
    except Exception as third_party:
        raise error(
            "Cannot read {file} as {what}: {reason}. {remedy}",
            file=where,
            what=what,
            reason=reason_of(third_party),
            remedy=remedy,
        ) from third_party


def reason_of(error: BaseException) -> str:
    """Return the first line of an exception's text without its period, or its class where it has none."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines()
    return lines[0][:_LONGEST_REASON].rstrip(". ") if lines and lines[0] else type(error).__name__


def read_limited(path: Path, most: int, what: Value, error: type[ExplorerError] = DataError) -> bytes:
    """Return the content of a file of at most `most` bytes; OSError if it cannot be read.

    Raises `error`, with `what` it should be, if it is larger, or a pipe or a device, which might never end.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise error(
            "Cannot read {file} as {what}: it is not a regular file. Choose another file.", file=path, what=what
        )
    with path.open("rb") as file:
        # No more than the file has, because read() allocates this much memory.
        content = file.read(min(most, found.st_size) + 1)
    if len(content) > most:
        raise error(
            "Cannot read {file} as {what}: it is larger than {most}. Do not open files that you do not trust.",
            file=path,
            what=what,
            most=size_text(most),
        )
    return content


def size_text(size: int) -> str:
    """Return a number of bytes with its unit: kB below 1 MB, else MB."""
    return f"{size / (1 << 20):,.0f} MB" if size >= 1 << 20 else f"{max(1, size >> 10):,} kB"
