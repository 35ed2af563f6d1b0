"""Text of others, made safe for a terminal and a log: a name can hold commands to the terminal, and false lines."""

from __future__ import annotations

import re

_COMMANDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Control characters, line separators, marks that reverse the direction of writing, and halves of characters."""


def printable(text: str) -> str:
    r"""Return a text as one line that only shows: what commands a terminal or reverses text is escaped, ``\x1b``."""
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def log_entry(text: str) -> str:
    """Return an entry for a log; its further lines are indented, so that none looks like an entry of its own."""
    return "\n    ".join(printable(line) for line in text.expandtabs(4).split("\n"))
