"""The log of the command line, for details that do not fit into one line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from explorer.paths import log_dir
from explorer.printable import log_entry


def write_log(text: str) -> Path | None:
    """Append a text with the time to the log; return its path, or None if it cannot be written."""
    path = log_dir() / "command-line.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {log_entry(text)}\n")
    except OSError:
        return None
    return path
