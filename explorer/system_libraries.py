"""Find the system libraries that Qt needs on Linux and that are missing, and the command that installs them.

Does not import Qt: where a library is missing, the import fails or ends the process.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from explorer.errors import UsageError
from explorer.messages import Message, message

PLUGIN_PATH_VARIABLE = "QT_QPA_PLATFORM_PLUGIN_PATH"
DEBIAN_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
DEBIAN_PROGRAMS = {"Xvfb": "xvfb"}
FEDORA_PROGRAMS = {"Xvfb": "xorg-x11-server-Xvfb"}


def missing_in(ldd_output: str) -> list[str]:
    """Return the names of the libraries that the output of ``ldd`` calls “not found”, each once, in its order."""
    found = re.findall(r"^\s*(\S+) => not found", ldd_output, flags=re.MULTILINE)
    return list(dict.fromkeys(found))


def missing_libraries(files: Iterable[Path]) -> list[str]:
    """Return the libraries that `files` need, directly or not, and that the loader does not find.

    Empty where this is unknown, and on other systems than Linux, where Qt ships its own.
    """
    missing: list[str] = []
    if sys.platform.startswith("linux") and shutil.which("ldd"):
        for file in files:
            answer = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False)
            missing += missing_in(answer.stdout)
    return list(dict.fromkeys(missing))


def qt_files(platform: str) -> list[Path]:
    """Return the Qt files that a window on `platform` loads, without importing PySide6; none where it is missing."""
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(next(iter(spec.submodule_search_locations)))
    plugins = os.environ.get(PLUGIN_PATH_VARIABLE) or folder / "Qt" / "plugins" / "platforms"
    return [Path(plugins) / f"libq{platform}.so", *sorted(folder.glob("QtWidgets.*.so"))]


def install_command(libraries: Sequence[str], programs: Sequence[str]) -> list[str] | None:
    """Return the command that installs what is missing, or None where this system's package manager is not known."""
    if shutil.which("apt-get"):
        wanted = [DEBIAN_LIBRARIES.get(name) or _guessed_debian_name(name) for name in libraries]
        wanted += [DEBIAN_PROGRAMS.get(name, name) for name in programs]
        return ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *dict.fromkeys(wanted)]
    if shutil.which("dnf"):
        wanted = [f"{name}()(64bit)" for name in libraries]
        return ["dnf", "install", "--assumeyes", *wanted, *(FEDORA_PROGRAMS.get(name, name) for name in programs)]
    return None


def _guessed_debian_name(library: str) -> str:
    """Return Debian's usual package name: ``liba-b.so.3`` is in ``liba-b3``, ``libx2.so.3`` in ``libx2-3``."""
    stem, _, version = library.partition(".so.")
    stem = stem.lower().replace("_", "-")
    return f"{stem}-{version}" if stem[-1].isdigit() else f"{stem}{version}"


def window_libraries_error(platforms: Iterable[str]) -> UsageError | None:
    """Return the error that names the missing libraries, or None if a window opens on one of these Qt platforms."""
    found = [missing_libraries(qt_files(platform)) for platform in platforms]
    if not found or not all(found):
        return None
    # One platform is enough for a window: the one with the fewest missing libraries.
    least = min(found, key=len)
    return UsageError(
        "Cannot open a window: Qt needs {libraries}, which {count:is|are} not installed. {remedy}",
        libraries=least,
        count=len(least),
        remedy=_installation(least),
    )


def how_to_install(libraries: Sequence[str], programs: Sequence[str] = ()) -> str:
    """Return a sentence with the command that installs what is missing."""
    return str(_installation(libraries, programs))


def _installation(libraries: Sequence[str], programs: Sequence[str] = ()) -> Message:
    command = install_command(libraries, programs)
    if command is None:
        return message("Install them with your package manager.")
    return message("Run: sudo {command}", command=shlex.join(command))
