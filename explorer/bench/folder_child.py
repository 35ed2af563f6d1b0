"""Opens a folder of many images in the real window; child processes only."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QRect, QTimer

from explorer.app import Running
from explorer.bench.child import Tell
from explorer.bench.harness import MeasureError, anonymous_mb, resident_mb
from explorer.bench.window import calm_down, open_window, wait_until
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import PixelRows, Source
from explorer.document.open_requests import OpenRequest
from explorer.paths import HOME_VARIABLE

_FIRST_SECONDS = 60.0
_INDEX_SECONDS = 400.0
_PLACES = 40
_BATCH = 128
_SIDE = 64


def open_scroll_and_stream(arguments: dict[str, Any], tell: Tell) -> None:
    """Open the folder, scroll through it, and read all its training images once in random order.

    Sends the seconds until the first page of thumbnails was painted, and the peak memory increase in MB.
    """
    with _window(arguments) as running:
        memory = _Memory()
        seconds = _open(running, arguments["folder"])
        document = running.document
        wait_until(lambda: not document.jobs, _INDEX_SECONDS, "every header to be read")
        memory.look()
        bar = running.window.gallery.view.horizontalScrollBar()
        for place in range(_PLACES):
            bar.setValue(bar.maximum() * place // (_PLACES - 1))
            wait_until(lambda: _page_is_there(running), _FIRST_SECONDS, "the thumbnails further down")
            memory.look()
        assert document.source is not None
        for number in _stream(document.source):
            if number % 10 == 0:
                memory.look()
        tell({"seconds": seconds, "rss_mb": memory.resident_mb, "anon_mb": memory.anonymous_mb})


def open_again(arguments: dict[str, Any], tell: Tell) -> None:
    """Reopen the folder in a new process, and send the seconds until the first page was painted."""
    with _window(arguments) as running:
        tell({"seconds": _open(running, arguments["folder"])})


@contextmanager
def _window(arguments: dict[str, Any]) -> Iterator[Running]:
    """Open the window with the home folder that both processes share, and wait until it is idle."""
    os.environ[HOME_VARIABLE] = arguments["home"]
    with open_window() as running:
        calm_down()
        yield running


def _open(running: Running, folder: str) -> float:
    watch = _Watch(running, folder)
    begun = time.perf_counter()
    running.document.open_requested.emit(OpenRequest((folder,), "images"))
    wait_until(lambda: watch.painted is not None, _FIRST_SECONDS, "the first thumbnails")
    assert watch.painted is not None
    return watch.painted - begun


class _Watch(QObject):
    """Records when the gallery has painted a page of the folder with all thumbnails."""

    def __init__(self, running: Running, folder: str) -> None:
        super().__init__(running.window)
        self.painted: float | None = None
        self._running = running
        self._folder = Path(folder)
        running.window.gallery.view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Check for all thumbnails before each paint, which then shows them."""
        if event.type() == QEvent.Type.Paint and self.painted is None:
            source = self._running.document.source
            if source is not None and Path(source.spec) == self._folder and _page_is_there(self._running):
                QTimer.singleShot(0, self._on_painted)
        return False

    def _on_painted(self) -> None:
        self.painted = self.painted or time.perf_counter()


def _page_is_there(running: Running) -> bool:
    gallery = running.window.gallery
    view, model = gallery.view, gallery.model
    page: QRect = view.viewport().rect()
    first, last = gallery.visible_range()
    rows = [row for row in range(first, last + 1) if page.intersects(view.visualRect(model.index(row)))]
    return bool(rows) and not model.missing(rows[0], rows[-1])


def _stream(source: Source) -> Iterator[int]:
    """Read the training images like a training that streams them: fill the cache, then read batches."""
    recipe = Preprocessing.standard((_SIDE, _SIDE, 3))
    rows: PixelRows | None = None
    for number, item in enumerate(source.streaming(source.splits.train, recipe, 0)):
        if isinstance(item, PixelRows):
            rows = item
        yield number
    if rows is None:
        raise MeasureError("Cannot read the images as a stream: the dataset returned none.")
    order = np.random.default_rng(0).permutation(len(rows))
    for start in range(0, len(order), _BATCH):
        to_floats(rows[order[start : start + _BATCH]])
        yield start // _BATCH


class _Memory:
    """Peak increase of resident and private memory, in MB."""

    def __init__(self) -> None:
        self._begun = resident_mb(), anonymous_mb()
        self.resident_mb = 0.0
        self.anonymous_mb = 0.0

    def look(self) -> None:
        self.resident_mb = max(self.resident_mb, resident_mb() - self._begun[0])
        self.anonymous_mb = max(self.anonymous_mb, anonymous_mb() - self._begun[1])
