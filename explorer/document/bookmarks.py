"""Bookmarks: named codes. Each edit is a step of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from explorer.document.edit import Edit
from explorer.document.state import Bookmark, State
from explorer.errors import UsageError
from explorer.messages import message

LONGEST_NAME = 200


class Bookmarks:
    """Edits of the bookmarks. Main thread only.

    Parameters
    ----------
    state
        Returns the document's state.
    edit
        Edits it.
    set_code
        Sets the latent cursor.
    """

    def __init__(self, state: Callable[[], State], edit: Edit, set_code: Callable[..., None]) -> None:
        self._state = state
        self._edit = edit
        self._set_code = set_code

    @property
    def kept(self) -> tuple[Bookmark, ...]:
        """The bookmarks, in the order of their addition."""
        return self._state().bookmarks

    def add(self, name: str = "") -> None:
        """Add the current code, if there is one; without a name it gets the first free number."""
        state = self._state()
        if state.code is not None:
            added = Bookmark(name or self._free_name(), state.code)
            self._edit(message("Add bookmark"), bookmarks=(*state.bookmarks, added))

    def _free_name(self) -> str:
        taken = {bookmark.name for bookmark in self.kept}
        return next(name for number in count(1) if (name := f"Bookmark {number}") not in taken)

    def rename(self, number: int, name: str) -> None:
        """Rename a bookmark.

        Raises
        ------
        UsageError
            If the name is empty or too long.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise UsageError(
                "A bookmark name must have 1 to {most} characters, not {count}.", most=LONGEST_NAME, count=len(name)
            )
        kept = list(self.kept)
        if kept[number].name != name:
            kept[number] = replace(kept[number], name=name)
            self._edit(message("Rename bookmark"), bookmarks=tuple(kept))

    def remove(self, number: int) -> None:
        self._edit(message("Delete bookmark"), bookmarks=self.kept[:number] + self.kept[number + 1 :])

    def take(self, number: int) -> None:
        """Set the latent cursor to a bookmark."""
        self._set_code(self.kept[number].code, message("Jump to bookmark"))
