"""The session that is open: its file, whether it holds what is not saved yet, and what is asked of those who save.

Shown by the window's title and its questions, served by `explorer.workers.session_keeper.SessionKeeper`. Belongs to the
main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from psygnal import Signal

from explorer.data.guest import GuestSource
from explorer.data.source import Source
from explorer.document.selection import Picked
from explorer.document.session_state import keeps_guest, same_work, session_of
from explorer.document.state import OpenModel, State
from explorer.errors import ExplorerError, SessionError
from explorer.models.session_file import Session
from explorer.models.session_record import ViewRecord
from explorer.types import Pixels


@dataclass(frozen=True)
class LeftOver:
    """Work that a window left when it ended without being closed.

    Attributes
    ----------
    folder
        Where its copy lies.
    path
        The session's own file; None where it was never saved.
    written_at
        When the copy was made, ISO 8601.
    """

    folder: Path
    path: Path | None
    written_at: str


@dataclass(frozen=True, eq=False)
class Opening:
    """A session on its way into the window.

    Attributes
    ----------
    path
        Where it is saved to; None for one that was never saved.
    session
        What was read.
    checksum
        SHA-256 of the file, hexadecimal; empty where there is none.
    model, source, guest
        What was found of it.
    model_problem, source_problem, guest_problem
        Why the model or the pictures were not found; empty where they were, or where there are none.
    recovered
        The work that a crash left, of which it is the copy; None for a file of the user's.
    """

    path: Path | None
    session: Session
    checksum: str
    model: OpenModel | None = None
    source: Source | None = None
    guest: GuestSource | None = None
    model_problem: str = ""
    source_problem: str = ""
    guest_problem: str = ""
    recovered: LeftOver | None = None

    @property
    def missing(self) -> Literal["model", "source", ""]:
        """What is to be looked for next."""
        return "model" if self.model_problem else "source" if self.source_problem else ""


class Sessions:
    """What is known of the open session.

    Parameters
    ----------
    state
        Gives the document's state.
    picked
        Gives the pictures that are picked out.
    playhead
        Gives the frame of the morph under the playhead.
    thumbnails
        Gives small pictures of the bookmarks, uint8 ``(b, h, w, c)``, or None.

    Signals
    -------
    changed
        Its file, or whether it is saved, is another.
    new_requested
        Begin anew.
    open_wanted
        A file is to be opened, once the user has been asked about what is not saved: its path.
    open_requested
        A file is to be opened now: its path.
    save_requested
        The session is to be written: a path, and whether a file that somebody else has changed is replaced.
    saved
        It was written: its path.
    conflicted
        It was not written, for somebody else has changed the file: its path.
    incomplete
        The model or the pictures of a session were not found: an `Opening`.
    find_requested
        An `Opening` with its model or pictures to be looked for in another place: it, and a path.
    complete_requested
        An `Opening` to be shown with what was found of it.
    opened
        A session was opened: its path, or None.
    found_left
        Another window left work when it crashed: a `LeftOver`.
    recover_requested, forget_requested
        It is to be opened; it is to be deleted: a `LeftOver`.
    recovered
        It is about to be shown: a `LeftOver`.
    tab_restored
        A session was opened that was looked at in a certain tab: its name.
    """

    changed = Signal()
    new_requested = Signal()
    open_wanted = Signal(Path)
    open_requested = Signal(Path)
    save_requested = Signal(Path, bool)
    saved = Signal(Path)
    conflicted = Signal(Path)
    incomplete = Signal(Opening)
    find_requested = Signal(Opening, Path)
    complete_requested = Signal(Opening)
    opened = Signal(object)
    found_left = Signal(LeftOver)
    recover_requested = Signal(LeftOver)
    forget_requested = Signal(LeftOver)
    recovered = Signal(LeftOver)
    tab_restored = Signal(str)

    def __init__(
        self,
        state: Callable[[], State],
        picked: Callable[[], Picked | None],
        playhead: Callable[[], int],
        thumbnails: Callable[[], Pixels | None],
    ) -> None:
        self._state = state
        self._picked = picked
        self._playhead = playhead
        self._thumbnails = thumbnails
        self._saved: State | None = None
        self._path: Path | None = None
        self._checksum = ""
        self._tab = ""
        self._told: tuple[Path | None, bool] = (None, False)
        self._let_go = False

    @property
    def path(self) -> Path | None:
        """The session's file; None where it was never saved."""
        return self._path

    @property
    def checksum(self) -> str:
        """SHA-256 of the file as it was read or written last, hexadecimal; empty where it was not."""
        return self._checksum

    @property
    def name(self) -> str:
        """What to call it; empty where it was never saved."""
        return self._path.stem if self._path is not None else ""

    @property
    def dirty(self) -> bool:
        """Whether it holds work that is not in its file; never before something was opened."""
        return self._saved is not None and not same_work(self._saved, self._state())

    @property
    def whole(self) -> bool:
        """Whether all that is looked at would be in its file."""
        return keeps_guest(self._state())

    @property
    def kept(self) -> bool:
        """Whether work that is not saved is still wanted: the user was not asked about it, or did not let it go."""
        return self.dirty and not self._let_go

    def let_go(self) -> None:
        """Take note that what is not saved is not wanted."""
        self._let_go = True

    def skip(self, opening: Opening) -> None:
        """Go on without what was not found; without its file, in whose place what is left would be a loss."""
        opening = replace(opening, path=None, recovered=None)
        problem = "" if opening.missing == "model" else opening.model_problem
        source_problem = opening.source_problem if opening.missing == "model" else ""
        opening = replace(opening, model_problem=problem, source_problem=source_problem)
        (self.incomplete if opening.missing else self.complete_requested).emit(opening)

    def put_tab(self, name: str) -> None:
        """Remember which panel is looked at."""
        self._tab = name

    def begin(
        self, path: Path | None = None, checksum: str = "", *, state: State | None = None, dirty: bool = False
    ) -> None:
        """Take what is there for saved.

        Parameters
        ----------
        path, checksum
            Where, and the file's SHA-256.
        state
            What was saved, where that is not what is there now.
        dirty
            Whether it is in no file, although it is where the user begins: recovered work.
        """
        self._path, self._checksum = path, checksum
        self._let_go = False
        self._saved = State() if dirty else state or self._state()
        self.check()

    def check(self) -> None:
        """Tell of what is another since this was told last."""
        now = (self._path, self.dirty)
        if now != self._told:
            self._told = now
            self.changed.emit()

    def take(self, folder: Path | None = None, *, copy: bool = False) -> Session:
        """Return what is there, as it would lie in a file.

        Parameters
        ----------
        folder
            The folder of that file.
        copy
            Whether it is a copy against a crash, which remembers the file that it is of.

        Raises
        ------
        SessionError
            If something in it cannot be meant.
        """
        view = ViewRecord(tab=self._tab, playhead=self._playhead())
        origin = (self._path, self._checksum) if copy and self._path is not None else None
        try:
            return session_of(
                self._state(), self._picked(), view, thumbnails=self._thumbnails(), folder=folder, origin=origin
            )
        except ExplorerError:
            raise
        except ValueError as error:
            words = " ".join(str(error).split())[:300]
            raise SessionError("settings that a session can hold", f"“{words}”", "Undo the last edit.") from error
