"""Kill the real window during use, repeatedly, and check what can be recovered.

    python scripts/kill_for_real.py --times 100

Each window runs in its own process, recovers the work of the previous one, and is used with mouse and keys until it is
killed (SIGKILL or equivalent) at a random moment. Then every file that it wrote must open, and their content must be a
state of the last five seconds. Prints one line per window; fails at the first violation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.document.session_file import Session, read_session

MOST_LOST_S = 5.0
LONGEST_S = 9.0
"""Longest use of a window before it is killed."""

PATIENCE_S = 120
_STEP_MS = 30


def digest(session: Session) -> str:
    """Return a fingerprint of a session without its time and place of writing."""
    record = session.record.model_dump(
        mode="json", exclude={"written_at", "origin", "origin_checksum", "checksum", "view"}
    )
    hashed = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(session.arrays.keys() - {"thumbnails"}):
        hashed.update(name.encode() + session.arrays[name].tobytes())
    return hashed.hexdigest()


# -- in the process of the window --------------------------------------------------------------------------------------


def use(folder: Path, seed: int, close: bool) -> int:
    """Open a window, recover the offered work, and use it until it is killed, or save and close it at once."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from explorer.app import make_application, make_window, open_first

    make_application()
    running = make_window()
    document, window = running.document, running.window
    window.sessions.asks = True
    hand = Hand(running, random.Random(seed))

    def print_state() -> None:
        tell(state=digest(document.sessions.take()), at=time.monotonic())

    def begin() -> None:
        tell(recovered=digest(document.sessions.take()) if hand.recovered else None)
        for changed in (document.history_changed, document.changed.code):
            changed.connect(print_state)
        print_state()
        document.sessions.saved.connect(on_saved)
        document.sessions.save_requested.emit(folder / "session.latent", True)

    def on_saved(path: Path) -> None:
        if close:
            window.close()
            QApplication.quit()
        elif not timer.isActive():
            tell(ready=True)
            timer.start(_STEP_MS)

    timer = QTimer()
    timer.timeout.connect(hand.step)
    open_first(document)
    window.show()
    hand.settle_offer(begin)
    QApplication.exec()
    running.backend.close()
    tell(closed=True)
    return 0


def tell(**words: Any) -> None:
    """Print one line of JSON and flush."""
    print(json.dumps(words), flush=True)


class Hand:
    """Performs random actions with mouse and keyboard."""

    def __init__(self, running: Any, rng: random.Random) -> None:
        self._document = running.document
        self._window = running.window
        self._autosave = running.backend.autosave
        self._rng = rng
        self.recovered = False

    def settle_offer(self, then: Callable[[], None]) -> None:
        """Accept an offered recovery, and continue when it is complete."""
        from PySide6.QtCore import Qt, QTimer
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QPushButton

        def click() -> None:
            button = self._window.findChild(QPushButton, "recovery_recover")
            assert button is not None
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)

        def opened(path: object) -> None:
            self.recovered = True
            QTimer.singleShot(0, then)

        offered: list[object] = []
        self._document.sessions.found_left.connect(offered.append)
        self._document.sessions.opened.connect(opened)
        self._autosave.look_for_left()
        QTimer.singleShot(0, click if offered else then)

    def step(self) -> None:
        """Perform one random action."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        keys = {
            "keyframe": (Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier),
            "bookmark": (Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier),
            "undo": (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier),
            "next": (Qt.Key.Key_PageDown, Qt.KeyboardModifier.AltModifier),
            "shuffle": (Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier),
            "save": (Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier),
        }
        weights = {"drag": 60, "keyframe": 10, "bookmark": 6, "undo": 10, "next": 8, "shuffle": 10, "save": 2}
        (what,) = self._rng.choices(list(weights), list(weights.values()))
        if what == "drag":
            self._drag()
        else:
            QTest.keyClick(self._window, *keys[what])

    def _drag(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        sliders = self._window.latent.sliders
        if self._document.code is None or not sliders.row_count:
            return
        view, row = sliders.viewport(), self._rng.randrange(min(2, sliders.row_count))
        start = sliders.handle_position(row, float(sliders.values[row]))
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start.toPoint())
        for _ in range(5):
            QTest.mouseMove(view, sliders.handle_position(row, self._rng.uniform(-2.5, 2.5)).toPoint())
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start.toPoint())


# -- outside -----------------------------------------------------------------------------------------------------------


@dataclass
class Child:
    """The process of a window, and what it has reported."""

    process: subprocess.Popen[str]
    states: list[tuple[str, float]] = field(default_factory=list)
    recovered: str | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    closed: bool = False

    def listen(self) -> None:
        """Read its output until it ends; the last line may be incomplete."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if "state" in event:
                self.states.append((event["state"], event["at"]))
            if "recovered" in event:
                self.recovered = event["recovered"]
            if "closed" in event:
                self.closed = True
            if "ready" in event:
                self.ready.set()
        self.ready.set()


def start(folder: Path, seed: int, *words: str) -> tuple[Child, threading.Thread]:
    """Start a window with a home folder."""
    root = Path(__file__).resolve().parent.parent
    paths = os.pathsep.join(part for part in (str(root), os.environ.get("PYTHONPATH", "")) if part)
    environment = {**os.environ, "LATENT_EXPLORER_HOME": str(folder / "home"), "PYTHONPATH": paths}
    command = [sys.executable, str(Path(__file__).resolve()), "--use", str(folder), "--seed", str(seed), *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8", env=environment
    )
    child = Child(process)
    thread = threading.Thread(target=child.listen, daemon=True)
    thread.start()
    return child, thread


def files_of(folder: Path) -> dict[Path, str]:
    """Return every session file with the fingerprint of its content; a file that does not open is an error."""
    return {path: digest(read_session(path)[0]) for path in sorted(folder.rglob("*.latent")) if path.is_file()}


def once(folder: Path, rng: random.Random, expected: str | None) -> tuple[float, str | None]:
    """Start, use and kill a window.

    Returns
    -------
    lost, left
        Seconds of lost work, and the fingerprint that the next window must recover, or None.

    Raises
    ------
    RuntimeError
        If the wrong work was recovered, a file is broken, or its content is not a state of this use.
    """
    child, thread = start(folder, rng.randrange(2**31))
    moment = rng.uniform(0, LONGEST_S)
    if not child.ready.wait(PATIENCE_S) or child.process.poll() is not None:
        child.process.kill()
        raise RuntimeError("the window did not start")
    # A random time of use, not an event.
    threading.Event().wait(moment)
    killed_at = time.monotonic()
    child.process.kill()
    child.process.wait()
    thread.join()
    if child.recovered != expected:
        raise RuntimeError(f"the previous window left {expected}, but this one recovered {child.recovered}")
    last = {state: number for number, (state, _) in enumerate(child.states)}
    found = {path: last[state] for path, state in files_of(folder).items() if state in last}
    if not found:
        raise RuntimeError("no file contains a state of this use")
    number = max(found.values())
    lost = killed_at - child.states[number + 1][1] if number + 1 < len(child.states) else 0.0
    copies = [state for path, state in files_of(folder / "home").items()]
    if len(copies) > 1:
        raise RuntimeError(f"one window left {len(copies)} copies")
    print(f"killed {moment:4.1f} s into use, after {len(child.states):4d} states: {lost:.2f} s lost", flush=True)
    return lost, copies[0] if copies else None


def main() -> int:
    """Kill windows; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="number of windows (default: 5)")
    parser.add_argument("--seed", type=int, default=None, help="random seed of times and actions")
    parser.add_argument("--use", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--close", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    if options.use is not None:
        return use(options.use, seed, options.close)
    rng = random.Random(seed)
    worst, left = 0.0, None
    with tempfile.TemporaryDirectory(prefix="latent-explorer-killed-") as name:
        folder = Path(name)
        for number in range(options.times):
            try:
                lost, left = once(folder, rng, left)
            except Exception as error:
                print(f"time {number + 1} with seed {seed}: {error}", file=sys.stderr)
                return 1
            worst = max(worst, lost)
            if lost > MOST_LOST_S:
                print(f"time {number + 1} with seed {seed}: more than {MOST_LOST_S:g} s lost", file=sys.stderr)
                return 1
        child, thread = start(folder, 0, "--close")
        child.process.wait(PATIENCE_S)
        thread.join()
        rubbish = [path for path in folder.rglob("*") if path.is_file() and "autosave" in path.parts]
        rubbish += list(folder.glob(".*.part"))
        if child.recovered != left or not child.closed or rubbish:
            print(f"the last window recovered {child.recovered}, and left {rubbish}", file=sys.stderr)
            return 1
    print(f"{options.times} times (seed {seed}): at most {worst:.2f} s were lost, and no file was broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
