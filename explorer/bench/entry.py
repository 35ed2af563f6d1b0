"""One comparison with a peer, and its ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Entry:
    """Our result, one peer and the limit, in one unit, from one run; None if one could not be measured.

    `better` is whether lower or higher is better; a ratio is always ours divided by the other. `why` says why values
    are missing.
    """

    name: str
    case: str
    unit: str
    ours: float | None
    peer: float | None = None
    peer_name: str | None = None
    limit: float | None = None
    limit_name: str | None = None
    better: Literal["lower", "higher"] = "lower"
    why: str = ""

    def record(self) -> dict[str, Any]:
        """Return the entry as the command line prints it; ``why`` is present only if a value is missing."""
        record: dict[str, Any] = {
            "name": self.name,
            "case": self.case,
            "unit": self.unit,
            "better": self.better,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "limit": self.limit,
            "limit_name": self.limit_name,
            "ratio_to_peer": ratio(self.ours, self.peer),
            "ratio_to_limit": ratio(self.ours, self.limit),
        }
        if None in (self.ours, self.peer, self.limit):
            record["why"] = self.why or "not measured"
        return record


def ratio(ours: float | None, other: float | None) -> float | None:
    """Return ours divided by the other; None if either is missing or the quotient is meaningless."""
    if ours is None or other is None or not (math.isfinite(ours) and math.isfinite(other)) or other <= 0:
        return None
    return ours / other
