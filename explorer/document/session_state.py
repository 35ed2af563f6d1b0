"""Conversion of a state to the content of a session file and back, without a document."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import explorer
from explorer.data.choices import join, split
from explorer.data.corruption import format_noise, parse_noise
from explorer.data.imported_image import ImportedImage
from explorer.data.source import Source
from explorer.document.animation import animation_of, keyframes_of
from explorer.document.closed import ClosedModel, ClosedSource
from explorer.document.selection import Picked
from explorer.document.session_file import Session
from explorer.document.session_record import (
    ArithmeticRecord,
    DataRecord,
    DirectionRecord,
    ImportedImageRecord,
    ModelRecord,
    PickedRecord,
    SessionRecord,
    TimelineRecord,
    ViewRecord,
)
from explorer.document.state import (
    Arithmetic,
    Bookmark,
    GridSettings,
    KeptTimeline,
    ModelId,
    NamedDirection,
    OpenModel,
    State,
    Term,
)
from explorer.errors import ExplorerError
from explorer.latent.directions import Direction
from explorer.latent.planes import Plane
from explorer.types import Floats, Shown

Timed = TypeVar("Timed", State, KeptTimeline)

THUMBNAIL_SIDE = 96
"""Longest side of a bookmark's thumbnail in a file."""


def session_of(
    state: State,
    picked: Picked | None = None,
    view: ViewRecord | None = None,
    *,
    thumbnails: Shown | None = None,
    folder: Path | None = None,
    origin: tuple[Path, str] | None = None,
) -> Session:
    """Return the session of a state.

    `thumbnails` are those of the bookmarks, uint8 ``(b, h, w, c)``; None uses their own. `folder` is that of the
    session file; the path of the dataset relative to it is stored too. An autosaved copy has an `origin`: its session
    file, and the SHA-256 of that file.
    """
    record = SessionRecord(
        written_by=explorer.__version__,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        origin="" if origin is None else str(origin[0]),
        origin_checksum="" if origin is None else origin[1],
        model=_model_record(state.model),
        data=_data_record(state, folder),
        imported_image=_imported_image_record(state.imported_image),
        noise=format_noise(state.noises),
        jitter=state.jitter,
        sampling=state.sampling,
        traversal=state.traversal,
        grid=replace(state.grid, corners=()),
        mixer=state.mixer,
        animation=state.animation,
        segments=tuple(keyframe.segment for keyframe in state.keyframes),
        directions=tuple(map(_direction_record, state.directions)),
        arithmetic=_arithmetic_record(state.arithmetic),
        selection=None if picked is None else PickedRecord(title=picked.title[:200]),
        bookmarks=tuple(bookmark.name for bookmark in state.bookmarks),
        timelines=tuple(map(_timeline_record, state.timelines)),
        view=view or ViewRecord(),
    )
    arrays = _arrays(state, picked)
    small = _own_thumbnails(state) if thumbnails is None else thumbnails
    if small is not None and len(small) == len(state.bookmarks) > 0:
        step = -(-max(small.shape[1:3]) // THUMBNAIL_SIDE)
        arrays["thumbnails"] = np.ascontiguousarray(small[:, ::step, ::step])
    return Session(record, arrays, _imported_image_content(state.imported_image))


def keeps_imported_image(state: State) -> bool:
    """Return whether a session can contain the imported image; one with a too large file is omitted."""
    return state.imported_image is None or bool(_imported_image_content(state.imported_image))


def _imported_image_content(imported_image: Source | None) -> bytes:
    return imported_image.content if isinstance(imported_image, ImportedImage) else b""


def _imported_image_record(imported_image: Source | None) -> ImportedImageRecord | None:
    content = _imported_image_content(imported_image)
    if not isinstance(imported_image, ImportedImage) or not content:
        return None
    checksum = hashlib.sha256(content).hexdigest()
    return ImportedImageRecord(name=imported_image.name[:200], negative=imported_image.negative, checksum=checksum)


def _own_thumbnails(state: State) -> Shown | None:
    """Return the bookmarks' own thumbnails, black for one without; None if their shapes differ."""
    given = [bookmark.thumbnail for bookmark in state.bookmarks]
    shapes = {thumbnail.shape for thumbnail in given if thumbnail is not None}
    if len(shapes) != 1:
        return None
    blank = np.zeros(shapes.pop(), np.uint8)
    return np.stack([blank if thumbnail is None else thumbnail for thumbnail in given])


def _model_record(model: OpenModel | None) -> ModelRecord | None:
    if model is None:
        return None
    card = model.card
    return ModelRecord(
        name=card.name,
        path=str(model.path),
        run="" if model.epochs is None or model.run is None else str(model.run),
        model_hash=card.decoder_hash or "" if model.epochs is None else "",
        latent_dim=card.latent_dim,
        image_shape=card.image_shape,
        preprocessing=card.preprocessing,
    )


def _data_record(state: State, folder: Path | None) -> DataRecord | None:
    source, image_index = state.source, state.image_index
    if source is None:
        return None
    beside = ""
    place, choices = split(source.spec)
    if folder is not None and Path(place).is_absolute():
        try:
            beside = join(Path(os.path.relpath(place, folder)).as_posix(), choices)
        except ValueError:  # on another drive
            beside = ""
    return DataRecord(
        spec=source.spec,
        beside=beside,
        name=source.name[:200],
        title=source.title[:200],
        count=source.count,
        split=source.splits.origin[:200],
        image_index=image_index,
        file="" if image_index is None else source.file_name(image_index),
    )


def _direction_record(kept: NamedDirection) -> DirectionRecord:
    found = {name: value for name, value in vars(kept.direction).items() if name != "vector"}
    return DirectionRecord(name=kept.name[:200], **found)


def _arithmetic_record(arithmetic: Arithmetic) -> ArithmeticRecord:
    first, second, third = arithmetic.terms
    settings = {name: value for name, value in vars(arithmetic).items() if name != "terms"}
    return ArithmeticRecord(strengths=(first.strength, second.strength, third.strength), **settings)


def _directions(records: Sequence[DirectionRecord], vectors: Iterable[Floats]) -> tuple[NamedDirection, ...]:
    return tuple(
        NamedDirection(kept.name, Direction(vector, **kept.model_dump(exclude={"name"})))
        for kept, vector in zip(records, vectors, strict=True)
    )


def _arithmetic(record: ArithmeticRecord, codes: Iterable[Iterable[Floats]]) -> Arithmetic:
    """Return an arithmetic with the codes of its three terms."""
    pairs = zip(record.strengths, codes, strict=True)
    first, second, third = (Term(strength, tuple(some)) for strength, some in pairs)
    return Arithmetic((first, second, third), **record.model_dump(exclude={"strengths"}))


def _timeline_record(timeline: KeptTimeline) -> TimelineRecord:
    model = timeline.model
    first, second, third = (len(term.codes) for term in timeline.arithmetic.terms)
    return TimelineRecord(
        name=model.name[:200],
        path=str(model.path),
        run="" if model.run is None else str(model.run),
        model_hash=model.decoder_hash,
        latent_dim=model.latent_dim,
        animation=timeline.animation,
        segments=tuple(keyframe.segment for keyframe in timeline.keyframes),
        bookmarks=tuple(bookmark.name for bookmark in timeline.bookmarks),
        frames=None if timeline.times is None else len(timeline.times),
        directions=tuple(map(_direction_record, timeline.directions)),
        arithmetic=_arithmetic_record(timeline.arithmetic),
        terms=(first, second, third),
    )


def _timelines(session: Session) -> tuple[KeptTimeline, ...]:
    """Return what other models keep; the thumbnails of their bookmarks are decoded again with the model."""
    records, arrays = session.record.timelines, session.arrays
    ends = np.cumsum([(record.values, record.frames or 0) for record in records], axis=0, dtype=np.int64)
    codes = np.split(arrays.get("timeline_codes", np.zeros(0, np.float32)), ends[:, 0]) if records else []
    times = np.split(arrays.get("timeline_times", np.zeros(0)), ends[:, 1]) if records else []
    return tuple(map(_timeline, records, codes, times))


def _timeline(record: TimelineRecord, codes: Floats, times: NDArray[np.float64]) -> KeptTimeline:
    run = Path(record.run) if record.run else None
    model = ModelId(record.name, Path(record.path), run, record.model_hash, record.latent_dim)
    table = codes.reshape(-1, record.latent_dim)
    keys, bookmarked, vectors, *terms, _ = np.split(table, np.cumsum(record.parts))
    timeline = KeptTimeline(
        model,
        keyframes_of(keys, record.segments),
        record.animation,
        None,
        tuple(map(Bookmark, record.bookmarks, bookmarked)),
        _directions(record.directions, vectors),
        _arithmetic(record.arithmetic, terms),
    )
    return _timed(timeline, None if record.frames is None else times)


def _arrays(state: State, picked: Picked | None) -> dict[str, NDArray[Any]]:
    tables: dict[str, Sequence[Floats]] = {
        "keyframes": [keyframe.code for keyframe in state.keyframes],
        "directions": [kept.direction.vector for kept in state.directions],
        "bookmarks": [bookmark.code for bookmark in state.bookmarks],
    }
    for number, term in enumerate(state.arithmetic.terms):
        tables[f"slot_{number}"] = term.codes
    arrays: dict[str, NDArray[Any]] = {
        name: np.stack(table).astype(np.float32, copy=False) for name, table in tables.items() if table
    }
    if state.code is not None:
        arrays["cursor"] = state.code
    # Without its image, the code of an imported image would be assigned to the selected one.
    if state.start_code is not None and keeps_imported_image(state):
        arrays["picture_code"] = state.start_code
    kept = [code for timeline in state.timelines for code in timeline.codes]
    if kept:
        arrays["timeline_codes"] = np.concatenate(kept).astype(np.float32, copy=False)
    times = [np.asarray(timeline.times, np.float64) for timeline in state.timelines if timeline.times]
    if times:
        arrays["timeline_times"] = np.concatenate(times)
    if state.times is not None:
        arrays["times"] = np.asarray(state.times, np.float64)
    if state.grid.corners:
        arrays["corners"] = np.asarray(state.grid.corners, np.float32)
    if picked is not None:
        arrays["selection"] = np.asarray(picked.indices, np.int64)
    return arrays


def imported_image_of(session: Session) -> ImportedImage | None:
    """Decode and return the imported image of a session; DataError if it is not an image, damaged or too large."""
    record = session.record.imported_image
    if record is None:
        return None
    imported_image = ImportedImage.open(session.imported_image, record.name)
    return imported_image.inverted() if record.negative else imported_image


def state_of(
    session: Session, model: OpenModel | None, source: Source | None, imported_image: ImportedImage | None = None
) -> State:
    """Return the state of a session; a missing model or source is None, without what depends on it.

    If the code was unedited, `code` and `start_code` are the same array.
    """
    record = session.record
    state = State(
        source=source,
        image_index=_image_index(record.data, source),
        imported_image=imported_image if model is not None and model.card.encodes else None,
        noises=parse_noise(record.noise),
        jitter=record.jitter,
        sampling=record.sampling,
        traversal=record.traversal,
        mixer=record.mixer,
        animation=record.animation,
        timelines=_timelines(session),
    )
    return state if model is None else _with_codes(state, session, model)


def _image_index(record: DataRecord | None, source: Source | None) -> int | None:
    """Return the position of the selected image: by its file name if the dataset has changed."""
    if source is None or not source.count:
        return None
    place = min(record.image_index or 0, source.count - 1) if record is not None else 0
    if record is None or not record.file or source.file_name(place) == record.file:
        return place
    return next((other for other in range(source.count) if source.file_name(other) == record.file), place)


def _with_codes(state: State, session: Session, model: OpenModel) -> State:
    record, arrays = session.record, session.arrays
    cursor, start = arrays.get("cursor"), arrays.get("picture_code")
    if model.card.encodes and (
        state.image_index is None if record.imported_image is None else state.imported_image is None
    ):
        start = None
    if cursor is not None and start is not None and np.array_equal(cursor, start):
        cursor = start
    thumbnails = arrays.get("thumbnails", [None] * len(record.bookmarks))
    bookmarks = tuple(
        Bookmark(name, code, thumbnail)
        for name, code, thumbnail in zip(record.bookmarks, arrays.get("bookmarks", ()), thumbnails, strict=True)
    )
    keys = arrays.get("keyframes")
    whole = replace(
        state,
        model=model,
        code=cursor,
        start_code=start,
        keyframes=() if keys is None else keyframes_of(keys, record.segments),
        grid=_grid(record, arrays.get("corners"), model),
        directions=_directions(record.directions, arrays.get("directions", ())),
        arithmetic=_arithmetic(record.arithmetic, [arrays.get(f"slot_{number}", ()) for number in range(3)]),
        bookmarks=bookmarks,
    )
    return _timed(whole, arrays.get("times"))


def _timed(timeline: Timed, times: NDArray[np.float64] | None) -> Timed:
    """Return a state or timeline with its frame times, unless they do not fit the animation."""
    if times is None:
        return timeline
    timed = replace(timeline, times=tuple(times.tolist()))
    try:
        animation_of(timed)
    except ExplorerError:
        return timeline
    return timed


def _grid(record: SessionRecord, corners: Floats | None, model: OpenModel) -> GridSettings:
    grid = record.grid
    if corners is not None:
        first, second, third = corners
        try:
            Plane(first, second - first, third - first)
            return replace(grid, corners=tuple(tuple(map(float, corner)) for corner in corners))
        except ExplorerError:
            return grid
    axes = len(model.sample.statistics.components) if grid.components else model.latent_dim
    fits = max(grid.dims) < axes and (grid.dims[0] != grid.dims[1] or axes < 2)
    return grid if fits else replace(grid, dims=(0, min(1, axes - 1)))


def picked_of(session: Session, source: Source | None) -> Picked | None:
    """Return the selected images of a session that exist in the source, or None."""
    indices = session.arrays.get("selection")
    if session.record.selection is None or indices is None or source is None:
        return None
    inside = np.unique(indices[(indices >= 0) & (indices < source.count)])
    return Picked(session.record.selection.title, inside) if len(inside) else None


@dataclass(frozen=True, eq=False)
class SavedWork:
    """The state of a document when it was saved. It keeps neither the model nor the images in memory."""

    state: State
    model: ClosedModel | None
    source: ClosedSource | None

    @classmethod
    def of(cls, state: State) -> SavedWork:
        model = None if state.model is None else ClosedModel.of(state.model)
        source = None if state.source is None else ClosedSource.of(state.source)
        return cls(replace(state, model=None, source=None), model, source)


def same_work(work: SavedWork, now: State) -> bool:
    """Return whether the state of a document differs by no edit from when it was saved.

    Results of the encoder, and newer versions of a model or source, are not edits.
    """
    if not (work.model.is_of(now.model) if work.model is not None else now.model is None):
        return False
    if not (work.source.is_of(now.source) if work.source is not None else now.source is None):
        return False
    saved = work.state
    in_training = now.model is not None and now.model.run is not None
    newer = in_training and work.model is not None and work.model.alive() is not now.model
    for part in vars(now):
        old, new = getattr(saved, part), getattr(now, part)
        if old is new or part in {"model", "source", "code", "start_code"} or (part == "grid" and newer):
            continue
        if old != new:
            return False
    return saved.code is now.code or (_at_rest(saved) and _at_rest(now))


def _at_rest(state: State) -> bool:
    """Return whether the code is that of the selected image, known or not."""
    return state.code is None or state.code is state.start_code
