"""Brings everything of a window into sight, one after another: all panels and dialogs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtWidgets import QApplication, QWidget

from explorer.data.source import Found
from explorer.document.open_requests import ReadingQuestion
from explorer.messages import message
from explorer.ui.main_window import MainWindow
from explorer.ui.panels import PANELS
from explorer.ui.widgets.notice_bar import Choice
from explorer_testing.builders import make_model, make_source


def furnish(window: MainWindow) -> None:
    """Open a model and images, and lay a morph, so that nothing is grayed out that need not be."""
    window.document.open(make_model(), make_source())
    window.document.set_code(np.zeros(2, np.float32))
    window.document.timeline.insert(np.array([[0, 0], [1, 2], [-1, 0.5]], np.float32), 0)
    window.document.set_code(np.ones(2, np.float32))
    window.document.report(message("Something went wrong."), "Details of it.")


def rooms(window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    """Yield the name and the top widget of each panel and dialog of a window, while it is in sight."""
    for panel in PANELS:
        window.show_panel(panel.name)
        QApplication.processEvents()
        yield f"dock {panel.title}", window
    window.notice_bar.show_notice("Something is offered.", Choice("Take it", "Take what is offered", lambda: None))
    QApplication.processEvents()
    yield "notice", window
    window.notice_bar.hide()
    window.center.show_start_page()
    QApplication.processEvents()
    yield "start page", window
    window.center.leave_start_page()
    for name, dialog in dialogs(window):
        QApplication.processEvents()
        yield name, dialog
        dialog.close()


def dialogs(window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    """Yield every dialog, open."""
    app_actions = window.app_actions
    app_actions.show_help()
    yield "help", _shown(window, "help_dialog")
    yield "import", window.opening.show_import()
    yield "directions", window.latent.find_directions()
    yield "statistics", window.latent.show_statistics()
    yield "commands", app_actions.show_palette()
    yield "problems", app_actions.show_problems()
    yield "settings", app_actions.show_settings()
    window.timeline.ask_export()
    yield "export", _shown(window, "export_dialog")
    window.timeline.ask_preset()
    yield "presets", _shown(window, "presets_dialog")
    window.train.show_preview()
    yield "augmentation", _shown(window, "augment_preview")
    window.library.show_get("mnist")
    yield "get data", _shown(window, "get_dialog")
    tour = app_actions.start_tour()
    yield "tour", tour.card
    tour.end()
    source = make_source(image_shape=(12, 10, 4))
    source.found = Found("uint16", (0.0, 4095.0), ("cells", "nuclei"), 3, "channels-last", 4)
    window.document.open(make_model(image_shape=(12, 10, 4)), source)
    yield "reading", window.opening.show_reading()
    window.document.choice_wanted.emit(ReadingQuestion("/nowhere/cells.h5", ("array", ("cells", "nuclei"))))
    yield "reading question", _shown(window, "reading_question")
    yield "channel mixer", window.stage.commands.show_mixer()


def _shown(window: MainWindow, name: str) -> QWidget:
    found = window.findChild(QWidget, name)
    assert found is not None, f"no dialog {name}"
    return found
