"""Speed, as ratios within one run: one file a line, ours against its peers and its limit."""

from __future__ import annotations

from explorer.bench.registry import LINES, run

__all__ = ["LINES", "run"]
