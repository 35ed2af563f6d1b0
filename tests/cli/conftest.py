"""Fixtures for the tests of the command line: calls in this process, and models."""

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
    """The result of one call of the command line."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON on standard output, parsed strictly."""

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def error(self) -> str:
        """The single error line of a call that failed as expected."""
        assert self.code == 2
        assert self.out == ""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        assert self.err.startswith("error: ")
        return self.err.removeprefix("error: ").strip()


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command line in this process; arguments are converted to strings."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def ask(call: Call) -> Callable[..., Any]:
    """Run a command with ``--json``, which must succeed; return its document."""

    def run(*words: object) -> Any:
        outcome = call(*words, "--json")
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.document

    return run


@pytest.fixture(scope="session")
def vae() -> Path:
    """The bundled 2-D VAE of digits."""
    return pretrained_dir() / "digits-vae-2d"


@pytest.fixture(scope="session")
def deep() -> Path:
    """The bundled deep dense model of digits, with 49 latent dimensions."""
    return pretrained_dir() / "digits-deep-49"


@pytest.fixture
def program() -> Callable[..., subprocess.Popen[bytes]]:
    """Start the program in a separate process, optionally in another folder than the repository."""

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
