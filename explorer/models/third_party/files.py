"""The files of an import, and the code that they would run, found without building the model."""

from __future__ import annotations

import zipfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Final

from explorer.models.third_party.layout import CONFIG_FILE
from explorer.models.third_party.reading import ThirdPartyFile, reading
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.rewriting import rewrite
from explorer.models.third_party.safety import Finding, findings

SUFFIXES: Final = (".keras", ".h5", ".hdf5")
_HDF5: Final = b"\x89HDF"
_HEAD_BYTES: Final = 1 << 20
_EMPTY_HDF5: Final = 800
"""Bytes of an HDF5 file without content."""

_MARKS: Final = (b"keras_version", b"model_config", b"model_weights", b"layer_names", b"weight_names", b"vars")
"""Names in HDF5 files of Keras, all near the start; other files are datasets."""


def looks_third_party(path: Path) -> bool:
    """Return whether a file or folder seems to be a Keras model, by suffix and header; it may be damaged."""
    try:
        if path.is_dir():
            return (path / "saved_model.pb").is_file() or {"encoder", "decoder"} == parts_in(path).keys()
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES if path.suffix.lower() in SUFFIXES else 4)
        if path.suffix.lower() in SUFFIXES:
            return not (head.startswith(_HDF5) and len(head) > _EMPTY_HDF5) or any(mark in head for mark in _MARKS)
        if head.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                return {CONFIG_FILE, "metadata.json"} <= set(archive.namelist())
        return head == _HDF5
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def parts_in(folder: Path) -> dict[str, Path]:
    """Return the files in a folder whose names contain "enc" or "dec", by ``encoder`` and ``decoder``."""
    found: dict[str, Path] = {}
    for part in sorted(folder.iterdir()):
        name = part.name.lower()
        if part.suffix.lower() in SUFFIXES or (part / "saved_model.pb").is_file():
            for half in ("encoder", "decoder"):
                if half[:3] in name and half not in found:
                    found[half] = part
    return found


def files_of(request: ImportRequest) -> list[Path]:
    path = request.path
    named = [part for part in (request.encoder, request.decoder) if part is not None]
    if path is not None and path.is_dir() and not (path / "saved_model.pb").is_file():
        here = parts_in(path)
        parts = {"encoder": request.encoder, "decoder": request.decoder}
        chosen = [_there(path, given) if given is not None else here.get(half) for half, given in parts.items()]
        return [part for part in chosen if part is not None] or [path]
    if path is not None and not any(part.exists() for part in named):
        return [path]
    return named or ([path] if path is not None else [])


def _there(folder: Path, given: Path) -> Path:
    return given if given.exists() else folder / given


def dangers(request: ImportRequest) -> Generator[None, None, tuple[Finding, ...]]:
    """Return everything in the files of an import that would run or cannot be built; yields while reading.

    Raises ModelError if a file is not a model, or is damaged.
    """
    found: list[Finding] = []
    for path in files_of(request):
        file = yield from reading(path)
        found += dangers_of(file)
    return tuple(dict.fromkeys(found))


def dangers_of(file: ThirdPartyFile) -> tuple[Finding, ...]:
    """Return everything in a file that would run or cannot be built, after the replacements of `rewrite`."""
    if file.kind == "saved_model":
        return findings(file)
    models = rewrite(file).models.values()
    return tuple(dict.fromkeys(finding for config in models for finding in findings(replace(file, config=config))))
