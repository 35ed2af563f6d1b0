from __future__ import annotations

import re
import signal
import subprocess
import sys
import tomllib
import types
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import explorer
from explorer.cli import main as cli_main
from explorer.cli.command import Command, Report
from explorer.cli.commands import COMMANDS, module_of
from explorer.cli.commands.doctor import FAULTY_PYSIDE, LIBRARIES, PYTHON_VERSIONS, _formats
from explorer.cli.console import Console
from explorer.data import extras
from explorer.paths import log_dir, pretrained_dir

REPOSITORY = Path(__file__).resolve().parents[2]
ISSUED = {
    *("models", "architectures", "data", "train", "reconstruct", "evaluate", "encode", "decode", "traverse", "grid"),
    *("sample", "neighbors", "arithmetic", "morph", "import", "denoise", "tour", "bench", "doctor"),
}


def test_commands_are_those_of_the_contract() -> None:
    assert set(COMMANDS) >= ISSUED
    modules = {path.stem for path in (REPOSITORY / "explorer" / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert {module_of(name).rsplit(".", 1)[-1] for name in COMMANDS} == modules


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_call_that_parses(call: Any, name: str) -> None:
    outcome = call(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert "--json" in outcome.out
    example = re.search(rf"example:\n  latent-explorer ({name}.*)\n", outcome.out)
    assert example is not None
    parser = cli_main.build_parser(name, cli_main.load_command(name))
    parser.parse_args(example[1].split()[1:])


def test_help_of_the_whole_lists_every_command(call: Any) -> None:
    outcome = call("--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert all(re.search(rf"^  {name} ", outcome.out, re.MULTILINE) for name in COMMANDS)


def test_version(call: Any) -> None:
    assert call("--version").out == f"latent-explorer {explorer.__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["decode"], "--model, --codes, --out"),
        (["models", "--frobnicate"], "--frobnicate"),
        (["models", "extra"], "extra"),
        (["sample", "--count", "0", "--model", "m", "--out", "x.png"], "“0” is not an integer ≥ 1"),
        (["sample", "--count", "3.5", "--model", "m", "--out", "x.png"], "“3.5” is not an integer ≥ 1"),
        (["evaluate", "--model", "m", "--data", "digits", "--split", "half"], "half"),
        (["traverse", "--model", "m", "--out", "x.png", "--dim", "1", "--axis", "1"], "--dim"),
        (["grid", "--model", "m", "--out", "x.png", "--range", "-3", "nan"], "finite"),
        (["grid", "--model", "m", "--out", "x.png", "--range", "-3"], "--range"),
        (["train", "--arch", "vae", "--data", "digits", "--out", "x", "--size", "28"], "HxW"),
        (["tour", "--out", "x", "--size", "1280"], "WxH"),
        (["evaluate", "--mod", "m", "--data", "digits"], "--model"),
        (["models", "--json=yes"], "--json"),
        (["--frobnicate"], "--frobnicate"),
        (["modles"], "Did you mean “models”?"),
        (["one", "two"], "two"),
        (["x" * 5000], "is neither a command nor a file"),
        (["a\nb"], "a b"),
        (["models", "a\r\nb\u2028c"], "a b c"),
    ],
)
def test_wrong_words_give_one_line(call: Any, words: list[str], expected: str) -> None:
    assert expected in call(*words).error


def test_model_of_no_name(call: Any, tmp_path: Path) -> None:
    assert "“nobody”" in call("sample", "--model", "nobody", "--out", tmp_path / "x.png", "--json").error


def install(monkeypatch: pytest.MonkeyPatch, run: Callable[[Namespace, Console], Report | int]) -> None:
    """Add a command `stand-in` to the real ones."""
    module = types.ModuleType("explorer.cli.commands.stand-in")
    module.COMMAND = Command("stand-in", lambda parser: None, run)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "stand-in", "stands in")


def test_unexpected_error_is_one_line_and_a_traceback_in_the_log(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: Namespace, console: Console) -> Report:
        raise ZeroDivisionError("two\nlines")

    install(monkeypatch, run)
    error = call("stand-in").error
    log = log_dir() / "command-line.log"
    assert "ZeroDivisionError: two lines" in error
    assert str(log) in error
    assert "Traceback (most recent call last)" in log.read_text(encoding="utf-8")


def test_unexpected_error_where_no_log_can_be_written(
    call: Any, monkeypatch: pytest.MonkeyPatch, explorer_home: Path
) -> None:
    def run(options: Namespace, console: Console) -> Report:
        raise ZeroDivisionError

    (explorer_home / "logs").write_text("a file where the folder should be", encoding="utf-8")
    install(monkeypatch, run)
    assert "ZeroDivisionError" in call("stand-in").error


def test_interrupt_ends_quietly(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: Namespace, console: Console) -> Report:
        raise KeyboardInterrupt

    install(monkeypatch, run)
    outcome = call("stand-in")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Replace the window, which other tests open; lists the requested files."""
    asked: list[str | None] = []
    module = types.ModuleType("explorer.app")

    def open_window(open_me: str | None = None) -> int:
        asked.append(open_me)
        return 0

    module.main = open_window  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "explorer.app", module)
    return asked


def test_window_opens_what_it_is_given(
    call: Any, opened: list[str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    assert call().code == 0
    assert call("./models").code == 0
    assert call("digits-vae-2d").code == 0
    assert call("faces-colour").code == 0, "the name of an earlier version"
    shipped = [str(pretrained_dir() / name) for name in ("digits-vae-2d", "faces-colorize")]
    assert opened == [None, str(tmp_path / "models"), *shipped]


def test_first_words_stay_light() -> None:
    script = (
        "import sys; from explorer.cli.main import main; code = main(['models', '--json'])\n"
        "heavy = {'tensorflow', 'keras', 'PySide6', 'sklearn', 'onnxruntime', 'tf2onnx'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_spawned_child_imports_nothing_with_main() -> None:
    script = "import sys, explorer.__main__; print(*[name for name in sys.modules if name.startswith('explorer.')])"
    ended = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["explorer.__main__"]


def test_output_is_utf_8_whatever_the_terminal_says(program: Any) -> None:
    out, err = program("architectures").communicate()
    assert "28×28×1" in out.decode("utf-8")
    out, err = program("decode", "--codes", "ü", "--model", "m", "--out", "nowhere/ü.png").communicate()
    folder = Path("nowhere").absolute()
    assert err.decode("utf-8").startswith(f"error: Cannot write ü.png: the folder {folder} does not exist.")


def test_reader_that_goes_away(program: Any) -> None:
    process = program("doctor", "--json")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal between processes")
def test_interrupt_of_a_real_process(program: Any, tmp_path: Path) -> None:
    command = """
import select, signal, sys
from explorer.cli import main
from explorer.cli.commands import models
# The signal may be ignored if the tests run in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
def slow(**options):
    print('ready', flush=True)
    while True:  # not pause(), which misses a signal that comes just before it
        select.select([], [], [], 0.1)
models.find_bundles = slow
sys.exit(main.main(['models']))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", command], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_doctor_knows_what_the_package_needs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=!~\[; ]", line)[0] for line in project["dependencies"]}
    assert set(LIBRARIES) == needed
    first, end = (".".join(map(str, version)) for version in PYTHON_VERSIONS)
    assert project["requires-python"] == f">={first},<{end}"
    pyside = next(line for line in project["dependencies"] if line.startswith("PySide6"))
    assert set(re.findall(r"!=([\d.]+)", pyside)) == set(FAULTY_PYSIDE)


def test_doctor_lists_the_extras_with_their_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.EXTRAS, "zarr", ("latent_explorer_has_no_such_package",))
    monkeypatch.setitem(extras.EXTRAS, "tiff", ("numpy",))
    found = {check.check: check for check in _formats()}
    assert found["format zarr"].detail == "not installed; pip install '.[zarr]'"
    assert found["format tiff"].detail == "installed"
    assert all(check.ok for check in found.values())


def test_parser_takes_negative_numbers() -> None:
    built = cli_main.build_parser("grid", cli_main.load_command("grid"))
    for low in ("-3", "-.5", "-1e-3", "-2.5E+1"):
        options = built.parse_args(["--model", "m", "--out", "x.png", "--range", low, "-0", "--steps", "2"])
        assert options.range == [float(low), 0.0]


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, function: str, answer: Any) -> list[tuple[Any, ...]]:
    """Replace a module that opens windows or measures for minutes; list the calls of its function."""
    calls: list[tuple[Any, ...]] = []
    module = types.ModuleType(name)

    def call(*arguments: Any) -> Any:
        calls.append(arguments)
        return answer

    setattr(module, function, call)
    monkeypatch.setitem(sys.modules, name, module)
    return calls


def test_tour_hands_its_options_on(ask: Any, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"screenshots": ["a.png"], "gif": "morph.gif", "clicks": {}, "seconds": 12.5, "heavy_modules": []}
    calls = stand_in(monkeypatch, "explorer.tour", "run_tour", answer)
    monkeypatch.chdir(tmp_path)
    assert ask("tour", "--out", "images", "--only", "map", "--size", "1920x1080") == answer
    assert call("tour", "--out", "images").out == f"1 screenshots in {tmp_path / 'images'}, 12.5 s\n"
    assert calls == [(tmp_path / "images", "map", (1920, 1080)), (tmp_path / "images", None, None)]


def test_bench_hands_its_options_on(ask: Any, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"name": "decode-one", "case": "64×64", "unit": "ms", "ours": 0.25, "peer": None, "why": "not installed"}
    calls = stand_in(monkeypatch, "explorer.bench", "run", [line])
    assert ask("bench", "--quick", "--only", "decode-one") == [line]
    lines = call("bench").out.splitlines()
    assert lines[1].split()[:5] == ["decode-one", "64×64", "ms", "0.25", "-"]
    assert lines[2] == "decode-one (64×64): not installed"
    assert calls == [(True, "decode-one"), (False, None)]
