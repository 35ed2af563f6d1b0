"""A file or folder that a reader may read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Handed:
    """A file, opened before the limits were set, or a folder in which files may be opened.

    A file can no longer be opened by its `path`; `opened` is the file, at its start; None for a folder.
    """

    path: Path
    opened: BinaryIO | None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def file(self) -> BinaryIO:
        """The open file; IsADirectoryError for a folder."""
        if self.opened is None:
            raise IsADirectoryError(self.name)
        return self.opened

    @property
    def size(self) -> int:
        """Bytes of the open file; IsADirectoryError for a folder."""
        return os.fstat(self.file.fileno()).st_size
