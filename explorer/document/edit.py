"""The interface by which parts of a document edit its state."""

from __future__ import annotations

from typing import Any, Protocol

from explorer.messages import Wording


class Edit(Protocol):
    """Replace parts of the state, as one step of the history."""

    def __call__(self, label: Wording, gesture: str | None = None, **changes: Any) -> None: ...
