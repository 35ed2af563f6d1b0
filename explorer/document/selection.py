"""Images that are selected in a panel, for the gallery. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from explorer.types import Indices


@dataclass(frozen=True, eq=False)
class Picked:
    """A selection of images.

    Attributes
    ----------
    title
        Display name.
    indices
        Positions in the source, int64 ``(n,)``, ascending and unique.
    """

    title: str
    indices: Indices


class Selection:
    """The selection of the open images.

    Signals
    -------
    changed
        The selection changed, or is None.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._picked: Picked | None = None

    @property
    def picked(self) -> Picked | None:
        """The selected images, or None."""
        return self._picked

    def put(self, picked: Picked | None) -> None:
        """Set the selection."""
        if picked is not self._picked:
            self._picked = picked
            self.changed.emit()
