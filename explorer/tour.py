"""A walk through the main loop in the real window, with real mouse and key events, a screenshot at every step."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFileDialog, QLineEdit, QPushButton, QSpinBox, QWidget

from explorer.app import ErrorCatcher, Running, make_application, make_window, open_first
from explorer.document.document import Document, Problem
from explorer.document.views import CursorView, GridView, NoiseView, PictureView
from explorer.errors import EngineError, UsageError
from explorer.paths import HOME_VARIABLE

HEAVY = ("tensorflow", "keras", "sklearn")
GIF_NAME = "morph.gif"
PATIENCE_SECONDS = 60.0
"""Longest wait for anything in the tour; a training on a slow machine is the longest."""

_TICK_MS = 10
W = TypeVar("W", bound=QWidget)


@dataclass
class _Tour:
    out: Path
    running: Running
    screenshots: list[str] = field(default_factory=list)
    gif: Path | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def document(self) -> Document:
        return self.running.document

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Serve events until the condition holds."""
        clock = QTimer()
        clock.start(_TICK_MS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if self.problems:
                raise EngineError("the tour to go on", self.problems[0].message)
            if time.monotonic() > deadline:
                raise EngineError(f"{what} within {PATIENCE_SECONDS:.0f} s", "nothing")
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        clock.stop()

    def settle(self) -> None:
        """Wait until nothing that the codec was asked for is missing."""
        self.until(lambda: isinstance(self.document.picture_view, PictureView), "the reconstruction")
        self.until(lambda: isinstance(self.document.cursor_view, CursorView), "the edited picture")
        self.until(lambda: isinstance(self.document.noise_view, NoiseView), "the noisy picture")
        self.until(self._grid_ready, "the map")
        self.until(self._gallery_ready, "the thumbnails")

    def _grid_ready(self) -> bool:
        if not self.document.map_watched:
            return True
        view = self.document.grid_view
        return isinstance(view, GridView) and view.ready == len(view.ys)

    def _gallery_ready(self) -> bool:
        gallery = self.running.window.gallery
        return not gallery.model.missing(*gallery.visible_range())

    def find(self, kind: type[W], name: str) -> W:
        widget = self.running.window.findChild(kind, name)
        if widget is None:
            raise UsageError(f"a {kind.__name__} named {name}", "none")
        return widget

    def click(self, name: str) -> None:
        QTest.mouseClick(self.find(QAbstractButton, name), Qt.MouseButton.LeftButton)

    def tab(self, panel: QWidget) -> None:
        bar = self.running.window.tabs.tabBar()
        number = self.running.window.tabs.indexOf(panel)
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(number).center())

    def drag(self, widget: QWidget, points: list[QPointF]) -> None:
        path = [point.toPoint() for point in points]
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=path[0])
        for point in path[1:]:
            QTest.mouseMove(widget, point)
            QCoreApplication.processEvents()
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=path[-1])

    def type_number(self, name: str, value: int) -> None:
        box = self.find(QSpinBox, name)
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, str(value))
        QTest.keyClick(box, Qt.Key.Key_Return)

    def open_model(self, name: str) -> None:
        library, before = self.running.window.library, self.document.model
        item = library.item_of("model", name)
        if item is None:
            raise UsageError(f"the model {name} in the library", "none")
        where = library.tree.visualItemRect(item).center()
        QTest.mouseClick(library.tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
        self.until(lambda: self.document.model is not before, f"{name} to open")

    def open_source(self, name: str) -> None:
        library, before = self.running.window.library, self.document.source
        item = library.item_of("source", name)
        if item is None:
            raise UsageError(f"the pictures {name} in the library", "none")
        library.tree.scrollToItem(item)
        where = library.tree.visualItemRect(item).center()
        QTest.mouseClick(library.tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
        self.until(lambda: self.document.source is not before, f"{name} to open")

    def choose(self, name: str, value: object) -> None:
        """Choose an entry of a combo box by its value, with the keyboard."""
        box = self.find(QComboBox, name)
        wanted = box.findData(value)
        if wanted < 0:
            raise UsageError(f"{value} in {name}", "none")
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Home)
        while box.currentIndex() != wanted:
            QTest.keyClick(box, Qt.Key.Key_Down)
        box.activated.emit(wanted)

    def shoot(self, name: str) -> None:
        path = self.out / f"{len(self.screenshots) + 1:02d}-{name}.png"
        QCoreApplication.processEvents()
        if not self.running.window.grab().save(str(path)):
            raise UsageError("a folder that pictures can be written to", str(self.out))
        self.screenshots.append(str(path))


def run_tour(out: Path, only: str | None = None) -> dict[str, Any]:
    """Drive the window through the tour.

    Parameters
    ----------
    out
        Folder for screenshots and the GIF; made where it is missing.
    only
        Name of one step; it runs right after the start. None for all.

    Returns
    -------
    dict
        ``screenshots`` (paths), ``gif`` (path or None), ``seconds``, ``heavy_modules`` (which of tensorflow, keras and
        sklearn the window had loaded after its first paint).

    Raises
    ------
    UsageError
        If there is no step of that name.
    EngineError
        If a step does not get where it should.
    """
    chosen = _chosen_steps(only)
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    make_application()
    begun = time.monotonic()
    with _own_home():
        tour, heavy = _walk(out, chosen)
    return {
        "screenshots": tour.screenshots,
        "gif": str(tour.gif) if tour.gif else None,
        "seconds": round(time.monotonic() - begun, 2),
        "heavy_modules": heavy,
    }


@contextmanager
def _own_home() -> Iterator[None]:
    """Keep what the tour trains out of the user's library."""
    before = os.environ.get(HOME_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="latent-explorer-tour-") as folder:
        os.environ[HOME_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[HOME_VARIABLE]
            else:
                os.environ[HOME_VARIABLE] = before


def _walk(out: Path, chosen: list[Callable[[_Tour], None]]) -> tuple[_Tour, list[str]]:
    tour = _Tour(out, make_window())
    tour.document.problem_reported.connect(tour.problems.append)
    catcher = ErrorCatcher(tour.document)
    catcher.install()
    try:
        heavy = _start(tour)
        for step in chosen:
            step(tour)
    finally:
        tour.running.close()
        tour.running.window.deleteLater()
        QCoreApplication.processEvents()
        catcher.remove()
    return tour, heavy


def _chosen_steps(only: str | None) -> list[Callable[[_Tour], None]]:
    if only is None:
        return list(STEPS.values())
    if only == "start":
        return []
    if only not in STEPS:
        raise UsageError(f"a step of the tour: start, {', '.join(STEPS)}", f"“{only}”")
    return [STEPS[only]]


def _start(tour: _Tour) -> list[str]:
    """Open the window as a new user sees it; return the heavy modules that its first paint had loaded."""
    painted: list[bool] = []
    window = tour.running.window
    window.stage.reconstruction_painted.connect(lambda: painted.append(True))
    open_first(tour.document)
    window.show()
    tour.until(lambda: bool(painted), "the first reconstruction")
    heavy = [name for name in HEAVY if name in sys.modules]
    tour.settle()
    tour.shoot("start")
    return heavy


def _picture(tour: _Tour) -> None:
    """Click a picture in the gallery, then go on by keyboard."""
    view = tour.running.window.gallery.view
    index = tour.running.window.gallery.model.index(7)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    tour.until(lambda: tour.document.picture == 7, "the clicked picture")
    QTest.keyClick(view, Qt.Key.Key_Right)
    tour.until(lambda: tour.document.picture == 8, "the next picture")
    tour.settle()
    tour.shoot("picture")


def _slider(tour: _Tour) -> None:
    """Drag the first slider, and see the picture follow."""
    sliders = tour.running.window.latent.sliders
    before = tour.document.code
    start, end = float(sliders.values[0]), 1.8 if sliders.values[0] < 0 else -1.8
    points = [sliders.handle_position(0, start + (end - start) * step / 12) for step in range(13)]
    tour.drag(sliders.viewport(), points)
    tour.until(lambda: tour.document.code is not before, "the slider to move the code")
    tour.settle()
    tour.shoot("slider")


def _map(tour: _Tour) -> None:
    """Click and drag on the map; the sliders follow."""
    tour.tab(tour.running.window.map)
    canvas = tour.running.window.map.canvas
    low, high = tour.document.grid.low, tour.document.grid.high
    before = tour.document.code
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=_at(canvas.to_widget(low / 3, high / 3)))
    tour.until(lambda: tour.document.code is not before, "the click to move the cursor")
    tour.drag(canvas, [canvas.to_widget(low / 3 + step * (high - low) / 40, high / 3) for step in range(14)])
    tour.settle()
    tour.shoot("map")


def _noise(tour: _Tour) -> None:
    """Add noise and redraw it."""
    tour.tab(tour.running.window.noise)
    slider = tour.find(QWidget, "noise_slider")
    slider.setFocus()
    for _ in range(3):
        QTest.keyClick(slider, Qt.Key.Key_PageUp)
    before = tour.document.noise_view
    tour.click("noise_redraw")
    tour.until(lambda: tour.document.noise_view is not before, "other noise")
    tour.settle()
    tour.shoot("noise")


def _keyframes(tour: _Tour) -> None:
    """Put three pictures on the timeline, scrub, and play a little."""
    tour.tab(tour.running.window.map)
    for picture in (3, 5, 9):
        tour.document.choose_picture(picture)
        tour.settle()
        tour.click("timeline_add")
    tour.type_number("timeline_steps", 30)
    tour.type_number("timeline_hold", 6)
    tour.until(lambda: tour.document.keyframes_view is not None, "the keyframes' thumbnails")
    playhead = tour.running.window.timeline.playhead
    middle = playhead.rect().center().y()
    tour.drag(playhead, [QPointF(7 + step * playhead.width() / 40, middle) for step in range(12)])
    scrubbed = tour.document.playhead
    tour.click("timeline_play")
    tour.until(lambda: tour.document.playhead > scrubbed + 5, "the morph to play")
    tour.click("timeline_play")
    tour.settle()
    tour.shoot("timeline")


def _gif(tour: _Tour) -> None:
    """Export the morph through the file dialog."""
    if tour.document.frame_count == 0:
        _keyframes(tour)
    written: list[Path] = []
    tour.document.exported.connect(written.append)
    target = tour.out / GIF_NAME
    target.unlink(missing_ok=True)
    tour.click("timeline_export")
    tour.until(lambda: bool(tour.running.window.findChildren(QFileDialog)), "the file dialog")
    dialog = tour.running.window.findChildren(QFileDialog)[-1]
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    if edit is None:
        raise UsageError("the file dialog's field for the name", "none")
    # Its list of completions pops up when the folder has been read, and takes the keyboard away.
    edit.setCompleter(None)  # type: ignore[arg-type]
    dialog.setDirectory(str(tour.out))
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, target.name)
    save = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    # While the folder is being read the button says “Open”, and would.
    tour.until(lambda: save.isEnabled() and "Save" in save.text(), "the dialog to take the name")
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    tour.until(lambda: bool(written), "the GIF")
    tour.gif = written[0]
    tour.shoot("export")


def _train(tour: _Tour) -> None:
    """Train a small model for real, screenshots early and at its end; it opens by itself."""
    # A finished model opens by itself unless it would take keyframes away.
    tour.click("timeline_clear")
    tour.tab(tour.running.window.train)
    tour.type_number("train_epochs", 4)
    tour.type_number("train_limit", 4_000)
    tour.find(QLineEdit, "train_name").selectAll()
    QTest.keyClicks(tour.find(QLineEdit, "train_name"), f"tour-{time.time_ns() % 10**8}")
    model = tour.document.model
    tour.click("train_start")
    tour.until(lambda: len(tour.document.training.curve) >= 1, "the first epoch")
    tour.shoot("training")
    tour.until(lambda: tour.document.training.phase == "finished", "the end of the training")
    tour.until(lambda: tour.document.model is not model, "the trained model to open")
    tour.settle()
    tour.shoot("trained")


def _switch(tour: _Tour) -> None:
    """Open another model from the library; its pictures come with it."""
    tour.open_model("glyphs-vae-2d")
    tour.tab(tour.running.window.map)
    tour.settle()
    tour.shoot("glyphs")


def _deep(tour: _Tour) -> None:
    """The 49-dimensional model, with the error map and a slider for each dimension, the widest first."""
    tour.open_model("digits-deep-49")
    tour.click("stage_show_error")
    tour.click("latent_dimensions")
    tour.choose("latent_sort", "spread")
    tour.settle()
    tour.shoot("deep")
    tour.click("stage_show_error")


def _axes(tour: _Tour) -> None:
    """The same code along its principal axes; one of them is dragged."""
    if tour.document.model is None or tour.document.model.name != "digits-deep-49":
        tour.open_model("digits-deep-49")
        tour.settle()
    tour.click("latent_axes")
    sliders, before = tour.running.window.latent.sliders, tour.document.code
    start = float(sliders.values[0])
    end = 2.0 if start < 0 else -2.0
    tour.drag(sliders.viewport(), [sliders.handle_position(0, start + (end - start) * step / 12) for step in range(13)])
    tour.until(lambda: tour.document.code is not before, "the axis to move the code")
    tour.settle()
    tour.shoot("axes")


def _faces(tour: _Tour) -> None:
    """The gallery of faces, one class of hair, one of them chosen."""
    tour.open_source("faces")
    tour.settle()
    view = tour.running.window.gallery.view
    index = tour.running.window.gallery.model.index(4)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    tour.settle()
    tour.shoot("faces")


def _spatial(tour: _Tour) -> None:
    """Train a network on faces whose code is a stack of feature maps, then paint on one of them."""
    tour.click("timeline_clear")
    if tour.document.source is None or tour.document.source.name != "faces":
        tour.open_source("faces")
    tour.tab(tour.running.window.train)
    tour.choose("train_architecture", "cae-upsample")
    tour.click("train_more")
    tour.type_number("train_batch", 16)
    tour.click("train_more")
    tour.type_number("train_epochs", 4)
    tour.type_number("train_limit", 400)
    tour.find(QLineEdit, "train_name").selectAll()
    QTest.keyClicks(tour.find(QLineEdit, "train_name"), f"tour-maps-{time.time_ns() % 10**8}")
    model = tour.document.model
    tour.click("train_start")
    tour.until(lambda: tour.document.model is not model, "the spatial model to be trained and to open")
    tour.settle()
    tour.type_number("feature_channel", 7)
    tour.type_number("feature_size", 3)
    maps, before = tour.running.window.feature_maps, tour.document.code
    tour.drag(maps.canvas, [maps.canvas.cell_rect(3, column).center() for column in range(1, 7)])
    tour.until(lambda: tour.document.code is not before, "the brush to change the code")
    tour.settle()
    tour.shoot("feature-maps")


def _at(point: QPointF) -> QPoint:
    return point.toPoint()


STEPS: dict[str, Callable[[_Tour], None]] = {
    "picture": _picture,
    "slider": _slider,
    "map": _map,
    "noise": _noise,
    "keyframes": _keyframes,
    "gif": _gif,
    "train": _train,
    "switch": _switch,
    "deep": _deep,
    "axes": _axes,
    "faces": _faces,
    "spatial": _spatial,
}
