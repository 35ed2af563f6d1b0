"""Converts files of PyTorch in the reader process: the call, and what it gives back."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from explorer import reader
from explorer.errors import ModelError
from explorer.models.third_party.no_network import format_of
from explorer.types import Bytes, Progress

Role = TypeVar("Role", bound=str)


@dataclass(frozen=True, eq=False)
class Converted:
    """An ONNX file, converted from the file at `place`.

    `max_difference` is the largest between PyTorch and ONNX Runtime on random input, relative to the values if these
    are larger than 1, with the noise of a sampled code set to 0; None if the outputs are random otherwise.
    """

    place: int
    content: Bytes
    max_difference: float | None


def converting(files: Mapping[Role, Path]) -> Generator[None, None, dict[Role, Converted]]:
    """Convert a whole model, or encoder and decoder, whose code the user trusts; yields while waiting.

    ModelError if PyTorch cannot load or convert one, or ONNX Runtime computes something else with it.
    """
    if all(format_of(path) == "torchscript" for path in files.values()):
        # Loading the exporter of exported programs takes seconds. TorchScript needs it only where its own one fails.
        with suppress(ModelError):
            return (yield from _converted("torch script", files))
    return (yield from _converted("torch program", files))


def _converted(name: str, files: Mapping[Role, Path]) -> Generator[None, None, dict[Role, Converted]]:
    found: dict[Role, Converted] = {}
    roles = list(files)
    paths = [path.expanduser().absolute() for path in files.values()]
    arguments = {"roles": tuple(roles)}
    with closing(reader.steps(name, paths, (Converted, Progress), arguments)) as records:
        for record in records:
            if isinstance(record, Converted) and 0 <= record.place < len(roles):
                found[roles[record.place]] = record
            yield
    if len(found) < len(files):
        raise ModelError("{file} changed while it was read. Import it again.", file=paths[0].name)
    return found
