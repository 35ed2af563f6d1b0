"""Figures out: a table as comma-separated values."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from explorer.paths import replacing_file

Cell = str | int | float
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
"""How a text begins that some spreadsheet takes for a formula; full-width signs are signs in Japanese ones."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]inf", re.ASCII)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table as RFC 4180 has it, in UTF-8; what was there is replaced only by a whole file.

    Parameters
    ----------
    path
        The file.
    header
        The names of the columns.
    rows
        As long as the header; numbers in as many digits as tell them apart, infinite ones as ``inf``. A text that a
        spreadsheet would take for a formula is written behind an apostrophe.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    with replacing_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_inert, header))
        writer.writerows(map(_inert, row) for row in rows)


def _inert(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet computes; a text that is a number stays one."""
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"
