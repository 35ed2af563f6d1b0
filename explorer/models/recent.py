"""Recently opened sessions, for a menu. A lost list does no harm, so errors are ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from explorer.errors import ExplorerError
from explorer.json_limits import SETTINGS, parse_json
from explorer.messages import message
from explorer.paths import recent_path, replacing_file
from explorer.reading import read_limited

MOST: Final = 10


def recent_sessions() -> list[Path]:
    """Return the files that still exist, the most recent first."""
    try:
        content = read_limited(recent_path(), SETTINGS.size, message("a list of sessions"))
        names = parse_json(content, SETTINGS, str(recent_path()))
    except (OSError, ExplorerError):
        return []
    if not isinstance(names, list):
        return []
    return [Path(name) for name in names[:MOST] if isinstance(name, str) and _is_file(Path(name))]


def note_recent(path: Path) -> None:
    """Add a file at the top of the list on disk, which all windows share."""
    _write([path, *(other for other in recent_sessions() if other != path)])


def clear_recent() -> None:
    _write([])


def _write(paths: list[Path]) -> None:
    try:
        recent_path().parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(recent_path()) as temporary:
            temporary.write_text(json.dumps([str(path) for path in paths[:MOST]]) + "\n", encoding="utf-8")
    except (ExplorerError, OSError):
        return


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # ValueError: a name with a null byte
        return False
