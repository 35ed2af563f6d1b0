"""Locations of files, in a repository and in an installed wheel, and their atomic replacement."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeAlias

import platformdirs

from explorer.errors import ExportError
from explorer.messages import Message, message
from explorer.reading import reason_of

APP_NAME = "latent-explorer"
HOME_VARIABLE = "LATENT_EXPLORER_HOME"
MODELS_VARIABLE = "LATENT_EXPLORER_MODELS"
_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """Return a folder inside the package (wheel) or beside it (repository)."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def is_plain_name(name: str) -> bool:
    """Return whether a name is that of a file in the same folder on every system."""
    return bool(name) and name not in {".", ".."} and PurePosixPath(name).name == PureWindowsPath(name).name == name


def resources_dir() -> Path:
    """Return the folder of icons, style, font and sample data; read-only."""
    return _shipped("resources")


def docs_dir() -> Path:
    """Return the folder of the guide and the glossary; read-only."""
    return _shipped("docs")


def pretrained_dir() -> Path:
    """Return the folder of the shipped bundles; read-only."""
    return _shipped("pretrained")


def user_dir() -> Path:
    """Return the folder of the user's models and runs; ``LATENT_EXPLORER_HOME`` overrides it."""
    moved = os.environ.get(HOME_VARIABLE)
    return Path(moved).expanduser().resolve() if moved else Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


def user_models_dir() -> Path:
    """Return the folder of trained and imported bundles; it need not exist."""
    return user_dir() / "models"


def named_models_dirs() -> tuple[Path, ...]:
    """Return the folders of bundles in ``LATENT_EXPLORER_MODELS``, separated as in ``PATH``; they need not exist."""
    named = os.environ.get(MODELS_VARIABLE, "")
    return tuple(Path(folder).expanduser().resolve() for folder in named.split(os.pathsep) if folder.strip())


def runs_dir() -> Path:
    """Return the folder of training runs; it need not exist."""
    return user_dir() / "runs"


def datasets_dir() -> Path:
    """Return the folder of downloaded datasets; it need not exist."""
    return user_dir() / "datasets"


def cache_dir() -> Path:
    """Return the folder of decoded images, unpacked archives and indexes; it need not exist."""
    moved = os.environ.get(HOME_VARIABLE)
    return user_dir() / "cache" if moved else Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))


def autosave_dir() -> Path:
    """Return the folder of autosaved work, one subfolder per window; it need not exist."""
    return user_dir() / "autosave"


def recent_path() -> Path:
    """Return the file that lists the recent sessions; it need not exist."""
    return settings_path().with_name("recent-sessions.json")


def index_dir() -> Path:
    """Return the folder of nearest-neighbor indexes; they can be rebuilt."""
    return cache_dir() / "indexes"


def settings_path() -> Path:
    """Return the settings file; it need not exist."""
    moved = os.environ.get(HOME_VARIABLE)
    if moved:
        return user_dir() / "settings.json"
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / "settings.json"


def log_dir() -> Path:
    """Return the folder of log files; it need not exist."""
    moved = os.environ.get(HOME_VARIABLE)
    return user_dir() / "logs" if moved else Path(platformdirs.user_log_dir(APP_NAME, appauthor=False))


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`, which replaces it atomically if the block ends without an error.

    Raises ExportError if the folder is missing or not writable, or the disk is full; `path` is then unchanged.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        if not path.parent.is_dir():
            raise ExportError(
                "Cannot write “{file}”: the folder {folder} does not exist. Create it, or choose another.",
                file=path.name,
                folder=path.parent,
            )
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> ExportError:
    return ExportError(
        "Cannot write {file}: {reason}. Choose another folder, or free disk space.", file=path, reason=reason_of(error)
    )


def refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise ExportError("Cannot write {folder}: it already exists. Choose another name.", folder=path)


@contextmanager
def replacing_folder(path: Path, *, replaceable: Callable[[Path], None] = refuse_existing) -> Iterator[Path]:
    """Yield an empty folder beside `path`, which replaces it if the block ends without an error.

    `replaceable` raises ExportError if `path` exists and may not be replaced. It is called before and after the block,
    since another program may create something there in between. ExportError, too, if it cannot be written.
    """
    replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        temporary.chmod(0o755)
    except OSError as error:
        raise _not_written(path, error) from error
    retired = temporary.with_suffix(".old")
    try:
        yield temporary
        replaceable(path)
        if path.exists():
            os.replace(path, retired)
        try:
            os.replace(temporary, path)
        except OSError:
            if retired.exists():
                _put_back(retired, path)
            raise
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if path.exists():  # else the old folder could not be restored, and `retired` is its only copy
            shutil.rmtree(retired, ignore_errors=True)


def _put_back(retired: Path, path: Path) -> None:
    try:
        os.replace(retired, path)
    except OSError as error:
        raise ExportError(
            "Cannot write {folder}: {reason}. The old folder is now {kept}; rename it.",
            folder=path,
            reason=reason_of(error),
            kept=retired,
        ) from error


def check_writable(folder: Path) -> None:
    """Check that `folder` is writable, before long work; create it if it is missing; ExportError if it is not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".try-", dir=folder):
            pass
    except OSError as error:
        raise ExportError(
            "Cannot write into {folder}: {reason}. Choose another folder.", folder=folder, reason=reason_of(error)
        ) from error


def check_file(path: Path, *, force: bool) -> None:
    """Check that a file may be written at `path`.

    Raises ExportError if it is a file and `force` is off, or anything but a file.
    """
    if not os.path.lexists(path):
        return
    if not path.is_file():
        if path.is_dir():
            raise ExportError("Cannot write {file}: it is a folder. Choose another name.", file=path)
        raise ExportError("Cannot write {file}: it is not a regular file. Choose another name.", file=path)
    if not force:
        raise ExportError(
            "Cannot write {file}: it already exists. Choose another name, or replace it with --force.", file=path
        )


# -- outputs never overlap inputs --------------------------------------------------------------------------------------

_Identity: TypeAlias = tuple[int, int] | str


def check_apart(written: Path, read: Iterable[Path]) -> None:
    """Check that an output is not an input, inside one, or a folder that contains one; ExportError if it is.

    Compares files, not names: links and another letter case are recognized. Missing inputs are ignored.
    """
    for path in read:
        relation = _relation(written, path)
        if relation is not None:
            raise ExportError(
                "Cannot write {file}: it {relation} the input {input}. Choose another place.",
                file=written,
                relation=relation,
                input=path,
            )


def _relation(written: Path, read: Path) -> Message | None:
    """Return how two paths overlap, None where they do not."""
    for ours in _lines(written):
        for theirs in _lines(read):
            if theirs[0] is None:
                continue
            if ours[0] == theirs[0]:
                return message("is")
            if theirs[0] in ours:
                return message("is inside")
            if ours[0] is not None and ours[0] in theirs:
                return message("contains")
    if os.path.lexists(written) and read.is_dir() and _shared(written, read):
        return message("is also in")
    return None


def _lines(path: Path) -> Iterator[list[_Identity | None]]:
    """Yield the identities of a path and its parents; of a link also those of its target."""
    try:
        places = list(dict.fromkeys((path.parent.resolve() / path.name, path.resolve())))
    except (OSError, RuntimeError):  # a link that leads to itself
        places = [path.absolute()]
    for place in places:
        yield [_identity(step) for step in (place, *place.parents)]


def _identity(path: Path) -> _Identity | None:
    """Return what identifies a file or folder whatever path leads to it; None where it does not exist."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    # Some file systems do not number their files.
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.normcase(path.resolve())


def _shared(written: Path, folder: Path) -> bool:
    """Return whether a folder contains a hard or symbolic link to a file that would be replaced."""
    replaced = [Path(entry.path) for entry in _entries(written)] if written.is_dir() else [written]
    ours = {_identity(path) for path in replaced} - {None}
    numbers = {identity[1] for identity in ours if isinstance(identity, tuple)}
    # stat() only where the listing does not rule a file out: there may be 100,000.
    return any(
        _identity(Path(entry.path)) in ours
        for entry in _entries(folder)
        if entry.is_symlink() or entry.inode() in numbers or not entry.inode()
    )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all entries but folders, recursively; what cannot be listed is skipped."""
    places = [str(folder)]
    while places:
        with suppress(OSError), os.scandir(places.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    places.append(entry.path)
                else:
                    yield entry
