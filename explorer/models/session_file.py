"""Session files: what the user works on, in one file that can be kept, moved and opened again.

A zip of two parts: ``session.json``, every value with a name, and ``arrays.npz``, the codes. Models and pictures are
not in it but named, so that the file is small; how they are found again is `explorer.workers.session_keeper`'s affair.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator, model_validator

from explorer.data.corruption import parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.errors import ExplorerError, SessionError
from explorer.latent.easing import easing_named
from explorer.latent.film import Loop
from explorer.latent.paths import path_named
from explorer.models.checked_zip import read_arrays, read_members
from explorer.paths import replacing_file
from explorer.types import ImageShape

SUFFIX: Final = ".latent"
VERSION: Final = 1
MOST: Final = 10_000
"""Keyframes, directions or codes in a slot; more than anybody sets, few enough for any machine."""

_RECORD, _ARRAYS = "session.json", "arrays.npz"
_MOST_RECORD = 32 << 20
_MOST_ARRAYS = 512 << 20
_REACH = 1e12
"""No setting of this program is larger; what is comes from no hand."""

_STRONGEST_NOISE = 1e6
_MOST_NOISES = 100
_LONGEST_FILM = 10_000_000
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
}

Amount = Annotated[FiniteFloat, Field(ge=-_REACH, le=_REACH)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(max_length=200)]
Place = Annotated[str, Field(max_length=4096)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRecord(_Record):
    """Which model it is, and where it was.

    Attributes
    ----------
    name, path
        Its name, and its folder on the machine that wrote this.
    model_hash
        What its decoder is known by (`explorer.models.card.Card.decoder_hash`); empty where it was still learning.
    latent_dim, image_shape, preprocessing
        What its codes and pictures are like.
    """

    name: Name
    path: Place
    model_hash: str = Field(max_length=100)
    latent_dim: int = Field(ge=1, le=2**31)
    image_shape: ImageShape
    preprocessing: Preprocessing


class DataRecord(_Record):
    """Which pictures they are.

    Attributes
    ----------
    spec
        What opens them: a known name, or an absolute path.
    beside
        The path as seen from the session's folder, where both are on one drive: it stays right when both are moved.
    name, title, count, split
        For people: what they are called, how many, and where their splits come from.
    picture, file
        The chosen one: its position, and its file where pictures are files.
    """

    spec: Place
    beside: Place = ""
    name: Name
    title: Name
    count: int = Field(ge=0, le=2**40)
    split: Name = ""
    picture: int | None = Field(default=None, ge=0, le=2**40)
    file: Place = ""


class SegmentRecord(_Record):
    """See `explorer.latent.film.Segment`."""

    steps: int = Field(ge=2, le=MOST)
    path: Name
    easing: Name

    @model_validator(mode="after")
    def _known(self) -> Self:
        _meant(lambda: (path_named(self.path), easing_named(self.easing)))
        return self


class FilmRecord(SegmentRecord):
    """See `explorer.latent.film.FilmSettings`."""

    hold: int = Field(ge=0, le=MOST)
    fps: float = Field(gt=0, le=1000, allow_inf_nan=False)
    loop: Loop


class JitterRecord(_Record):
    """See `explorer.document.state.Jitter`."""

    sigma: Amount = Field(ge=0)
    seed: Seed


class SamplingRecord(_Record):
    """See `explorer.document.state.Sampling`."""

    prior: Literal["auto", "normal", "fitted"]
    temperature: Amount = Field(ge=0)
    seed: Seed


class TraversalRecord(_Record):
    """See `explorer.document.state.Traversal`."""

    by: Literal["dimensions", "axes", "maximum"]
    reach: Amount = Field(gt=0)


class GridRecord(_Record):
    """See `explorer.document.state.GridSettings`; its corners are among the arrays."""

    dims: tuple[Annotated[int, Field(ge=0, le=2**31)], Annotated[int, Field(ge=0, le=2**31)]]
    low: Amount
    high: Amount
    steps: int = Field(ge=2, le=40)
    axes: bool
    quantiles: bool

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if not self.low < self.high or (self.quantiles and (self.axes or not 0 < self.low < self.high < 1)):
            raise ValueError("low must be below high, and quantiles between 0 and 1")
        return self


class DirectionRecord(_Record):
    """See `explorer.latent.directions.Direction`; its vector is among the arrays."""

    name: str = Field(min_length=1, max_length=200)
    method: Literal["means", "logistic"]
    count: tuple[int, int]
    accuracy: Amount
    effect: Amount
    chance: tuple[Amount, Amount]
    p: Amount


class ArithmeticRecord(_Record):
    """See `explorer.document.state.Arithmetic`; the codes in its slots are among the arrays."""

    strengths: tuple[Amount, Amount, Amount]
    mode: Literal["sum", "cross"]
    share: Amount = Field(ge=0, le=1)
    seed: Seed


class PickedRecord(_Record):
    """See `explorer.document.selection.Picked`; the positions are among the arrays."""

    title: Name


class SessionRecord(_Record):
    """Everything of a session that is no array.

    Attributes
    ----------
    written_by, written_at
        For people: the program's version, and when, ISO 8601.
    origin
        Of a copy kept against a crash: the file that it is of; empty for one without a file.
    checksum
        SHA-256 of ``arrays.npz``, hexadecimal.
    noise
        As `explorer.data.corruption.format_noise` writes it.
    segments
        For each keyframe the way to the next; None where it is that of the film.
    """

    format: Literal["latent-explorer-session"] = "latent-explorer-session"
    version: Literal[1] = VERSION
    written_by: Name = ""
    written_at: Name = ""
    origin: Place = ""
    checksum: str = Field(default="", max_length=64)
    model: ModelRecord | None = None
    data: DataRecord | None = None
    noise: str = Field(default="", max_length=10_000)
    jitter: JitterRecord
    sampling: SamplingRecord
    traversal: TraversalRecord
    grid: GridRecord
    film: FilmRecord
    segments: tuple[SegmentRecord | None, ...] = Field(default=(), max_length=MOST)
    directions: tuple[DirectionRecord, ...] = Field(default=(), max_length=MOST)
    arithmetic: ArithmeticRecord
    selection: PickedRecord | None = None

    @field_validator("noise")
    @classmethod
    def _noises(cls, text: str) -> str:
        noises = _meant(lambda: parse_noise(text))
        strengths = [max(noise.strength, abs(noise.mean)) for noise in noises]
        if max(strengths, default=0) > _STRONGEST_NOISE or len(noises) > _MOST_NOISES:
            raise ValueError("no noise is so strong")
        if any((noise.seed or 0) >= 2**63 for noise in noises):
            raise ValueError("no seed is so large")
        return text

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        frames = sum((segment or self.film).steps for segment in self.segments)
        if frames > _LONGEST_FILM:
            raise ValueError(f"a film of at most {_LONGEST_FILM:,} frames, not {frames:,}")
        return self


@dataclass(frozen=True, eq=False)
class Session:
    """A session as it lies on disk.

    Attributes
    ----------
    record
        Its values.
    arrays
        Codes by name, float32: ``cursor`` and ``picture_code`` ``(latent_dim,)``, ``keyframes`` ``(k, latent_dim)``,
        ``directions``, ``slot_0`` … ``slot_2`` and ``corners`` ``(3, latent_dim)`` likewise; ``times`` float64
        ``(frames,)``; ``selection`` int64 ``(n,)``. What is not there is left out.
    """

    record: SessionRecord
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


def write_session(path: Path, session: Session) -> str:
    """Write a session whole, or leave the file as it was; return its checksum.

    Returns
    -------
    str
        SHA-256 of the file, hexadecimal: by it a change by somebody else is noticed.

    Raises
    ------
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
    """Return a session as it lies in a file."""
    packed = BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **session.arrays)
    arrays = packed.getvalue()
    record = session.record.model_copy(update={"checksum": hashlib.sha256(arrays).hexdigest()})
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_RECORD, record.model_dump_json(indent=1))
        archive.writestr(zipfile.ZipInfo(_ARRAYS, (1980, 1, 1, 0, 0, 0)), arrays)
    return whole.getvalue()


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
        with path.open("rb") as file:
            content = file.read(_MOST_RECORD + _MOST_ARRAYS + 1)
    except OSError as error:
        raise SessionError(f"a session file at {path}", f"“{error.strerror or error}”", "Choose another.") from error
    where = path.name
    parts = read_members(BytesIO(content), {_RECORD: _MOST_RECORD, _ARRAYS: _MOST_ARRAYS}, where)
    for missing in {_RECORD, _ARRAYS} - parts.keys():
        raise SessionError(f"{missing} in the session file {where}", "no such part", _REMEDY)
    record = _read_record(parts[_RECORD], where)
    if hashlib.sha256(parts[_ARRAYS]).hexdigest() != record.checksum:
        raise SessionError(f"codes in {where} with the checksum that is noted", "others", _REMEDY)
    arrays = read_arrays(parts[_ARRAYS], _KINDS, _MOST_ARRAYS, where)
    _check_arrays(record, arrays, where)
    return Session(record, arrays), hashlib.sha256(content).hexdigest()


def _read_record(text: bytes, where: str) -> SessionRecord:
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or raw.get("format") != "latent-explorer-session":
            raise SessionError(f"a session of Latent Explorer in {where}", "something else", _REMEDY)
        return SessionRecord.model_validate_json(json.dumps(migrated(raw, where)))
    except ValidationError as error:
        first = error.errors()[0]
        part = ".".join(str(part) for part in first["loc"]) or "the session"
        raise SessionError(f"a session in {where}", f"“{part}”: {first['msg'][:200]}", _REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise SessionError(f"JSON in {where}", f"“{str(error)[:200]}”", _REMEDY) from error


_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
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
    counts = {"keyframes": len(record.segments), "directions": len(record.directions), "corners": 3}
    for name, array in arrays.items():
        count = counts.get(name, len(array) if array.ndim else 0)
        if name in {"cursor", "picture_code"}:
            wanted: tuple[int, ...] = (dim,)
        else:
            wanted = (count,) if name in {"times", "selection"} else (count, dim)
        codes = name not in {"times", "selection"}
        if array.shape != wanted or (codes and not prod(wanted)) or len(array) > max(MOST, _LONGEST_FILM, dim):
            told = "×".join(map(str, array.shape))
            raise SessionError(f"“{name}” of {'×'.join(map(str, wanted))} numbers in {where}", told, _REMEDY)
    for name, count in counts.items():
        if name != "corners" and count and name not in arrays:
            raise SessionError(f"codes of the {name} in {where}", "none", _REMEDY)
    if record.selection is not None and "selection" not in arrays:
        raise SessionError(f"the pictures that are picked out in {where}", "none", _REMEDY)


def _meant(check: Callable[[], Any]) -> Any:
    """Turn what a setting may not be into what a record may not be."""
    try:
        return check()
    except ExplorerError as error:
        raise ValueError(str(error)) from error
