"""Pictures that were picked out somewhere, for the gallery to show. Belongs to the main thread."""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from explorer.types import Indices


@dataclass(frozen=True, eq=False)
class Picked:
    """Pictures, and why they were picked out.

    Attributes
    ----------
    title
        A few words for a list.
    indices
        Positions in the source, int64 ``(n,)``, ascending, each once.
    """

    title: str
    indices: Indices


class Selection:
    """What is picked out of the open pictures.

    Signals
    -------
    changed
        Other pictures are picked out, or none any more.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._picked: Picked | None = None

    @property
    def picked(self) -> Picked | None:
        """The pictures that are picked out, or None."""
        return self._picked

    def put(self, picked: Picked | None) -> None:
        """Pick these pictures out, in the place of others."""
        if picked is not self._picked:
            self._picked = picked
            self.changed.emit()
