"""The user's settings, in one file that repairs itself.

An invalid field falls back to its default, the others are kept; the damaged file is renamed, so that nothing is lost
that was edited by hand. The file is untrusted: its size and types are checked.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from explorer.errors import ExplorerError, ExportError
from explorer.inference.providers import AUTOMATIC
from explorer.json_limits import SETTINGS, invalid_field, parse_json
from explorer.messages import NO_MESSAGE, Message, message, message_text
from explorer.paths import replacing_file
from explorer.reading import read_limited, reason_of

DAMAGED_SUFFIX = ".damaged"
"""Suffix of a damaged file that was renamed."""

_log = logging.getLogger(__name__)

Packed = Annotated[str, StringConstraints(max_length=100_000, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
"""Bytes in Base64."""

Name = Annotated[str, StringConstraints(max_length=100)]

_PANELS = 100
"""Most panels and workspaces in the settings."""


class WorkspaceLayout(BaseModel):
    """The panels that a workspace shows, those in front of others, and their sizes in pixels.

    `window` is the width that the window had then; 0 if it is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    panels: Annotated[tuple[Name, ...], Field(max_length=_PANELS)] = ()
    front: Annotated[tuple[Name, ...], Field(max_length=_PANELS)] = ()
    sizes: Annotated[dict[Name, Annotated[int, Field(ge=0, le=100_000)]], Field(max_length=_PANELS)] = {}
    window: Annotated[int, Field(ge=0, le=100_000)] = 0


MOST_PLACES = 20
"""Maximum number of datasets that the library lists because the user opened them."""

LONGEST_PLACE = 4096
Place = Annotated[str, StringConstraints(max_length=LONGEST_PLACE)]
Purpose = Annotated[str, StringConstraints(max_length=30)]


class Preferences(BaseModel):
    """The settings; `version` is that of the file format.

    `geometry` and `layout` are the position of the window and the places of its docks, serialized by Qt; empty for the
    defaults. The latest of `recent_commands` and of `datasets`, the files and folders that the user opened, come first.
    `last_model` is the folder of the model to open at startup; empty before the first. `dialog_folders` are the last
    folders of the file dialogs by purpose. `provider` is where decoders run: ``automatic``, or an execution provider of
    ONNX Runtime.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Literal[1] = 1
    scheme: Literal["system", "light", "dark"] = "system"
    tour_seen: bool = False
    keep_layout: bool = True
    geometry: Packed = ""
    layout: Packed = ""
    workspaces: Annotated[dict[Name, WorkspaceLayout], Field(max_length=_PANELS)] = {}
    recent_commands: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    startup: Literal["last_model", "start_page"] = "last_model"
    last_model: Place = ""
    provider: Name = AUTOMATIC
    datasets: Annotated[tuple[Place, ...], Field(max_length=MOST_PLACES)] = ()
    dialog_folders: Annotated[dict[Purpose, Place], Field(max_length=20)] = {}


class PreferencesFile:
    """The settings and their file, None to keep them in memory only. Main thread only.

    `notes` are problems with the file when it was read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._values, self.notes = heal(path) if path is not None else (Preferences(), ())

    @property
    def values(self) -> Preferences:
        return self._values

    def refresh(self) -> None:
        """Read what other windows have changed since."""
        raw, _ = _read(self._path) if self._path is not None else (None, NO_MESSAGE)
        if raw is not None:
            self._values = Preferences(**{**dict(self._values), **_valid(raw)[0]})

    def put(self, **changes: Any) -> None:
        """Change some settings, and write the file; if this fails they are valid until the program ends."""
        self.refresh()
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


def heal(path: Path) -> tuple[Preferences, tuple[Message, ...]]:
    """Read settings, with defaults for invalid ones; return them, and notes on the invalid ones.

    A file with an invalid setting is renamed with `DAMAGED_SUFFIX`. Nothing is raised.
    """
    raw, note = _read(path)
    notes = [note] if note else []
    good, invalid = _valid(raw or {})
    if notes := notes + invalid:
        _keep_aside(path)
    return Preferences(**good), tuple(notes)


def read_preferences(path: Path) -> Preferences:
    """Read settings like `heal`, without a change to the file."""
    return Preferences(**_valid(_read(path)[0] or {})[0])


def _valid(given: dict[str, Any]) -> tuple[dict[str, Any], list[Message]]:
    """Return the valid settings, and notes on the others."""
    good: dict[str, Any] = {}
    notes = []
    for name, value in given.items():
        field = {name: tuple(value) if isinstance(value, list) else value}
        try:
            good |= Preferences.model_validate(field).model_dump(include={name})
        except ValidationError as error:
            known = name in Preferences.model_fields
            notes.append(invalid_field(error) if known else message("“{field}”: unknown setting", field=name[:40]))
    return good, notes


def storable(path: str) -> bool:
    """Return whether a path can be kept in the settings, which are UTF-8."""
    try:
        return len(path.encode()) <= LONGEST_PLACE
    except UnicodeEncodeError:
        return False


def damage_words(notes: tuple[Message, ...]) -> tuple[Message, str]:
    sentence = message(
        "Some settings were invalid and have been reset to their defaults. "
        "The old file was renamed to end in “{suffix}”.",
        suffix=DAMAGED_SUFFIX,
    )
    return sentence, "\n".join(map(message_text, notes))


def _read(path: Path) -> tuple[dict[str, Any] | None, Message]:
    """Return the content of the file, and why it cannot be used."""
    try:
        given = parse_json(read_limited(path, SETTINGS.size, message("settings")), SETTINGS, path.name)
    except FileNotFoundError:
        return None, NO_MESSAGE
    except OSError as error:
        return None, message("Cannot read the file: {reason}.", reason=reason_of(error))
    except ExplorerError as error:
        return None, error.message
    return (given, NO_MESSAGE) if isinstance(given, dict) else (None, message("The file is not a JSON object."))


def _keep_aside(path: Path) -> None:
    """Rename a damaged file, and replace an older one; if this fails, the next write replaces the file."""
    with suppress(OSError):
        os.replace(path, path.with_name(path.name + DAMAGED_SUFFIX))
