"""Detects the format of a model file or folder by its content, and reads its configuration."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal, TypeAlias, TypeVar

from explorer.errors import ModelError
from explorer.json_limits import CONFIGURATION, parse_json
from explorer.messages import message
from explorer.models.bundle import CARD
from explorer.models.third_party.layout import CONFIG_FILE, REMEDY, WEIGHTS_FILE, damaged
from explorer.models.third_party.no_network import tfjs_file
from explorer.paths import is_plain_name
from explorer.reading import reason_of
from explorer.types import Progress

FileKind: TypeAlias = Literal["keras", "hdf5", "saved_model", "tfjs"]
Config: TypeAlias = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class ThirdPartyFile:
    """A model file or folder, with an absolute path, read as data; nothing of it was built or run.

    `kind`, detected from the content, is ``keras``, a zip; ``hdf5``; ``saved_model``, a folder; or ``tfjs``, the JSON
    file of a model of TensorFlow.js. `keras_version` is that which wrote it, empty if unknown. `config` is empty for a
    SavedModel, which is a program. `links` are paths of the parts of an HDF5 file that are stored in other files,
    `shards` the files with the weights of a ``tfjs`` file.
    """

    path: Path
    kind: FileKind
    keras_version: str = ""
    config: Config = field(default_factory=dict)
    links: tuple[str, ...] = ()
    shards: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        return self.path.stem


def read_third_party(path: Path) -> ThirdPartyFile:
    """Read the configuration of a Keras model in the reader process.

    ModelError if it is not a Keras model, is damaged, or holds only a part of a model.
    """
    return finished(reading(path))


def finished(steps: Generator[object, None, T]) -> T:
    """Exhaust a generator and return its return value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


def reading(path: Path) -> Generator[None, None, ThirdPartyFile]:
    """Do the same as `read_third_party`, as a generator that the caller can abandon."""
    from explorer import reader
    from explorer.models.third_party.contents import Described

    path = path.expanduser().absolute()
    topology = tfjs_file(path)
    if topology is None and path.is_dir():
        return _read_folder(path)
    path = topology or path
    described: Described | None = None
    name = "keras description" if topology is None else "tfjs description"
    with closing(reader.steps(name, [path], (Described, Progress))) as records:
        for record in records:
            if isinstance(record, Described):
                described = record
            yield
    if described is None:
        raise damaged(path.name, message("it has no model configuration"))
    config = _parsed(described.config, path)
    shards = tuple(weights_beside(path, shard) for shard in described.shards)
    return ThirdPartyFile(path, described.kind, described.keras_version, config, described.links, shards)


def weights_beside(path: Path, name: str) -> Path:
    """Return the path of a file of weights beside a model; ModelError if it is elsewhere, a link, or missing."""
    found = path.with_name(name) if is_plain_name(name) else path
    try:
        stat = found.lstat()
    except OSError as error:
        raise ModelError(
            "{file} needs its weights in “{name}”, in the same folder: {reason}. Copy all files there.",
            file=path.name,
            name=name[:100],
            reason=reason_of(error),
        ) from error
    if found == path or not S_ISREG(stat.st_mode):
        raise ModelError(
            "{file} has its weights in “{name}”, which is not a file in the same folder. "
            "Save the model into one folder, and import it from there.",
            file=path.name,
            name=name[:100],
        )
    return found


def _parsed(text: str, path: Path) -> Config:
    """Parse a configuration; limits are checked again, since a hostile file may have compromised the reader process."""
    config = parse_json(text.encode("utf-8", "replace"), CONFIGURATION, path.name, ModelError)
    if not isinstance(config, dict):
        raise damaged(path.name, message("its configuration is not a JSON object"))
    return config


def _read_folder(path: Path) -> ThirdPartyFile:
    if (path / "saved_model.pb").is_file():
        return ThirdPartyFile(path, "saved_model")
    if (path / CARD).is_file():
        raise ModelError("{folder} is already a model of Latent Explorer. Open it instead.", folder=path.name)
    if (path / CONFIG_FILE).is_file() and (path / WEIGHTS_FILE).is_file():
        raise ModelError("{folder} is an unpacked .keras file. Zip its files as {folder}.keras.", folder=path.name)
    if any(path.glob("*.index")) or (path / "checkpoint").is_file():
        raise ModelError(
            "{folder} is a checkpoint, which holds only weights. {remedy}", folder=path.name, remedy=REMEDY
        )
    raise ModelError(
        "{folder} is not a SavedModel: it has no saved_model.pb. "
        "Choose a .keras or .h5 file, or a folder with saved_model.pb.",
        folder=path.name,
    )
