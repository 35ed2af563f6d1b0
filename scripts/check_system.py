"""Find the system libraries that Qt misses on this machine; install them where that is allowed, else say how.

Imports no Qt: where a library is missing, that would abort. Run it with the interpreter of the environment that holds
PySide6::

    python scripts/check_system.py --platform xcb
    python scripts/check_system.py --platform offscreen --program Xvfb

Exits 0 where everything is there (at last), and 1 with the one command to run where it is not.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

from explorer.system_libraries import how_to_install, install_command, missing_libraries, qt_files

PLATFORMS = ("xcb", "wayland", "offscreen")


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
        files = qt_files(wanted.platform)
        if not files:
            sys.exit(
                "error: PySide6 in this Python environment; received none. Run this with the environment's interpreter."
            )
        programs = [name for name in wanted.program if shutil.which(name) is None]
        return missing_libraries(files), programs

    libraries, programs = lacking()
    command = install_command(libraries, programs)
    prefix = rights() if command and command[0] == "apt-get" and (libraries or programs) else None
    if command and prefix is not None:
        print(f"Missing on this system: {', '.join([*libraries, *programs])}.", file=sys.stderr)
        install(command, prefix, {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        libraries, programs = lacking()
    if not libraries and not programs:
        return 0
    names = ", ".join([*libraries, *programs])
    print(f"error: the system libraries that Qt needs; received a system without {names}.", file=sys.stderr)
    print(how_to_install(libraries, programs), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
