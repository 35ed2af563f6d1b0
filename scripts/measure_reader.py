"""Measure the cost of a reader process: start, one small file, memory.

    python scripts/measure_reader.py [MODEL.keras] [--times N]

Prints minimum and median of N runs in milliseconds, each in a new process, the minimum CPU time, which is more reliable
on a busy machine, and the memory of the process. Linux and macOS.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from explorer import reader
from explorer.data.isolated_images import Wanted, decode_all
from explorer.models.third_party.contents import Described, Group, Rows, Weights
from explorer.paths import pretrained_dir
from explorer.reader import READERS, client, processes
from explorer.reader.wire import Locked
from explorer.types import Progress


def main() -> None:
    """Measure, and print one row per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=pretrained_dir() / "digits-vae-2d" / "encoder.keras")
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    path: Path = options.model
    _row("start, no library beside numpy", lambda: _drain("nothing", [], (Locked,)), options.times)
    _row("start with h5py, limits set", lambda: _to_locked(path), options.times)
    _row("description", lambda: _drain("keras description", [path], (Described, Progress)), options.times)
    _row("weights", lambda: _drain("keras weights", [path], (Group, Weights, Rows)), options.times)
    _images(options.times)
    size = path.stat().st_size / 2**20
    print(f"{path.name}: {size:.1f} MB; resident when locked: {_resident(path):.0f} MB")


def _images(times: int) -> None:
    """Decode one compressed TIFF of 64×64, in a new process and in a fork of one that has imported what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tif"
        Image.effect_noise((64, 64), 50).save(path, compression="tiff_lzw")
        for forked, name in ((False, "an image in a new process"), (True, "an image in a fork")):
            READERS["images"] = replace(READERS["images"], forked=forked)
            _decode(path)  # starts the fork server
            _row(name, lambda: _decode(path), times)


def _decode(path: Path) -> None:
    for _ in decode_all([Wanted(path, "TIFF")], 1_000_000):
        pass


def _drain(name: str, paths: list[Path], answers: tuple[type, ...]) -> None:
    for _ in reader.read(name, paths, answers):
        pass


def _to_locked(path: Path) -> None:
    records = reader.read("keras description", [path], (Locked, Described, Progress))
    next(records)
    records.close()


def _resident(path: Path) -> float:
    records = reader.read("keras description", [path], (Locked, Described, Progress))
    next(records)
    (process,) = client._running
    assert isinstance(process, processes._New)
    pages = int(Path(f"/proc/{process._popen.pid}/statm").read_text().split()[1])
    records.close()
    return pages * 4096 / 2**20


def _row(name: str, function: Callable[[], None], times: int) -> None:
    taken, computed = [], []
    for _ in range(times):
        begun, used = time.perf_counter(), _computed()
        function()
        taken.append((time.perf_counter() - begun) * 1_000)
        computed.append((_computed() - used) * 1_000)
    middle = statistics.median(taken)
    print(f"{name:30} best {min(taken):5.0f} ms   median {middle:5.0f} ms   computing {min(computed):5.0f} ms")


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
