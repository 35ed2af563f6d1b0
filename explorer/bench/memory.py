"""``memory``: resident memory of the window process after its first paint."""

from __future__ import annotations

from explorer.bench.entry import Entry
from explorer.bench.harness import attempt, require_shipped_bundle, run_child

SETTLE_MS = 2_000
"""Delay until map and gallery are painted too."""


def measure(quick: bool) -> list[Entry]:
    """`quick` changes nothing."""
    require_shipped_bundle()
    painted, settled = run_child("launch:real_window", settle_ms=SETTLE_MS)
    path = painted.value["model"]
    peer, why_peer = attempt(lambda: run_child("keras_peers:decoded_once", path=path)[-1].value["rss_mb"])
    limit, why_limit = attempt(lambda: run_child("launch:bare_window", path=path)[-1].value["rss_mb"])
    return [
        Entry(
            name="memory",
            case="resident, window painted",
            unit="MB",
            ours=settled.value["rss_mb"],
            peer=peer,
            peer_name="TensorFlow, the same model, one decode",
            limit=limit,
            limit_name="an empty Qt window with one image by ONNX Runtime",
            why=why_peer or why_limit,
        )
    ]
