"""Check that an error says what to do."""

from __future__ import annotations

import re

from explorer.errors import ExplorerError


def has_advice(error: ExplorerError) -> bool:
    """Return whether the message has a further sentence, or a command, after what failed and why."""
    return bool(re.search(r"\. [A-Z].*\.$|: sudo ", str(error)))
