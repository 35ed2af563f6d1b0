"""Opens what is requested, each as one job; the last request of a kind wins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.document.closed import Reopening
from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.document.state import State
from explorer.errors import ExplorerError
from explorer.messages import Message, message
from explorer.models.file_kind import FileKind
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import reopen
from explorer.workers.opening import Group, Item, Opened, group_files, open_as, open_requested


class Opener(QObject):
    """Serves `Document.open_requested` and `Document.reopen_requested`. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._last: tuple[OpenRequest, int] | None = None
        self._latest: dict[FileKind, int] = {}
        self._reopening = 0
        document.open_requested.connect(self._on_open_requested)
        document.reopen_requested.connect(self._on_reopen_requested)
        document.sessions.recovered.connect(lambda left: jobs.cancel(self._latest.get("session", 0)))

    def _on_open_requested(self, request: OpenRequest) -> None:
        if len(request.paths) > 1:
            paths = [Path(path) for path in request.paths]
            self._jobs.start(request.title, lambda: group_files(paths), self._on_grouped, on_early=self._on_grouped)
        elif self._last is None or self._last[0] != request or not self._jobs.running(self._last[1]):
            key = self._start(request.title, partial(open_requested, request))
            # The content of an image may be large.
            self._last = None if request.content else (request, key)

    def _on_grouped(self, groups: list[Group]) -> None:
        for kind, paths in groups:
            title = message("Opening {name}", name=paths[0].name)
            self._start(title, partial(open_as, kind, paths))

    def _start(self, title: Message, steps: Callable[[State], Iterator[Item]]) -> int:
        state = self._document.state
        key = self._jobs.start(
            title,
            lambda: steps(state),
            lambda opened: self._show(key, opened),
            on_early=lambda early: self._on_early(key, early),
        )
        return key

    def _on_early(self, key: int, early: FileKind | Opened) -> None:
        """Show a provisional result; of two jobs that open the same kind, cancel the older one."""
        if isinstance(early, str):
            other = self._latest.get(early, 0)
            self._latest[early] = max(key, other)
            self._jobs.cancel(min(key, other))
        else:
            self._show(key, early)

    def _show(self, key: int, opened: Opened) -> None:
        """Show what was opened, unless a later request of its kind followed."""
        if key in self._latest.values():
            if self._last is not None and self._last[1] == key:
                self._last = None  # it is shown: the same request now means to open it again
            try:
                opened.show(self._document)
            except ExplorerError as error:
                self._document.report(error.message)

    def _on_reopen_requested(self, wanted: Reopening) -> None:
        """Reopen what a step of the history needs; the last request wins."""
        self._jobs.cancel(self._reopening)
        self._reopening = self._jobs.start(
            message("Opening {name}", name=wanted.title),
            lambda: reopen(wanted),
            lambda opened: self._document.put_reopened(wanted, opened),
        )
