"""Measure what checking ONNX files costs: each network that ships, and opening a bundle that is not known yet.

PYTHONPATH=. python scripts/measure_network_check.py
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["LATENT_EXPLORER_HOME"] = home = tempfile.mkdtemp()

from explorer.inference.codec import OnnxCodec
from explorer.inference.gate.check import check_and_try, check_network
from explorer.models.bundle import COMPILED, open_bundle
from explorer.paths import pretrained_dir


def milliseconds(call: Callable[[], object], times: int = 5) -> float:
    """Return the least time that a call takes."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken) * 1000


def main() -> None:
    """Print one line a bundle."""
    print("model                 check   check and run   ships   from elsewhere: first   again   (ms)")
    for shipped in sorted(path.parent for path in pretrained_dir().glob("*/card.json")):
        copy = shutil.copytree(shipped, Path(home, shipped.name))
        card = open_bundle(shipped).card
        networks = [
            ((shipped / name).read_bytes(), shape)
            for name, shape in zip(COMPILED, (card.image_shape, card.latent_shape), strict=True)
        ]
        check = milliseconds(lambda networks=networks: [check_network(*each) for each in networks])
        tried = milliseconds(lambda networks=networks: [list(check_and_try(*each)) for each in networks])
        ships = milliseconds(lambda shipped=shipped: OnnxCodec(open_bundle(shipped)))
        first = milliseconds(lambda copy=copy: OnnxCodec(open_bundle(copy)), times=1)
        again = milliseconds(lambda copy=copy: OnnxCodec(open_bundle(copy)))
        print(f"{shipped.name:20} {check:6.0f} {tried:15.0f} {ships:7.0f} {first:23.0f} {again:7.0f}")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
