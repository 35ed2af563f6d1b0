"""Names of files, labels and attributes cannot control the terminal: all printed text is escaped."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.cli.console import Console, table
from explorer.messages import message
from explorer.types import Progress

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such file names")

ESCAPE = "\x1b]0;owned\x07"
"""Renames the window of the terminal if printed without escaping."""

REVERSED = "photo\u202egnp.exe"
LINES = "a\nerror: all files are deleted"
COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of digits with control characters in their names, and a file that is skipped."""
    made = tmp_path / f"{ESCAPE}set"
    random = np.random.default_rng(0)
    for label in (f"{ESCAPE}red", REVERSED):
        (made / label).mkdir(parents=True)
        for number in range(3):
            pil_image = Image.fromarray(random.integers(0, 256, (28, 28), np.uint8))
            pil_image.save(made / label / f"{number}{LINES}.png")
    (made / REVERSED / f"cut{LINES}.png").write_bytes(b"no image")
    return made


def test_a_folder_is_described_in_escaped_names(call: Any, folder: Path) -> None:
    outcome = call("data", folder)
    assert outcome.code == 0
    assert not COMMANDS.search(outcome.out + outcome.err)
    assert r"\x1b]0;owned\x07red" in outcome.out
    assert r"photo\u202egnp.exe" in outcome.out
    assert not re.search("^error", outcome.out + outcome.err, re.MULTILINE)


def test_labels_of_neighbors_are_escaped_and_whole_in_json(call: Any, folder: Path, vae: Path) -> None:
    query = folder / REVERSED / f"0{LINES}.png"
    words = ("neighbors", "--model", vae, "--data", folder, "--query", query, "--count", 5)
    outcome = call(*words)
    assert outcome.code == 0
    assert not COMMANDS.search(outcome.out + outcome.err)
    assert r"\x1b]0;owned\x07red" in outcome.out
    assert f"{ESCAPE}red" in {entry["label"] for entry in call(*words, "--json").document}


@pytest.mark.parametrize("name", [f"{ESCAPE}none", REVERSED])
def test_what_is_not_found_is_named_in_one_escaped_line(call: Any, tmp_path: Path, name: str) -> None:
    for words in (("data", tmp_path / name), ("sample", "--model", name, "--out", tmp_path / "x.png"), (name,)):
        error = call(*words).error
        assert not COMMANDS.search(error)
        assert name.encode("unicode_escape").decode() in error


def test_every_form_of_console_output_is_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    console = Console(as_json=False)
    for line in table([("name", "n"), (ESCAPE, "1")]):
        console.line(line)
    console.line(LINES)
    assert capsys.readouterr().out.splitlines() == [
        "name              n",
        r"\x1b]0;owned\x07  1",
        r"a\nerror: all files are deleted",
    ]
    monkeypatch.setattr(sys, "stderr", terminal)
    console.warn(ESCAPE)
    console.note(LINES)
    console.bar(Progress(1, 2, message("reading {name}", name=ESCAPE)))
    shown = terminal.getvalue()
    assert not COMMANDS.search(shown.replace("\r", ""))
    assert r"warning: \x1b]0;owned\x07" in shown
    assert "note: a error: all files are deleted" in shown
