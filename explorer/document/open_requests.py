"""Requests to open files, folders, datasets and images; served by `explorer.workers.opener.Opener`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explorer.messages import Message, message


@dataclass(frozen=True)
class OpenRequest:
    """What to open.

    Attributes
    ----------
    paths
        Files and folders, or the known name of a dataset.
    wanted
        What the user chose: ``anything``, such as a dropped file; ``images``, where a single image is opened as a
        dataset instead of being imported; a ``model``; or a ``session``, after the question about unsaved changes.
    content, name
        Instead of paths: an image without a file, as the content of one, and its title.
    """

    paths: tuple[Path | str, ...] = ()
    wanted: Literal["anything", "images", "model", "session"] = "anything"
    content: bytes = b""
    name: str = ""

    @property
    def title(self) -> Message:
        """Title of the job."""
        if len(self.paths) > 1:
            return message("Opening {count:,} files", count=len(self.paths))
        return message("Opening {name}", name=self.name or Path(self.paths[0]).name)
