"""How the parts of a document edit its state."""

from __future__ import annotations

from typing import Any, Protocol


class Edit(Protocol):
    """Replace parts of the state, as a step of the history."""

    def __call__(self, label: str, gesture: str | None = None, **changes: Any) -> None: ...
