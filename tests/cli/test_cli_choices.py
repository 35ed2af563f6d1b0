"""How a dataset is read, chosen on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.cli.main import build_parser, load_command
from explorer.cli.parser import put_choices


def spec_of(command: str, *words: str) -> str:
    options = build_parser(command, load_command(command)).parse_args(list(words))
    put_choices(options)
    assert not [name for name in vars(options) if name.startswith("choice_")]
    return str(options.data)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "stack.npy"
    np.save(path, np.zeros((4, 8, 8), np.uint8))
    return path


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (("--data-range", "0,4095"), "range=0,4095"),
        (("--data-range", "-1,1"), "range=-1,1"),
        (("--frames", "first"), "frames=first"),
        (("--frames", "3"), "frames=3"),
        (("--array", "a group/images & more"), "array=a%20group/images%20%26%20more"),
        (("--layout", "channels-first"), "layout=channels-first"),
        (("--data-channels", "2,0"), "channels=2,0"),
        (("--data-range", "0,1", "--frames", "all"), "range=0,1&frames=all"),
    ],
)
def test_an_option_becomes_part_of_the_spec(words: tuple[str, ...], chosen: str) -> None:
    assert spec_of("data", "scan.h5", *words) == f"scan.h5?{chosen}"


def test_without_options_the_spec_stays() -> None:
    assert spec_of("data", "scan.h5?frames=all") == "scan.h5?frames=all"


def test_an_option_replaces_the_same_choice_of_the_spec() -> None:
    spec = "scan.h5?array=x&range=0,255"
    assert spec_of("data", spec, "--data-range", "0,4095") == "scan.h5?array=x&range=0,4095"
    assert spec_of("data", spec, "--data-range", "auto") == "scan.h5?array=x"


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("encode", ("--model", "m", "--out", "o.npz")),
        ("evaluate", ("--model", "m")),
        ("neighbors", ("--model", "m", "--query", "q.png")),
        ("reconstruct", ("--model", "m", "--out", "o.png")),
        ("train", ("--arch", "vae", "--out", "o")),
    ],
)
def test_every_command_that_reads_a_dataset_has_the_options(command: str, rest: tuple[str, ...]) -> None:
    words = ("--data", "scan.h5", "--array", "x", "--frames", "all", *rest)
    assert spec_of(command, *words) == "scan.h5?array=x&frames=all"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--data-range", "5,1"), "Invalid choice of range: “5,1”. Expected: two numbers, the lower one first"),
        (("--data-range", "wide"), "Invalid choice of range: “wide”"),
        (("--frames", "-1"), "Invalid choice of frames: “-1”. Expected: all, first, or the number of one"),
        (("--layout", "rows"), "Invalid choice of layout: “rows”. Expected: channels-first, channels-last or flat"),
        (("--data-channels", "1,1"), "Invalid choice of channels: “1,1”. Expected: different numbers from 0"),
    ],
)
def test_an_invalid_choice_is_one_line(call: Any, stack: Path, words: tuple[str, ...], problem: str) -> None:
    error = call("data", stack, *words).error
    assert error.startswith(f"argument {words[0]}: {problem}")


def test_a_choice_needs_a_dataset_that_leaves_it_open(call: Any) -> None:
    assert call("data", "--frames", "all").error == "There is nothing to read in this way. Name a dataset, too."
    error = call("data", "digits", "--data-range", "0,1").error
    assert error == "Cannot read “digits” with range=0,1: there is nothing to choose. Leave it out."


def test_a_dataset_is_opened_as_chosen(ask: Any, stack: Path, vae: Path) -> None:
    assert ask("data", stack, "--data-range", "0,255")["count"] == 4
    evaluated = ask("evaluate", "--model", vae, "--data", stack, "--data-range", "0,255", "--split", "all")
    assert evaluated["count"] == 4


def test_a_training_gets_the_absolute_path_with_the_choices(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.cli.commands.train import _checked_data

    monkeypatch.chdir(tmp_path)
    assert _checked_data("stack.npy?range=0,255") == f"{stack}?range=0,255"


@pytest.fixture
def of_twelve_bits(vae: Path, tmp_path: Path) -> Path:
    """A model that learned from values of 0 to 4095."""
    folder = tmp_path / "of-twelve-bits"
    shutil.copytree(vae, folder)
    card = json.loads((folder / "card.json").read_text())
    reading = {"step": "reading", "low": 0, "high": 4095, "depth": 16}
    card["preprocessing"]["steps"].insert(0, reading)
    (folder / "card.json").write_text(json.dumps(card))
    return folder


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("encode", ("--out", "codes.npz")),
        ("evaluate", ("--split", "all")),
        ("neighbors", ("--query", "scan.npy:0")),
        ("reconstruct", ("--split", "all", "--out", "rows.png")),
    ],
)
def test_every_command_says_that_a_model_learned_from_another_range(
    command: str,
    rest: tuple[str, ...],
    call: Any,
    of_twelve_bits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).integers(0, 1024, (20, 28, 28)).astype(np.uint16)
    values.flat[0] = 1023
    np.save("scan.npy", values)
    words = (command, "--model", of_twelve_bits, "--data", "scan.npy", *rest)
    assert call(*words).err == (
        "warning: The model learned from values of 0 … 4095, and the range of “scan.npy” is 0 … 1023. Choose the same "
        "range, or expect other results. Use --data-range 0,4095.\n"
    )
    assert call(*words, "--data-range", "0,4095", *(["--force"] if "--out" in rest else [])).err == ""
