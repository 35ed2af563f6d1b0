"""One start of the program after another: the first tour, the settings, and what a damaged file does to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer_testing.programs import run_python

from explorer.document.preferences import DAMAGED_SUFFIX, PreferencesFile
from explorer.paths import settings_path

START = """
import json
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDockWidget
from explorer import app
from explorer.ui.first_tour import FirstTour
from explorer.ui.theme import current_theme

made = app.make_window

def watched(preferences=None):
    running = made(preferences)

    def look():
        tour = running.window.findChild(FirstTour)
        try:
            problems = running.window.app_actions.problems
            print(json.dumps({
                "tour": bool(tour and tour.running),
                "window": current_theme().window,
                "library": running.window.library.isVisible(),
                "problems": [str(problems.entry(row).message) for row in range(problems.rowCount())],
            }))
        finally:
            if tour:
                tour.end()
            running.window.findChild(QDockWidget, "library_dock").hide()
            running.window.close()

    QTimer.singleShot(0, look)
    return running

app.make_window = watched
assert app.main() == 0
"""


def test_the_tour_comes_at_the_first_start_only_and_the_window_where_it_was() -> None:
    first: dict[str, Any] = run_python(START)
    assert first["tour"]
    assert first["problems"] == []
    PreferencesFile(settings_path()).put(scheme="dark")
    second: dict[str, Any] = run_python(START)
    assert not second["tour"]
    assert second["window"] == "#1b1e23"
    assert (first["library"], second["library"]) == (True, False)


def test_a_damaged_settings_file_is_reported_and_kept_and_the_program_starts(explorer_home: Path) -> None:
    settings_path().write_bytes(b'{"tour_seen": true, "scheme": ["dark"], "layout": 7}')
    result: dict[str, Any] = run_python(START)
    assert not result["tour"], "what was good in it holds"
    assert len(result["problems"]) == 1
    assert "settings" in result["problems"][0]
    assert settings_path().with_name(settings_path().name + DAMAGED_SUFFIX).is_file()
    assert run_python(START)["problems"] == []
