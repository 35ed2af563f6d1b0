"""Use the real window for minutes, in every way, and see what it holds: memory, open files, threads.

    python scripts/soak.py --minutes 10 --seed 1
    python scripts/soak.py --cycles 6

The window runs without a display and with a home of its own. Memory is that of the window and all its children. The
verdict comes last; the exit status is 1 where it is not kept:

* minutes: A is what is held after the first idle minute. At the end at most A + 150 MB; back at the first model and
  after one idle minute at most A + 80 MB. No training begins in the last minute: a model process ends once it has been
  idle for half of one.
* cycles: a fixed list of actions, again and again. After the last cycle at most 20 MB more than after the second, and
  not more open files and threads.
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
"""How long to wait for what must come, on a machine that has more to do; nothing is measured by it."""

POOL_SECONDS = 40.0

LAST_SECONDS = 60.0
"""In the last minute nothing starts a model process."""


def main(words: Sequence[str] | None = None) -> int:
    """Run as the command line says; return the exit status."""
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
    parser.add_argument("--cycles", type=int, default=0, help="do a fixed list of actions so often, instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--idle", type=float, default=MINUTE, help="seconds of the idle minutes")
    parser.add_argument("--only", action="append", help="names of the actions to choose from")
    return parser.parse_args(words)


def _drive(out: Path, options: argparse.Namespace) -> int:
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
    """What was held, as a table that grows."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self.peak = 0.0
        print("seconds   total  window  children MB  files  threads  processes  after")

    def add(self, what: str) -> Holding:
        """Measure, print a line, and return all that is held."""
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
    from soak_actions import ACTIONS, ENGINE_ACTIONS, go_home

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
    _rest(soak, options.idle)
    back = curve.add("back at the first model, idle")
    print(f"A {first.memory_mb:.0f} MB, peak {curve.peak:.0f} MB")
    kept = [
        _verdict("end", last.memory_mb, first.memory_mb + END_MB, "MB"),
        _verdict("back and idle", back.memory_mb, first.memory_mb + BACK_MB, "MB"),
    ]
    return _told(kept)


def _cycles(soak: Soak, count: int) -> int:
    from soak_actions import cycle

    curve, seen = Curve(), []
    for number in range(1, count + 1):
        cycle(soak)
        _calm_down(soak)
        seen.append(curve.add(f"cycle {number}"))
    second, last = seen[min(1, count - 1)], seen[-1]
    if last.threads > second.threads or last.files > second.files:
        # Threads of pools end by themselves once they had nothing to do for half a minute; what leaks stays.
        _rest(soak, POOL_SECONDS)
        last = curve.add("a pause")
    kept = [
        _verdict("memory", last.memory_mb, second.memory_mb + CYCLE_MB, "MB"),
        _verdict("open files", last.files, second.files, ""),
        _verdict("threads", last.threads, second.threads, ""),
    ]
    return _told(kept)


def _verdict(what: str, received: float, limit: float, unit: str) -> bool:
    kept = received <= limit
    print(f"{what}: {received:.0f} {unit} of at most {limit:.0f} {unit}: {'ok' if kept else 'TOO MUCH'}")
    return kept


def _told(kept: Sequence[bool]) -> int:
    print("verdict: " + ("kept" if all(kept) else "FAILED"), flush=True)
    return 0 if all(kept) else 1


def _rest(soak: Soak, seconds: float) -> None:
    """Serve events for so long."""
    end = time.monotonic() + seconds
    soak.until(lambda: time.monotonic() >= end, "the clock to go on")


def _calm_down(soak: Soak) -> None:
    """Wait until nothing runs and what was freed is given back."""
    tidied: list[bool] = []
    housekeeping = soak.running.studio.housekeeping
    note = housekeeping.tidied.connect(lambda: tidied.append(True))
    housekeeping.begin()
    soak.until(lambda: bool(tidied) and not soak.document.jobs, "a pause")
    housekeeping.tidied.disconnect(note)


if __name__ == "__main__":
    sys.exit(main())
