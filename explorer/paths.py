"""Where files live, in a repository and in an installed wheel, and how they are replaced whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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


@contextmanager
def replacing_folder(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place only if the block ends without an error.

    Parameters
    ----------
    path
        The folder to make. Its parents are made too.
    force
        Whether an existing folder may be replaced.

    Raises
    ------
    ExportError
        If `path` exists and `force` is off, or the place cannot be written.
    """
    refuse_existing(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        temporary.chmod(0o755)
    except OSError as error:
        raise ExportError(f"to write into {path.parent}", f"“{error.strerror or error}”", "Choose another.") from error
    retired = temporary.with_suffix(".old")
    try:
        yield temporary
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


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise ExportError where `path` exists and may not be replaced."""
    if path.exists() and not force:
        raise ExportError(
            "a folder that does not exist yet",
            f"{path}, which does",
            "Choose another name, or replace it with --force.",
        )
