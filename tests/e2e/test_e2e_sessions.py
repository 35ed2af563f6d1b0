"""Work that outlives its window: killed for real, two windows at once, and a session named on the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from explorer_testing.builders import as_floats
from explorer_testing.programs import PATIENCE_S, REPOSITORY, environment, run_python
from explorer_testing.window import WindowDriver
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from explorer.app import make_window, open_first
from explorer.document.session_file import read_session, write_session
from explorer.messages import NO_MESSAGE, Message, message

KILL = REPOSITORY / "scripts" / "kill_for_real.py"
WINDOW = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from explorer.app import make_application, make_window, open_first

given = json.loads(sys.argv[1])
app, running = make_application(), make_window()
document, autosave = running.document, running.backend.autosave
open_first(document)
running.window.show()
for number in range(given["keyframes"]):
    document.set_code([number, 2])
    document.timeline.add()

def written(problem):
    print(json.dumps({"folder": str(autosave.folder), "problem": str(problem)}), flush=True)

autosave.written.connect(written)
app.exec()
"""


def test_a_window_that_is_killed_loses_at_most_five_seconds_and_leaves_no_broken_file() -> None:
    """A few times here; `python scripts/kill_for_real.py --times 100` does it a hundred times."""
    ended = subprocess.run(
        [sys.executable, str(KILL), "--times", "3"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 times" in ended.stdout
    assert "no file was broken" in ended.stdout


class Process:
    """A window in a process of its own, which tells of each copy that it keeps."""

    def __init__(self, keyframes: int) -> None:
        command = [sys.executable, "-c", WINDOW, json.dumps({"keyframes": keyframes})]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        self.folder: Path | None = None

    def until_kept(self) -> Path:
        """Wait until a copy is kept; return the folder that it is in."""
        assert self.process.stdout is not None
        kept: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert kept["problem"] == ""
        return Path(kept["folder"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def window() -> Iterator[Callable[[int], Process]]:
    made: list[Process] = []

    def start(keyframes: int) -> Process:
        made.append(Process(keyframes))
        return made[-1]

    yield start
    for process in made:
        process.kill()


def offer(driver: WindowDriver) -> QMessageBox | None:
    boxes = [box for box in driver.window.findChildren(QMessageBox, "recovery_question") if box.isVisible()]
    return boxes[-1] if boxes else None


def answer(driver: WindowDriver, name: str) -> None:
    driver.until(lambda: offer(driver) is not None)
    box = offer(driver)
    assert box is not None
    button = box.findChild(QPushButton, name)
    assert button is not None
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    driver.until(lambda: not box.isVisible())


@pytest.fixture
def next_window(themed: QApplication, qtbot: QtBot) -> Iterator[Callable[[], WindowDriver]]:
    """The window of the next start."""
    made: list[WindowDriver] = []

    def start() -> WindowDriver:
        driver = WindowDriver(make_window(), qtbot)
        made.append(driver)
        open_first(driver.document)
        driver.running.backend.autosave.look_for_left()
        return driver

    yield start
    for driver in made:
        if isValid(driver.window):
            driver.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_two_windows_keep_apart_and_the_next_start_offers_what_both_left(
    window: Callable[[int], Process], next_window: Callable[[], WindowDriver], explorer_home: Path
) -> None:
    first, second = window(1), window(3)
    folders = [first.until_kept(), second.until_kept()]
    assert folders[0] != folders[1]
    counts = {folder: len(read_session(folder / "copy.latent")[0].record.segments) for folder in folders}
    assert counts == {folders[0]: 1, folders[1]: 3}
    # While they are open, nothing is offered to a third one.
    third = next_window()
    assert offer(third) is None
    third.close()
    assert sorted(path for path in (explorer_home / "autosave").iterdir()) == sorted(folders)
    second.process.send_signal(signal.SIGKILL)
    second.kill()
    driver = next_window()
    answer(driver, "recovery_recover")
    driver.until(lambda: len(driver.document.state.keyframes) == 3)
    assert driver.document.sessions.dirty
    assert driver.window.windowTitle().startswith("Untitled*")
    assert driver.running.backend.autosave.folder == folders[1]
    # The one that is still open keeps its own.
    assert offer(driver) is None
    assert (folders[0] / "copy.latent").is_file()
    first.kill()
    other = next_window()
    answer(other, "recovery_forget")
    assert not folders[0].exists()
    assert offer(other) is None


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_what_is_put_off_is_offered_again_and_what_is_closed_is_not(
    window: Callable[[int], Process], next_window: Callable[[], WindowDriver], explorer_home: Path
) -> None:
    killed = window(1)
    folder = killed.until_kept()
    killed.kill()
    driver = next_window()
    answer(driver, "recovery_later")
    driver.close()
    assert (folder / "copy.latent").is_file()
    again = next_window()
    answer(again, "recovery_recover")
    again.until(lambda: len(again.document.state.keyframes) == 1)
    again.window.close()
    last = next_window()
    assert offer(last) is None
    assert list((explorer_home / "autosave").iterdir()) == []


def test_a_copy_of_a_file_knows_it_when_it_is_recovered(
    window: Callable[[int], Process], next_window: Callable[[], WindowDriver], tmp_path: Path, qtbot: QtBot
) -> None:
    """What was recovered is saved where it came from, and who has changed that file meanwhile is not overwritten."""
    driver = next_window()
    path = tmp_path / "a.latent"
    driver.document.sessions.save_requested.emit(path, False)
    driver.until(lambda: driver.document.sessions.path == path)
    driver.document.set_code(as_floats(1, 2))
    # The window goes without being closed, as when it is killed: the copy stays.
    autosave = driver.running.backend.autosave
    driver.running.backend.close()
    assert autosave.folder is not None
    record = read_session(autosave.folder / "copy.latent")[0].record
    assert record.origin == str(path)
    session, _ = read_session(path)
    other = next_window()
    answer(other, "recovery_recover")
    other.until(lambda: other.document.sessions.path == path)
    assert other.document.sessions.dirty
    assert other.window.windowTitle().startswith("a* – ")
    write_session(path, session.__class__(session.record.model_copy(update={"noise": "blur:1"}), session.arrays))
    theirs = path.read_bytes()
    other.document.sessions.save_requested.emit(path, False)
    other.until(lambda: bool(other.window.findChildren(QMessageBox, "conflict_question")))
    assert path.read_bytes() == theirs


OPENED = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import explorer.app

made = explorer.app.make_window

def make_window(*given):
    running = made(*given)

    def opened(path):
        state = running.document.state
        print(json.dumps({"path": str(path), "keyframes": len(state.keyframes), "model": state.model.name}))
        running.document.sessions.let_go()
        running.window.sessions.asks = False
        QTimer.singleShot(0, running.window.close)

    running.document.sessions.opened.connect(opened)
    return running

explorer.app.make_window = make_window
from explorer.cli.main import main
sys.exit(main([json.loads(sys.argv[1])]))
"""


def test_a_session_named_on_the_command_line_is_opened(next_window: Callable[[], WindowDriver], tmp_path: Path) -> None:
    driver = next_window()
    driver.settle()
    driver.document.timeline.add()
    path = tmp_path / "two words.latent"
    driver.document.sessions.save_requested.emit(path, False)
    driver.until(lambda: driver.document.sessions.path == path)
    result = run_python(OPENED, str(path))
    assert result == {"path": str(path), "keyframes": 1, "model": "digits-vae-2d"}


def test_copies_are_written_while_a_hand_never_rests(next_window: Callable[[], WindowDriver]) -> None:
    """The first edit that is not kept starts the clock; the ones behind it do not start it again."""
    driver = next_window()
    driver.settle()
    autosave = driver.running.backend.autosave
    written: list[Message] = []
    threads: list[str] = []
    autosave.written.connect(written.append)
    moved = [0]

    def keep_moving() -> bool:
        moved[0] += 1
        driver.document.set_code(as_floats(moved[0] / 1000, 0), message("Dimension 0"), "drag")
        return len(written) >= 2

    driver.until(keep_moving)
    threads += [thread.name for thread in threading.enumerate()]
    assert set(written) == {NO_MESSAGE}
    assert "autosave" in threads
    assert autosave.folder is not None
    kept = read_session(autosave.folder / "copy.latent")[0].arrays["cursor"]
    assert 0 < kept[0] <= moved[0] / 1000
    # All undone, there is nothing to keep.
    driver.document.undo()
    copy = autosave.folder / "copy.latent"
    driver.until(lambda: not copy.exists())
