"""The imports of the window: no source is read but that of modules that need it."""

from __future__ import annotations

import subprocess
import sys

from explorer_testing.programs import environment


def test_no_source_is_searched_for_features_of_pyside() -> None:
    code = (
        "import explorer.app, linecache, PySide6.QtCore, numpy, pydantic; print(len(linecache.cache))\n"
        "from PySide6.QtCore import QObject; print(QObject().objectName is not None)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment(QT_QPA_PLATFORM="offscreen"),
    )
    count, works = ended.stdout.split()
    assert int(count) < 20, "PySide6 reads the source of 600 modules"
    assert works == "True"
