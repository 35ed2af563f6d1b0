"""Use all features of the real window for minutes, and measure memory, open files and threads.

    python scripts/soak.py --minutes 10 --seed 1
    python scripts/soak.py --cycles 6

The window runs without a display and with its own home folder. Memory is that of the window and all its child
processes. The exit status is 1 if a limit is exceeded:

* minutes: A is the memory after the first idle minute. The limit at the end is A + 150 MB; with the first model and
  after one idle minute it is A + 80 MB. No training starts in the last minute, because a model process ends only after
  half a minute of idle time.
* cycles: a fixed list of actions, repeated. After the last cycle the limit is 20 MB of anonymous memory more than after
  the second, and no more open files and threads.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from process_tree import Holding, tree_holding

if TYPE_CHECKING:
    from soak_actions import Soak

MINUTE = 60.0
END_MB, BACK_MB, CYCLE_MB = 150.0, 80.0, 20.0
PATIENCE_SECONDS = 600.0
"""Timeout of waits on a busy machine."""

POOL_SECONDS = 40.0

LAST_SECONDS = 60.0
"""In the last minute no action starts a model process."""


def main(words: Sequence[str] | None = None) -> int:
    """Parse the command line and run; return the exit status."""
    options = _options(words)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="latent-explorer-soak-", ignore_cleanup_errors=True) as folder:
        os.environ["LATENT_EXPLORER_HOME"] = str(Path(folder, "home"))
        out = Path(folder, "out")
        out.mkdir()
        return _drive(out, options)


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument(
        "--cycles", type=int, default=0, help="repeat a fixed list of actions this often, instead of --minutes"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--idle", type=float, default=MINUTE, help="length of the idle minutes in seconds")
    parser.add_argument("--only", action="append", help="only this action; repeatable")
    return parser.parse_args(words)


def _drive(out: Path, options: argparse.Namespace) -> int:
    import explorer.app  # noqa: F401  # isort: skip  first, as the program does

    from PySide6.QtCore import QCoreApplication, Qt
    from soak_actions import Soak

    from explorer.app import ErrorCatcher, make_application, make_window, open_first
    from explorer.tour import guide

    guide.PATIENCE_SECONDS = PATIENCE_SECONDS
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    make_application()
    soak = Soak(out, make_window(), chooser=random.Random(options.seed))
    soak.document.problem_reported.connect(soak.problems.append)
    catcher = ErrorCatcher(soak.document)
    catcher.install()
    try:
        open_first(soak.document)
        soak.running.window.show()
        soak.settle()
        return _cycles(soak, options.cycles) if options.cycles else _minutes(soak, options)
    finally:
        soak.running.close()
        soak.running.window.deleteLater()
        QCoreApplication.processEvents()
        catcher.remove()


class Curve:
    """The measurements, printed as a table."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self.peak = 0.0
        print("seconds   total  window  children MB  files  threads  processes  after")

    def add(self, what: str) -> Holding:
        """Measure, print a line, and return the totals."""
        window, below = tree_holding(os.getpid())
        total = window + below
        self.peak = max(self.peak, total.memory_mb)
        seconds = time.monotonic() - self._begun
        print(
            f"{seconds:7.0f} {total.memory_mb:7.0f} {window.memory_mb:7.0f} {below.memory_mb:12.0f}"
            f" {total.files:6} {total.threads:8} {total.processes:10}  {what}",
            flush=True,
        )
        return total


def _minutes(soak: Soak, options: argparse.Namespace) -> int:
    from soak_actions import ACTIONS, ENGINE_ACTIONS, go_home, show_start

    curve, end = Curve(), time.monotonic() + options.minutes * MINUTE
    curve.add("start")
    _rest(soak, options.idle)
    first = curve.add("idle: A")
    every = ACTIONS | ENGINE_ACTIONS
    deck: list[str] = []
    while time.monotonic() < end:
        if not deck:
            deck = sorted(set(options.only or every))
            soak.chooser.shuffle(deck)
        name = deck.pop()
        if name in ACTIONS or time.monotonic() < end - LAST_SECONDS:
            every[name](soak)
            curve.add(name)
    last = curve.add("end")
    go_home(soak)
    show_start(soak)
    _rest(soak, options.idle)
    back = curve.add("back at the first model, idle")
    print(f"A {first.memory_mb:.0f} MB, peak {curve.peak:.0f} MB")
    kept = [
        _verdict("end", last.memory_mb, first.memory_mb + END_MB, "MB"),
        _verdict("back and idle", back.memory_mb, first.memory_mb + BACK_MB, "MB"),
    ]
    return _reported(kept)


def _cycles(soak: Soak, count: int) -> int:
    from soak_actions import cycle

    curve, seen = Curve(), []
    for number in range(1, count + 1):
        cycle(soak)
        _calm_down(soak)
        seen.append(curve.add(f"cycle {number}"))
    second, last = seen[min(1, count - 1)], seen[-1]
    if last.threads > second.threads or last.files > second.files:
        # Pool threads end after half a minute of idle time; leaked threads remain.
        _rest(soak, POOL_SECONDS)
        last = curve.add("a pause")
    kept = [
        _verdict("anonymous memory", last.own_mb, second.own_mb + CYCLE_MB, "MB"),
        _verdict("open files", last.files, second.files, ""),
        _verdict("threads", last.threads, second.threads, ""),
    ]
    return _reported(kept)


def _verdict(what: str, received: float, limit: float, unit: str) -> bool:
    kept = received <= limit
    print(f"{what}: {received:.0f} {unit}, limit {limit:.0f} {unit}: {'ok' if kept else 'TOO MUCH'}")
    return kept


def _reported(kept: Sequence[bool]) -> int:
    print("result: " + ("ok" if all(kept) else "FAILED"), flush=True)
    return 0 if all(kept) else 1


def _rest(soak: Soak, seconds: float) -> None:
    """Process events for the given time."""
    end = time.monotonic() + seconds
    soak.until(lambda: time.monotonic() >= end, "the clock")


def _calm_down(soak: Soak) -> None:
    """Wait until nothing is running and freed memory is released."""
    tidied: list[bool] = []
    housekeeping = soak.running.backend.housekeeping
    note = housekeeping.tidied.connect(lambda: tidied.append(True))
    housekeeping.begin()
    soak.until(lambda: bool(tidied) and not soak.document.jobs, "a pause")
    housekeeping.tidied.disconnect(note)


if __name__ == "__main__":
    sys.exit(main())
