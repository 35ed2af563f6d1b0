"""The views of a document: results of the render thread, derived from the state, never saved or undone.

This module knows no single view; each is a file in `explorer.document.views`. Main thread only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Set
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from psygnal import Signal, SignalInstance

from explorer.document.state import State
from explorer.messages import Message

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PLANE = "plane"
"""The plane of the map: a part derived from model, grid and code."""

_PARTS = {part.name for part in fields(State)} | {PLANE}


@dataclass(frozen=True)
class FailedView:
    """A view that could not be computed; its message is shown instead."""

    message: Message


@dataclass(frozen=True, eq=False, kw_only=True)
class ViewKey(Generic[T_co]):
    """Identifies a view of type `T_co`; its `name` is unique, for messages.

    A change of the parts `stale_on` of the state removes the view; ValueError if the state has no such part.
    """

    name: str
    stale_on: Set[str] = frozenset()

    def __post_init__(self) -> None:
        check_parts(self.stale_on)


def check_parts(parts: Set[str]) -> None:
    """Raise a `ValueError` if some are not parts of the state."""
    if not parts <= _PARTS:
        raise ValueError(f"The state has no {sorted(parts - _PARTS)}.")


class Views:
    """The views, and which of them are visible.

    `watched_changed`: a view became visible or hidden, its `ViewKey`. `outdated`: a set of names of changed parts of
    the state; views that depend on them are to be requested again.
    """

    watched_changed = Signal(object)
    outdated = Signal(object)

    def __init__(self) -> None:
        self._views: dict[ViewKey[Any], Any] = {}
        self._watched: set[ViewKey[Any]] = set()
        self._changed: defaultdict[ViewKey[Any], SignalInstance] = defaultdict(SignalInstance)

    def __getitem__(self, key: ViewKey[T]) -> T | FailedView | None:
        """Return a view; None if it is not computed."""
        view: T | FailedView | None = self._views.get(key)
        return view

    def changed(self, key: ViewKey[Any]) -> SignalInstance:
        """Return the signal of a view, without arguments: it changed, or was removed."""
        return self._changed[key]

    def put(self, key: ViewKey[T], view: T | FailedView, then: Callable[[], None] | None = None) -> None:
        """Set a view; call `then` before its signal. Use `ViewKind.put`, which knows what follows from a view."""
        self._views[key] = view
        if then is not None:
            then()
        self._changed[key].emit()

    def remove_stale(self, parts: Set[str]) -> None:
        """Remove the views that are stale when these parts of the state change; all of them before the first signal."""
        stale = [key for key in self._views if key.stale_on & parts]
        for key in stale:
            del self._views[key]
        for key in stale:
            self._changed[key].emit()

    def redraw(self) -> None:
        """Emit the signals of all views: what they have is the same, but is to be shown in another way."""
        for key in list(self._views):
            self._changed[key].emit()

    @property
    def watched(self) -> Set[ViewKey[Any]]:
        """The visible views; some are only computed then."""
        return self._watched

    def watch(self, key: ViewKey[Any], watched: bool) -> None:
        if watched != (key in self._watched):
            self._watched ^= {key}
            self.watched_changed.emit(key)
