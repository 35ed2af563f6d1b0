"""Where files live, in a repository and in an installed wheel, and how they are replaced whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import platformdirs

from explorer.errors import ExportError

APP_NAME = "latent-explorer"
HOME_VARIABLE = "LATENT_EXPLORER_HOME"
MODELS_VARIABLE = "LATENT_EXPLORER_MODELS"
_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """Inside the package in a wheel, beside it in a repository."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def resources_dir() -> Path:
    """Icons, style, font and the embedded sample data; read only."""
    return _shipped("resources")


def pretrained_dir() -> Path:
    """The bundles that ship, one folder each; read only."""
    return _shipped("pretrained")


def user_dir() -> Path:
    """What the user makes: models and runs. ``LATENT_EXPLORER_HOME`` moves it."""
    moved = os.environ.get(HOME_VARIABLE)
    return Path(moved).expanduser().resolve() if moved else Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


def user_models_dir() -> Path:
    """Bundles that the user trained or imported; it need not exist."""
    return user_dir() / "models"


def named_models_dirs() -> tuple[Path, ...]:
    """Folders of bundles that ``LATENT_EXPLORER_MODELS`` names, parted as in ``PATH``; they need not exist."""
    named = os.environ.get(MODELS_VARIABLE, "")
    return tuple(Path(folder).expanduser().resolve() for folder in named.split(os.pathsep) if folder.strip())


def runs_dir() -> Path:
    """The logs of trainings; it need not exist."""
    return user_dir() / "runs"


def datasets_dir() -> Path:
    """Data sets that were downloaded for the user; it need not exist."""
    return user_dir() / "datasets"


def cache_dir() -> Path:
    """What can be made again: decoded pictures, unpacked archives, indices; it need not exist."""
    moved = os.environ.get(HOME_VARIABLE)
    return user_dir() / "cache" if moved else Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))


def autosave_dir() -> Path:
    """Copies of work that is not saved yet, one folder a window; it need not exist."""
    return user_dir() / "autosave"


def recent_path() -> Path:
    """The list of sessions that were open last; it need not exist."""
    return settings_path().with_name("recent-sessions.json")


def index_dir() -> Path:
    """Where indexes over codes are kept; they can be built again."""
    return cache_dir() / "indexes"


def settings_path() -> Path:
    """The settings file; it need not exist."""
    moved = os.environ.get(HOME_VARIABLE)
    if moved:
        return user_dir() / "settings.json"
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / "settings.json"


def log_dir() -> Path:
    """Log files of the window and of the model process; it need not exist."""
    moved = os.environ.get(HOME_VARIABLE)
    return user_dir() / "logs" if moved else Path(platformdirs.user_log_dir(APP_NAME, appauthor=False))


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its place only if the block ends without an error.

    Raises
    ------
    ExportError
        If the folder is missing or cannot be written, or the disk is full; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        if not path.parent.is_dir():
            raise ExportError(
                "a folder to write into", f"{path.parent}, which does not exist", "Make the folder, or choose another."
            )
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise ExportError(
            f"to write {path}", f"“{error.strerror or error}”", "Choose another place, or free space there."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def refuse_existing(path: Path) -> None:
    """Raise ExportError where anything is at `path`."""
    if os.path.lexists(path):
        raise ExportError("a folder that does not exist yet", f"{path}, which does", "Choose another name.")


@contextmanager
def replacing_folder(path: Path, *, replaceable: Callable[[Path], None] = refuse_existing) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place only if the block ends without an error.

    Parameters
    ----------
    path
        The folder to make. Its parents are made too.
    replaceable
        Raises ExportError where what is at `path` may not be replaced; asked before the block and again after it, since
        another program may have put something there meanwhile.

    Raises
    ------
    ExportError
        If `path` exists and may not be replaced, or the place cannot be written.
    """
    replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        temporary.chmod(0o755)
    except OSError as error:
        raise ExportError(f"to write into {path.parent}", f"“{error.strerror or error}”", "Choose another.") from error
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
        raise ExportError(
            f"to write {path}", f"“{error.strerror or error}”", "Choose another place, or free space there."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if path.exists():  # else what was there could not be put back, and this is all that is left of it
            shutil.rmtree(retired, ignore_errors=True)


def _put_back(retired: Path, path: Path) -> None:
    """Give a folder its name again."""
    try:
        os.replace(retired, path)
    except OSError as error:
        raise ExportError(
            f"to write {path}", f"“{error.strerror or error}”", f"The old folder is kept as {retired}; rename it."
        ) from error


def check_writable(folder: Path) -> None:
    """Make sure that files can be written into `folder`, which is made where it is missing.

    Asked before long work, so that it does not fail at its end.

    Raises
    ------
    ExportError
        If they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".try-", dir=folder):
            pass
    except OSError as error:
        raise ExportError(
            f"a folder that can be written to at {folder}", f"“{error.strerror or error}”", "Choose another place."
        ) from error


def check_file(path: Path, *, force: bool) -> None:
    """Make sure that a file may be written at `path`.

    Raises
    ------
    ExportError
        If a file is there and `force` is off, or anything but a file is there.
    """
    if not os.path.lexists(path):
        return
    if not path.is_file():
        what = "a folder" if path.is_dir() else "something else than a file"
        raise ExportError("a file to write", f"{path}, which is {what}", "Choose another name.")
    if not force:
        raise ExportError(
            "a file that does not exist yet", f"{path}, which does", "Choose another name, or replace it with --force."
        )


# -- what is written stays apart from what is read ---------------------------------------------------------------------

_Identity: TypeAlias = tuple[int, int] | str


def check_apart(written: Path, read: Iterable[Path]) -> None:
    """Make sure that nothing that is written is, contains or lies inside what is read.

    Files and folders are compared, not names: neither links nor another case of the letters hide that two are the same.

    Parameters
    ----------
    written
        The file or folder to write; it need not exist.
    read
        Files and folders; those that do not exist do not count.

    Raises
    ------
    ExportError
        If it is not apart from one of them.
    """
    for path in read:
        relation = _relation(written, path)
        if relation:
            raise ExportError(
                "to write apart from what is read", f"{written}, which {relation} {path}", "Choose another place."
            )


def _relation(written: Path, read: Path) -> str:
    """Say how two paths are not apart; nothing where they are."""
    for ours in _lines(written):
        for theirs in _lines(read):
            if theirs[0] is None:
                continue
            if ours[0] == theirs[0]:
                return "is"
            if theirs[0] in ours:
                return "lies inside"
            if ours[0] is not None and ours[0] in theirs:
                return "contains"
    return "is also in" if os.path.lexists(written) and read.is_dir() and _shared(written, read) else ""


def _lines(path: Path) -> Iterator[list[_Identity | None]]:
    """Yield a path and all folders around it; of a link also its target and the folders around that."""
    try:
        places = list(dict.fromkeys((path.parent.resolve() / path.name, path.resolve())))
    except (OSError, RuntimeError):  # a link that leads to itself
        places = [path.absolute()]
    for place in places:
        yield [_identity(step) for step in (place, *place.parents)]


def _identity(path: Path) -> _Identity | None:
    """Return what two paths have in common that lead to the same file or folder; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    # Some file systems do not number their files.
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.normcase(path.resolve())


def _shared(written: Path, folder: Path) -> bool:
    """Tell whether a folder holds a link, of either kind, to a file that would be replaced."""
    replaced = [Path(entry.path) for entry in _entries(written)] if written.is_dir() else [written]
    ours = {_identity(path) for path in replaced} - {None}
    numbers = {identity[1] for identity in ours if isinstance(identity, tuple)}
    # Of most files the listing says enough: there may be 100,000, and somebody waits.
    return any(
        _identity(Path(entry.path)) in ours
        for entry in _entries(folder)
        if entry.is_symlink() or entry.inode() in numbers or not entry.inode()
    )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything but folders in a folder and below; what cannot be listed is passed over."""
    places = [str(folder)]
    while places:
        with suppress(OSError), os.scandir(places.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    places.append(entry.path)
                else:
                    yield entry
