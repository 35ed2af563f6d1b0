"""If no window can be opened, the program prints the reason as one line; Qt itself would abort.

The libraries are really missing: a copy of Qt in which the name of one of them is changed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from explorer_testing.programs import environment

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere Qt brings its own libraries")

PATIENCE_S = 300


def start(**more: str) -> str:
    """Start the program, which must fail; return its error line."""
    ended = subprocess.run(
        [sys.executable, "-m", "explorer"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(**more),
    )
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
    return ended.stderr.removeprefix("error: ").strip()


def link_all(source: Path, target: Path, *left_out: str) -> None:
    """Create a folder of links to the content of another, except some files."""
    target.mkdir(parents=True)
    for part in source.iterdir():
        if part.name not in left_out:
            (target / part.name).symlink_to(part)


def renamed(file: Path, target: Path, library: str, other: str) -> None:
    """Copy a library, and replace one of its dependencies by another."""
    content = file.read_bytes()
    assert content.count(library.encode()) >= 1
    assert len(library) == len(other)
    target.write_bytes(content.replace(library.encode(), other.encode()))


@pytest.fixture
def qt() -> Path:
    spec = importlib.util.find_spec("PySide6")
    assert spec
    assert spec.submodule_search_locations
    if shutil.which("ldd") is None:
        pytest.skip("only where there is ldd")
    return Path(next(iter(spec.submodule_search_locations)))


def test_without_the_libraries_of_qt_itself_it_names_the_one_command(tmp_path: Path, qt: Path) -> None:
    copy = tmp_path / "PySide6"
    link_all(qt, copy, "Qt")
    (tmp_path / "shiboken6").symlink_to(qt.parent / "shiboken6")
    link_all(qt / "Qt", copy / "Qt", "lib")
    link_all(qt / "Qt" / "lib", copy / "Qt" / "lib", "libQt6Gui.so.6")
    renamed(qt / "Qt" / "lib" / "libQt6Gui.so.6", copy / "Qt" / "lib" / "libQt6Gui.so.6", "libEGL.so.1", "libEGX.so.1")
    paths = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    result = start(PYTHONPATH=paths, QT_QPA_PLATFORM="offscreen")
    assert "Qt needs libEGX.so.1, which is not installed" in result
    if shutil.which("apt-get"):
        assert result.endswith("Run: sudo apt-get install -qq --yes --no-install-recommends libegx1")


def test_without_the_libraries_of_a_platform_it_names_the_one_command(tmp_path: Path, qt: Path) -> None:
    link_all(qt / "Qt", tmp_path / "Qt", "plugins")
    plugins = tmp_path / "Qt" / "plugins" / "platforms"
    plugins.mkdir(parents=True)
    name = "libqxcb.so"
    renamed(qt / "Qt" / "plugins" / "platforms" / name, plugins / name, "libxcb-cursor.so.0", "libxcb-cursox.so.0")
    result = start(QT_QPA_PLATFORM="xcb", QT_QPA_PLATFORM_PLUGIN_PATH=str(plugins), DISPLAY=":987")
    assert "libxcb-cursox.so.0" in result
    if shutil.which("apt-get"):
        assert "Run: sudo apt-get install" in result
        assert "libxcb-cursox0" in result


def test_an_unknown_platform_is_named() -> None:
    assert "“nonsense”" in start(QT_QPA_PLATFORM="nonsense").replace('"', "“", 1).replace('"', "”", 1)


def test_a_display_that_does_not_answer_is_no_abort() -> None:
    result = start(QT_QPA_PLATFORM="xcb", DISPLAY=":987")
    assert "DISPLAY=:987" in result or "Cannot open a window: Qt needs" in result


def test_without_any_display_it_says_so() -> None:
    assert "Cannot open the window: there is no display" in start(QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
