"""Export of tables as comma-separated values."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from explorer.paths import replacing_file

Cell = str | int | float
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
"""Start of a text that some spreadsheets interpret as a formula, Japanese ones also with full-width signs."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]inf", re.ASCII)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table as CSV (RFC 4180) in UTF-8, atomically; ExportError if the file cannot be written.

    Rows are as long as the header; numbers have all digits needed to read them back, infinite ones are ``inf``. A text
    that a spreadsheet would interpret as a formula is prefixed with an apostrophe.
    """
    with replacing_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_inert, header))
        writer.writerows(map(_inert, row) for row in rows)


def _inert(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet interprets as a formula; numbers in a text are unchanged."""
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"
