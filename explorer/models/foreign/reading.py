"""What a file or folder is, by its content, and the configuration that it carries."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from explorer.errors import ModelError
from explorer.models.bundle import CARD

Kind: TypeAlias = Literal["keras", "hdf5", "saved_model"]
Config: TypeAlias = dict[str, Any]

CONFIG_FILE: Final = "config.json"
METADATA_FILE: Final = "metadata.json"
WEIGHTS_FILE: Final = "model.weights.h5"

MAX_CONFIG_BYTES: Final = 32 << 20
MAX_WEIGHTS_BYTES: Final = 8 << 30
_MAX_DEPTH: Final = 200

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ZIP: Final = b"PK\x03\x04"
_REMEDY: Final = "Save the model with model.save(“model.keras”) and import that."


@dataclass(frozen=True)
class ForeignFile:
    """A model file that was read as data; nothing of it was built or run.

    Attributes
    ----------
    path
        The file or folder, absolute.
    kind
        What it is by its content, whatever its name says: ``keras``, a zip; ``hdf5``; ``saved_model``, a folder.
    keras_version
        Version of the Keras that wrote it, empty where it does not say.
    config
        The model's configuration; empty for a SavedModel, which is a program and not a description.
    links
        Parts of an HDF5 file that lie in other files, by their place.
    """

    path: Path
    kind: Kind
    keras_version: str = ""
    config: Config = field(default_factory=dict)
    links: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def stem(self) -> str:
        """Name without its ending."""
        return self.path.stem


def read_foreign(path: Path) -> ForeignFile:
    """Read what a Keras model's file says of itself.

    Raises
    ------
    ModelError
        If it is none, is damaged, or holds only a part of a model; the message says what to do.
    """
    path = path.expanduser().absolute()
    if path.is_dir():
        return _read_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ModelError(
            "a file or folder with a Keras model", f"{path}: {error.strerror}", "Check the name; a path is expected."
        ) from error
    if head.startswith(_ZIP):
        return _read_zip(path)
    if head.startswith(_HDF5):
        return _read_hdf5(path)
    raise ModelError("a Keras model (.keras, .h5 or a SavedModel folder)", *_other(path, head))


def _other(path: Path, head: bytes) -> tuple[str, str]:
    """Say what a file is that is no Keras model, and what to do."""
    if not head:
        return f"{path.name}, which is empty", "Copy or download it again."
    if head.startswith(b"version https://git-lfs"):
        return f"{path.name}, which only points to a large file in Git LFS", "Fetch it with: git lfs pull."
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return f"{path.name}, which is a web page", "Download the file itself, not the page about it."
    if head[4:8] == b"TFL3":
        return f"{path.name}, a TensorFlow Lite model", "It cannot be cut or changed any more; import the Keras model."
    if path.suffix.lower() == ".onnx":
        return f"{path.name}, an ONNX model", "Import the Keras model that it was made from."
    if head[:1] == b"\x80" or path.suffix.lower() in {".pkl", ".pickle", ".joblib"}:
        return f"{path.name}, a pickle, which would run code", f"Open it where it was made. {_REMEDY}"
    if path.suffix.lower() in {".keras", ".h5", ".hdf5"}:
        return f"{path.name}, which is damaged from its first byte on", "Copy or download it again."
    return f"{path.name}, which is of another kind", _REMEDY


def _read_folder(path: Path) -> ForeignFile:
    if (path / "saved_model.pb").is_file():
        return ForeignFile(path, "saved_model")
    if (path / CARD).is_file():
        raise ModelError(
            "a model of Keras", f"{path.name}, a bundle of Latent Explorer", "Open it; it needs no import."
        )
    if (path / CONFIG_FILE).is_file() and (path / WEIGHTS_FILE).is_file():
        raise ModelError(
            "a .keras file", f"{path.name}, a folder with what was in one", f"Zip its files again as {path.name}.keras."
        )
    if any(path.glob("*.index")) or (path / "checkpoint").is_file():
        raise ModelError("a whole model", f"{path.name}, a checkpoint with weights only", _REMEDY)
    raise ModelError(
        "a Keras model (.keras, .h5 or a SavedModel folder)",
        f"{path.name}, a folder without saved_model.pb",
        "Choose the model's file, or the folder that holds saved_model.pb.",
    )


def _damaged(path: Path, why: object) -> ModelError:
    words = " ".join(str(why).split())
    return ModelError(f"a whole file {path.name}", f"a damaged one ({words})", "Copy or download it again.")


def _read_zip(path: Path) -> ForeignFile:
    import h5py

    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename: info for info in archive.infolist()}
            if CONFIG_FILE not in names:
                raise ModelError("a Keras model", *_other_zip(path, set(names)))
            config = _parsed(archive.read(_bounded(path, names[CONFIG_FILE], MAX_CONFIG_BYTES)), path)
            metadata = _parsed(archive.read(_bounded(path, names[METADATA_FILE], MAX_CONFIG_BYTES)), path)
            if WEIGHTS_FILE not in names:
                raise ModelError(f"{WEIGHTS_FILE} in {path.name}", "none, so that the model has no weights", _REMEDY)
            _bounded(path, names[WEIGHTS_FILE], MAX_WEIGHTS_BYTES)
            # Read to its end once, since a loader finds out too late that it is cut short.
            with archive.open(WEIGHTS_FILE) as weights:
                while weights.read(1 << 20):
                    pass
            with archive.open(WEIGHTS_FILE) as weights, h5py.File(weights, "r") as opened:
                links = tuple(_links(opened))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, error) from error
    version = metadata.get("keras_version", "")
    return ForeignFile(path, "keras", version if isinstance(version, str) else "", config, links)


def _bounded(path: Path, info: zipfile.ZipInfo, most: int) -> zipfile.ZipInfo:
    if info.file_size > most:
        raise ModelError(
            f"{info.filename} of at most {most >> 20} MB in {path.name}",
            f"{info.file_size >> 20} MB",
            "Do not open files you do not trust.",
        )
    return info


def _other_zip(path: Path, names: set[str]) -> tuple[str, str]:
    if any(name.endswith("data.pkl") for name in names):
        return f"{path.name}, a PyTorch file", "Latent Explorer reads Keras models only."
    if any(name.endswith((CONFIG_FILE, "saved_model.pb")) for name in names):
        return f"{path.name}, an archive with a model inside", "Unpack it and import what is in it."
    return f"{path.name}, a zip of other files", _REMEDY


def _parsed(text: bytes, path: Path) -> Config:
    try:
        config = json.loads(text)
        _check_depth(config, 0)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(config, dict):
        raise _damaged(path, "its configuration is no JSON object")
    return config


def _check_depth(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("its configuration is nested without end")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        _check_depth(child, depth + 1)


def _read_hdf5(path: Path) -> ForeignFile:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
            if config is None:
                raise ModelError("a whole model", *_other_hdf5(path, file))
            version = _text(file.attrs.get("keras_version", ""))
            links = tuple(_links(file))
            parsed = _parsed(_text(config).encode(), path)
            if "model_weights" not in file:
                raise ModelError(f"weights in {path.name}", "none, only the description of the model", _REMEDY)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, error) from error
    return ForeignFile(path, "hdf5", version, parsed, links)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _other_hdf5(path: Path, file: Any) -> tuple[str, str]:
    if "layer_names" in file.attrs or "layers" in file or "_layer_checkpoint_dependencies" in file:
        remedy = "Build the model, load these weights into it, and save it whole: model.save(“model.keras”)."
        return f"{path.name}, which holds weights only", remedy
    return f"{path.name}, an HDF5 file without a model in it", _REMEDY


def _links(file: Any) -> list[str]:
    """Return what an HDF5 file fetches from other files: links, raw data elsewhere, virtual data."""
    import h5py

    found: list[str] = []

    def look_at_link(name: str, link: object) -> None:
        if isinstance(link, h5py.ExternalLink):
            found.append(name)

    def look_at(name: str, member: object) -> None:
        if isinstance(member, h5py.Dataset) and (member.external or member.is_virtual):
            found.append(name)

    file.visititems_links(look_at_link)
    file.visititems(look_at)
    return found
