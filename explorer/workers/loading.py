"""Opening models and images, and exporting, as jobs: generators without Qt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.data.preprocessing import to_pixels
from explorer.data.source import Source
from explorer.data.sources import open_source, opening
from explorer.document.closed import Closed, ClosedModel, ClosedSource, Reopening
from explorer.document.state import OpenModel
from explorer.errors import DataError, ExplorerError, ModelError
from explorer.inference.codec import open_codec
from explorer.models.bundle import open_bundle
from explorer.types import Codec, Floats, Pixels, Progress
from explorer.workers.jobs import Early

_FRAMES_AT_ONCE = 32


def open_model(path: Path, run: Path | None = None) -> OpenModel:
    """Open a bundle and its codec; `run` is the training that it is known to come from.

    Raises
    ------
    ModelError
        If any part of it is damaged.
    """
    bundle = open_bundle(path)
    return OpenModel(bundle.card, bundle.sample, open_codec(bundle), bundle.path, run)


def load_model(path: Path, home: bool) -> Iterator[Progress | tuple[OpenModel, Source | None]]:
    """Open a model and, where `home` asks for it, the embedded images of the kind it was trained on."""
    yield Progress(0, 0, "opening the model")
    model = open_model(path)
    source = None
    name = home_source(model) if home else None
    if name is not None:
        yield Progress(0, 0, "opening its pictures")
        source = open_source(name)
    yield model, source


def reopen(wanted: Reopening) -> Iterator[Progress | list[tuple[Closed, OpenModel | Source]]]:
    """Open again what a step of the history needs.

    Raises
    ------
    ExplorerError
        If it is gone, or has changed since.
    """
    opened: list[tuple[Closed, OpenModel | Source]] = []
    for closed in wanted.missing:
        if isinstance(closed, ClosedSource):
            yield from _reopened_source(closed, opened)
        else:
            yield Progress(0, 0, f"opening {closed.name}")
            opened.append((closed, _reopened_model(closed)))
    yield opened


_ANOTHER_STEP = "The history stays where it is; its other steps can be chosen in the panel History."


def _reopened_model(closed: ClosedModel) -> OpenModel:
    if not closed.files:
        remedy = f"Resume its training in the list of runs. {_ANOTHER_STEP}"
        raise ModelError(f"the model “{closed.name}”", "a training that was not finished", remedy)
    try:
        model = open_model(closed.path, closed.run)
    except ExplorerError as error:
        wanted = f"the model “{closed.name}” in {closed.path}, to go to that step"
        raise ModelError(wanted, f"“{error}”", _ANOTHER_STEP) from error
    if not closed.fits(model):
        raise ModelError(f"the model “{closed.name}” in {closed.path} as it was", "another one", _ANOTHER_STEP)
    return model


def _reopened_source(closed: ClosedSource, opened: list[tuple[Closed, OpenModel | Source]]) -> Iterator[Progress]:
    source: Source | None = None
    try:
        for item in load_source(closed.spec):
            if isinstance(item, Progress):
                yield item
            elif isinstance(item, Source):
                source = item
    except ExplorerError as error:
        raise DataError(f"“{closed.name}”, to go to that step", f"“{error}”", _ANOTHER_STEP) from error
    if source is None or not closed.fits(source):
        raise DataError(f"the {closed.count:,} images of “{closed.name}” as they were", "others", _ANOTHER_STEP)
    opened.append((closed, source))


def load_home(model: OpenModel) -> Iterator[Progress | Source | None]:
    """Open the embedded images of the kind that a model was trained on; the result is None where there are none."""
    yield Progress(0, 0, "opening its pictures")
    name = home_source(model)
    yield None if name is None else open_source(name)


def load_source(spec: str) -> Iterator[Progress | Early | Source]:
    """Open images by name or path; those of a large folder come early, before every file was looked at."""
    for item in opening(spec):
        yield Early(item) if isinstance(item, Source) and item.provisional else item


_NAMED = 3
"""Skipped images that a message names; all of them are in its details."""


def skipped_words(source: Source) -> tuple[str, str]:
    """Return what to say of the images that a source leaves out, and the whole list."""
    lines = [f"{skipped.name}: {skipped.reason}" for skipped in source.skipped]
    more = f"; and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
    files = f"{source.count + len(lines) - source.unreadable:,} files"
    text = f"{len(lines):,} of {files} could not be read: {'; '.join(lines[:_NAMED])}{more}"
    return text, "\n".join(lines)


HELD_OUT = {"mnist": "digits", "fashion_mnist": "clothing", "faces-224": "faces"} | {
    name: name for name in ("digits", "clothing", "glyphs", "faces")
}
"""Embedded images for a model, by the name of what it was trained on."""


def home_source(model: OpenModel) -> str | None:
    """Return the name of the embedded images that suit a model, or None."""
    return HELD_OUT.get(model.card.data.name)


def render(codec: Codec, codes: Floats) -> Iterator[Pixels]:
    """Yield each code decoded, as uint8 ``(h, w, c)``; decoded in batches."""
    for start in range(0, len(codes), _FRAMES_AT_ONCE):
        yield from to_pixels(codec.decode(codes[start : start + _FRAMES_AT_ONCE]))
