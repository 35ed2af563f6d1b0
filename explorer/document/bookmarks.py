"""Bookmarks: named codes. Each edit is a step of the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count

import numpy as np

from explorer.document.code_edits import CodeEdits
from explorer.document.state import Bookmark
from explorer.errors import UsageError
from explorer.messages import Message, message
from explorer.types import Floats

LONGEST_NAME = 200


class Bookmarks:
    """Edits of the bookmarks. Main thread only."""

    def __init__(self, document: CodeEdits) -> None:
        self._document = document

    @property
    def kept(self) -> tuple[Bookmark, ...]:
        return self._document.state.bookmarks

    def add(self, name: str = "", code: Floats | None = None) -> None:
        """Add a copy of a code or, without, of the current one, if any; without a name it gets the first free number.

        UsageError if it is not a code of the open model.
        """
        state = self._document.state
        code = state.code if code is None else code
        if code is not None:
            if state.model is None or code.shape != (state.model.latent_dim,):
                raise UsageError("Cannot add the bookmark: the code is from another model. Open that model.")
            code = np.array(code, np.float32)
            code.flags.writeable = False
            added = Bookmark(name or self._free_name(), code)
            self._set(message("Add bookmark"), (*state.bookmarks, added))

    def _set(self, label: Message, kept: Iterable[Bookmark]) -> None:
        self._document.edit(label, replace(self._document.state, bookmarks=tuple(kept)))

    def _free_name(self) -> str:
        taken = {bookmark.name for bookmark in self.kept}
        return next(name for number in count(1) if (name := f"Bookmark {number}") not in taken)

    def rename(self, number: int, name: str) -> None:
        """UsageError if the name is empty or too long."""
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise UsageError(
                "A bookmark name must have 1 to {most} characters, not {count}.", most=LONGEST_NAME, count=len(name)
            )
        kept = list(self.kept)
        if kept[number].name != name:
            kept[number] = replace(kept[number], name=name)
            self._set(message("Rename bookmark"), kept)

    def remove(self, number: int) -> None:
        self._set(message("Delete bookmark"), self.kept[:number] + self.kept[number + 1 :])

    def take(self, number: int) -> None:
        self._document.set_code(self.kept[number].code, message("Jump to bookmark"))
