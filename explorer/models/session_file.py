"""Session files: what the user works on, in one file that can be kept, moved and opened again.

A zip of two parts: ``session.json``, every value with a name, and ``arrays.npz``, the codes; and of a third, ``guest``,
where a picture is looked at that is none of the data: its file, as it came. Models and data are not in it but named,
so that the file is small; how they are found again is `explorer.workers.session_keeper`'s affair.
"""

from __future__ import annotations

import hashlib
import json
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
from explorer.data.guest import MOST_BYTES
from explorer.errors import SessionError
from explorer.json_limits import SESSION, json_text, parse_json
from explorer.models.session_record import LONGEST_FILM, MOST, VERSION, SessionRecord
from explorer.paths import replacing_file
from explorer.reading import read_limited

SUFFIX: Final = ".latent"

_RECORD, _ARRAYS, _GUEST = "session.json", "arrays.npz", "guest"
_MOST_ARRAYS = 512 << 20
_ALLOWED: Final = {_RECORD: SESSION.size, _ARRAYS: _MOST_ARRAYS, _GUEST: MOST_BYTES}
_LIMITS: Final = ZipLimits(sum(_ALLOWED.values()), members=100, unsuspicious=32 << 20)
_LARGEST_THUMBNAIL = 512
_REMEDY = "Choose a file that Latent Explorer has written, or an older copy of it."

_KINDS: Final = {
    "cursor": "float32",
    "picture_code": "float32",
    "keyframes": "float32",
    "times": "float64",
    "directions": "float32",
    "slot_0": "float32",
    "slot_1": "float32",
    "slot_2": "float32",
    "corners": "float32",
    "selection": "int64",
    "bookmarks": "float32",
    "thumbnails": "uint8",
}


@dataclass(frozen=True, eq=False)
class Session:
    """A session as it lies on disk.

    Attributes
    ----------
    record
        Its values.
    arrays
        Codes by name, float32: ``cursor`` and ``picture_code`` ``(latent_dim,)``, ``keyframes`` ``(k, latent_dim)``,
        ``directions``, ``bookmarks``, ``slot_0`` … ``slot_2`` and ``corners`` ``(3, latent_dim)`` likewise; ``times``
        float64 ``(frames,)``; ``selection`` int64 ``(n,)``; ``thumbnails`` uint8 ``(b, h, w, c)``, black where there is
        none. What is not there is left out.
    guest
        The file of the picture that is looked at, where it is none of the data; else empty.
    """

    record: SessionRecord
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    guest: bytes = b""


def write_session(path: Path, session: Session) -> str:
    """Write a session whole, or leave the file as it was; return its checksum.

    Returns
    -------
    str
        SHA-256 of the file, hexadecimal: by it a change by somebody else is noticed.

    Raises
    ------
    SessionError
        If it holds more than could be read again.
    ExportError
        If the file cannot be written.
    """
    content = session_bytes(session)
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        # Else the new name might reach the disk before the content does, and a power cut leave an empty file.
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def session_bytes(session: Session) -> bytes:
    """Return a session as it lies in a file.

    Raises
    ------
    SessionError
        If it holds more than could be read again.
    """
    arrays = _packed(session.arrays)
    record = session.record.model_copy(update={"checksum": hashlib.sha256(arrays).hexdigest()})
    text = record.model_dump_json(indent=1).encode()
    _check_room(len(text), SESSION.size, "names and settings")
    json_text(text, SESSION, "the session", SessionError)
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_RECORD, text)
        archive.writestr(zipfile.ZipInfo(_ARRAYS, (1980, 1, 1, 0, 0, 0)), arrays)
        if record.guest is not None:
            archive.writestr(zipfile.ZipInfo(_GUEST, (1980, 1, 1, 0, 0, 0)), session.guest)
    return whole.getvalue()


def _packed(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return arrays as an npz that may be read again: deflated, unless they are so even that it would look hostile."""
    size = sum(array.nbytes for array in arrays.values())
    _check_room(size, _MOST_ARRAYS - (1 << 20), "codes and thumbnails")
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    if size > _LIMITS.unsuspicious and size > _LIMITS.ratio // 2 * file.tell():
        file = BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _check_room(size: int, most: int, what: str) -> None:
    if size > most:
        raise SessionError(
            f"a session with at most {most >> 20} MB of {what}",
            f"{size / (1 << 20):,.1f} MB",
            "Delete keyframes, bookmarks or directions, and save again. Nothing was written.",
        )


def read_session(path: Path) -> tuple[Session, str]:
    """Read a session, of this version or an older one.

    Returns
    -------
    session, checksum
        And the SHA-256 of the file, hexadecimal.

    Raises
    ------
    SessionError
        If it is none, is damaged, of a newer version, or holds what no session can hold.
    """
    try:
        content = read_limited(path, _LIMITS.total, "a session file", SessionError)
    except OSError as error:
        raise SessionError(f"a session file at {path}", f"“{error.strerror or error}”", "Choose another.") from error
    where = path.name
    parts = read_members(BytesIO(content), _ALLOWED, _LIMITS, where, SessionError)
    for missing in {_RECORD, _ARRAYS} - parts.keys():
        raise SessionError(f"{missing} in the session file {where}", "no such part", _REMEDY)
    record = _read_record(parts[_RECORD], where)
    if hashlib.sha256(parts[_ARRAYS]).hexdigest() != record.checksum:
        raise SessionError(f"codes in {where} with the checksum that is noted", "others", _REMEDY)
    arrays = _read_arrays(parts[_ARRAYS], where)
    _check_arrays(record, arrays, where)
    guest = parts.get(_GUEST, b"")
    if (record.guest is not None or guest) and (
        record.guest is None or hashlib.sha256(guest).hexdigest() != record.guest.checksum
    ):
        raise SessionError(f"the picture in {where} with the checksum that is noted", "another, or none", _REMEDY)
    return Session(record, arrays, guest), hashlib.sha256(content).hexdigest()


def _read_arrays(content: bytes, where: str) -> dict[str, NDArray[Any]]:
    limits = replace(_LIMITS, total=_MOST_ARRAYS)
    arrays = read_arrays(BytesIO(content), limits, where, SessionError, _KINDS)
    for name, array in arrays.items():
        if array is None or (array.dtype.kind == "f" and not np.isfinite(array).all()):
            raise SessionError(f"finite numbers as “{name}” in {where}", "others", _REMEDY)
    return {name: array for name, array in arrays.items() if array is not None}


def _read_record(text: bytes, where: str) -> SessionRecord:
    raw = parse_json(text, SESSION, where, SessionError)
    try:
        if not isinstance(raw, dict) or raw.get("format") != "latent-explorer-session":
            raise SessionError(f"a session of Latent Explorer in {where}", "something else", _REMEDY)
        return SessionRecord.model_validate_json(json.dumps(migrated(raw, where)))
    except ValidationError as error:
        first = error.errors()[0]
        part = ".".join(str(part) for part in first["loc"]) or "the session"
        raise SessionError(f"a session in {where}", f"“{part}”: {first['msg'][:200]}", _REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise SessionError(f"JSON in {where}", f"“{str(error)[:200]}”", _REMEDY) from error


def _without_bookmarks(raw: dict[str, Any]) -> dict[str, Any]:
    """Take a record of version 1, which knew neither bookmarks nor what was looked at."""
    return raw | {"bookmarks": [], "view": {}}


def _without_guest(raw: dict[str, Any]) -> dict[str, Any]:
    """Take a record of version 2, which knew no picture of its own."""
    return raw | {"guest": None}


_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _without_bookmarks, 2: _without_guest}
"""What turns the record of a version into one of the next."""


def migrated(raw: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a record of any older version as one of this.

    Raises
    ------
    SessionError
        If it is of a newer one, or says none.
    """
    version = raw.get("version")
    if type(version) is not int or version < 1:
        raise SessionError(f"a session of version 1 to {VERSION} in {where}", f"version {version!r:.40}", _REMEDY)
    if version > VERSION:
        raise SessionError(
            f"a session of version {VERSION} or older in {where}",
            f"version {version}",
            "A newer Latent Explorer has written it; open it with that. The file is untouched.",
        )
    for older in range(version, VERSION):
        raw = _MIGRATIONS[older](raw) | {"version": older + 1}
    return raw


def _check_arrays(record: SessionRecord, arrays: dict[str, NDArray[Any]], where: str) -> None:
    """Make sure that every code is of the model's length, and that there are as many as the record speaks of."""
    dim = record.model.latent_dim if record.model else 0
    counts = {
        "keyframes": len(record.segments),
        "directions": len(record.directions),
        "bookmarks": len(record.bookmarks),
    }
    for name, array in arrays.items():
        if name == "thumbnails":
            good = array.ndim == 4 and len(array) == counts["bookmarks"] and array.shape[3] in (1, 3)
            wanted, good = "n×h×w×c", good and min(array.shape) > 0 and max(array.shape[1:3]) <= _LARGEST_THUMBNAIL
        elif name in {"times", "selection"}:
            wanted, good = "a row of", array.ndim == 1 and len(array) <= LONGEST_FILM
        elif name in {"cursor", "picture_code"}:
            wanted, good = f"{dim}", array.shape == (dim,) and dim > 0
        else:
            count = counts.get(name, 3 if name == "corners" else min(len(array) if array.ndim else 0, MOST))
            wanted, good = f"{count}×{dim}", array.shape == (count, dim) and array.size > 0
        if not good:
            told = "×".join(map(str, array.shape)) or "one"
            raise SessionError(f"“{name}” of {wanted} numbers in {where}", told, _REMEDY)
    for name, count in counts.items():
        if count and name not in arrays:
            raise SessionError(f"codes of the {name} in {where}", "none", _REMEDY)
    if record.selection is not None and "selection" not in arrays:
        raise SessionError(f"the pictures that are picked out in {where}", "none", _REMEDY)
