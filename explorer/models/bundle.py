"""The bundle: a model on disk as one folder. It opens without Keras and is written atomically."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import compress
from pathlib import Path
from typing import Final

from explorer.errors import ExplorerError, ExportError, ModelError
from explorer.json_limits import RECORD, json_text
from explorer.messages import Message, message
from explorer.models.card import Card, read_card
from explorer.models.codes import CodeSample, load_codes
from explorer.paths import named_models_dirs, pretrained_dir, user_models_dir
from explorer.reading import read_limited, reading

CARD = "card.json"
RENAMED: Final = {"faces-colour": "faces-colorize"}
"""Shipped models by their earlier names, by which they are still found."""

FIRST_MODEL: Final = "digits-vae-2d"
"""The model that is opened where no other was chosen: two latent dimensions fit the map."""

CODES = "codes.npz"
PREVIEW: Final = "preview.png"
"""A few reconstructions (`explorer.models.preview`), without checksum: it may be added, or lost, later."""

NETWORKS = ("encoder.keras", "decoder.keras")
COMPILED = ("encoder.onnx", "decoder.onnx")
_SETTLED_NS = 2_000_000_000
"""Age from which the time of a file tells whether it has changed; clocks of file systems are coarse."""


@dataclass(frozen=True)
class Bundle:
    """An opened bundle, its checksums verified; `path` is absolute."""

    path: Path
    card: Card

    @property
    def name(self) -> str:
        return self.card.name

    @cached_property
    def sample(self) -> CodeSample:
        """Codes of a sample of test images, read at first use; ModelError if the file is damaged."""
        return load_codes(self.path / CODES, self.card.latent_dim)


def open_bundle(path: Path, *, whole: bool = True) -> Bundle:
    """Open a bundle and verify its checksums; does not need TensorFlow.

    `whole` is whether to read every file for its checksum, which is not needed to list models. ModelError if the folder
    is not a bundle, a file is missing, or a checksum is wrong.
    """
    with reading(message("a model"), str(path), ModelError, message("Train or download it again.")):
        return _opened(path.resolve(), whole=whole)


def _opened(path: Path, *, whole: bool) -> Bundle:
    try:
        card = _card(path / CARD)
    except OSError as error:
        raise ModelError(
            "Cannot open {folder} as a model: it has no {card}. Choose the folder of a trained or imported model.",
            folder=path,
            card=CARD,
        ) from error
    needed = {CODES, *_networks(card)}
    for missing in sorted(needed - card.files.keys()):
        raise ModelError(
            "{card} has no checksum of {file}. Train or download the model again.", card=path / CARD, file=missing
        )
    for name, expected in card.files.items():
        if Path(name).name != name:
            raise ModelError(
                "{card} names a file outside the model's folder: “{file}”. Do not open models that you do not trust.",
                card=path / CARD,
                file=name,
            )
        if (path / name).is_symlink() and (path / name).resolve().parent != path:
            raise ModelError(
                "{file} in {folder} is a link to another folder. Copy the file itself there.", file=name, folder=path
            )
        try:
            received = file_hash(path / name) if whole else _present(path / name, expected)
        except OSError as error:
            raise ModelError(
                "{file} is missing in {folder}. Train or download the model again.", file=name, folder=path
            ) from error
        if received != expected:
            raise ModelError(
                "{file} was changed or is damaged: its SHA-256 is {received}…, not {expected}…. "
                "Train or download the model again.",
                file=path / name,
                received=received[:12],
                expected=expected[:12],
            )
    return Bundle(path, card)


def _card(path: Path) -> Card:
    """Read a card; the lists of the window read all of them several times, so that unchanged ones are kept."""
    stat = path.stat()
    read = _known_card if time.time_ns() - stat.st_mtime_ns > _SETTLED_NS else _known_card.__wrapped__
    return read(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=512)
def _known_card(path: Path, *stamp: int) -> Card:
    return read_card(read_limited(path, RECORD.size, message("a model card"), ModelError), str(path))


def _networks(card: Card) -> Iterator[str]:
    if card.imported is None or card.imported.networks:
        yield from compress(NETWORKS, card.parts)
    if card.engine == "onnx":
        yield from compress(COMPILED, card.parts)


def seal(folder: Path, card: Card) -> Card:
    """Write the card, with the checksums of all other files of the folder but the preview, and return it.

    ModelError if the card would be too large to be read again.
    """
    files = {file.name: file_hash(file) for file in sorted(folder.iterdir()) if file.name not in {CARD, PREVIEW}}
    card = card.model_copy(update={"files": files})
    text = card.model_dump_json(indent=2)
    json_text(text.encode(), RECORD, f"{card.name}/{CARD}", ModelError)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    return card


def check_replaceable(path: Path, *, force: bool) -> None:
    """ExportError, which names the obstacle, unless `path` is free or, with `force`, a bundle."""
    if not os.path.lexists(path):
        return
    obstacle = _obstacle(path)
    if obstacle and force:
        raise ExportError("Cannot replace {path}: {obstacle}. Choose another name.", path=path, obstacle=obstacle)
    if obstacle:
        raise ExportError("Cannot write {path}: it already exists. Choose another name.", path=path)
    if not force:
        raise ExportError(
            "Cannot write {path}: it already exists. Choose another name, or replace it with --force.", path=path
        )


def _obstacle(path: Path) -> Message | None:
    """Return why a path is not a bundle and nothing else; None if it is one."""
    if path.is_symlink():
        return message("it is a link")
    if not path.is_dir():
        return message("it is a file")
    try:
        strangers = sorted(
            entry.name
            for entry in path.iterdir()
            if entry.name not in {CARD, CODES, PREVIEW, *NETWORKS, *COMPILED} or not entry.is_file()
        )
        if strangers:
            return message("it contains “{file}”, which is not part of a model", file=strangers[0])
        read_card(read_limited(path / CARD, RECORD.size, message("a model card"), ModelError), str(path / CARD))
    except FileNotFoundError:
        return message("it has no {card}", card=CARD)
    except (OSError, UnicodeDecodeError, ModelError):
        return message("its {card} was not written by Latent Explorer", card=CARD)
    return None


def _present(path: Path, expected: str) -> str:
    path.stat()
    return expected


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Found:
    """A folder with a card: either its bundle, or the error of opening it."""

    path: Path
    bundle: Bundle | None
    error: ExplorerError | None


def find_bundles(*, whole: bool = False) -> list[Found]:
    """Return the shipped bundles, the user's, and those in the configured folders, each sorted by name.

    Broken ones are included with their error. Unless `whole` is set, files are not read, so that damage is found only
    when a bundle is opened. Copies of shipped bundles in configured folders are listed once.
    """
    shipped = list(_folders(pretrained_dir()))
    names = {folder.name for folder in shipped}
    roots = dict.fromkeys(named_models_dirs())
    named = [folder for root in roots for folder in _folders(root) if folder.name not in names]
    folders = dict.fromkeys([*shipped, *_folders(user_models_dir()), *named])
    return [_try_open(folder, whole) for folder in folders]


def first_bundle() -> Path | None:
    """Return the folder of `FIRST_MODEL`, or of the first model that is whole; None if there is none."""
    whole = [found.path for found in find_bundles() if found.bundle is not None]
    return next((path for path in whole if path.name == FIRST_MODEL), whole[0] if whole else None)


def _folders(root: Path) -> Iterator[Path]:
    try:
        found = sorted(root.iterdir())
    except OSError:
        return
    # os.path.isfile, since it returns False for a folder without read permission instead of raising.
    yield from (path for path in found if not path.name.startswith(".") and os.path.isfile(path / CARD))


def _try_open(folder: Path, whole: bool) -> Found:
    try:
        return Found(folder, open_bundle(folder, whole=whole), None)
    except ExplorerError as error:
        return Found(folder, None, error)


def current_folder(path: Path) -> Path:
    """Return the folder of a bundle; if a shipped model was renamed since, that of its current name."""
    if path.name not in RENAMED or (path / CARD).is_file():
        return path
    return path.with_name(RENAMED[path.name])


def bundle_named(model: str, found: Sequence[Found]) -> Found | None:
    """Return the bundle with this name, or the one that had it in an earlier version; None if there is none."""
    for name in (model, RENAMED.get(model, model)):
        for entry in found:
            if entry.path.name == name or (entry.bundle and entry.bundle.name == name):
                return entry
    return None


def resolve_bundle(model: str) -> Bundle:
    """Open a bundle by folder or name; ModelError, with the available ones, if there is none."""
    return open_bundle(bundle_folder(model))


def bundle_folder(model: str) -> Path:
    """Return the folder of a bundle by folder or name, without opening it; ModelError if there is none."""
    path = Path(model).expanduser()
    folder = current_folder(path)
    if (folder / CARD).is_file():
        return folder
    found = find_bundles()
    entry = bundle_named(model, found)
    if entry is not None:
        return entry.path
    if not found:
        raise ModelError("There is no model “{model}”, and none is installed. Train or import one.", model=model)
    names = [entry.path.name for entry in found]
    raise ModelError("There is no model “{model}”. Choose a folder or one of {names}.", model=model, names=names)
