"""Each guard of conftest.py fails a test that leaves something behind, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

LEAKS = """
import logging, multiprocessing, os, subprocess, sys, threading, time
import pytest
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QWidget

kept = []

def test_python_thread():
    thread = threading.Thread(target=threading.Event().wait, args=(60,), daemon=True)
    thread.start()
    kept.append(thread)

def test_qt_thread(qapp):
    thread = QThread()
    thread.start()
    kept.append(thread)

def test_timer(qapp):
    timer = QTimer()
    timer.start(60_000)
    kept.append(timer)

def test_window(qapp):
    kept.append(QWidget())

def test_spawned_process():
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True)
    process.start()
    kept.append(process)

@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="no /proc")
def test_other_process():
    kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))

def test_warning_logged():
    logging.getLogger("explorer.somewhere").warning("the disk is on fire")

@pytest.mark.allow_log("all is well")
def test_other_warning_logged():
    logging.getLogger("explorer.somewhere").warning("the disk is on fire")

def test_unexpected_warning():
    import warnings
    warnings.warn("old-fashioned", DeprecationWarning)

def test_qt_warning(qapp):
    from PySide6.QtCore import qWarning
    qWarning(b"no such slot")

@pytest.mark.allow_log("disk is on fire")
def test_clean(qtbot):
    thread = threading.Thread(target=int)
    thread.start()
    worker = QThread()
    worker.start()
    worker.quit()
    worker.wait()
    window = QWidget()
    timer = QTimer(window)
    timer.start(60_000)
    qtbot.addWidget(window)
    cycle = QWidget()
    cycle.itself = cycle
    subprocess.run([sys.executable, "-c", ""], check=True)
    process = multiprocessing.get_context("spawn").Process(target=int)
    process.start()
    process.join()
    logging.getLogger("explorer.somewhere").warning("the disk is on fire")
    assert os.environ["LATENT_EXPLORER_HOME"] and os.environ["QT_QPA_PLATFORM"]

def test_end():
    # Leaked objects are ended, so that the run can end.
    thread, timer, window, process, other = kept[1:]
    thread.quit()
    assert thread.wait(10_000)
    timer.stop()
    window.deleteLater()
    process.kill()
    process.join()
    other.communicate(b"\\n")
"""

CAUGHT = {
    "test_python_thread": "threads left running",
    "test_qt_thread": "running thread",
    "test_timer": "active timer",
    "test_window": "window",
    "test_spawned_process": "processes left behind",
    "test_other_process": "processes left behind",
    "test_warning_logged": "the disk is on fire",
    "test_other_warning_logged": "the disk is on fire",
    "test_unexpected_warning": "old-fashioned",
    "test_qt_warning": "no such slot",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pytest output of each test of `LEAKS` by name; empty if it passed."""
    folder = tmp_path_factory.mktemp("leaks")
    repository = Path(__file__).resolve().parents[1]
    (folder / "conftest.py").write_bytes((repository / "tests" / "conftest.py").read_bytes())
    (folder / "pyproject.toml").write_bytes((repository / "pyproject.toml").read_bytes())
    (folder / "test_leaks.py").write_text(LEAKS, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--junitxml=verdicts.xml", "test_leaks.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    found: dict[str, str] = {}
    for case in ElementTree.parse(folder / "verdicts.xml").iter("testcase"):
        bad = [*case.iter("failure"), *case.iter("error")]
        found[case.attrib["name"]] = found.get(case.attrib["name"], "") + "\n".join(
            f"{one.get('message')}\n{one.text}" for one in bad
        )
    return found


@pytest.mark.parametrize(("name", "word"), CAUGHT.items())
def test_leak_is_caught(verdicts: dict[str, str], name: str, word: str) -> None:
    if name == "test_other_process" and not Path("/proc/self/task").exists():
        pytest.skip("only where there is /proc")
    assert word in verdicts[name]


@pytest.mark.parametrize("name", ["test_clean", "test_end"])
def test_clean_test_passes(verdicts: dict[str, str], name: str) -> None:
    assert verdicts[name] == ""


def test_every_leak_is_listed(verdicts: dict[str, str]) -> None:
    assert verdicts.keys() == {*CAUGHT, "test_clean", "test_end"}
