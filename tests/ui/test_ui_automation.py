"""docs/guide/automation.md lists what the real window has, and its example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from explorer_testing.automation import PAGE, RENAMED, page_of
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from explorer.ui.main_window import MainWindow


def test_the_page_lists_what_the_window_has(bare_window: MainWindow) -> None:
    assert PAGE.read_text(encoding="utf-8") == page_of(bare_window), "write it again, see its first lines"


def test_every_name_on_it_finds_one_thing(bare_window: MainWindow) -> None:
    page_of(bare_window)
    listed, _, renamed = PAGE.read_text(encoding="utf-8").partition("## Renamed")
    names = re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE)
    assert len(names) > 200
    assert len(names) == len(set(names))
    for name in names:
        found = [*bare_window.findChildren(QWidget, name), *bare_window.findChildren(QAction, name)]
        assert len(found) == 1, name
    assert re.findall(r"^\| `(\w+)` \| `(\w+)` \|", renamed, re.MULTILINE) == list(RENAMED.items())
    for old in RENAMED:
        assert not bare_window.findChildren(QWidget, old) + bare_window.findChildren(QAction, old), old


def test_its_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    ending = 'from PySide6.QtCore import QTimer\nQTimer.singleShot(0, running.close)\napp.exec()\nprint("ran")'
    assert "app.exec()" in code
    script = tmp_path / "example.py"
    script.write_text(code.replace("app.exec()", ending), encoding="utf-8")
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "ran"
