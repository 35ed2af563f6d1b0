"""Benchmarks: speed as ratios to peers and limits within one run. One module per benchmark."""

from __future__ import annotations

from explorer.bench.registry import LINES, run

__all__ = ["LINES", "run"]
