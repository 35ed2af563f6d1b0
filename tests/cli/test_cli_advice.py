"""Advice of a training is printed to a terminal only."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from explorer.cli.commands.train import _Reporter
from explorer.cli.console import Console
from explorer.engine.messages import Advice
from explorer.messages import message
from explorer.models.settings import make_request


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("as_json", [False, True])
def test_it_is_a_line_on_standard_error_at_a_terminal(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert _Reporter(Console(as_json=as_json)).show(Advice(message("invert them"))) is None
    assert terminal.getvalue() == "note: invert them\n"
    assert capsys.readouterr().out == ""


def test_it_is_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    _Reporter(Console(as_json=False)).show(Advice(message("invert them")))
    assert capsys.readouterr() == ("", "")


@pytest.mark.engine
@pytest.mark.parametrize("invert", [False, True])
def test_a_training_advises_to_invert_what_is_dark_on_light(tmp_path: Path, invert: bool) -> None:
    from explorer.engine.prepare import prepare

    for number in range(10):
        page = Image.new("L", (24, 20), 250)
        ImageDraw.Draw(page).ellipse((8, 6, 12 + number % 5, 15), fill=10)
        page.save(tmp_path / f"{number}.png")
    request = make_request(architecture="dense", data=str(tmp_path), out=tmp_path / "new", invert=invert, augment=20)
    items = list(prepare(request))
    assert [isinstance(item, Advice) for item in items].count(True) == (0 if invert else 1)
