"""``start``: time from process start to the first painted reconstruction."""

from __future__ import annotations

from explorer.bench.entry import Entry
from explorer.bench.harness import attempt, median, require_shipped_bundle, run_child

ROUNDS, QUICK_ROUNDS = 5, 3


def measure(quick: bool) -> list[Entry]:
    """Start each alternately, so that other load on the machine affects all."""
    require_shipped_bundle()
    # Not counted: the first start also compiles bytecode and reads the libraries from disk.
    path = _start_window()[1]
    attempt(_start_tensorflow)
    ours: list[float] = []
    peers: list[float] = []
    limits: list[float] = []
    why = ""
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        ours.append(_start_window()[0])
        limits.append(run_child("launch:bare_window", path=path)[0].seconds)
        if not why:
            peer, why = attempt(_start_tensorflow)
            peers += [] if peer is None else [peer]
    return [
        Entry(
            name="start",
            case="launch to first reconstruction painted",
            unit="s",
            ours=median(ours),
            peer=median(peers) if peers else None,
            peer_name="import tensorflow",
            limit=median(limits),
            limit_name="an empty Qt window with one image by ONNX Runtime",
            why=why,
        )
    ]


def _start_window() -> tuple[float, str]:
    first = run_child("launch:real_window", settle_ms=0)[0]
    return first.seconds, first.value["model"]


def _start_tensorflow() -> float:
    return run_child("keras_peers:import_tensorflow")[0].seconds
