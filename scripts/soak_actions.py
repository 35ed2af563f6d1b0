"""The actions of `soak.py`: each performs one user action and waits for its result."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QDialog

from explorer.document.open_requests import OpenRequest
from explorer.document.state import Sampling
from explorer.document.timeline import Export
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.keyframes import KEYFRAMES
from explorer.models.settings import make_request
from explorer.paths import pretrained_dir, user_models_dir
from explorer.tour import animation, atlas, basics, lab, meaning, models
from explorer.tour.guide import Tour
from explorer.ui.panels import PANELS

FIRST_MODEL, FIRST_SOURCE = "digits-vae-2d", "digits"
_FORMATS = (".gif", ".png", ".webp", "")
_IMAGES = 300


@dataclass
class Soak(Tour):
    """The tour of a window with a random generator."""

    chooser: random.Random = field(default_factory=random.Random)
    count: int = 0

    def number(self) -> int:
        """Return a new number for names."""
        self.count += 1
        return self.count


Action = Callable[[Soak], None]


def go_home(soak: Soak) -> None:
    """Open the initial model and images."""
    soak.trigger("timeline_clear")
    source = soak.document.source
    if source is None or source.name != FIRST_SOURCE:
        soak.open_source(FIRST_SOURCE)
    soak.open_model(FIRST_MODEL)
    soak.settle()


def show_start(soak: Soak) -> None:
    """Show the panels that are visible at the start."""
    soak.running.window.workspaces.switch("explore")
    soak.running.window.show_panel("latent")
    soak.click("latent_dimensions")


def switch_model(soak: Soak) -> None:
    """Open one of the bundled models."""
    open_model(soak, soak.chooser.choice(sorted(path.parent.name for path in pretrained_dir().glob("*/card.json"))))


def open_model(soak: Soak, name: str) -> None:
    """Open a model with its dataset."""
    soak.open_model(name)
    soak.settle()


def show_tabs(soak: Soak) -> None:
    """Show every panel."""
    for panel in PANELS:
        if panel.name != "train":
            soak.running.window.show_panel(panel.name)
            soak.settle()
    soak.running.window.show_panel("map")
    soak.settle()


def drag_slider(soak: Soak) -> None:
    """Drag the slider of a dimension back and forth; there may be no directions."""
    soak.click("latent_dimensions")
    sliders = soak.running.window.latent.sliders
    values = [*np.linspace(-2, 2, 15), *np.linspace(2, -2, 15)]
    before = soak.document.code
    soak.drag(sliders.viewport(), [sliders.handle_position(0, float(value)) for value in values])
    soak.until(lambda: soak.document.code is not before, "the slider to move the code")
    soak.settle()


def zoom_map(soak: Soak) -> None:
    """Zoom into the map and out again."""
    window = soak.running.window
    soak.show_panel("map")
    canvas = window.map.canvas
    middle = QPointF(canvas.rect().center())
    for delta in (120, 120, 120, -120, -120, -120, -120):
        event = QWheelEvent(
            middle,
            canvas.mapToGlobal(middle),
            QPointF(0, 0).toPoint(),
            QPointF(0, delta).toPoint(),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QCoreApplication.sendEvent(canvas, event)
        soak.settle()


def make_animation(soak: Soak) -> None:
    """Add three keyframes and export the animation in a random format."""
    document = soak.document
    soak.trigger("timeline_clear")
    for image in soak.chooser.sample(range(20), 3):
        document.choose_image(image)
        soak.settle()
        soak.click("tool_keyframe")
    document.timeline.set_animation_settings(replace(document.state.animation, steps=12))
    soak.until(lambda: document.views[KEYFRAMES] is not None, "the keyframes' images")
    export(soak, soak.out / f"film{soak.chooser.choice(_FORMATS)}")


def export(soak: Soak, path: Path) -> None:
    """Export the animation."""
    written: list[Path] = []
    soak.document.exported.connect(written.append)
    soak.document.timeline.export_requested.emit(Export(path.with_stem(f"{path.stem}-{soak.number()}"), side=128))
    soak.until(lambda: bool(written), "the export")
    soak.document.exported.disconnect(written.append)


def drop_image(soak: Soak) -> None:
    """Drop an imported image, then select one of the dataset."""
    path = soak.out / "dropped.png"
    _image(soak.number(), 480).save(path)
    before = soak.document.state.imported_image
    soak.document.open_requested.emit(OpenRequest((path,)))
    soak.until(lambda: soak.document.state.imported_image is not before, "the dropped image")
    soak.settle()
    soak.document.choose_image(soak.chooser.randrange(20))
    soak.settle()


def open_folder(soak: Soak) -> None:
    """Open a folder of images."""
    folder = soak.out / f"images-{soak.chooser.randrange(3)}"
    if not folder.is_dir():
        folder.mkdir()
        for number in range(_IMAGES):
            _image(number, 64).save(folder / f"{number:04}.png")
    before = soak.document.source
    soak.document.open_requested.emit(OpenRequest((str(folder),), "images"))
    soak.until(lambda: soak.document.source is not before, "the folder")
    soak.settle()


def save_session(soak: Soak) -> None:
    """Save a session, and open it."""
    sessions = soak.document.sessions
    path = soak.out / f"work-{soak.chooser.randrange(3)}.latent"
    saved: list[Path] = []
    opened: list[Path | None] = []
    sessions.saved.connect(saved.append)
    sessions.opened.connect(opened.append)
    sessions.save_requested.emit(path, True)
    soak.until(lambda: bool(saved), "the session to be saved")
    soak.document.open_requested.emit(OpenRequest((path,), "session"))
    soak.until(lambda: bool(opened), "the session to be opened")
    sessions.saved.disconnect(saved.append)
    sessions.opened.disconnect(opened.append)
    soak.settle()


def undo_redo(soak: Soak, most: int = 12) -> None:
    """Undo and redo several steps, which reopens closed models."""
    document = soak.document
    back = min(most, document.history_place)
    for step, count in ((document.undo, back), (document.redo, back)):
        for _ in range(count):
            before = document.history_place
            step()
            soak.until(lambda before=before: document.history_place != before, "a step")  # type: ignore[misc]
    soak.until(lambda: isinstance(document.views[IMAGE], ImageView), "the image after the steps")


def train(soak: Soak, *, cancel: bool = False) -> None:
    """Train a small model, to the end or until its first steps."""
    document = soak.document
    soak.trigger("timeline_clear")
    architecture = soak.chooser.choice(("deep-dense", "conv-pool", "dense"))
    out = user_models_dir() / f"soak-{soak.number()}"
    request = make_request(architecture=architecture, data="digits", epochs=50 if cancel else 2, limit=600, out=out)
    document.training_requested.emit(request)
    soak.until(lambda: document.training.phase == "running", "the training to begin")
    if cancel:
        soak.until(lambda: document.training.step > 0 or document.training.epoch > 0, "the first steps")
        document.training_cancel_requested.emit()
    soak.until(lambda: not document.training.active, "the training to end")
    soak.until(lambda: not document.jobs, "what comes after the training")


def train_cancelled(soak: Soak) -> None:
    """Start a training, and cancel it."""
    train(soak, cancel=True)


def show_dialogs(soak: Soak) -> None:
    """Open and close the dialogs."""
    window = soak.running.window
    dialogs = (
        window.app_actions.show_settings,
        window.app_actions.show_help,
        window.app_actions.show_palette,
        window.app_actions.show_problems,
    )
    for show in dialogs:
        show()
        QCoreApplication.processEvents()
        for dialog in window.findChildren(QDialog):
            dialog.close()


def draw_samples(soak: Tour) -> None:
    """Draw samples of both priors, the default of the model first."""
    soak.document.set_sampling(Sampling())
    atlas.samples(soak)


def _image(number: int, side: int) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)


def at_home(step: Callable[[Tour], None]) -> Action:
    """Return a step of the tour as an action that starts from the initial state."""

    def action(soak: Soak) -> None:
        go_home(soak)
        step(soak)

    return action


ACTIONS: dict[str, Action] = {
    "switch model": switch_model,
    "switch model again": switch_model,
    "tabs": show_tabs,
    "slider": drag_slider,
    "map": at_home(basics.walk_map),
    "zoom": zoom_map,
    "noise": at_home(basics.noise),
    "export": make_animation,
    "timeline": at_home(animation.keyframes),
    "export dialog": at_home(animation.gif),
    "drop": drop_image,
    "folder": open_folder,
    "session": save_session,
    "undo": undo_redo,
    "dialogs": show_dialogs,
    "neighbors": at_home(meaning.neighbors),
    "directions": at_home(meaning.directions),
    "arithmetic": at_home(meaning.arithmetic),
    "compare": at_home(meaning.compare),
    "statistics": at_home(meaning.statistics),
    "samples": at_home(draw_samples),
    "traversals": at_home(atlas.traversals),
    "points": at_home(atlas.points),
    "outliers": at_home(lab.outliers),
}
"""All actions except trainings and imports, which start a model process."""

ENGINE_ACTIONS: dict[str, Action] = {
    "training": train,
    "training canceled": train_cancelled,
    "import": at_home(models.bring),
}


def cycle(soak: Soak) -> None:
    """Run a fixed list of actions, about ten seconds, and return to the initial state."""
    go_home(soak)
    drag_slider(soak)
    show_tabs(soak)
    for name in ("digits-conv", "glyphs-vae-2d", "faces-denoise", "digits-deep-49"):
        open_model(soak, name)
    drop_image(soak)
    make_animation(soak)
    open_folder(soak)
    save_session(soak)
    drag_slider(soak)
    undo_redo(soak)
    show_dialogs(soak)
    go_home(soak)
