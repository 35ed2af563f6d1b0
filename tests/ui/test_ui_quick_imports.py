"""The imports of the window: no source is read but that of modules that need it."""

from __future__ import annotations

from explorer_testing.programs import run_python


def test_no_source_is_searched_for_features_of_pyside() -> None:
    count, works = run_python(
        "import explorer.app, json, linecache, PySide6.QtCore, numpy, pydantic; count = len(linecache.cache)\n"
        "from PySide6.QtCore import QObject; print(json.dumps([count, QObject().objectName is not None]))"
    )
    assert count < 20, "PySide6 reads the source of 600 modules"
    assert works
