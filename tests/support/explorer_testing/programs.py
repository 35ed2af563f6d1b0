"""Programs in a process of their own: for Keras, which the process of the tests must not load, and for real windows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
PATIENCE_S = 600


def environment(**more: str) -> dict[str, str]:
    """Return this process' environment, in which ``import explorer`` finds this repository."""
    paths = [str(REPOSITORY), str(REPOSITORY / "tests" / "support"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), **more}


def run_python(program: str, argument: object = None, **more: str) -> Any:
    """Run a program that takes JSON as its argument and prints JSON as its last line; return that.

    Keyword arguments are further environment variables.
    """
    return json.loads(_run(program, argument, more).splitlines()[-1])


def _run(program: str, argument: object, more: dict[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program, json.dumps(argument)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(**more),
    )
    assert ended.returncode == 0, f"exit code {ended.returncode}\n{ended.stderr[-4000:]}"
    return ended.stdout


_SEVERAL = """
import json, sys

def main():
    for program, argument in json.loads(sys.argv[1]):
        sys.argv = ["-c", json.dumps(argument)]
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})

main()
"""


def run_several(*programs: tuple[str, object], **more: str) -> list[Any]:
    """Run programs like `run_python`, one after the other in one process, so that Keras is imported once.

    Each prints one line; what one changes in a module stays for the next.
    """
    return [json.loads(line) for line in _run(_SEVERAL, programs, more).splitlines()]
