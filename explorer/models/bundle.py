"""A model on disk: one folder, opened without Keras, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from pathlib import Path

from explorer.errors import ExplorerError, ExportError, ModelError
from explorer.json_limits import RECORD, json_text
from explorer.models.card import Card, read_card
from explorer.models.codes import CodeSample, load_codes
from explorer.paths import named_models_dirs, pretrained_dir, user_models_dir
from explorer.reading import read_limited, reading

CARD = "card.json"
CODES = "codes.npz"
NETWORKS = ("encoder.keras", "decoder.keras")
COMPILED = ("encoder.onnx", "decoder.onnx")

_DISTRUST = "Do not open bundles you do not trust."


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; its files were whole when it was opened.

    Attributes
    ----------
    path
        The folder, absolute.
    card
        What the model is.
    """

    path: Path
    card: Card

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @cached_property
    def sample(self) -> CodeSample:
        """Codes of a held-out sample, read at first use.

        Raises
        ------
        ModelError
            If the file is damaged.
        """
        return load_codes(self.path / CODES, self.card.latent_dim)


def open_bundle(path: Path, *, whole: bool = True) -> Bundle:
    """Open a bundle and check that every file is whole. Needs no tensorflow.

    Parameters
    ----------
    path
        The folder.
    whole
        Whether to read every file for its checksum; a list that opens nothing need not.

    Raises
    ------
    ModelError
        If the folder is no bundle, a file is missing, or a checksum is wrong.
    """
    with reading("a bundle", str(path), ModelError, "Train or fetch it again."):
        return _opened(path.resolve(), whole=whole)


def _opened(path: Path, *, whole: bool) -> Bundle:
    try:
        content = read_limited(path / CARD, RECORD.size, "a card", ModelError)
    except OSError as error:
        raise ModelError(
            f"a bundle: a folder with {CARD}", str(path), "Choose the folder of a trained or imported model."
        ) from error
    card = read_card(content, str(path / CARD))
    needed = {CODES, *_networks(card)}
    for missing in sorted(needed - card.files.keys()):
        raise ModelError(f"a checksum of {missing} in {path / CARD}", "none", "Train or fetch the bundle again.")
    for name, expected in card.files.items():
        if Path(name).name != name:
            raise ModelError(f"plain file names in {path / CARD}", f"“{name}”", _DISTRUST)
        if (path / name).is_symlink() and (path / name).resolve().parent != path:
            raise ModelError(f"{name} itself in {path}", "a link to another place", "Copy the file there.")
        try:
            received = file_hash(path / name) if whole else _present(path / name, expected)
        except OSError as error:
            raise ModelError(f"{name} in {path}", "no such file", "Train or fetch the bundle again.") from error
        if received != expected:
            raise ModelError(
                f"{path / name} with SHA-256 {expected[:12]}…",
                f"{received[:12]}…",
                "The file was changed or damaged; train or fetch the bundle again.",
            )
    return Bundle(path, card)


def _networks(card: Card) -> Iterator[str]:
    """Yield the files of the networks that a card speaks of."""
    if card.imported is None or card.imported.networks:
        yield from compress(NETWORKS, card.halves)
    if card.engine == "onnx":
        yield from compress(COMPILED, card.halves)


def seal(folder: Path, card: Card) -> None:
    """Write the card of a folder that holds every other file already, with their checksums.

    Raises
    ------
    ModelError
        If it would be larger than a card that can be read.
    """
    files = {file.name: file_hash(file) for file in sorted(folder.iterdir()) if file.name != CARD}
    text = card.model_copy(update={"files": files}).model_dump_json(indent=2)
    json_text(text.encode(), RECORD, f"the card of “{card.name}”", ModelError)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def check_replaceable(path: Path, *, force: bool) -> None:
    """Make sure that a bundle may be written at `path`: nothing is there, or with `force` at most another bundle.

    Raises
    ------
    ExportError
        If not; the message names what is in the way.
    """
    if not os.path.lexists(path):
        return
    obstacle = _obstacle(path)
    if obstacle and force:
        raise ExportError("a model bundle, which alone is replaced", f"{path}, {obstacle}", "Choose another name.")
    if obstacle or not force:
        remedy = "Choose another name." if obstacle else "Choose another name, or replace the model there with --force."
        raise ExportError("a folder that does not exist yet", f"{path}, which does", remedy)


def _obstacle(path: Path) -> str:
    """Say why a folder is not a bundle and nothing else; empty where it is."""
    if path.is_symlink():
        return "which is a link"
    if not path.is_dir():
        return "which is a file"
    try:
        strangers = sorted(
            entry.name
            for entry in path.iterdir()
            if entry.name not in {CARD, CODES, *NETWORKS, *COMPILED} or not entry.is_file()
        )
        if strangers:
            return f"which holds “{strangers[0]}”"
        read_card(read_limited(path / CARD, RECORD.size, "a card", ModelError), str(path / CARD))
    except FileNotFoundError:
        return f"which has no {CARD}"
    except (OSError, UnicodeDecodeError, ModelError):
        return f"whose {CARD} is not one of this program"
    return ""


def _present(path: Path, expected: str) -> str:
    path.stat()
    return expected


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Found:
    """A folder that claims to be a bundle, and what opening it gave."""

    path: Path
    bundle: Bundle | None
    error: ExplorerError | None


def find_bundles(*, whole: bool = False) -> list[Found]:
    """Return every bundle that ships, that the user made, and of the folders that the user names, by name in each.

    Broken ones are among them, with the error. Unless `whole` is asked for, files are looked for and not read: one that
    was damaged is found out when it is opened. Of bundles that ship, a folder that the user names may hold copies, as
    the repository does beside a wheel; they are listed once.
    """
    shipped = list(_folders(pretrained_dir()))
    names = {folder.name for folder in shipped}
    roots = dict.fromkeys(named_models_dirs())
    named = [folder for root in roots for folder in _folders(root) if folder.name not in names]
    folders = dict.fromkeys([*shipped, *_folders(user_models_dir()), *named])
    return [_try_open(folder, whole) for folder in folders]


def _folders(root: Path) -> Iterator[Path]:
    try:
        found = sorted(root.iterdir())
    except OSError:
        return
    # os.path: a folder that may not be looked into is none, and no error here.
    yield from (path for path in found if not path.name.startswith(".") and os.path.isfile(path / CARD))


def _try_open(folder: Path, whole: bool) -> Found:
    try:
        return Found(folder, open_bundle(folder, whole=whole), None)
    except ExplorerError as error:
        return Found(folder, None, error)


def resolve_bundle(model: str) -> Bundle:
    """Open a bundle by its folder or its name.

    Raises
    ------
    ModelError
        If there is none of that name; the message lists those that are.
    """
    return open_bundle(bundle_folder(model))


def bundle_folder(model: str) -> Path:
    """Return the folder of a bundle by its folder or its name, without opening it.

    Raises
    ------
    ModelError
        If there is none of that name; the message lists those that are.
    """
    path = Path(model).expanduser()
    if (path / CARD).is_file():
        return path
    found = find_bundles()
    for entry in found:
        if entry.path.name == model or (entry.bundle and entry.bundle.name == model):
            return entry.path
    names = ", ".join(entry.path.name for entry in found) or "none is installed"
    raise ModelError(f"a model, by folder or by name ({names})", f"“{model}”")
