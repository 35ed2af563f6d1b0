"""The record of a view: who computes it, when, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import TypeVar

from psygnal import SignalInstance

from explorer.document.document import Document
from explorer.document.view_store import FailedView, ViewKey, check_parts

T = TypeVar("T")


class Priority(IntEnum):
    """Which request is computed first, the most urgent first; equal ones in the order of their requests."""

    CURSOR = 0  # the drag of a slider precedes everything else
    IMAGE = 1
    POINTER = 2
    TAB = 3
    THUMBNAILS = 4
    MAP = 5
    BACKGROUND = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class ViewKind(ViewKey[T]):
    """A view, registered in `explorer.document.views.VIEWS`.

    Attributes
    ----------
    build
        Returns the request for a document: a generator that has all its inputs, changes nothing, and computes views,
        each replacing the one before, on the render thread; between two of them more urgent requests run. None if there
        is nothing to compute, which withdraws an earlier request. It also gets the arguments of a signal.
    depends_on, signals
        Parts of the state whose change asks for it again; other signals that do.
    only_watched
        Whether it is only computed while visible; becoming visible asks for it.
    one_at_a_time
        Nothing new is requested before a request ended; then it is requested again, unless it failed. Newer requests
        would starve a view that takes longer than the time between two changes.
    received
        Called with a view after it is stored, before its signal.
    """

    build: Callable[..., Iterator[T] | None]
    priority: Priority
    depends_on: Set[str] = frozenset()
    signals: Callable[[Document], Iterable[SignalInstance]] = lambda document: ()
    only_watched: bool = False
    one_at_a_time: bool = False
    received: Callable[[Document, T], None] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_parts(self.depends_on)

    def put(self, document: Document, view: T | FailedView) -> None:
        then = None
        if self.received is not None and not isinstance(view, FailedView):
            then = partial(self.received, document, view)
        document.views.put(self, view, then)
