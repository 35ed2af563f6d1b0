"""What the program remembers of its user between two starts, in one file that heals.

A field that is damaged falls back to its default and leaves the others alone; the damaged file is kept aside, so that
nothing is lost that somebody wrote there by hand. Nothing in the file is trusted: not its size, not its types.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from explorer.errors import ExplorerError, ExportError
from explorer.json_limits import SETTINGS, parse_json
from explorer.paths import replacing_file
from explorer.reading import read_limited

DAMAGED_SUFFIX = ".damaged"
"""What is put behind the name of a file that is kept aside."""

_log = logging.getLogger(__name__)

Packed = Annotated[str, StringConstraints(max_length=100_000, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
"""Bytes in base 64."""


class Preferences(BaseModel):
    """The settings.

    Attributes
    ----------
    version
        Of the file's form.
    scheme
        Colours: as the system has them, light or dark.
    tour_seen
        Whether the first tour was taken or skipped.
    keep_layout
        Whether the window comes back where it was, with its docks.
    geometry, layout
        Where that is, as Qt packs it; empty for the first places.
    recent_commands
        Names of the commands that were found in the palette, the last first.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Literal[1] = 1
    scheme: Literal["system", "light", "dark"] = "system"
    tour_seen: bool = False
    keep_layout: bool = True
    geometry: Packed = ""
    layout: Packed = ""
    recent_commands: Annotated[tuple[Annotated[str, StringConstraints(max_length=100)], ...], Field(max_length=8)] = ()


class PreferencesFile:
    """The settings and their file. Belongs to the main thread.

    Parameters
    ----------
    path
        Where they are kept; None where they hold for this start only.

    Attributes
    ----------
    notes
        What was wrong with the file when it was read; empty where nothing was.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._values, self.notes = heal(path) if path is not None else (Preferences(), ())

    @property
    def values(self) -> Preferences:
        """The settings as they are; frozen."""
        return self._values

    def put(self, **changes: Any) -> None:
        """Change some of them, and write the file; where it cannot be written they hold until the program ends."""
        values = Preferences.model_validate({**dict(self._values), **changes})
        if values == self._values:
            return
        self._values = values
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with replacing_file(self._path) as temporary:
                    temporary.write_text(values.model_dump_json(indent=2) + "\n", encoding="utf-8")
            except (OSError, ExportError) as error:
                _log.info("settings not written: %s", error)


def heal(path: Path) -> tuple[Preferences, tuple[str, ...]]:
    """Read settings; give defaults for what cannot be used, and say what that was.

    A file with anything wrong in it is renamed, with `DAMAGED_SUFFIX` behind its name. Nothing is raised.
    """
    raw, note = _read(path)
    notes = [note] if note else []
    given = raw if raw is not None else {}
    good: dict[str, Any] = {}
    for name, value in given.items():
        field = {name: tuple(value) if isinstance(value, list) else value}
        try:
            good |= Preferences.model_validate(field).model_dump(include={name})
        except ValidationError as error:
            known = name in Preferences.model_fields
            wrong = error.errors(include_url=False, include_input=False)[0]["msg"]
            notes.append(f"“{name[:40]}”: {wrong}" if known else f"“{name[:40]}” is no setting")
    if notes:
        _keep_aside(path)
    return Preferences(**good), tuple(notes)


def damage_words(notes: tuple[str, ...]) -> tuple[str, str]:
    """Return what to tell of a file that was damaged: a sentence, and the details."""
    sentence = (
        "Parts of the settings file could not be used and are as at first; the file was kept aside, with "
        f"“{DAMAGED_SUFFIX}” behind its name."
    )
    return sentence, "\n".join(notes)


def _read(path: Path) -> tuple[dict[str, Any] | None, str]:
    """Return what the file says, and why it cannot be used."""
    try:
        given = parse_json(read_limited(path, SETTINGS.size, "settings"), SETTINGS, path.name)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"it cannot be read: {error.strerror or error}"
    except ExplorerError as error:
        return None, str(error)
    return (given, "") if isinstance(given, dict) else (None, "it is no JSON object")


def _keep_aside(path: Path) -> None:
    """Rename a damaged file; an older one of the name gives way. Where that fails it is replaced when it is written."""
    with suppress(OSError):
        os.replace(path, path.with_name(path.name + DAMAGED_SUFFIX))
