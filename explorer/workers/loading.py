"""Jobs that open models and images: generators without Qt."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from explorer.data.source import Skipped, Source
from explorer.data.sources import held_out_source, open_source, opening
from explorer.document.closed import Closed, ClosedModel, ClosedSource, Reopening
from explorer.document.state import OpenModel
from explorer.engine.codecs import open_codec
from explorer.errors import DataError, ExplorerError, ModelError
from explorer.messages import Message, message
from explorer.models.bundle import open_bundle
from explorer.models.runs import run_of
from explorer.types import Progress


def open_model(path: Path, run: Path | None = None) -> OpenModel:
    """Open a bundle and its codec, ModelError if it is damaged.

    `run` is the folder of the training that wrote it; None searches for it.
    """
    bundle = open_bundle(path)
    return OpenModel(bundle.card, bundle.sample, open_codec(bundle), bundle.path, run or run_of(bundle.card))


def load_bundle(path: Path, run: Path | None = None) -> Iterator[Progress | OpenModel]:
    """Open a bundle as `open_model` does."""
    yield Progress(0, 0, message("Opening the model"))
    yield open_model(path, run)


def load_model(path: Path, home: bool) -> Iterator[Progress | tuple[OpenModel, Source | None]]:
    """Open a model and, with `home`, the embedded dataset that it was trained on."""
    yield Progress(0, 0, message("Opening the model"))
    model = open_model(path)
    source = None
    name = home_source(model) if home else None
    if name is not None:
        yield Progress(0, 0, message("Opening its images"))
        source = open_source(name)
    yield model, source


def load_source(spec: str | Path) -> Generator[Progress, None, Source]:
    """Open a dataset, and return it when it is complete."""
    source: Source | None = None
    for item in opening(spec):
        if isinstance(item, Progress):
            yield item
        else:
            source = item
    assert source is not None, "a source comes last"
    return source


def reopen(wanted: Reopening) -> Iterator[Progress | list[tuple[Closed, OpenModel | Source]]]:
    """Reopen what a step of the history needs; ExplorerError if a model or source is missing or has changed."""
    opened: list[tuple[Closed, OpenModel | Source]] = []
    for closed in wanted.missing:
        if isinstance(closed, ClosedSource):
            yield from _reopened_source(closed, opened)
        else:
            yield Progress(0, 0, message("Opening {name}", name=closed.name))
            opened.append((closed, _reopened_model(closed)))
    yield opened


def _reopened_model(closed: ClosedModel) -> OpenModel:
    if not closed.files:
        raise ModelError(
            "Cannot go to this edit: the training of “{name}” was not finished. Resume it in the list of runs, or "
            "choose another edit.",
            name=closed.name,
        )
    try:
        model = open_model(closed.path, closed.run)
    except ExplorerError as error:
        raise ModelError(
            "Cannot go to this edit: the model “{name}” cannot be opened. {reason}",
            name=closed.name,
            reason=error.message,
        ) from error
    if not closed.fits(model):
        raise ModelError(
            "Cannot go to this edit: the model “{name}” in {path} has changed. Choose another edit.",
            name=closed.name,
            path=closed.path,
        )
    return model


def _reopened_source(closed: ClosedSource, opened: list[tuple[Closed, OpenModel | Source]]) -> Iterator[Progress]:
    try:
        source = yield from load_source(closed.spec)
    except ExplorerError as error:
        raise DataError(
            "Cannot go to this edit: “{name}” cannot be opened. {reason}", name=closed.name, reason=error.message
        ) from error
    if not closed.fits(source):
        raise DataError(
            "Cannot go to this edit: the images of “{name}” have changed. Choose another edit.", name=closed.name
        )
    opened.append((closed, source))


def load_home(model: OpenModel) -> Iterator[Progress | Source | None]:
    """Open the embedded dataset that a model was trained on; the result is None if there is none."""
    yield Progress(0, 0, message("Opening its images"))
    name = home_source(model)
    yield None if name is None else open_source(name)


_NAMED = 3
"""Skipped files that a message names; its details list all."""


def skipped_words(source: Source) -> tuple[Message, str]:
    """Return a message about the skipped files of a source, and the list of all."""
    return listed_words(source.skipped, source.count + len(source.skipped) - source.unreadable)


def listed_words(skipped: Sequence[Skipped], total: int) -> tuple[Message, str]:
    """Return a message about the skipped ones of all files, and the list of them."""
    lines = [f"{one.name}: {one.reason}" for one in skipped]
    count = len(lines)
    first, more = "; ".join(lines[:_NAMED]), count - _NAMED
    if more > 0:
        summary = message(
            "Skipped {count:,} of {total:# file|# files}: {first}; and {more:,} more",
            count=count,
            total=total,
            first=first,
            more=more,
        )
    else:
        summary = message("Skipped {count:,} of {total:# file|# files}: {first}", count=count, total=total, first=first)
    return summary, "\n".join(lines)


def home_source(model: OpenModel) -> str | None:
    return held_out_source(model.card.data.name)
