"""One mutated input: created from a seed, read, judged and, if it is a fault, minimized."""

from __future__ import annotations

import os
import random
import shutil
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.paths import HOME_VARIABLE
from fuzzing.mutations import mutate
from fuzzing.reader import Reader, place

REPAIRED = 0.7
"""Fraction of inputs whose checksums are repaired, if the reader supports it."""

_MINIMIZE_S = 3.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of one input.

    Attributes
    ----------
    verdict
        ``accepted``, ``refused`` (an `ExplorerError`), ``foreign`` (any other exception) or ``memory``.
    key
        Of a foreign exception: its type, and the innermost function of the program.
    text
        Its traceback.
    """

    verdict: str
    key: str = ""
    text: str = ""


class Bench:
    """Reads inputs with one reader, each in a fresh user folder."""

    def __init__(self, reader: Reader, seeds: Path, work: Path) -> None:
        self.reader = reader
        self._seeds = sorted(seeds.iterdir())
        self.work = work
        self._home = work.with_name("home")
        os.environ[HOME_VARIABLE] = str(self._home)
        self.input = Path()
        self._victim = Path()
        self._repairs = False

    def judge(self) -> Outcome:
        """Read the prepared input."""
        shutil.rmtree(self._home, ignore_errors=True)
        try:
            self.reader.read(self.input)
        except ExplorerError:
            return Outcome("refused")
        except MemoryError as error:
            return Outcome("memory", _key(error), traceback.format_exc())
        except Exception as error:  # this is what the tool looks for
            return Outcome("foreign", _key(error), traceback.format_exc())
        return Outcome("accepted")

    def choices(self) -> list[tuple[Path, Path]]:
        """Return every file that may be mutated: the seed, and the path in it."""
        return [(seed, victim) for seed in self._seeds for victim in self.reader.files(seed)]

    def take(self, seed: Path, victim: Path, *, repairs: bool) -> None:
        """Prepare a copy of a seed, one file of which will be replaced."""
        self.input = place(seed, self.work)
        self._victim = victim
        self._repairs = repairs and self.reader.repair is not None

    def put(self, content: bytes) -> None:
        """Replace the content of the chosen file."""
        (self.input / self._victim).write_bytes(content)
        if self._repairs and self.reader.repair is not None:
            with suppress(Exception):  # what cannot be repaired is read as it is
                self.reader.repair(self.input)

    def prepare(self, rng: random.Random) -> bytes:
        """Prepare a mutated input; return the content of the mutated file."""
        seed = rng.choice(self._seeds)
        victim = rng.choice(self.reader.files(seed))
        self.take(seed, victim, repairs=rng.random() < REPAIRED)
        others = [path.read_bytes() for path in self._seeds if path.is_file() and path != seed]
        content = mutate((seed / victim).read_bytes(), rng, others)
        self.put(content)
        return content

    def check_seeds(self) -> None:
        """Check that every seed is accepted; otherwise nothing behind the first check is tested.

        Raises
        ------
        RuntimeError
            If one is refused.
        """
        for seed in self._seeds:
            self.input = place(seed, self.work)
            shutil.rmtree(self._home, ignore_errors=True)
            try:
                self.reader.read(self.input)
            except Exception as error:
                raise RuntimeError(f"the seed {seed.name} of {self.reader.name} is not accepted") from error

    def minimized(self, content: bytes, key: str, alive: Callable[[], None]) -> bytes:
        """Return a shorter content with the same outcome, by removing parts."""
        until = time.monotonic() + _MINIMIZE_S
        size = len(content) // 2
        while size and time.monotonic() < until:
            at = 0
            while at < len(content) and time.monotonic() < until:
                alive()
                shorter = content[:at] + content[at + size :]
                self.put(shorter)
                if self.judge().key == key:
                    content = shorter
                else:
                    at += size
            size //= 2
        self.put(content)
        return content

    def save(self, folder: Path, outcome: Outcome) -> None:
        """Save the current input with its outcome."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.work, folder, symlinks=True)
        (folder / "traceback.txt").write_text(outcome.text, encoding="utf-8")


def _key(error: BaseException) -> str:
    """Return a key of an exception: its type and the innermost function of the program, to report each fault once."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}explorer{os.sep}" in frame.filename] or list(frames)
    where = Path(ours[-1].filename)
    return f"{type(error).__name__} in {where.parent.name}/{where.stem}.{ours[-1].name}"
