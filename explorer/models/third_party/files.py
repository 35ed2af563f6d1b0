"""The files of an import, and the code that they would run, found without building the model."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final, Literal, TypeAlias

from explorer.errors import ModelError
from explorer.models.third_party.incomplete import incomplete, saved_model_of
from explorer.models.third_party.layout import CONFIG_FILE, place_of
from explorer.models.third_party.no_network import PROGRAMS, checking, format_of, tfjs_file
from explorer.models.third_party.reading import ThirdPartyFile, read_third_party, reading
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.rewriting import rewrite
from explorer.models.third_party.safety import Finding, findings

_TORCH: Final = (".pt2", ".pt", ".pth")
SUFFIXES: Final = (".keras", ".h5", ".hdf5", ".onnx", ".tflite", *_TORCH)
_HDF5: Final = b"\x89HDF"
_HEAD_BYTES: Final = 1 << 20
_EMPTY_HDF5: Final = 800
"""Bytes of an HDF5 file without content."""

_MARKS: Final = (b"keras_version", b"model_config", b"model_weights", b"layer_names", b"weight_names", b"vars")
"""Names in HDF5 files of Keras, all near the start; other files are datasets."""
_WHOLE: Final = re.compile(r"auto[-_ ]?(encoder|enc)", re.IGNORECASE)
_NAMED: Final = re.compile(r"encoder|decoder|enc|dec", re.IGNORECASE)
_LISTED: Final = 8

_FRAMEWORKS: Final = ("keras", "onnx", "tflite", "torch")

Role: TypeAlias = Literal["encoder", "decoder", "whole"]
_PARTS: Final[tuple[Role, Role]] = ("encoder", "decoder")


def is_onnx(path: Path) -> bool:
    """Return whether a file is an ONNX model, by its suffix."""
    return path.suffix.lower() == ".onnx"


def is_torch(path: Path) -> bool:
    """Return whether a file is a program of PyTorch, by its content: TorchScript or an exported program."""
    return format_of(path) in PROGRAMS


def is_tflite(path: Path) -> bool:
    """Return whether a file is a TensorFlow Lite model, by its suffix or content."""
    return path.suffix.lower() == ".tflite" or format_of(path) == "tflite"


def becomes_onnx(path: Path) -> bool:
    """Return whether a file is an ONNX model, or is converted to one when it is imported."""
    return is_onnx(path) or is_tflite(path) or is_torch(path)


def looks_third_party(path: Path) -> bool:
    """Return whether a file or folder seems to be a model or a part of one, by suffix and header; it may be damaged."""
    try:
        if path.is_dir():
            return _is_model(path) or _holds_parts(path)
        if is_onnx(path) or saved_model_of(path) is not None or incomplete(path) is not None:
            return True
        if format_of(path) is not None:
            return True
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


def _holds_parts(folder: Path) -> bool:
    files = roles_in(folder)
    if not any(_NAMED.search(file.name) for named in files.values() for file in named):
        return False
    try:
        parts = parts_in(folder)
    except ModelError:
        return True
    return "whole" in parts or len(parts) == 2


def parts_in(folder: Path) -> dict[Role, Path]:
    """Return the models to import from a folder by role: encoder and decoder, a whole one, or a single part.

    A name with "enc" or "dec", apart from "autoencoder", is that of a part, any other that of a whole model. An encoder
    and a decoder are preferred, then a whole model. ModelError if there are several of a role to choose from.
    """
    files = roles_in(folder)
    single: dict[Role, Path] = {role: named[0] for role, named in files.items() if len(named) == 1}
    if {"encoder", "decoder"} <= single.keys():
        return {"encoder": single["encoder"], "decoder": single["decoder"]}
    if len(single) < len(files):
        raise ambiguous(folder)
    return {"whole": single["whole"]} if "whole" in single else single


def ambiguous(folder: Path) -> ModelError:
    """Return the error of a folder whose models can be read in several ways."""
    return ModelError(
        "{folder} can be read in several ways: {files}. "
        "Choose one of the files, or an encoder and a decoder (--encoder, --decoder).",
        folder=folder.name,
        files=[file.name for named in roles_in(folder).values() for file in named][:_LISTED],
    )


def roles_in(folder: Path, like: Path | None = None) -> dict[Role, list[Path]]:
    """Return the models in a folder by role, sorted; those of the framework of a file `like`, if it is given.

    Of several formats of one model only the first of `SUFFIXES` is returned, or of the first framework that has encoder
    and decoder.
    """
    found = [part for part in folder.iterdir() if _may_be_model(part)]
    found = [part for part in found if "weight" not in part.name.lower()] or found
    if like is not None and like.suffix.lower() in SUFFIXES:
        found = [part for part in found if _framework(part) == _framework(like)]
    pairs = [
        kind for kind in _FRAMEWORKS if {_role_of(part) for part in found if _framework(part) == kind} >= set(_PARTS)
    ]
    first = [*pairs, *_FRAMEWORKS][0]
    found.sort(
        key=lambda part: (_framework(part) != first, [*SUFFIXES, part.suffix.lower()].index(part.suffix.lower()))
    )
    files: dict[Role, list[Path]] = {}
    for part in sorted({part.stem.lower(): part for part in reversed(found)}.values()):
        files.setdefault(_role_of(part), []).append(part)
    return files


def _may_be_model(part: Path) -> bool:
    """Return whether a part of a folder may be a model; files of PyTorch with only weights are none."""
    suffix = part.suffix.lower()
    if suffix in _TORCH:
        return is_torch(part)
    return suffix in SUFFIXES or _is_model(part) or _is_named_topology(part)


def _framework(part: Path) -> str:
    suffix = part.suffix.lower()
    return suffix[1:] if suffix in {".onnx", ".tflite"} else "torch" if suffix in _TORCH else "keras"


def _is_model(folder: Path) -> bool:
    """Return whether a folder as a whole is one model: a SavedModel, or a model of TensorFlow.js."""
    return folder.is_dir() and ((folder / "saved_model.pb").is_file() or tfjs_file(folder) is not None)


def _is_named_topology(path: Path) -> bool:
    """Return whether a file is a model of TensorFlow.js by its name and content; other JSON files are not opened."""
    return path.suffix.lower() == ".json" and bool(_NAMED.search(path.stem)) and tfjs_file(path) is not None


def _role_of(part: Path) -> Role:
    name = _WHOLE.sub("", place_of(part).name.lower())
    roles: list[Role] = [role for role in _PARTS if role[:3] in name]
    return roles[0] if len(roles) == 1 else "whole"


def decoder_beside(encoder: Path) -> Path | None:
    """Return the decoder in the folder of an encoder that is named like it; None if there is none."""
    encoder = place_of(encoder)
    if _role_of(encoder) != "encoder":
        return None
    wanted = _NAMED.sub("", encoder.stem.lower())
    with suppress(OSError):
        for part in roles_in(encoder.parent, encoder).get("decoder", []):
            if _NAMED.sub("", part.stem.lower()) == wanted:
                return part
    return None


def files_by_role(request: ImportRequest) -> dict[Role, Path]:
    """Return the files of an import: encoder and decoder, or one whole model; ModelError if they are ambiguous."""
    path = request.path
    given: dict[Role, Path] = {
        role: part for role, part in zip(_PARTS, (request.encoder, request.decoder), strict=True) if part is not None
    }
    if path is not None and path.is_dir() and not _is_model(path):
        if not given:
            return parts_in(path) or {"whole": path}
        others = roles_in(path, next(iter(given.values())))
        beside: dict[Role, Path] = {role: others[role][0] for role in _PARTS if len(others.get(role, [])) == 1}
        return beside | {role: part if part.exists() else path / part for role, part in given.items()}
    if path is not None and not any(part.exists() for part in given.values()):
        return {"whole": saved_model_of(path) or path}
    return given


def files_of(request: ImportRequest) -> list[Path]:
    """Return the files of an import; ModelError if they are ambiguous."""
    return list(files_by_role(request).values())


def dangers(request: ImportRequest) -> Generator[None, None, tuple[Finding, ...]]:
    """Return everything in the files of an import that would run or cannot be built; yields while reading.

    Raises ModelError if a file is not a model, or is damaged.
    """
    found: list[Finding] = []
    for path in files_of(request):
        yield from checking(path)
        if is_torch(path):
            found.append(torch_danger(path))
        if becomes_onnx(path):
            continue  # checked when it is read
        file = yield from reading(path)
        found += dangers_of(file)
    return tuple(dict.fromkeys(found))


def torch_danger(path: Path) -> Finding:
    """Return the danger of a program of PyTorch, all of which is code."""
    return Finding("pytorch", path.name, "TorchScript" if format_of(path) == "torchscript" else "torch.export")


def dangers_in(path: Path) -> tuple[Finding, ...]:
    """Return everything in a file that would run or cannot be built; ModelError if it is not a model, or damaged."""
    return dangers_of(read_third_party(path))


def dangers_of(file: ThirdPartyFile, *, without_code: bool = False) -> tuple[Finding, ...]:
    """Return everything in a file that would run or cannot be built, after the replacements of `rewrite`."""
    if file.kind == "saved_model":
        return findings(file)
    models = rewrite(file, without_code=without_code).models.values()
    # A file that names a stand-in itself is refused before, when it is looked at without `without_code`.
    found = (findings(replace(file, config=config), stand_ins=without_code) for config in models)
    return tuple(dict.fromkeys(chain.from_iterable(found)))
