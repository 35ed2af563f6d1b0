"""The open session: its file, whether it has unsaved changes, and requests to open and save.

Shown in the window's title and dialogs, served by `explorer.workers.session_io.SessionJobs`. Main thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from psygnal import Signal

from explorer.data.imported_image import ImportedImage
from explorer.data.source import Source
from explorer.document.selection import Picked
from explorer.document.session_file import Session
from explorer.document.session_record import ViewRecord
from explorer.document.session_state import SavedWork, keeps_imported_image, same_work, session_of
from explorer.document.state import OpenModel, State
from explorer.errors import ExplorerError, SessionError
from explorer.messages import NO_MESSAGE, Message
from explorer.types import Shown


@dataclass(frozen=True)
class LeftOver:
    """Autosaved work of a window that crashed.

    `folder` is that of the copy, `path` the session's own file, None if it was never saved; `written_at` is ISO 8601.
    """

    folder: Path
    path: Path | None
    written_at: str


@dataclass(frozen=True, eq=False)
class Opening:
    """A session that is being opened; `path` is None if it was never saved.

    `checksum` is the SHA-256 of the file, hexadecimal; empty without a file. The problems say why a part was not found.
    `recovered` is the autosaved work that it is read from; None for a session file.
    """

    path: Path | None
    session: Session
    checksum: str
    model: OpenModel | None = None
    source: Source | None = None
    imported_image: ImportedImage | None = None
    model_problem: Message = NO_MESSAGE
    source_problem: Message = NO_MESSAGE
    imported_image_problem: Message = NO_MESSAGE
    recovered: LeftOver | None = None

    @property
    def missing(self) -> Literal["model", "source", ""]:
        """What to locate next."""
        return "model" if self.model_problem else "source" if self.source_problem else ""


class Sessions:
    """The open session, its file and its unsaved changes; `playhead` returns the frame under the playhead.

    Signals
    -------
    changed
        Its file, or whether it has unsaved changes, changed.
    replace_wanted
        Show an `Opening` after the question about unsaved changes.
    save_requested
        A path, and whether to replace a file that changed on disk.
    conflicted
        It was not saved, because the file changed on disk: its path.
    incomplete
        The model or the images of an `Opening` were not found.
    find_requested
        Search the model or the images of an `Opening` at another path: both.
    complete_requested
        Show an `Opening`, or ask for what was not found.
    saved, opened
        The path; None for a session that was never saved.
    found_left, recovered
        Autosaved work of a crashed window, a `LeftOver`, was found; is about to be shown.
    workspace_restored, stage_restored, tab_restored
        Show the workspace, the mode of the stage and the panel of an opened session: its name, empty if unknown.
    """

    changed = Signal()
    new_requested = Signal()
    replace_wanted = Signal(Opening)
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
    workspace_restored = Signal(str)
    stage_restored = Signal(str)
    tab_restored = Signal(str)

    def __init__(
        self,
        state: Callable[[], State],
        picked: Callable[[], Picked | None],
        playhead: Callable[[], int],
    ) -> None:
        self._state = state
        self._picked = picked
        self._playhead = playhead
        self._saved: SavedWork | None = None
        self._path: Path | None = None
        self._checksum = ""
        self._workspace = self._stage = self._tab = ""
        self._reported: tuple[Path | None, bool] = (None, False)
        self._let_go = False

    @property
    def path(self) -> Path | None:
        """None if it was never saved."""
        return self._path

    @property
    def checksum(self) -> str:
        """SHA-256 of the file when it was last read or saved, hexadecimal; or empty."""
        return self._checksum

    @property
    def name(self) -> str:
        """Empty if it was never saved."""
        return self._path.stem if self._path is not None else ""

    @property
    def begun(self) -> bool:
        """Whether something was opened."""
        return self._saved is not None

    @property
    def dirty(self) -> bool:
        """False before anything was opened."""
        return self._saved is not None and not same_work(self._saved, self._state())

    @property
    def whole(self) -> bool:
        """Whether its file would also contain the imported image."""
        return keeps_imported_image(self._state())

    @property
    def kept(self) -> bool:
        """Whether it has unsaved changes that the user did not discard."""
        return self.dirty and not self._let_go

    def let_go(self) -> None:
        self._let_go = True

    def skip(self, opening: Opening) -> None:
        """Continue without what was not found; as an unsaved session, so that saving cannot lose the missing part."""
        opening = replace(opening, path=None, recovered=None)
        problem = NO_MESSAGE if opening.missing == "model" else opening.model_problem
        source_problem = opening.source_problem if opening.missing == "model" else NO_MESSAGE
        opening = replace(opening, model_problem=problem, source_problem=source_problem)
        self.complete_requested.emit(opening)

    def put_workspace(self, name: str) -> None:
        self._workspace = name

    def put_stage(self, mode: str) -> None:
        self._stage = mode

    def put_tab(self, name: str) -> None:
        self._tab = name

    def begin(
        self, path: Path | None = None, checksum: str = "", *, state: State | None = None, dirty: bool = False
    ) -> None:
        """Mark the current state as saved, or `state` if it is not that one.

        `checksum` is the file's SHA-256. Recovered work is `dirty`: it counts as unsaved.
        """
        self._path, self._checksum = path, checksum
        self._let_go = False
        self._saved = SavedWork.of(State() if dirty else state or self._state())
        self.check()

    def check(self) -> None:
        """Emit `changed` if something changed since the last call."""
        now = (self._path, self.dirty)
        if now != self._reported:
            self._reported = now
            self.changed.emit()

    def take(self, folder: Path | None = None, *, thumbnails: Shown | None = None, copy: bool = False) -> Session:
        """Return the content of a session file; SessionError if a value is invalid.

        `folder` is that of the file; `thumbnails` are those of the bookmarks, uint8 ``(b, h, w, c)``, if they are
        decoded. A `copy` is autosaved: it records its session file.
        """
        view = ViewRecord(workspace=self._workspace, stage=self._stage, tab=self._tab, playhead=self._playhead())
        origin = (self._path, self._checksum) if copy and self._path is not None else None
        try:
            return session_of(self._state(), self._picked(), view, thumbnails=thumbnails, folder=folder, origin=origin)
        except ExplorerError:
            raise
        except ValueError as error:
            raise SessionError(
                "Cannot save the session: {reason}. Undo the last edit.", reason=" ".join(str(error).split())[:300]
            ) from error
