"""The output of a command: JSON or lines on standard output, warnings and progress on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from explorer.data.metrics import DATA_RANGE
from explorer.messages import Message, message, message_text
from explorer.printable import printable
from explorer.types import Progress

T = TypeVar("T")

BAR_CELLS = 24
BAR_INTERVAL_S = 0.1
USUAL_COLUMNS = 80


class Console:
    """Standard output and standard error of one command; with `as_json`, no text on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._shown = 0
        self._drawn = 0.0

    def show(self, document: object, lines: Sequence[str]) -> None:
        if self.as_json:
            print(to_json(document, indent=2), flush=True)
        else:
            for text in lines:
                self.line(text)

    def line(self, text: str) -> None:
        """Print one line of text; nothing with ``--json``."""
        if not self.as_json:
            self.clear()
            print(printable(text), flush=True)

    def event(self, record: Mapping[str, object]) -> None:
        """Print one JSON object as a line; nothing without ``--json``."""
        if self.as_json:
            self.clear()
            print(to_json(record), flush=True)

    def warn(self, text: str) -> None:
        self.clear()
        print(f"warning: {one_line(text)}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Print a note to standard error if that is a terminal."""
        if _terminal():
            self.clear()
            print(f"note: {one_line(text)}", file=sys.stderr, flush=True)

    def bar(self, progress: Progress) -> None:
        """Draw a progress bar if standard error is a terminal."""
        now = time.monotonic()
        last = 0 < progress.total == progress.done
        if not _terminal() or (now - self._drawn < BAR_INTERVAL_S and not last):
            return
        self._drawn = now
        text = printable(progress_text(progress))[: _columns() - 1]
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
            self._shown = 0

    def items(self, job: Iterator[Progress | T]) -> Iterator[T]:
        """Run a job and draw its progress; yield its other items.

        If this ends early, a generator is closed at once, so that it leaves nothing half-written.
        """
        try:
            for item in job:
                if isinstance(item, Progress):
                    self.bar(item)
                else:
                    yield item
        finally:
            close = getattr(job, "close", None)
            if close is not None:
                close()
            self.clear()

    def track(self, job: Iterator[Progress]) -> None:
        """Run a job to its end and draw its progress."""
        for _ in self.items(job):
            pass

    def result(self, job: Iterator[Progress | T]) -> T:
        """Run a job to its end and return its single result."""
        (found,) = self.items(job)
        return found


def _terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_COLUMNS
    except (OSError, ValueError):
        return USUAL_COLUMNS


def progress_text(progress: Progress) -> str:
    """Return progress as one line: a bar, the percentage, and the note."""
    if not progress.total:
        return f"{progress.note or 'Working'}…"
    share = min(1.0, progress.done / progress.total)
    full = int(share * BAR_CELLS)
    return f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {int(100 * share):3}% {progress.note}"


def one_line(text: str) -> str:
    """Return a text as one line that is safe to print to a terminal."""
    return printable(" ".join(text.split()))


def to_json(value: object, indent: int | None = None) -> str:
    """Return ASCII JSON; infinity and NaN become null."""
    return json.dumps(plain(value), allow_nan=False, indent=indent)


def plain(value: Any) -> Any:
    """Return `value` as JSON types: arrays as lists, paths and messages as text, infinity and NaN as None."""
    if isinstance(value, Message):
        return message_text(value)
    if hasattr(value, "tolist"):  # numpy's arrays and scalars, without importing numpy
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns; the first row is the heading."""
    if not rows:
        return []
    # Escaped text is longer, so escape before measuring.
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def shape_text(shape: Sequence[int] | None) -> str:
    """Return a shape as ``28×28×1``."""
    return "×".join(map(str, shape)) if shape else "various"


def images_text(count: int) -> str:
    """Return a number of images as ``1 image`` or ``10,000 images``."""
    return str(message("{count:# image|# images}", count=count))


def channel_lines(channels: Sequence[Mapping[str, float]], value_range: tuple[float, float] | None) -> list[str]:
    """Return lines about metrics: which values of the files, and the metrics of each channel."""
    lines = []
    if value_range is not None:
        low, high = value_range
        lines.append(f"metrics for values from 0 to {DATA_RANGE:g}, which are {low:g} to {high:g} in the files")
    return lines + [f"channel {number}: {figures_text(one)}" for number, one in enumerate(channels, start=1)]


def figures_text(figures: Mapping[str, float | None]) -> str:
    """Return metrics as ``mse 0.0051, psnr 23.1``, with four significant digits."""
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items() if value is not None)
