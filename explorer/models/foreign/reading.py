"""What a file or folder is, by its content, and the configuration that it carries."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from explorer.errors import ModelError
from explorer.json_limits import CONFIGURATION, parse_json
from explorer.models.bundle import CARD
from explorer.models.foreign.layout import CONFIG_FILE, REMEDY, WEIGHTS_FILE, damaged
from explorer.types import Progress

Kind: TypeAlias = Literal["keras", "hdf5", "saved_model"]
Config: TypeAlias = dict[str, Any]
T = TypeVar("T")


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
    """Read what a Keras model's file says of itself, in a process of its own.

    Raises
    ------
    ModelError
        If it is none, is damaged, or holds only a part of a model; the message says what to do.
    """
    return finished(reading(path))


def finished(steps: Generator[None, None, T]) -> T:
    """Run a generator to its end, and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


def reading(path: Path) -> Generator[None, None, ForeignFile]:
    """Do as `read_foreign`, and yield now and then, so that whoever waits can give up."""
    from explorer import reader
    from explorer.models.foreign.contents import Described

    path = path.expanduser().absolute()
    if path.is_dir():
        return _read_folder(path)
    described: Described | None = None
    with closing(reader.steps("keras description", [path], (Described, Progress))) as records:
        for record in records:
            if isinstance(record, Described):
                described = record
            yield
    if described is None:
        raise damaged(path.name, "it says nothing")
    config = _parsed(described.config, path)
    return ForeignFile(path, described.kind, described.keras_version, config, described.links)


def _parsed(text: str, path: Path) -> Config:
    """Parse a configuration; it is counted again, since a hostile file may have taken the reader process over."""
    config = parse_json(text.encode("utf-8", "replace"), CONFIGURATION, path.name, ModelError)
    if not isinstance(config, dict):
        raise damaged(path.name, "its configuration is no JSON object")
    return config


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
        raise ModelError("a whole model", f"{path.name}, a checkpoint with weights only", REMEDY)
    raise ModelError(
        "a Keras model (.keras, .h5 or a SavedModel folder)",
        f"{path.name}, a folder without saved_model.pb",
        "Choose the model's file, or the folder that holds saved_model.pb.",
    )
