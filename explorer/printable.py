"""Make untrusted text safe for a terminal and a log: a name can hold escape sequences and line breaks."""

from __future__ import annotations

import re

_COMMANDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Control characters, line separators, bidirectional marks, and lone surrogates."""


def printable(text: str) -> str:
    r"""Return a text as one line; control and bidirectional characters are escaped, such as ``\x1b``."""
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def log_entry(text: str) -> str:
    """Return a log entry; lines after the first are indented, so that none looks like an entry of its own."""
    return "\n    ".join(printable(line) for line in text.expandtabs(4).split("\n"))
