"""Images that are selected in a panel, for the gallery. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from explorer.types import Indices


@dataclass(frozen=True, eq=False)
class Picked:
    """A selection of images: their positions in the source, int64 ``(n,)``, ascending and unique."""

    title: str
    indices: Indices


class Selection:
    """The selection of the open images; None if nothing is selected."""

    changed = Signal()

    def __init__(self) -> None:
        self._picked: Picked | None = None

    @property
    def picked(self) -> Picked | None:
        return self._picked

    def put(self, picked: Picked | None) -> None:
        if picked is not self._picked:
            self._picked = picked
            self.changed.emit()
