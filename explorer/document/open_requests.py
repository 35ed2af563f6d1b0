"""Requests to open files, folders, datasets and images; served by `explorer.workers.opener.Opener`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explorer.data.choices import Choosable, place_of
from explorer.messages import Message, message


@dataclass(frozen=True)
class ReadingQuestion:
    """In which of several ways a file is to be read: a field of `Choices` and its possible values.

    `spec` says how to read it otherwise.
    """

    spec: str
    options: Choosable


@dataclass(frozen=True)
class OpenRequest:
    """What to open: files and folders, the known name of a dataset, or the `content` of an image without a file.

    `wanted` is what the user chose: ``anything``, such as a dropped file; ``images``, where a single image is opened as
    a dataset instead of being imported; a ``model``; or a ``session``, after the question about unsaved changes.
    """

    paths: tuple[Path | str, ...] = ()
    wanted: Literal["anything", "images", "model", "session"] = "anything"
    content: bytes = b""
    name: str = ""

    @property
    def title(self) -> Message:
        if len(self.paths) > 1:
            return message("Opening {count:,} files", count=len(self.paths))
        return message("Opening {name}", name=self.name or Path(place_of(self.paths[0])).name)
