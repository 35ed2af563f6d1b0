"""``folder``: open a folder of 100,000 images: time to the first thumbnails, reopening, and memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from explorer.bench.entry import Entry
from explorer.bench.harness import attempt, require_shipped_bundle, run_child
from explorer.data.sources import open_source

COUNT, QUICK_COUNT = 100_000, 10_000
CLASSES = 100
SIDE = 64
"""Height and width of the images, in pixels."""

FIRST_SECONDS = 1.0
MEMORY_MB = 300.0

_PEER = "keras.utils.image_dataset_from_directory"


def measure(quick: bool) -> list[Entry]:
    """Open the folder in the real window twice, each time in a new process, and with Keras."""
    require_shipped_bundle()
    count = QUICK_COUNT if quick else COUNT
    # ignore_cleanup_errors: on Windows a memory-mapped file may still be open in a process that is ending.
    with tempfile.TemporaryDirectory(prefix="latent-explorer-folder-", ignore_cleanup_errors=True) as place:
        folder = Path(place, "images")
        _write_images(folder, count)
        arguments = {"folder": str(folder), "home": str(Path(place, "home"))}
        first = run_child("folder_child:open_scroll_and_stream", **arguments)[-1].value
        second = run_child("folder_child:open_again", **arguments)[-1].value
        peer, why = attempt(
            lambda: run_child("keras_peers:dataset_from_directory", folder=str(folder), side=SIDE)[-1].value
        )
    return _entries(f"{count:,} images", first, second, peer or {}, why)


def _entries(case: str, first: dict[str, Any], second: dict[str, Any], peer: dict[str, Any], why: str) -> list[Entry]:
    cases = (
        ("time to first thumbnails", "s", first["seconds"], "seconds"),
        ("time to first thumbnails, reopened", "s", second["seconds"], "seconds"),
        ("memory increase", "MB", first["rss_mb"], "rss_mb"),
        ("private memory increase", "MB", first["anon_mb"], "anon_mb"),
    )
    return [
        Entry(
            name="folder",
            case=f"{case}, {what}",
            unit=unit,
            ours=ours,
            peer=peer.get(key),
            peer_name=f"{_PEER}, {'first batch' if unit == 's' else 'one pass'}",
            limit=FIRST_SECONDS if unit == "s" else MEMORY_MB,
            limit_name="one second" if unit == "s" else "300 MB",
            why=why,
        )
        for what, unit, ours, key in cases
    ]


def _write_images(folder: Path, count: int) -> None:
    """Write the embedded faces as PNG and JPEG files, and hard-link them into subfolders to reach `count`."""
    faces = open_source("faces")
    seeds = folder.with_name("seeds")
    seeds.mkdir(parents=True)
    for number in range(CLASSES):
        (folder / f"class {number}").mkdir(parents=True)
    written: list[Path] = []
    for index in range(min(count, faces.count)):
        pil_image: Image.Image = faces.pil_image(index)
        path = seeds / f"{index}.{'jpg' if index % 2 else 'png'}"
        pil_image.save(path)
        written.append(path)
    for index in range(count):
        seed = written[index % len(written)]
        target = folder / f"class {index % CLASSES}" / f"image {index}{seed.suffix}"
        try:
            os.link(seed, target)
        except OSError:
            shutil.copyfile(seed, target)
