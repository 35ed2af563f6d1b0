"""Writes docs/guide/automation.md from the real window: `python -m explorer_testing.automation`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QToolBar,
    QWidget,
)

from explorer.ui.actions import OR, plain_title
from explorer.ui.app_actions import FORMER_NAMES
from explorer.ui.main_window import MainWindow
from explorer.ui.panel_dock import PanelDock
from explorer.ui.panels import PANELS
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.image_grid import ImageGrid
from explorer.ui.widgets.plane_canvas import PlaneCanvas
from explorer.ui.widgets.timeline_track import TimelineTrack
from explorer_testing.rooms import dialogs, furnish

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "automation.md"

CONTROLS = (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QProgressBar,
    ImageGrid,
    ImageFrame,
    PlaneCanvas,
    TimelineTrack,
)
_BY_SYSTEM = {"action_redo": "Ctrl+Y or Ctrl+Shift+Z"}
"""Keys that differ from system to system."""

RENAMED = dict(
    sorted(
        {
            **FORMER_NAMES,
            "centre_splitter": "center_splitter",
            "compare_pictures": "compare_images",
            "drop_veil": "drop_overlay",
            "get_licence": "get_license",
            "import_pictures": "import_images",
            "map_pictures": "map_images",
            "map_pictures_words": "map_images_words",
            "menu_neighbours_panel": "menu_neighbors_panel",
            "neighbours_add": "neighbors_add",
            "neighbours_by_code": "neighbors_by_code",
            "neighbours_by_pixels": "neighbors_by_pixels",
            "neighbours_cancel": "neighbors_cancel",
            "neighbours_code_words": "neighbors_code_words",
            "neighbours_count": "neighbors_count",
            "neighbours_cursor": "neighbors_cursor",
            "neighbours_empty": "neighbors_empty",
            "neighbours_index": "neighbors_index",
            "neighbours_metric": "neighbors_metric",
            "neighbours_note": "neighbors_note",
            "neighbours_panel": "neighbors_panel",
            "neighbours_picture": "neighbors_image",
            "neighbours_pixel_words": "neighbors_pixel_words",
            "neighbours_progress": "neighbors_progress",
            "neighbours_retry": "neighbors_retry",
            "neighbours_whitened": "neighbors_whitened",
            "slot_a_pictures": "slot_a_images",
            "slot_b_pictures": "slot_b_images",
            "slot_c_pictures": "slot_c_images",
            "tour_veil": "tour_overlay",
            "train_film": "train_frames",
            "train_film_epoch": "train_frames_epoch",
            "train_film_export": "train_frames_export",
            "train_film_panel": "train_frames_panel",
            "train_film_slider": "train_frames_slider",
            "train_run_go_on": "train_run_resume",
        }.items()
    )
)
"""Object names of version 1 that have changed, with their current ones."""

_HEAD = """# Controlling the window from a program

After this page you can find every control of the window by its object name and trigger it from Python.

Every control has a stable object name. Tests, the screenshot tour and assistive programs use it. This page is generated
from the real window (`python -m explorer_testing.automation`, with `tests/support` on `PYTHONPATH`), and a test
compares it with the window.

```python
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton

from explorer.app import make_application, make_window, open_first

app = make_application()
running = make_window()  # without preferences it saves no settings
open_first(running.document)
running.window.show()
running.window.findChild(QPushButton, "timeline_add").click()
running.window.findChild(QAction, "action_shuffle").trigger()
app.exec()
```

`QT_QPA_PLATFORM=offscreen` runs it without a display. The state is in the document: `running.document` has a signal for
each of its parts ([architecture](../architecture.md)). The command line can do most of this without a window.

A name with a number (`noise_1_strength`) belongs to a row that exists only if it has content.
"""


def page_of(window: MainWindow) -> str:
    """Return the page for a window, which is furnished and walked through for it."""
    furnish(window)
    for panel in PANELS:
        window.show_panel(panel.name)
    parts = [_HEAD, "## Commands\n", _table(("name", "menu", "title", "keys"), _actions(window))]
    for title, shown in _panels(window):
        parts += [f"## {title}\n", _table(("name", "control", "what it is"), _controls(shown))]
    for name, dialog in dialogs(window):
        top = dialog.objectName()
        parts += [f"## Dialog: {name} (`{top}`)\n", _table(("name", "control", "what it is"), _controls(dialog))]
        dialog.close()
    renamed = ((f"`{old}`", f"`{new}`") for old, new in RENAMED.items())
    parts += ["## Renamed since version 1\n", _table(("old", "new"), renamed)]
    return "\n".join(parts)


def _actions(window: MainWindow) -> Iterator[tuple[str, ...]]:
    for command in window.registry.commands():
        name, native = command.record.name, QKeySequence.SequenceFormat.NativeText
        keys = OR.join(QKeySequence.fromString(one, native).toString() for one in command.keys.split(OR))
        yield f"`{name}`", command.where, command.record.title, _BY_SYSTEM.get(name, keys)


def _panels(window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    yield "Stage", window.stage
    for bar in window.findChildren(QToolBar):
        yield f"Toolbar {bar.windowTitle()} (`{bar.objectName()}`)", bar
    for dock in window.findChildren(PanelDock):
        yield f"Panel {dock.windowTitle()} (`{dock.objectName()}`)", dock
    yield "Status bar", window.status


def _controls(panel: QWidget) -> Iterator[tuple[str, ...]]:
    for control in panel.findChildren(QWidget):
        name = control.objectName()
        if not isinstance(control, CONTROLS) or not name or name.startswith(("qt_", "_q_", "Scroll")):
            continue
        if isinstance(control, QScrollBar) or _inside_of_another(control, panel) or _in_dialog(control, panel):
            continue
        words = control.accessibleName() or (control.text() if isinstance(control, QAbstractButton) else "")
        yield f"`{name}`", _kind(control), " ".join(plain_title(words).split()).replace("|", "¦")


def _kind(control: QWidget) -> str:
    """Return Qt's own class: that is what a program casts to."""
    kinds = (kind.__name__ for kind in type(control).__mro__)
    return next(name for name in kinds if name.startswith("Q"))


def _inside_of_another(control: QWidget, panel: QWidget) -> bool:
    parent = control.parentWidget()
    while parent is not None and parent is not panel:
        area = isinstance(parent, QAbstractScrollArea) and not isinstance(parent, QScrollArea)
        if area or isinstance(parent, QAbstractSpinBox | QComboBox | QTabBar | QLineEdit):
            return True
        parent = parent.parentWidget()
    return False


def _in_dialog(control: QWidget, panel: QWidget) -> bool:
    """Tell whether it belongs to a dialog that is a child of the panel, and has a section of its own."""
    parent = control.parentWidget()
    while parent is not None and parent is not panel:
        if isinstance(parent, QDialog):
            return True
        parent = parent.parentWidget()
    return False


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def main() -> int:
    """Write the page."""
    from explorer.app import make_application
    from explorer.document.document import Document

    make_application()
    window = MainWindow(Document())
    window.show()
    PAGE.write_text(page_of(window), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
