"""Figures out: a table as comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from explorer.paths import replacing_file

Cell = str | int | float


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table as RFC 4180 has it, in UTF-8; what was there is replaced only by a whole file.

    Parameters
    ----------
    path
        The file.
    header
        The names of the columns.
    rows
        As long as the header; numbers in as many digits as tell them apart, infinite ones as ``inf``.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    with replacing_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
