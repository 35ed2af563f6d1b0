"""Session files: the state of the window in one file.

A zip with ``session.json``, the named values, ``arrays.npz``, the codes, and, if an imported image is shown,
``imported_image``, its original file. Model and dataset are only referenced, so that the file is small;
`explorer.workers.session_io` finds them.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from explorer.array_files import ZipLimits, read_arrays, read_members
from explorer.data.corruption import current_kinds
from explorer.data.imported_image import MOST_BYTES
from explorer.document.session_record import LONGEST_ANIMATION, MOST, VERSION, SessionRecord
from explorer.errors import SessionError
from explorer.json_limits import SESSION, invalid_field, json_text, parse_json
from explorer.messages import Value, message
from explorer.paths import replacing_file
from explorer.reading import read_limited, reason_of

_RECORD, _ARRAYS, _IMPORTED_IMAGE = "session.json", "arrays.npz", "imported_image"
_OLD_IMPORTED_IMAGE = "guest"
"""Its name up to version 3."""

_MOST_ARRAYS = 512 << 20
_ALLOWED: Final = {
    _RECORD: SESSION.size,
    _ARRAYS: _MOST_ARRAYS,
    _IMPORTED_IMAGE: MOST_BYTES,
    _OLD_IMPORTED_IMAGE: MOST_BYTES,
}
_LIMITS: Final = ZipLimits(SESSION.size + _MOST_ARRAYS + MOST_BYTES, members=100, unsuspicious=32 << 20)
ARRAY_FORMS: Final = {
    "cursor": ("float32", "dim"),
    "picture_code": ("float32", "dim"),
    "keyframes": ("float32", "keyframes", "dim"),
    "times": ("float64", "frames"),
    "directions": ("float32", "directions", "dim"),
    "slot_0": ("float32", "codes", "dim"),
    "slot_1": ("float32", "codes", "dim"),
    "slot_2": ("float32", "codes", "dim"),
    "corners": ("float32", "corners", "dim"),
    "selection": ("int64", "images"),
    "bookmarks": ("float32", "bookmarks", "dim"),
    "thumbnails": ("uint8", "bookmarks", "side", "side", "channels"),
    "timeline_codes": ("float32", "timeline_codes"),
    "timeline_times": ("float64", "timeline_times"),
}
"""By name: dtype of an array, and what its axes count; ``dim`` is the model's latent dimensions.

The codes of other models, which differ in length, are joined, and so are their times.
"""


@dataclass(frozen=True, eq=False)
class Session:
    """The content of a session file: its values, its arrays by name, and the file of the imported image, or empty.

    Absent arrays are omitted; their names are those of `ARRAY_FORMS`. ``slot_0`` … ``slot_2`` are the terms of the
    arithmetic; missing ``thumbnails`` are black.
    """

    record: SessionRecord
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    imported_image: bytes = b""


def write_session(path: Path, session: Session) -> str:
    """Write a session atomically and return the SHA-256 of the file, hexadecimal, to detect changes by other programs.

    Raises SessionError if it is too large to be read again; ExportError if the file cannot be written.
    """
    content = session_bytes(session)
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        # Otherwise a power failure could leave an empty file, if the rename reaches the disk before the content.
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def session_bytes(session: Session) -> bytes:
    """Return the content of a session file; SessionError if it is too large to be read again."""
    arrays = _packed(session.arrays)
    record = session.record.model_copy(update={"checksum": hashlib.sha256(arrays).hexdigest()})
    text = record.model_dump_json(indent=1).encode()
    if len(text) > SESSION.size:
        raise SessionError(
            "Cannot save the session: its names and settings take {size:.1f} MB, more than {most} MB. "
            "Delete keyframes, bookmarks or directions, then save again.",
            size=len(text) / (1 << 20),
            most=SESSION.size >> 20,
        )
    json_text(text, SESSION, _RECORD, SessionError)
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_RECORD, text)
        archive.writestr(zipfile.ZipInfo(_ARRAYS, (1980, 1, 1, 0, 0, 0)), arrays)
        if record.imported_image is not None:
            archive.writestr(zipfile.ZipInfo(_IMPORTED_IMAGE, (1980, 1, 1, 0, 0, 0)), session.imported_image)
    return whole.getvalue()


def _packed(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return arrays as npz: compressed, unless the ratio would exceed the limit for reading (a zip bomb)."""
    size, most = sum(array.nbytes for array in arrays.values()), _MOST_ARRAYS - (1 << 20)
    if size > most:
        raise SessionError(
            "Cannot save the session: its codes and thumbnails take {size:.1f} MB, more than {most} MB. "
            "Delete keyframes, bookmarks or directions, then save again.",
            size=size / (1 << 20),
            most=most >> 20,
        )
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    if size > _LIMITS.unsuspicious and size > _LIMITS.ratio // 2 * file.tell():
        file = BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def read_session(path: Path) -> tuple[Session, str]:
    """Read a session, of this version or an older one, and return it with the SHA-256 of the file, hexadecimal.

    Raises SessionError if the file is not a session, is damaged, or of a newer version.
    """
    try:
        content = read_limited(path, _LIMITS.total, message("a session"), SessionError)
    except OSError as error:
        raise SessionError(
            "Cannot open the session {file}: {reason}. Choose another file.", file=path, reason=error.strerror or error
        ) from error
    where = path.name
    parts = read_members(BytesIO(content), _ALLOWED, _LIMITS, where, SessionError)
    for missing in {_RECORD, _ARRAYS} - parts.keys():
        raise _damaged(where, message("it has no {part}", part=missing))
    record = _read_record(parts[_RECORD], where)
    if hashlib.sha256(parts[_ARRAYS]).hexdigest() != record.checksum:
        raise _damaged(where, message("the codes do not match their checksum"))
    arrays = _read_arrays(parts[_ARRAYS], where)
    _check_arrays(record, arrays, where)
    imported_image = parts.get(_IMPORTED_IMAGE) or parts.get(_OLD_IMPORTED_IMAGE, b"")
    if (record.imported_image is not None or imported_image) and (
        record.imported_image is None or hashlib.sha256(imported_image).hexdigest() != record.imported_image.checksum
    ):
        raise _damaged(where, message("the imported image is missing or does not match its checksum"))
    return Session(record, arrays, imported_image), hashlib.sha256(content).hexdigest()


def _damaged(where: str, reason: Value) -> SessionError:
    return SessionError(
        "{file} is not a valid session: {reason}. Choose a file saved by Latent Explorer, or an older copy.",
        file=where,
        reason=reason,
    )


def _read_arrays(content: bytes, where: str) -> dict[str, NDArray[Any]]:
    limits = replace(_LIMITS, total=_MOST_ARRAYS)
    kinds = {name: kind for name, (kind, *_) in ARRAY_FORMS.items()}
    arrays = read_arrays(BytesIO(content), limits, where, SessionError, kinds)
    for name, array in arrays.items():
        if array is None or (array.dtype.kind == "f" and not np.isfinite(array).all()):
            raise _damaged(where, message("“{array}” holds other values than finite numbers", array=name))
    return {name: array for name, array in arrays.items() if array is not None}


def _read_record(text: bytes, where: str) -> SessionRecord:
    raw = parse_json(text, SESSION, where, SessionError)
    try:
        if not isinstance(raw, dict) or raw.get("format") != "latent-explorer-session":
            raise _damaged(where, message("it was written by another program"))
        return SessionRecord.model_validate(migrated(raw, where))
    except ValidationError as error:
        raise _damaged(where, invalid_field(error)) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(where, reason_of(error)) from error


def _without_bookmarks(raw: dict[str, Any]) -> dict[str, Any]:
    """Migrate a record of version 1, which has no bookmarks and no view."""
    return raw | {"bookmarks": [], "view": {}}


def _without_imported_image(raw: dict[str, Any]) -> dict[str, Any]:
    """Migrate a record of version 2, which has no imported image."""
    return raw | {"guest": None}


def _old_names(raw: dict[str, Any]) -> dict[str, Any]:
    """Migrate a record of version 3, which has the same values under other names."""
    raw = _renamed(raw, {"guest": "imported_image", "film": "animation"})
    raw["data"] = _renamed(raw.get("data"), {"picture": "image_index"})
    raw["grid"] = _renamed(raw.get("grid"), {"axes": "components"})
    directions = raw.get("directions", [])
    if isinstance(directions, list):
        raw["directions"] = [_renamed(direction, {"chance": "null_effect"}) for direction in directions]
    raw["traversal"] = _with_value(raw.get("traversal"), "by", lambda by: "components" if by == "axes" else by)
    raw["view"] = _with_value(raw.get("view", {}), "tab", lambda tab: _TABS.get(tab, tab))
    noise = raw.get("noise")
    return raw | {"noise": current_kinds(noise)} if isinstance(noise, str) else raw


def _without_timelines(raw: dict[str, Any]) -> dict[str, Any]:
    """Migrate a record of version 4, which has no timelines of other models."""
    return raw | {"timelines": []}


def _without_directions(raw: dict[str, Any]) -> dict[str, Any]:
    """Migrate a record of version 5: its timelines of other models have no directions, and it has no channel mixer."""
    timelines = raw.get("timelines", [])
    if not isinstance(timelines, list):
        return raw
    blank = {"strengths": [1.0, -1.0, 1.0], "mode": "sum", "share": 0.5, "seed": 0}
    added = {"directions": [], "arithmetic": blank, "terms": [0, 0, 0]}
    return raw | {"timelines": [one | added if isinstance(one, dict) else one for one in timelines], "mixer": None}


def _one_mix(raw: dict[str, Any]) -> dict[str, Any]:
    """Migrate a record of version 6, whose channel mixer is for one number of channels."""
    mix = raw.get("mixer")
    return raw | {"mixer": {"mixes": [] if mix is None else [mix]}}


_TABS: Final = {"neighbours_panel": "neighbors_panel"}
"""Panels by their object names up to version 3."""


def _renamed(raw: Any, names: dict[str, str]) -> Any:
    """Return an object of a record with some keys renamed; anything else unchanged."""
    return {names.get(key, key): value for key, value in raw.items()} if isinstance(raw, dict) else raw


def _with_value(raw: Any, key: str, change: Callable[[str], str]) -> Any:
    """Return an object of a record with one text changed; anything else unchanged."""
    if not isinstance(raw, dict) or not isinstance(raw.get(key), str):
        return raw
    return raw | {key: change(raw[key])}


_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _without_bookmarks,
    2: _without_imported_image,
    3: _old_names,
    4: _without_timelines,
    5: _without_directions,
    6: _one_mix,
}
"""By version: converts a record to the next version."""


def migrated(raw: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a record of this or an older version as one of this version; SessionError if it is newer or missing."""
    version = raw.get("version")
    if type(version) is not int or version < 1:
        raise _damaged(where, message("it has the unknown version {version}", version=f"{version!r:.40}"))
    if version > VERSION:
        raise SessionError(
            "{file} was saved by a newer Latent Explorer: version {version}, but this one reads up to {known}. "
            "Open it there; the file is unchanged.",
            file=where,
            version=version,
            known=VERSION,
        )
    for older in range(version, VERSION):
        raw = _MIGRATIONS[older](raw) | {"version": older + 1}
    return raw


def _check_arrays(record: SessionRecord, arrays: dict[str, NDArray[Any]], where: str) -> None:
    tables = {
        "keyframes": len(record.segments),
        "directions": len(record.directions),
        "bookmarks": len(record.bookmarks),
        "timeline_codes": sum(timeline.values for timeline in record.timelines),
        "timeline_times": sum(timeline.frames or 0 for timeline in record.timelines),
    }
    exactly = tables | {"dim": record.model.latent_dim if record.model else 0, "corners": 3}
    sizes = {axis: range(max(size, 1), size + 1) for axis, size in exactly.items()} | {
        "codes": range(1, MOST + 1),
        "frames": range(LONGEST_ANIMATION + 1),
        "images": range(LONGEST_ANIMATION + 1),
        "side": range(1, 513),
        "channels": range(1, 4, 2),
    }
    for name, array in arrays.items():
        wanted = [sizes[axis] for axis in ARRAY_FORMS[name][1:]]
        if array.ndim != len(wanted) or any(size not in some for size, some in zip(array.shape, wanted, strict=True)):
            raise _damaged(
                where,
                message(
                    "“{array}” has the shape {shape}, not {wanted}",
                    array=name,
                    shape="×".join(map(str, array.shape)) or "()",
                    wanted="×".join(str(some[0]) if len(some) == 1 else "n" for some in wanted),
                ),
            )
    for name in (*(table for table, size in tables.items() if size), *(["selection"] if record.selection else [])):
        if name not in arrays:
            raise _damaged(where, message("it has no “{array}”", array=name))
