"""The tour: drives the real window with mouse and key events, and takes a screenshot at every step.

A new step is one function, in a file beside this one, and one line in `STEPS`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt

from explorer.app import ErrorCatcher, make_application, make_window, open_first
from explorer.errors import UsageError
from explorer.paths import HOME_VARIABLE
from explorer.tour import animation, atlas, basics, lab, meaning, models, reading, settings, training
from explorer.tour.guide import Tour
from explorer.tour.tasks import TASKS, run_task

HEAVY = ("tensorflow", "keras", "sklearn")

STEPS: dict[str, Callable[[Tour], None]] = {
    "first": animation.first,
    "image": basics.image,
    "slider": basics.slider,
    "map": basics.walk_map,
    "noise": basics.noise,
    "keyframes": animation.keyframes,
    "paths": animation.paths,
    "classes": animation.one_of_each,
    "gif": animation.gif,
    "reopen": animation.reopen,
    "settings": settings.settings,
    "train": training.train,
    "switch": models.switch,
    "deep": models.deep,
    "components": models.components,
    "bring": models.bring,
    "letters": atlas.letters,
    "points": atlas.points,
    "planes": atlas.planes,
    "samples": atlas.samples,
    "traversals": atlas.traversals,
    "denoising": lab.denoising,
    "cloud": lab.cloud,
    "outliers": lab.outliers,
    "reading": reading.reading,
    "channels": reading.channels,
    "faces": models.faces,
    "neighbors": meaning.neighbors,
    "directions": meaning.directions,
    "arithmetic": meaning.arithmetic,
    "compare": meaning.compare,
    "statistics": meaning.statistics,
    "spatial": training.spatial,
}


def run_tour(out: Path, only: str | None = None, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """Drive the window through the tour, or one step of it, which runs right after the start.

    ``tasks`` are the tasks of a new user, ``task-NAME`` is one of them; each has a window and a home folder of its own.
    `size` is width and height of the window in logical pixels; None for its usual size.

    Returns ``screenshots`` (paths), ``gif`` (path or None), ``clicks`` (number by task), ``seconds``,
    ``heavy_modules`` (which of tensorflow, keras and sklearn the window had imported after its first paint). UsageError
    if there is no step of that name; EngineError if one fails.
    """
    names = _chosen_tasks(only)
    chosen = [] if names else _chosen_steps(only)
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    make_application()
    begun = time.monotonic()
    tour, heavy, clicks = Tour(out, size=size), list[str](), dict[str, int]()
    for name in names:
        with _own_home():
            clicks[name] = run_task(tour, name)
    if not names:
        with _own_home():
            heavy = _walk(tour, chosen)
    return {
        "screenshots": tour.screenshots,
        "gif": str(tour.gif) if tour.gif else None,
        "clicks": clicks,
        "seconds": round(time.monotonic() - begun, 2),
        "heavy_modules": heavy,
    }


@contextmanager
def _own_home() -> Iterator[None]:
    """Use a temporary home folder, so that the tour does not change the library of the user."""
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


def _walk(tour: Tour, chosen: list[Callable[[Tour], None]]) -> list[str]:
    tour.enter(make_window())
    catcher = ErrorCatcher(tour.document)
    catcher.install()
    try:
        heavy = _start(tour)
        for step in chosen:
            step(tour)
    finally:
        tour.leave()
        catcher.remove()
    return heavy


def _chosen_tasks(only: str | None) -> list[str]:
    if only == "tasks":
        return list(TASKS)
    return [name for name in TASKS if only == f"task-{name}"]


def _chosen_steps(only: str | None) -> list[Callable[[Tour], None]]:
    if only is None:
        return list(STEPS.values())
    if only == "start":
        return []
    if only not in STEPS:
        names = ["start", *STEPS, "tasks", *(f"task-{name}" for name in TASKS)]
        raise UsageError("There is no step “{name}”. Choose one of {names}.", name=only, names=names)
    return [STEPS[only]]


def _start(tour: Tour) -> list[str]:
    """Open the window like for a new user; return the heavy modules imported before its first paint."""
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
