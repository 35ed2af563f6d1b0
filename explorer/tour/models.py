"""Steps of the tour: other models and datasets, other bases of a code."""

from __future__ import annotations

import shutil

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from explorer.document.open_requests import OpenRequest
from explorer.models.bundle import NETWORKS
from explorer.paths import pretrained_dir, user_dir
from explorer.tour.guide import Tour
from explorer.ui.dialogs.import_model import ImportDialog


def switch(tour: Tour) -> None:
    """Open another model from the library, with its dataset."""
    tour.open_model("glyphs-vae-2d")
    tour.show_panel("map")
    tour.settle()
    tour.shoot("glyphs")


def deep(tour: Tour) -> None:
    """Open the 49-dimensional model, show the error map, and sort the sliders by standard deviation."""
    tour.open_model("digits-deep-49")
    tour.trigger("action_stage_error")
    tour.click("latent_dimensions")
    tour.choose("latent_sort", "spread")
    tour.settle()
    tour.shoot("deep")
    tour.trigger("action_stage_three")


def components(tour: Tour) -> None:
    """Show the same code in principal components, and drag one."""
    if tour.document.model is None or tour.document.model.name != "digits-deep-49":
        tour.open_model("digits-deep-49")
        tour.settle()
    tour.click("latent_axes")
    sliders, before = tour.running.window.latent.sliders, tour.document.code
    start = float(sliders.values[0])
    end = 2.0 if start < 0 else -2.0
    tour.drag(sliders.viewport(), [sliders.handle_position(0, start + (end - start) * step / 12) for step in range(13)])
    tour.until(lambda: tour.document.code is not before, "the component to change the code")
    tour.settle()
    tour.shoot("components")


def bring(tour: Tour) -> None:
    """Import encoder and decoder of a bundled model as Keras files."""
    folder = user_dir() / "from-elsewhere"
    folder.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
        shutil.copyfile(pretrained_dir() / "digits-vae-2d" / name, folder / name)
    imports = tour.document.imports
    tour.document.open_requested.emit(OpenRequest((str(folder),), "images"))
    tour.until(lambda: imports.view.phase in {"ready", "failed"}, "the model to be examined")
    tour.shoot("import-dialog", tour.find(ImportDialog, "import_dialog"))
    name = tour.find(QLineEdit, "import_name").text()  # another one where the tour was taken before
    tour.click("import_write")
    tour.until(lambda: tour.document.model is not None and tour.document.model.name == name, "the import")
    tour.settle()
    tour.shoot("imported")


def faces(tour: Tour) -> None:
    """Open the faces, and select one."""
    tour.open_source("faces")
    tour.settle()
    view = tour.running.window.gallery.view
    index = tour.running.window.gallery.model.index(4)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    tour.settle()
    tour.shoot("faces")
