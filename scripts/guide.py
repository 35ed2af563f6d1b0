"""Run every command of the guide, and update outputs and images in its pages.

Usage: python scripts/guide.py [PAGE …]

In a ``console`` block of a Markdown page, a line that begins with ``$`` is a command, followed by its output, which
this script updates. In a ``sh`` block, every line is a command without recorded output. Trainings are skipped, because
they take hours; their figures are in the cards of the models. An image ``images/NAME`` is the file of that name that a
command of the page wrote, or that a tour wrote with a number before the name.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.paths import HOME_VARIABLE

REPOSITORY = Path(__file__).resolve().parents[1]
GUIDE = REPOSITORY / "docs" / "guide"
PROGRAM = "latent-explorer "
_BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_IMAGE = re.compile(r"images/([\w.-]+)")
_NUMBER = re.compile(r"[-+−]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")
_TOLERANCE = 0.03


@dataclass(frozen=True)
class Step:
    """A command of a page, and its recorded output or None."""

    command: str
    output: str | None

    @property
    def trains(self) -> bool:
        """Whether the command is a training."""
        return self.command.startswith(f"{PROGRAM}train ")


def steps_of(text: str) -> Iterator[Step]:
    """Yield the commands of a page in order."""
    for kind, body in _BLOCK.findall(text):
        if kind == "sh":
            yield from (Step(line, None) for line in body.splitlines() if line.startswith(PROGRAM))
        else:
            yield from _printed(body)


def _printed(body: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Step(command, output.rstrip("\n"))


def run(command: str, folder: Path) -> str:
    """Run a command in a folder; return what a page shows of its output.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    words = shlex.split(command)[1:]
    surroundings = {**os.environ, "PYTHONPATH": str(REPOSITORY), HOME_VARIABLE: str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "explorer", *words], cwd=folder, env=surroundings, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stderr.decode(errors='replace')}")
    return shown(done.stdout.decode())


def shown(output: str) -> str:
    """Return the output of a command without the lines “written to …”."""
    lines = output.splitlines()
    return "\n".join(line.rstrip() for line in lines if not line.startswith("written to "))


def same(printed: str, expected: str) -> bool:
    """Return whether two outputs agree: the same words, and numbers within rounding differences."""
    if _NUMBER.sub("#", printed).split() != _NUMBER.sub("#", expected).split():
        return False
    found, wanted = (
        [float(number.replace(",", "").replace("−", "-")) for number in _NUMBER.findall(text)]
        for text in (printed, expected)
    )
    return all(
        abs(one - other) <= _TOLERANCE * max(abs(one), abs(other)) for one, other in zip(found, wanted, strict=True)
    )


def images_of(text: str) -> list[str]:
    """Return the names of the images of a page."""
    return sorted(set(_IMAGE.findall(text)))


def image_in(folder: Path, name: str) -> Path | None:
    """Return the file of this name that a command wrote, or that a tour wrote with a number before the name."""
    found = [path for path in sorted(folder.rglob("*")) if re.fullmatch(rf"(\d+-)?{re.escape(name)}", path.name)]
    return found[0] if found else None


def write_page(page: Path) -> None:
    """Run the commands of a page, and update its outputs and images."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for step in steps_of(text):
            if step.trains:
                continue
            print(f"{page.name}: {step.command}", flush=True)
            printed = run(step.command, folder)
            if step.output is not None:
                before = f"$ {step.command}\n{step.output}" if step.output else f"$ {step.command}"
                text = text.replace(before, f"$ {step.command}\n{printed}", 1)
        for name in images_of(text):
            drawn = image_in(folder, name)
            if drawn is None:
                raise RuntimeError(f"{page.name}: no command wrote {name}")
            (page.parent / "images").mkdir(exist_ok=True)
            shutil.copyfile(drawn, page.parent / "images" / name)
    page.write_text(text, encoding="utf-8")


def main() -> None:
    """Update the given pages, or all."""
    for page in [Path(name) for name in sys.argv[1:]] or sorted(GUIDE.glob("*.md")):
        write_page(page)


if __name__ == "__main__":
    main()
