"""The interface by which parts of a document edit its state."""

from __future__ import annotations

from typing import Protocol

from explorer.document.state import State
from explorer.messages import Message
from explorer.types import Floats


class Editor(Protocol):
    """The owner of a state: `explorer.document.document.Document`."""

    @property
    def state(self) -> State: ...

    def edit(self, label: Message, state: State, gesture: str | None = None) -> None:
        """Replace the state, as one step of the history."""

    def set_code(self, code: Floats, label: Message, gesture: str | None = None) -> None:
        """Set the latent cursor to a code, ``(latent_dim,)``."""
