"""Measure the check of ONNX files: each bundled network, and opening an unknown bundle.

PYTHONPATH=. python scripts/measure_network_check.py
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["LATENT_EXPLORER_HOME"] = home = tempfile.mkdtemp()

from explorer.inference.codec import OnnxCodec
from explorer.inference.gate.check import check_and_try, check_network
from explorer.models.bundle import COMPILED, open_bundle
from explorer.paths import pretrained_dir


def milliseconds(call: Callable[[], object], times: int = 5) -> float:
    """Return the minimum time of a call."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken) * 1000


def _check_all(networks: list[tuple[bytes, tuple[int, ...]]]) -> None:
    for content, shape in networks:
        check_network(content, shape)


def _try_all(networks: list[tuple[bytes, tuple[int, ...]]]) -> None:
    for content, shape in networks:
        list(check_and_try(content, shape))


def _open(path: Path) -> None:
    OnnxCodec(open_bundle(path))


def main() -> None:
    """Print one line per bundle."""
    print("model                 check   check and run   ships   from elsewhere: first   again   (ms)")
    for shipped in sorted(path.parent for path in pretrained_dir().glob("*/card.json")):
        copy = shutil.copytree(shipped, Path(home, shipped.name))
        card = open_bundle(shipped).card
        networks: list[tuple[bytes, tuple[int, ...]]] = [
            ((shipped / name).read_bytes(), shape)
            for name, shape in zip(COMPILED, (card.image_shape, card.latent_shape), strict=True)
        ]
        check = milliseconds(partial(_check_all, networks))
        tried = milliseconds(partial(_try_all, networks))
        ships = milliseconds(partial(_open, shipped))
        first = milliseconds(partial(_open, copy), times=1)
        again = milliseconds(partial(_open, copy))
        print(f"{shipped.name:20} {check:6.0f} {tried:15.0f} {ships:7.0f} {first:23.0f} {again:7.0f}")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
