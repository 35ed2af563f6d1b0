"""Bookmarks: codes that are kept by name, and gone back to. Each edit is a step of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from explorer.document.edit import Edit
from explorer.document.state import Bookmark, State
from explorer.errors import UsageError

LONGEST_NAME = 200


class Bookmarks:
    """Edits of the bookmarks. Belongs to the main thread.

    Parameters
    ----------
    state
        Gives the document's state.
    edit
        Edits it.
    set_code
        Moves the latent cursor.
    """

    def __init__(self, state: Callable[[], State], edit: Edit, set_code: Callable[..., None]) -> None:
        self._state = state
        self._edit = edit
        self._set_code = set_code

    @property
    def kept(self) -> tuple[Bookmark, ...]:
        """The bookmarks, in the order in which they were added."""
        return self._state().bookmarks

    def add(self, name: str = "") -> None:
        """Keep the cursor's code; without a name it gets a number that is free. Nothing where there is no cursor."""
        state = self._state()
        if state.code is not None:
            self._edit("Add bookmark", bookmarks=(*state.bookmarks, Bookmark(name or self._free_name(), state.code)))

    def _free_name(self) -> str:
        taken = {bookmark.name for bookmark in self.kept}
        return next(name for number in count(1) if (name := f"Bookmark {number}") not in taken)

    def rename(self, number: int, name: str) -> None:
        """Give a bookmark another name.

        Raises
        ------
        UsageError
            If the name is empty or too long.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise UsageError(f"a name of 1 to {LONGEST_NAME} letters", f"one of {len(name)}", "Choose another.")
        kept = list(self.kept)
        if kept[number].name != name:
            kept[number] = replace(kept[number], name=name)
            self._edit("Rename bookmark", bookmarks=tuple(kept))

    def remove(self, number: int) -> None:
        """Let a bookmark go."""
        self._edit("Delete bookmark", bookmarks=self.kept[:number] + self.kept[number + 1 :])

    def take(self, number: int) -> None:
        """Move the cursor to a bookmark."""
        self._set_code(self.kept[number].code, "Go to bookmark")
