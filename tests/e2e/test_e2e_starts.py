"""One start of the program after another: the start page, the last model, the settings, and damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer_testing.programs import run_python

from explorer.document.preferences import DAMAGED_SUFFIX, PreferencesFile
from explorer.models.bundle import CARD, FIRST_MODEL
from explorer.paths import pretrained_dir, settings_path

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
                "library": not running.window.findChild(QDockWidget, "library_dock").isHidden(),
                "page": running.window.center.start_page.isVisible(),
                "model": running.document.model and running.document.model.name,
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


def start() -> dict[str, Any]:
    result: dict[str, Any] = run_python(START)
    return result


def test_the_first_start_shows_the_start_page_and_later_ones_the_last_model() -> None:
    first = start()
    assert (first["page"], first["model"], first["tour"]) == (True, None, False), "the page offers the tour"
    assert first["problems"] == []
    last = pretrained_dir() / "digits-conv"
    PreferencesFile(settings_path()).put(scheme="dark", last_model=str(last))
    second = start()
    assert (second["page"], second["model"], second["tour"]) == (False, "digits-conv", False)
    assert second["window"] == "#1b1e23"
    assert not start()["library"], "it was hidden"
    PreferencesFile(settings_path()).put(startup="start_page", tour_seen=False)
    third = start()
    assert (third["model"], third["tour"]) == (None, True), "the tour was asked for"


def test_a_last_model_that_is_gone_or_damaged(tmp_path: Path) -> None:
    PreferencesFile(settings_path()).put(last_model=str(tmp_path / "gone"))
    assert start()["model"] == FIRST_MODEL
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / CARD).write_text("{}")
    PreferencesFile(settings_path()).put(last_model=str(tmp_path / "damaged"))
    result = start()
    assert (result["page"], result["model"]) == (True, None)
    assert len(result["problems"]) == 1
    assert CARD in result["problems"][0]


def test_a_damaged_settings_file_is_reported_and_kept_and_the_program_starts(explorer_home: Path) -> None:
    settings_path().write_bytes(b'{"tour_seen": true, "scheme": ["dark"], "layout": 7}')
    result = start()
    assert not result["tour"], "what was good in it holds"
    assert len(result["problems"]) == 1
    assert "settings" in result["problems"][0]
    assert settings_path().with_name(settings_path().name + DAMAGED_SUFFIX).is_file()
    assert start()["problems"] == []
