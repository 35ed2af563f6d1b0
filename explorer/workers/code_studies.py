"""Long looks at the codes of all open images: encode them, index them, find directions, tell classes apart."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from explorer.data.answers import attribute_answers, classes_of
from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.document.directions import DirectionRequest
from explorer.document.neighbours import IndexedPictures, NeighbourSettings, pooled_pixels, step_for
from explorer.document.state import NamedDirection, OpenModel
from explorer.document.studies import CodesView, Probe
from explorer.errors import UsageError
from explorer.latent.checks import check_table
from explorer.latent.directions import Direction
from explorer.latent.neighbours import CodeSpace, Kind, Metric, NeighbourIndex, recall
from explorer.latent.sampling import FittedPrior
from explorer.models.batches import pictures_at_once, readable_batches
from explorer.models.codes import CodeSample, along_axes
from explorer.paths import index_dir
from explorer.types import Floats, Indices, Pixels, Progress
from explorer.workers import fitting
from explorer.workers.fitting import FitDirection, FitProcess, probe_labels

_ENCODED_AT_ONCE = 250
_TRIED = 100
"""Codes by which an index is tried."""


def encode_all(model: OpenModel, source: Source) -> Iterator[Progress | CodesView]:
    """Encode every image of a source; codes of those that cannot be read are NaN."""
    check_table(source.count, model.latent_dim)
    codes = np.full((source.count, model.latent_dim), np.nan, np.float32)
    for done, pixels, kept in _batches(model, source):
        codes[kept] = model.codec.encode(to_floats(pixels))
        yield Progress(done, source.count, "encoding")
    yield CodesView(model.codec, source, codes)


def _batches(model: OpenModel, source: Source) -> Iterator[tuple[int, Pixels, Indices]]:
    step = pictures_at_once(model.codec.image_shape, _ENCODED_AT_ONCE)
    return readable_batches(source, np.arange(source.count), model.card.preprocessing, step)


def _encoded(model: OpenModel, source: Source) -> Generator[Progress, None, Floats]:
    """Yield progress, return the codes of all images."""
    codes = np.empty((0, model.latent_dim), np.float32)
    for item in encode_all(model, source):
        if isinstance(item, CodesView):
            codes = item.codes
        else:
            yield item
    return codes


def _built(coordinates: Floats, kind: Kind | None, metric: Metric) -> Generator[Progress, None, NeighbourIndex]:
    """Yield progress, return an index."""
    for item in NeighbourIndex.in_parts(coordinates, kind, metric, index_dir()):
        if isinstance(item, NeighbourIndex):
            return item
        yield Progress(item, len(coordinates), "building the index")
    raise AssertionError("an index comes last")


def index_pictures(
    model: OpenModel, source: Source, settings: NeighbourSettings, known: IndexedPictures | None
) -> Iterator[Progress | IndexedPictures]:
    """Encode every image, keep a small copy of it, and index both; what is `known` of the same is taken over."""
    if known is not None and (known.codec is not model.codec or known.source is not source):
        known = None
    if known is None:
        check_table(source.count, model.latent_dim)
        step = step_for(source.count, model.card.image_shape)
        codes = np.full((source.count, model.latent_dim), np.nan, np.float32)
        small: list[Floats] = []
        rows: list[Indices] = []
        for done, pixels, kept in _batches(model, source):
            codes[kept] = model.codec.encode(to_floats(pixels))
            small.append(pooled_pixels(pixels, step))
            rows.append(kept)
            yield Progress(done, source.count, "encoding")
        pictures, positions = np.concatenate(small), np.concatenate(rows)
        by_pixels = NeighbourIndex(pictures, "exact")
    else:
        codes, pictures, step, by_pixels = known.codes, known.pixels, known.step, known.by_pixels
        positions = known.positions
    metric, whitened, kind = settings.way
    space = CodeSpace(model.sample.statistics, whitened)
    coordinates = space.coordinates(codes[positions])
    yield Progress(0, 0, "building the index")
    index = yield from _built(coordinates, kind, metric)
    found, seconds = 1.0, float("nan")
    if index.kind != "exact":
        yield Progress(0, 0, "trying the index")
        some = coordinates[np.linspace(0, len(coordinates) - 1, min(len(coordinates), _TRIED)).astype(np.int64)]
        found, seconds = recall(index, NeighbourIndex(coordinates, "exact", metric), some)
    yield IndexedPictures(
        model.codec, source, settings.way, codes, positions, pictures, step, space, index, by_pixels, found, seconds
    )


def find_directions(
    model: OpenModel, source: Source, request: DirectionRequest, codes: Floats | None
) -> Iterator[Progress | tuple[tuple[NamedDirection, ...], str]]:
    """Find the direction of each category, or of a number; what has too few images is said and left out."""
    if codes is None:
        codes = yield from _encoded(model, source)
    readable = np.isfinite(codes).all(axis=1)
    found: list[NamedDirection] = []
    left: list[str] = []
    asked = attribute_answers(source, request.attribute, request.values)
    with FitProcess() as process:
        for number, (name, known, has) in enumerate(asked):
            yield Progress(number, len(asked), f"looking for {name}")
            usable = known & readable
            wanted = FitDirection(codes[usable], has[usable], request.method)
            try:
                result = yield from process.fit(wanted, f"looking for {name}")
            except UsageError as error:
                left.append(f"{name}: {error}")
            else:
                assert isinstance(result, Direction)
                found.append(NamedDirection(name, result))
    more = f" and {len(left) - 1} more" if len(left) > 1 else ""
    yield tuple(found), f"{left[0]}{more}" if left else ""


def probe(model: OpenModel, source: Source, attribute: str | None, codes: Floats | None) -> Iterator[Progress | Probe]:
    """Tell an attribute from the codes of all images; of a long code, from its principal axes."""
    known, classes = classes_of(source, attribute)
    if codes is None:
        codes = yield from _encoded(model, source)
    known = known & np.isfinite(codes).all(axis=1)
    if codes.shape[1] > len(model.sample.statistics.axes) > 0:
        codes = along_axes(codes, model.sample.statistics)
    probed = yield from probe_labels(codes[known], classes[known])
    count = len(np.unique(classes[known]))
    yield Probe(model.codec, source, attribute, count, int(known.sum()), probed.accuracy, probed.majority)


def fit_prior(sample: CodeSample) -> Iterator[Progress | FittedPrior]:
    """Fit a mixture of Gaussians to a model's codes."""
    yield (yield from fitting.fit_prior(sample.codes))
