"""Whether a network may be run here: it ships with the program, has passed before, or passes now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from explorer.errors import ModelError
from explorer.inference.gate.passed import find_passed, keep_passed, network_key
from explorer.inference.sessions import check_interrupt
from explorer.paths import pretrained_dir
from explorer.reader import Handed, steps


@dataclass(frozen=True)
class Candidate:
    """A network that is to be run.

    Attributes
    ----------
    path
        The file.
    content
        What was read from it, and will be run.
    shape
        Of its input, without the batch.
    """

    path: Path
    content: bytes
    shape: tuple[int, ...]

    @cached_property
    def key(self) -> str:
        """What it is remembered by."""
        return network_key(self.content, self.shape)

    @property
    def ships(self) -> bool:
        """Whether it is a part of the program, and trusted as that."""
        return self.path.resolve().is_relative_to(pretrained_dir().resolve())


@dataclass(frozen=True)
class Passed:
    """What the reader process says of a network: which one, and the most images or codes in one run."""

    key: str
    at_once: int


def admit(candidates: Sequence[Candidate]) -> list[int | None]:
    """Return the most images or codes in one run of each network, and None where it ships with the program.

    Only as many as a power of two may be run at once: others were not checked.

    Raises
    ------
    ModelError
        If one of them does not pass.
    """
    known = {each.path: None if each.ships else find_passed(each.key) for each in candidates}
    unknown = [each for each in candidates if not each.ships and known[each.path] is None]
    if unknown:
        found = _ask(unknown)
        for each in unknown:
            if each.key not in found:
                raise ModelError(f"{each.path} as it was a moment ago", "another file", "Open the model again.")
            known[each.path] = found[each.key]
            keep_passed(each.key, found[each.key])
    return [known[each.path] for each in candidates]


def _ask(candidates: Sequence[Candidate]) -> dict[str, int]:
    paths, shapes = [each.path for each in candidates], [list(each.shape) for each in candidates]
    found: dict[str, int] = {}
    try:
        with closing(steps("onnx", paths, (Passed,), {"shapes": shapes})) as records:
            for passed in records:
                check_interrupt()
                if passed is not None:
                    found[passed.key] = passed.at_once
        return found
    except ModelError as error:
        raise ModelError(f"{error.expected} ({paths[0].parent})", error.received, error.remedy) from error


def read_onnx(files: Sequence[Handed], shapes: Sequence[Sequence[int]]) -> Iterator[Passed]:
    """Check networks and run each once: what the reader process does."""
    # The libraries for this are not for the window.
    from explorer.inference.gate.check import check_and_try

    for file, shape in zip(files, shapes, strict=True):
        content = file.file.read()
        key = network_key(content, tuple(shape))
        try:
            for at_once in check_and_try(content, tuple(shape)):
                yield Passed(key, at_once)
        except ModelError as error:
            raise ModelError(f"{error.expected} in {file.name}", error.received, error.remedy) from error
