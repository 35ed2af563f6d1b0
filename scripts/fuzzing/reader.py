"""The description of a reader under test: how to make its seeds, and how to read a file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reader:
    """One reader of untrusted files.

    Attributes
    ----------
    name
        Name on the command line.
    make_seeds
        Writes valid inputs to a folder; each entry, file or folder, is one input.
    read
        Reads one input like the program, and uses the result.
    victims
        Glob patterns of the files of a folder that are mutated.
    repair
        Repairs checksums after a mutation, so that it passes the check; may fail.
    """

    name: str
    make_seeds: Callable[[Path], None]
    read: Callable[[Path], object]
    victims: tuple[str, ...] = ("**/*",)
    repair: Callable[[Path], None] | None = None

    def files(self, seed: Path) -> list[Path]:
        """Return the files of an input that may be mutated, relative to it; ``.`` for an input of one file."""
        if seed.is_file():
            return [Path()]
        found = {path for pattern in self.victims for path in seed.glob(pattern) if path.is_file()}
        return sorted(path.relative_to(seed) for path in found)


def place(seed: Path, folder: Path) -> Path:
    """Copy an input into an empty folder of its own; return the copy."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    target = folder / seed.name
    if seed.is_dir():
        shutil.copytree(seed, target)
    else:
        shutil.copyfile(seed, target)
    return target
