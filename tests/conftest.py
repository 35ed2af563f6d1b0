"""What every test gets: no display, a home of its own, and guards against what it leaves behind.

The guards run for every test, without being asked for. A test fails where it leaves a running thread, a process, an
active timer or a window behind, or where something was logged at WARNING or above that it did not announce with
``@pytest.mark.allow_log("pattern")``. ``test_guards.py`` shows that each guard bites.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Qt, TensorFlow, Keras and OpenBLAS read these once, when they are imported; so they are set before any test module is.
# The model process inherits them.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Threads of BLAS and OpenMP that wait for each other burn the cores that other workers need: fitting a prior took 25
# times as much processor time. What depends on their number is run with both by `scripts/numeric_tests.py`.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from explorer_testing.shared_process import SharedProcess

ENDING_S = 2.0
"""How long a thread or process that was told to end may still be on its way out."""

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take long: each goes to a worker as a whole, so the last ones must be short."""
    long = {item.path for item in items if item.get_closest_marker("engine") or "e2e" in item.path.parts}
    items.sort(key=lambda item: item.path not in long)


# -- Places ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _session_home() -> Iterator[None]:
    """Keep fixtures of wider scope, and Keras, away from the home of whoever runs the tests."""
    with (
        tempfile.TemporaryDirectory(prefix="latent-explorer-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("LATENT_EXPLORER_HOME", str(Path(folder, "home")))
        patch.delenv("LATENT_EXPLORER_MODELS", raising=False)
        patch.setenv("KERAS_HOME", str(Path(folder, "keras")))
        patch.setenv("SCIKIT_LEARN_DATA", str(Path(folder, "scikit-learn")))
        yield


@pytest.fixture(autouse=True)
def explorer_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user folder, this test's own; ``LATENT_EXPLORER_HOME`` names it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("LATENT_EXPLORER_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def model_process(_session_home: None) -> Iterator[SharedProcess]:
    """The one model process for all tests that leave it alive: the import of Keras takes seconds."""
    from explorer_testing.shared_process import SharedProcess

    process = SharedProcess()
    yield process
    process.end()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with whole data sets, which a developer has beside the repository; skips where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the whole data sets are not on this machine (../shared/data)")
    return folder


# -- Guards ------------------------------------------------------------------------------------------------------------
# Each takes what is there before the test and again after it, so that what fixtures of wider scope hold is no leak.


_FORK_SERVER = "fork server"
"""Name of the threads that start the fork server of the readers, which ends when no test has used it for a while."""


def _threads() -> set[threading.Thread]:
    threads = {thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}
    return {thread for thread in threads if thread.name != _FORK_SERVER}


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    before = _threads()
    yield
    left = []
    for thread in _threads() - before:
        thread.join(ENDING_S)
        if thread.is_alive():
            left.append(thread.name)
    assert not left, f"threads left running: {left}"


def _children() -> dict[int, str]:
    """Return the child processes and their command lines, but not the helper of multiprocessing and the fork server."""
    found = {child.pid: child.name for child in multiprocessing.active_children() if child.pid}
    servers = {str(thread.native_id) for thread in threading.enumerate() if thread.name == _FORK_SERVER}
    for task in Path("/proc/self/task").glob("*/children"):
        if task.parent.name in servers:
            continue
        with suppress(OSError):
            for pid in map(int, task.read_text().split()):
                with suppress(OSError):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if "multiprocessing.resource_tracker" not in command:
                        found[pid] = command.strip() or "(ended, but nobody waited for it)"
    return found


@pytest.fixture(autouse=True)
def _no_processes_left() -> Iterator[None]:
    before = _children()
    yield
    for child in multiprocessing.active_children():
        if child.pid not in before:
            child.join(ENDING_S)
    left = {pid: command for pid, command in _children().items() if pid not in before}
    assert not left, f"processes left behind: {left}"


def _class_tree(root: type[object]) -> set[type[object]]:
    found = {root}
    for heir in root.__subclasses__():
        found |= _class_tree(heir)
    return found


def _qt_leaks() -> dict[int, str]:
    """Return running QThreads and active QTimers that Python knows of, and windows without a parent, by address."""
    from PySide6.QtCore import QThread, QTimer
    from shiboken6 import getCppPointer, isValid

    found: dict[int, str] = {}
    threads, timers = _class_tree(QThread), _class_tree(QTimer)
    for thing in gc.get_objects():
        kind = type(thing)
        if kind in threads:
            if isValid(thing) and thing.isRunning() and not thing.isCurrentThread():
                found[getCppPointer(thing)[0]] = f"running thread {thing!r}"
        elif kind in timers and isValid(thing) and thing.isActive():
            found[getCppPointer(thing)[0]] = f"active timer {thing!r} of {thing.parent()!r}"
    widgets: Any = sys.modules.get("PySide6.QtWidgets")
    if widgets and isinstance(widgets.QApplication.instance(), widgets.QApplication):
        for widget in widgets.QApplication.topLevelWidgets():
            # Qt keeps the one label that shows tool tips for itself.
            if widget.parent() is None and widget.objectName() != "qtooltip_label":
                found[getCppPointer(widget)[0]] = f"window {widget!r}"
    return found


def _run_deferred_deletions() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    if QCoreApplication.instance():
        for _ in range(2):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            QCoreApplication.processEvents()


_frozen_at = [0]


def _freeze_imports() -> None:
    """Take what imports made off the lists that `_qt_leaks` walks: tensorflow's alone costs 0.1 s a test."""
    if len(sys.modules) - _frozen_at[0] > 300:
        gc.collect()
        gc.freeze()
        _frozen_at[0] = len(sys.modules)


@pytest.fixture(autouse=True)
def _no_qt_objects_left() -> Iterator[None]:
    _freeze_imports()
    before = set(_qt_leaks()) if "PySide6.QtCore" in sys.modules else set()
    yield
    if "PySide6.QtCore" not in sys.modules:
        return
    _run_deferred_deletions()
    left = {address: what for address, what in _qt_leaks().items() if address not in before}
    if left:  # a window in a reference cycle, which the collector has not come to yet, is no leak
        gc.collect()
        _run_deferred_deletions()
        left = {address: what for address, what in _qt_leaks().items() if address not in before}
    assert not left, f"left over: {sorted(left.values())}"


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    allowed = [str(mark.args[0]) for mark in request.node.iter_markers("allow_log")]
    handler = _Records()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    texts = [f"{record.levelname} {record.name}: {record.getMessage()}" for record in handler.records]
    unexpected = [text for text in texts if not any(re.search(pattern, text) for pattern in allowed)]
    assert not unexpected, f"unexpected log records: {unexpected}"
