"""What the tests of the command line share: calls in this process, and the models they run on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from explorer.cli.main import main
from explorer.paths import pretrained_dir

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What one call of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON on standard output, read as strictly as the standard has it."""

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def error(self) -> str:
        """The one error line of a call that failed as it should."""
        assert self.code == 2
        assert self.out == ""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        assert self.err.startswith("error: ")
        return self.err.removeprefix("error: ").strip()


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command line in this process; every word is made text."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def ask(call: Call) -> Callable[..., Any]:
    """Run a command with ``--json``, which must go well; return its document."""

    def run(*words: object) -> Any:
        outcome = call(*words, "--json")
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.document

    return run


@pytest.fixture(scope="session")
def vae() -> Path:
    """The shipped 2-D variational model of digits."""
    return pretrained_dir() / "digits-vae-2d"


@pytest.fixture(scope="session")
def deep() -> Path:
    """The shipped deep dense model of digits, with 49 numbers in a code."""
    return pretrained_dir() / "digits-deep-49"


@pytest.fixture
def program() -> Callable[..., subprocess.Popen[bytes]]:
    """Start the program in a process of its own, from another folder than the repository's where asked."""

    def start(*words: object, **options: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
        return subprocess.Popen(
            [sys.executable, "-m", "explorer", *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            **options,
        )

    return start
