"""Analyses of the codes of all open images: encode, index, find directions, fit probes and priors."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.data.attribute_masks import attribute_masks, classes_of
from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.document.analysis import CodesView, Probe
from explorer.document.directions import DirectionRequest
from explorer.document.neighbors import IndexedImages, NeighborSettings, pooled_pixels, step_for
from explorer.document.state import NamedDirection, OpenModel
from explorer.errors import UsageError
from explorer.latent.checks import check_table
from explorer.latent.directions import Direction
from explorer.latent.neighbors import CodeSpace, IndexKind, Metric, NeighborIndex, recall
from explorer.latent.sampling import FittedPrior
from explorer.messages import NO_MESSAGE, Message, message
from explorer.models.batches import images_at_once, readable_batches
from explorer.models.codes import CodeSample, along_components
from explorer.paths import index_dir
from explorer.types import Floats, Indices, Pixels, Progress
from explorer.workers import fitting
from explorer.workers.fitting import FitDirection, FitProcess, probe_labels

_ENCODED_AT_ONCE = 250
_TRIED = 100
"""Queries that measure the recall of an index."""


def encode_all(model: OpenModel, source: Source) -> Iterator[Progress | CodesView]:
    """Encode every image of a source; the codes of unreadable ones are NaN."""
    check_table(source.count, model.latent_dim)
    codes, unread = _no_codes(model, source)
    for done, pixels, kept in _batches(model, source):
        codes[kept], unread[kept] = model.codec.encode(to_floats(pixels)), False
        yield Progress(done, source.count, message("Encoding"))
    codes[unread] = np.nan
    yield CodesView(model.codec, source, codes)


def _no_codes(model: OpenModel, source: Source) -> tuple[Floats, NDArray[np.bool_]]:
    """Return a table for the codes of a source, and which rows have none yet: all.

    The table may be as large as `MOST_CODE_BYTES`; rows take memory only once they are written.
    """
    return np.empty((source.count, model.latent_dim), np.float32), np.ones(source.count, np.bool_)


def _batches(model: OpenModel, source: Source) -> Iterator[tuple[int, Pixels, Indices]]:
    step = images_at_once(model.codec.image_shape, _ENCODED_AT_ONCE)
    return readable_batches(source, np.arange(source.count), model.card.preprocessing, step)


def _encoded(model: OpenModel, source: Source) -> Generator[Progress, None, Floats]:
    codes = np.empty((0, model.latent_dim), np.float32)
    for item in encode_all(model, source):
        if isinstance(item, CodesView):
            codes = item.codes
        else:
            yield item
    return codes


def _built(coordinates: Floats, kind: IndexKind | None, metric: Metric) -> Generator[Progress, None, NeighborIndex]:
    for item in NeighborIndex.in_parts(coordinates, kind, metric, index_dir()):
        if isinstance(item, NeighborIndex):
            return item
        yield Progress(item, len(coordinates), message("Building the index"))
    raise AssertionError("an index comes last")


def index_images(
    model: OpenModel, source: Source, settings: NeighborSettings, known: IndexedImages | None
) -> Iterator[Progress | IndexedImages]:
    """Encode every image, and index its code and a small copy; parts of `known` for the same data are reused."""
    if known is not None and (known.codec is not model.codec or known.source is not source):
        known = None
    if known is None:
        check_table(source.count, model.latent_dim)
        step = step_for(source.count, model.card.image_shape)
        codes, unread = _no_codes(model, source)
        small: list[Pixels] = []
        rows: list[Indices] = []
        for done, pixels, kept in _batches(model, source):
            codes[kept], unread[kept] = model.codec.encode(to_floats(pixels)), False
            small.append(pooled_pixels(pixels, step))
            rows.append(kept)
            yield Progress(done, source.count, message("Encoding"))
        codes[unread] = np.nan
        images, positions = np.concatenate(small), np.concatenate(rows)
    else:
        codes, images, step, positions = known.codes, known.pixels, known.step, known.positions
    metric, whitened, kind = settings.way
    space = CodeSpace(model.sample.statistics, whitened)
    coordinates = space.coordinates(codes[positions])
    yield Progress(0, 0, message("Building the index"))
    index = yield from _built(coordinates, kind, metric)
    found, seconds = 1.0, float("nan")
    if index.kind != "exact":
        yield Progress(0, 0, message("Measuring recall"))
        some = coordinates[np.linspace(0, len(coordinates) - 1, min(len(coordinates), _TRIED)).astype(np.int64)]
        found, seconds = recall(index, NeighborIndex(coordinates, "exact", metric), some)
    yield IndexedImages(model.codec, source, settings.way, codes, positions, images, step, space, index, found, seconds)


def find_directions(
    model: OpenModel, source: Source, request: DirectionRequest, codes: Floats | None
) -> Iterator[Progress | tuple[tuple[NamedDirection, ...], Message]]:
    """Find the direction of each value of an attribute; yields the directions and why others were skipped."""
    if codes is None:
        codes = yield from _encoded(model, source)
    readable = np.isfinite(codes).all(axis=1)
    found: list[NamedDirection] = []
    left: list[Message] = []
    asked = attribute_masks(source, request.attribute, request.values)
    with FitProcess() as process:
        for number, (name, known, has) in enumerate(asked):
            note = message("Finding the direction of {name}", name=name)
            yield Progress(number, len(asked), note)
            usable = known & readable
            wanted = FitDirection(codes[usable], has[usable], request.method)
            try:
                result = yield from process.fit(wanted, note)
            except UsageError as error:
                left.append(message("{name}: {problem}", name=name, problem=error.message))
            else:
                assert isinstance(result, Direction)
                found.append(NamedDirection(name, result))
    yield tuple(found), _skipped(left)


def _skipped(left: Sequence[Message]) -> Message:
    if len(left) > 1:
        return message("{first} ({count} more)", first=left[0], count=len(left) - 1)
    return left[0] if left else NO_MESSAGE


def probe(model: OpenModel, source: Source, attribute: str | None, codes: Floats | None) -> Iterator[Progress | Probe]:
    """Fit a linear probe for an attribute, or the labels, to the codes; for long codes, to their components."""
    known, classes = classes_of(source, attribute)
    if codes is None:
        codes = yield from _encoded(model, source)
    known = known & np.isfinite(codes).all(axis=1)
    if codes.shape[1] > len(model.sample.statistics.components) > 0:
        codes = along_components(codes, model.sample.statistics)
    probed = yield from probe_labels(codes[known], classes[known])
    count = len(np.unique(classes[known]))
    yield Probe(model.codec, source, attribute, count, int(known.sum()), probed.accuracy, probed.majority)


def fit_prior(sample: CodeSample) -> Iterator[Progress | FittedPrior]:
    yield (yield from fitting.fit_prior(sample.codes))
