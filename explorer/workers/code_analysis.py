"""Analyses of the codes of all open images: encode, index, find directions, fit probes and priors."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np

from explorer.data.attribute_masks import attribute_masks, classes_of
from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.document.analysis import CodesView, Probe
from explorer.document.closed import ClosedModel
from explorer.document.directions import DirectionRequest
from explorer.document.neighbors import IndexedImages, NeighborSettings, pooled_pixels, step_for
from explorer.document.state import NamedDirection, OpenModel
from explorer.errors import UsageError
from explorer.latent.code_table import CodeTable
from explorer.latent.directions import Direction
from explorer.latent.neighbors import CodeSpace, IndexKind, Metric, NeighborIndex, recall
from explorer.latent.sampling import FittedPrior
from explorer.messages import NO_MESSAGE, Message, message
from explorer.models.codes import CodeSample
from explorer.models.encoding import batches_to_encode, encode_all
from explorer.paths import index_dir
from explorer.types import Floats, Indices, Pixels, Progress
from explorer.workers import fitting
from explorer.workers.fitting import FitDirection, FitProcess, probe_labels

_TRIED = 100
"""Queries that measure the recall of an index."""

_FITTED_BYTES = 512 << 20
"""Maximum size of the codes in which a direction is searched; of longer ones, evenly spaced images are encoded."""


def view_codes(model: OpenModel, source: Source) -> Iterator[Progress | CodesView]:
    """Encode every image of a source."""
    yield CodesView(model.codec, ClosedModel.of(model), source, (yield from _encoded(model, source)))


def _batches(model: OpenModel, source: Source, indices: Indices) -> Iterator[tuple[int, Pixels, Indices]]:
    return batches_to_encode(model.codec, source, indices, model.card.preprocessing)


def _encoded(model: OpenModel, source: Source) -> Generator[Progress, None, CodeTable]:
    for item in encode_all(model.codec, source, model.card.preprocessing, model.sample.statistics):
        if isinstance(item, CodeTable):
            return item
        yield item
    raise AssertionError("the codes come last")


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
        step = step_for(source.count, model.card.image_shape)
        table = CodeTable.empty(source.count, model.sample.statistics)
        small: list[Pixels] = []
        rows: list[Indices] = []
        for done, pixels, kept in _batches(model, source, np.arange(source.count)):
            table.put(kept, model.codec.encode(to_floats(pixels)))
            small.append(pooled_pixels(pixels, step))
            rows.append(kept)
            yield Progress(done, source.count, message("Encoding"))
        images, positions = np.concatenate(small), np.concatenate(rows)
    else:
        table, images, step, positions = known.table, known.pixels, known.step, known.positions
    metric, whitened, kind = settings.way
    space = CodeSpace(model.sample.statistics, whitened)
    coordinates = space.coordinates_of(table, positions)
    yield Progress(0, 0, message("Building the index"))
    index = yield from _built(coordinates, kind, metric)
    found, seconds = 1.0, float("nan")
    if index.kind != "exact":
        yield Progress(0, 0, message("Measuring recall"))
        some = coordinates[np.linspace(0, len(coordinates) - 1, min(len(coordinates), _TRIED)).astype(np.int64)]
        found, seconds = recall(index, NeighborIndex(coordinates, "exact", metric), some)
    yield IndexedImages(model.codec, source, settings.way, table, positions, images, step, space, index, found, seconds)


def _whole_codes(
    model: OpenModel, source: Source, known: CodeTable | None
) -> Generator[Progress, None, tuple[Floats, Indices]]:
    """Return codes ``(m, d)`` and the positions of their images, evenly spaced if all would exceed `_FITTED_BYTES`."""
    most = _FITTED_BYTES // (4 * model.latent_dim)
    if known is not None and known.whole:
        rows = known.known
        if len(rows) > most:
            rows = rows[np.arange(most) * len(rows) // most]
        return known.values[rows], rows
    indices = source.splits.select("all", most)
    parts: list[tuple[Floats, Indices]] = []
    for done, pixels, kept in _batches(model, source, indices):
        parts.append((model.codec.encode(to_floats(pixels)), kept))
        yield Progress(done, len(indices), message("Encoding"))
    codes, positions = (np.concatenate(part) for part in zip(*parts, strict=True))
    return codes, positions


def find_directions(
    model: OpenModel, source: Source, request: DirectionRequest, known: CodeTable | None
) -> Iterator[Progress | tuple[tuple[NamedDirection, ...], Message]]:
    """Find the direction of each value of an attribute; yields the directions and why others were skipped.

    `known` are codes of the source, if there are any. Of many long codes, those of evenly spaced images are compared.
    """
    codes, positions = yield from _whole_codes(model, source, known)
    found: list[NamedDirection] = []
    left: list[Message] = []
    asked = attribute_masks(source, request.attribute, request.values)
    with FitProcess() as process:
        for number, (name, labeled, has) in enumerate(asked):
            note = message("Finding the direction of {name}", name=name)
            yield Progress(number, len(asked), note)
            usable = labeled[positions]
            wanted = FitDirection(codes[usable], has[positions][usable], request.method)
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


def probe(
    model: OpenModel, source: Source, attribute: str | None, table: CodeTable | None
) -> Iterator[Progress | Probe]:
    """Fit a linear probe for an attribute, or the labels, to the codes; for long codes, to their components.

    `table` are the codes of the source, if they are known.
    """
    labeled, classes = classes_of(source, attribute)
    if table is None:
        table = yield from _encoded(model, source)
    rows = table.known[labeled[table.known]]
    long = model.latent_dim > len(model.sample.statistics.components) > 0
    codes = table.components(rows) if long else table.values[rows]
    probed = yield from probe_labels(codes, classes[rows])
    count = len(np.unique(classes[rows]))
    yield Probe(model.codec, source, attribute, count, len(rows), probed.accuracy, probed.majority)


def fit_prior(sample: CodeSample) -> Iterator[Progress | FittedPrior]:
    yield (yield from fitting.fit_prior(sample.codes))
