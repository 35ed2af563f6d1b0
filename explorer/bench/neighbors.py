"""``neighbors``: find the ten nearest of many codes, one query at a time."""

from __future__ import annotations

import time
from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import median, run_child, shipped_bundle

MODEL = "digits-deep-49"
LENGTH, NEAREST = 32, 10
COUNTS, QUICK_COUNTS = (10_000, 100_000, 1_000_000), (10_000, 100_000)
QUERIES = 50
PEER = "scikit-learn NearestNeighbors, brute force"
LIMIT = "reading all codes from memory once"


def measure(quick: bool) -> list[Entry]:
    """Measure each number of codes; two entries each, exact and HNSW."""
    path = str(shipped_bundle(MODEL).path)
    entries: list[Entry] = []
    for count in QUICK_COUNTS if quick else COUNTS:
        result = run_child("neighbors:search", path=path, count=count)[0].value
        entries += [
            Entry(
                name="neighbors",
                case=f"{kind}, {count:,} × {LENGTH}, recall@{NEAREST} {result[kind]['recall']:.3f}",
                unit="ms",
                ours=result[kind]["ms"],
                peer=result["peer"],
                peer_name=PEER,
                limit=result["limit"],
                limit_name=LIMIT,
            )
            for kind in ("exact", "hnsw")
        ]
    return entries


def search(arguments: dict[str, Any], tell: Tell) -> None:
    """Send the median milliseconds of a query for each index, and its recall.

    Codes are sampled from the prior fitted to the codes of a model, along its first components, so that they cluster
    like real codes.
    """
    from pathlib import Path

    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    from explorer.latent.components import to_components
    from explorer.latent.neighbors import NeighborIndex
    from explorer.latent.sampling import FittedPrior
    from explorer.models.bundle import open_bundle

    count = arguments["count"]
    sample = open_bundle(Path(arguments["path"])).sample
    drawn = FittedPrior().fit(sample.codes).sample(count + QUERIES, np.random.default_rng(0), 1.0)
    axes = np.ascontiguousarray(
        (to_components(drawn, sample.statistics) * sample.statistics.component_sigma)[:, :LENGTH]
    )
    codes, queries = axes[:count], axes[count:]
    peer = NearestNeighbors(n_neighbors=NEAREST, algorithm="brute").fit(codes)
    true = peer.kneighbors(queries, return_distance=False)
    times: dict[str, Any] = {"peer": _milliseconds(peer.kneighbors, queries)}
    for kind in ("exact", "hnsw"):
        index = NeighborIndex(codes, kind)
        found = index.search(queries, NEAREST).indices
        hits = [len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]
        ms = _milliseconds(lambda query, index=index: index.search(query, NEAREST), queries)
        times[kind] = {"ms": ms, "recall": float(np.mean(hits)) / NEAREST}
    times["limit"] = _milliseconds(lambda query: float(codes.sum()), queries[:10])
    tell(times)


def _milliseconds(call: Any, queries: Any) -> float:
    call(queries[:1])
    durations = []
    for query in queries:
        begun = time.perf_counter()
        call(query[None])
        durations.append((time.perf_counter() - begun) * 1000)
    return median(durations)
