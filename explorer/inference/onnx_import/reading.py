"""Reads ONNX files of other programs: the reader, and its call."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from explorer import reader
from explorer.errors import ModelError
from explorer.inference.onnx_import.limits import MOST_BYTES
from explorer.inference.onnx_import.records import Adapted, Described, Wanted
from explorer.models.import_record import ChannelOrder
from explorer.models.third_party.reading import weights_beside
from explorer.models.third_party.request import Choices
from explorer.reader import Handed
from explorer.types import Progress

if TYPE_CHECKING:
    from explorer.inference.onnx_import.loading import Network

Role = Literal["whole", "encoder", "decoder"]


@dataclass
class Read:
    """What was read: what is known of a model, and its networks by role."""

    described: Described
    networks: dict[str, Adapted] = field(default_factory=dict)


def reading(files: dict[Role, Path], choices: Choices) -> Generator[None, None, Read]:
    """Read and adapt a whole model, or encoder and decoder, in the reader process; yields while waiting.

    Raises ModelError if it is not a network of images, or has what is not supported.
    """
    paths = [path.expanduser().absolute() for path in files.values()]
    arguments = {
        "roles": tuple(files),
        "layout": choices.layout,
        "code": choices.code,
        "log_variance": choices.log_variance,
        "bottleneck": choices.bottleneck,
        "condition": choices.condition,
    }
    records: list[Any] = yield from _records(paths, arguments)
    beside = [
        _data_beside(paths[wanted.place], name)
        for wanted in records
        if isinstance(wanted, Wanted) and 0 <= wanted.place < len(paths)
        for name in wanted.names
    ]
    if beside:
        records = yield from _records([*paths, *dict.fromkeys(beside)], arguments)
    described = next((record for record in records if isinstance(record, Described)), None)
    if described is None:
        raise ModelError("{file} changed while it was read. Import it again.", file=paths[0].name)
    return Read(described, {one.role: one for one in records if isinstance(one, Adapted)})


def _records(paths: list[Path], arguments: dict[str, Any]) -> Generator[None, None, list[Any]]:
    found = []
    with closing(reader.steps("onnx import", paths, (Wanted, Described, Adapted, Progress), arguments)) as records:
        for record in records:
            if record is not None:
                found.append(record)
            yield
    return found


def _data_beside(path: Path, name: str) -> Path:
    """Return the path of external data beside a file; ModelError if it is elsewhere, a link, missing or too large."""
    data = weights_beside(path, name)
    if data.stat().st_size > MOST_BYTES:
        raise ModelError(
            "“{name}” is too large: it has more than {most:,} MB. Import a smaller model.",
            name=name,
            most=MOST_BYTES >> 20,
        )
    return data


def read_networks(
    files: Sequence[Handed],
    roles: Sequence[str],
    layout: ChannelOrder | None,
    code: str | None,
    log_variance: str | None,
    bottleneck: str | None,
    condition: Sequence[float] | None,
) -> Iterator[Wanted | Progress | Described | Adapted]:
    """Read and adapt ONNX files; called in the reader process.

    `files` are the networks in the order of `roles`, then their external data, if it was asked for by `Wanted`.
    """
    # Imported here, since the window does not need these libraries.
    from explorer.inference.onnx_import import loading
    from explorer.inference.onnx_import.model import adapt

    given, others = files[: len(roles)], files[len(roles) :]
    contents = [_content(file) for file in given]
    wanted = [
        Wanted(place, names)
        for place, (file, content) in enumerate(zip(given, contents, strict=True))
        if (names := loading.external_files(content, file.name))
    ]
    if wanted and not others:
        yield from wanted
        return
    networks: dict[str, Network] = {}
    for file, role, content in zip(given, roles, contents, strict=True):
        beside = {other.name: other.file for other in others if other.path.parent == file.path.parent}
        networks[role] = loading.load(content, file.name, beside)
        yield Progress(len(networks), 0)
    stated = Choices(
        layout=layout,
        code=code,
        log_variance=log_variance,
        bottleneck=bottleneck,
        condition=None if condition is None else tuple(condition),
    )
    yield from adapt(networks, stated)


def _content(file: Handed) -> bytes:
    content = file.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ModelError(
            "{file} is too large: it has more than {most:,} MB. Import a smaller model.",
            file=file.name,
            most=MOST_BYTES >> 20,
        )
    return content
