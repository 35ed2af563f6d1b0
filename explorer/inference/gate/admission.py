"""Decides whether a network may run: it ships with the program, or has passed the checks."""

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
    """A network to be checked: its file, and the shape of its input without the batch."""

    path: Path
    content: bytes
    shape: tuple[int, ...]

    @cached_property
    def key(self) -> str:
        return network_key(self.content, self.shape)

    @property
    def ships(self) -> bool:
        """Whether it ships with the program, and is trusted."""
        return self.path.resolve().is_relative_to(pretrained_dir().resolve())


@dataclass(frozen=True)
class Passed:
    """Result of the reader process: cache key of the network, and maximum batch size."""

    key: str
    at_once: int


def admit(candidates: Sequence[Candidate]) -> list[int | None]:
    """Return the maximum batch size of each network, or None if it ships with the program.

    Raises ModelError if one does not pass.

    Only batches whose size is a power of two were checked and may be run.
    """
    known = {each.path: None if each.ships else find_passed(each.key) for each in candidates}
    unknown = [each for each in candidates if not each.ships and known[each.path] is None]
    if unknown:
        found = _ask(unknown)
        for each in unknown:
            if each.key not in found:
                raise ModelError("{file} changed while it was checked. Open the model again.", file=each.path)
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
        raise ModelError(
            "Cannot open the model {folder}. {problem}", folder=paths[0].parent, problem=error.message
        ) from error


def read_onnx(files: Sequence[Handed], shapes: Sequence[Sequence[int]]) -> Iterator[Passed]:
    """Check networks and run each once; called in the reader process."""
    # Imported here, since the window does not need these libraries.
    from explorer.inference.gate.check import check_and_try

    for file, shape in zip(files, shapes, strict=True):
        content = file.file.read()
        key = network_key(content, tuple(shape))
        try:
            for at_once in check_and_try(content, tuple(shape)):
                yield Passed(key, at_once)
        except ModelError as error:
            raise ModelError("{file}: {problem}", file=file.name, problem=error.message) from error
