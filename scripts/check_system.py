"""Find missing system libraries of Qt; install them if permitted, otherwise print the command.

Does not import Qt, which would abort if a library is missing. Run it with the interpreter of the environment that
contains PySide6::

    python scripts/check_system.py --platform xcb
    python scripts/check_system.py --platform offscreen --program Xvfb

Exits 0 if nothing is missing (any more), otherwise 1 after printing the command to run.
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
    """Return the command prefix for root rights, possibly empty; None if they are not available."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if allowed.returncode == 0:
            return ["sudo", "-n"]
    return None


def install(command: Sequence[str], prefix: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run `command` as root; if apt-get fails, update the package lists and retry."""

    def run(words: Sequence[str]) -> bool:
        print("+", shlex.join(words), file=sys.stderr, flush=True)
        # Output of the package manager goes to standard error.
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
    parser.add_argument("--program", action="append", default=[], help="a program that is also required, such as Xvfb")
    wanted = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("Nothing to install: on this system Qt includes its libraries.", file=sys.stderr)
        return 0
    if shutil.which("ldd") is None:
        print("The libraries of Qt were not checked: the program ldd is missing.", file=sys.stderr)
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
    print(f"error: Qt needs system libraries that are missing: {names}.", file=sys.stderr)
    print(how_to_install(libraries, programs), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
