"""Find the system libraries that Qt misses on this machine; install them where that is allowed, else say how.

Needs nothing but the standard library, and imports no Qt: where a library is missing, that would abort. Run it with
the interpreter of the environment that holds PySide6::

    python scripts/check_system.py --platform xcb
    python scripts/check_system.py --platform offscreen --program Xvfb

Exits 0 where everything is there (at last), and 1 with the one command to run where it is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PLATFORMS = ("xcb", "wayland", "offscreen")
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
    """Return the libraries that `files` need, directly or not, and that the loader does not find."""
    missing: list[str] = []
    for file in files:
        answer = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False)
        missing += missing_in(answer.stdout)
    return list(dict.fromkeys(missing))


def qt_files(platform: str) -> list[Path]:
    """Return the Qt files that a window on `platform` loads, without importing PySide6."""
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(
            "error: PySide6 in this Python environment; received none. Run this with the environment's interpreter."
        )
    folder = Path(next(iter(spec.submodule_search_locations)))
    return [
        folder / "Qt" / "plugins" / "platforms" / f"libq{platform}.so",
        *sorted(folder.glob("QtWidgets.*.so")),
    ]


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


def rights() -> list[str] | None:
    """Return what runs a command as root when put before it, possibly nothing; None where that is not allowed."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if allowed.returncode == 0:
            return ["sudo", "-n"]
    return None


def install(command: Sequence[str], prefix: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run `command` with rights; a second time, with fresh package lists, where apt-get's first try fails."""

    def run(words: Sequence[str]) -> bool:
        print("+", shlex.join(words), file=sys.stderr, flush=True)
        # The package manager's chatter is no result of ours: it goes to standard error.
        ended = subprocess.run(
            words, env=dict(environment), stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), check=False
        )
        return ended.returncode == 0

    if prefix:
        prefix = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    if run([*prefix, *command]):
        return True
    return command[0] == "apt-get" and run([*prefix, "apt-get", "update", "-qq"]) and run([*prefix, *command])


def main() -> int:
    """Check, install where allowed, check again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--platform", choices=PLATFORMS, default="xcb", help="Qt's platform plugin")
    parser.add_argument("--program", action="append", default=[], help="a program that must be there too, say Xvfb")
    wanted = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("Nothing needs to be installed here: on this system Qt brings its own libraries.", file=sys.stderr)
        return 0
    if shutil.which("ldd") is None:
        print("The libraries that Qt needs were not checked: the program ldd is missing.", file=sys.stderr)
        return 0

    def lacking() -> tuple[list[str], list[str]]:
        programs = [name for name in wanted.program if shutil.which(name) is None]
        return missing_libraries(qt_files(wanted.platform)), programs

    libraries, programs = lacking()
    command = install_command(libraries, programs)
    prefix = rights() if command and command[0] == "apt-get" and (libraries or programs) else None
    if command and prefix is not None:
        print(f"Missing on this system: {', '.join([*libraries, *programs])}.", file=sys.stderr)
        install(command, prefix, {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        libraries, programs = lacking()
        command = install_command(libraries, programs)
    if not libraries and not programs:
        return 0
    names = ", ".join([*libraries, *programs])
    how = f"run: sudo {shlex.join(command)}" if command else "install them with your package manager."
    print(f"error: the system libraries that Qt needs; received a system without {names}.", file=sys.stderr)
    print(f"To get them, {how}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
