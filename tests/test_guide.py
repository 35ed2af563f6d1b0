"""Every command of the README and the guide runs as written, and its output and images match the page.

Trainings run, too, with a few images for one epoch; those on data that does not ship are run on data that does.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from explorer_testing.programs import run_python
from explorer_testing.shared_process import shared_process

from explorer.cli.main import main
from explorer.data.sources import open_source
from explorer.engine.client import ModelProcess
from explorer.paths import HOME_VARIABLE

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [page.name for page in sorted((REPOSITORY / "docs" / "guide").glob("*.md"))]
SHORT = " --epochs 1 --limit 300"
STANDS_IN = {"mnist": "digits", "fashion_mnist": "clothing", "faces-training.npz": "faces", "faces-224.npz": "faces"}

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing import third_party_writer
folder, styles = json.loads(sys.argv[1])
Path(folder).mkdir()
third_party_writer.main(Path(folder), styles)
print("null")
"""


@pytest.fixture(scope="module")
def guide() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("guide", REPOSITORY / "scripts" / "guide.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["guide"] = module  # where a dataclass looks its annotations up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["guide"]


@pytest.fixture(scope="module")
def shared(model_process: ModelProcess) -> Iterator[None]:
    with shared_process(model_process, "explorer.cli.commands.train"):
        yield


Run = Callable[[str], str]


@pytest.fixture
def run(
    guide: ModuleType,
    shared: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command in a folder; in this process, except those that open a window. It must succeed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))

    def run(command: str) -> str:
        _, *words = shlex.split(command)
        if words[0] == "tour":
            return str(guide.run(command, tmp_path))
        capsys.readouterr()
        code = main(words)
        captured = capsys.readouterr()
        assert code == 0, f"{command}\n{captured.err}"
        return str(guide.shown(captured.out))

    return run


@pytest.mark.engine
@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_its_commands_do(guide: ModuleType, run: Run, name: str, tmp_path: Path) -> None:
    page = REPOSITORY / "docs" / "guide" / name
    text = page.read_text(encoding="utf-8")
    for step in guide.steps_of(text):
        printed = run(shortened(step.command) if step.trains else step.command)
        if step.output is not None:
            assert guide.same(printed, step.output), f"{step.command}\nprinted {printed}\nthe page says {step.output}"
    for image in guide.images_of(text):
        assert (page.parent / "images" / image).is_file()
        assert guide.image_in(tmp_path, image) is not None, f"no command draws {image}"


@pytest.mark.engine
def test_the_readme_s_commands_run(run: Run, tmp_path: Path) -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith("latent-explorer ")]
    assert len(commands) > 10
    run_python(_WRITE, [str(tmp_path / "foreign"), ["tanh_range"]])
    shutil.copyfile(tmp_path / "foreign" / "tanh_range.h5", tmp_path / "autoencoder.h5")
    for command in commands:
        run(shortened(command) if " train " in command else command)
    for name in re.findall(r"--out (\S+)", "\n".join(commands)):
        assert (tmp_path / name).exists(), name


def test_figures_may_be_rounded_and_nothing_else(guide: ModuleType) -> None:
    assert guide.same("10 images: mse 0.0123, psnr −1.5", "10 images:  mse 0.0124, psnr −1.5")
    assert not guide.same("mse 0.0123", "mse 0.0133")
    assert not guide.same("mse 0.0123", "bce 0.0123")
    assert not guide.same("mse 0.0123", "mse 0.0123 and more")
    assert not guide.same("1 2", "1 2 3")


def test_steps_are_read_from_the_blocks(guide: ModuleType) -> None:
    text = "```console\n$ latent-explorer models\na\nb\n$ latent-explorer data\n```\n\n"
    text += "```sh\nlatent-explorer doctor\n```\n```\nx\n```\n"
    steps = [(step.command, step.output) for step in guide.steps_of(text)]
    assert steps == [
        ("latent-explorer models", "a\nb"),
        ("latent-explorer data", ""),
        ("latent-explorer doctor", None),
    ]


def test_a_command_that_fails_is_reported(guide: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"error: There is no model “nothing-like-it”"):
        guide.run("latent-explorer evaluate --model nothing-like-it --data digits", tmp_path)


def test_the_embedded_images_stand_in_for_others() -> None:
    for name in STANDS_IN.values():
        assert open_source(name).count > 0


def shortened(command: str) -> str:
    """Return a short version of a training command, on embedded images."""
    command = re.sub(r"--data (\S+)", lambda found: f"--data {STANDS_IN.get(found[1], found[1])}", command)
    command = re.sub(r" --augment \d+", "", command)
    return command + (" --limit 300" if "--arch linear" in command else SHORT)
