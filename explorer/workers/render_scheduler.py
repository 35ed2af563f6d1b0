"""Connects document and render thread: requests views when the document changes, and stores the answers.

It knows no single view: what each depends on is in its record, a file in `explorer.document.views`.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Slot

from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views import VIEWS
from explorer.document.views.kind import ViewKind
from explorer.workers.render_thread import Answer, RenderThread, UnexpectedErrors


class RenderScheduler(QObject):
    """Requests the views of a document from the render thread, and drops outdated answers. Main thread only."""

    def __init__(
        self,
        document: Document,
        render_thread: RenderThread,
        parent: QObject | None = None,
        views: Sequence[ViewKind[Any]] = VIEWS,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._render_thread = render_thread
        self._views = sorted(views, key=lambda kind: kind.priority)
        self._errors = UnexpectedErrors()
        self._stopped = False
        self._requested = set[ViewKind[Any]]()
        self._in_flight = set[ViewKind[Any]]()
        render_thread.answered.connect(self._on_answered)
        document.views.outdated.connect(self._on_outdated)
        document.views.watched_changed.connect(self._on_watched_changed)
        for kind in self._views:
            for signal in kind.signals(document):
                signal.connect(partial(self._on_asked, kind))

    def stop(self) -> None:
        """Ignore further answers; queued ones would reach a closed window."""
        self._stopped = True

    def _on_watched_changed(self, kind: ViewKind[Any]) -> None:
        if kind.only_watched:
            self._on_asked(kind)

    def _on_outdated(self, parts: Set[str]) -> None:
        """Withdraw requests whose views are stale, and request the views that depend on changed parts of the state."""
        watched = self._document.views.watched
        for kind in self._views:
            if kind in self._requested and parts & kind.stale_on:
                self._withdraw(kind)
            if parts & kind.depends_on and (kind in watched or not kind.only_watched):
                self._request(kind)

    def _on_asked(self, kind: ViewKind[Any], *arguments: object) -> None:
        if not kind.only_watched or kind in self._document.views.watched:
            self._request(kind, *arguments)

    def _request(self, kind: ViewKind[Any], *arguments: object) -> None:
        if kind in self._in_flight:
            return
        try:
            request = kind.build(self._document, *arguments)
        except Exception as error:
            self._withdraw(kind)
            self._put(kind, *self._errors.view_of(error, kind))
            return
        if request is not None:
            self._requested.add(kind)
            if kind.one_at_a_time:
                self._in_flight.add(kind)
            self._render_thread.submit(kind, request)
        elif kind in self._requested:
            self._withdraw(kind)

    def _withdraw(self, kind: ViewKind[Any]) -> None:
        self._requested.discard(kind)
        self._in_flight.discard(kind)
        self._render_thread.drop(kind)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        kind, view = answer.kind, answer.view
        if self._stopped or answer.generation != self._render_thread.generation(kind):
            return
        if view is None:
            self._in_flight.discard(kind)
            self._requested.discard(kind)
            self._request(kind)
            return
        if isinstance(view, FailedView):
            # It would fail again; another place or model makes a new request.
            self._in_flight.discard(kind)
        self._put(kind, view, answer.details)

    def _put(self, kind: ViewKind[Any], view: Any, details: str) -> None:
        kind.put(self._document, view)
        if details:
            self._document.report(view.message, details)
