"""``grid``: decode a grid of images as the map does, tile by tile through the render thread."""

from __future__ import annotations

import time
from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import attempt, median, run_child, shipped_bundle

CASE = "glyphs-vae-2d"
SIDES, QUICK_SIDES = (20, 100), (20,)
REPEATS, QUICK_REPEATS = 5, 3
PEERS = {"cells": "Keras model.predict, one call per cell", "batch": "Keras model.predict, one batch"}
LIMIT = "ONNX Runtime session alone, batches of 256"
SINGLE = 200
"""Cells that are predicted one by one; the time for more is extrapolated."""


def measure(quick: bool) -> list[Entry]:
    path = str(shipped_bundle(CASE).path)
    sides, repeats = (QUICK_SIDES, QUICK_REPEATS) if quick else (SIDES, REPEATS)
    ours = run_child("grid:planes", path=path, sides=sides, repeats=repeats)[0].value
    peers, why = attempt(lambda: run_child("keras_peers:grid_times", path=path, sides=sides, single=SINGLE)[0].value)
    return [
        Entry(
            name="grid",
            case=f"{CASE}, {side} × {side} tiles",
            unit="s",
            ours=ours[str(side)]["map"],
            peer=peers[str(side)][key] if peers else None,
            peer_name=name,
            limit=ours[str(side)]["session"],
            limit_name=LIMIT,
            why=why,
        )
        for side in sides
        for key, name in PEERS.items()
    ]


def planes(arguments: dict[str, Any], tell: Tell) -> None:
    """Send the median seconds of the map and of the bare session for each size."""
    from PySide6.QtCore import QCoreApplication

    application = QCoreApplication([])
    path, repeats = arguments["path"], arguments["repeats"]
    tell(
        {
            str(side): {
                "map": median([_map(path, side) for _ in range(repeats)]),
                "session": median([_session(path, side) for _ in range(repeats)]),
            }
            for side in arguments["sides"]
        }
    )
    del application


def _map(path: str, side: int) -> float:
    """Show a plane on the map, and return the seconds until all its tiles are decoded."""
    from pathlib import Path

    from PySide6.QtCore import QEventLoop

    from explorer.document.document import Document
    from explorer.document.map_tiles import MapWindow
    from explorer.document.views.tiles import TILES
    from explorer.latent.tile_grid import TileGrid
    from explorer.workers.loading import open_model
    from explorer.workers.render_scheduler import RenderScheduler
    from explorer.workers.render_thread import RenderThread

    document, thread, loop = Document(), RenderThread(), QEventLoop()
    render_scheduler = RenderScheduler(document, thread)
    document.open(open_model(Path(path)))
    tile_grid = TileGrid(-8.0, 16 / (side - 1))
    reach = 8.0 + 0.49 * tile_grid.spacing
    document.views.changed(TILES).connect(lambda: loop.quit() if document.map.ready else None)
    document.map.look(MapWindow(tile_grid, 0, -0.1, 0.1, -0.1, 0.1))  # excludes the first run of the session
    loop.exec()
    begun = time.perf_counter()
    document.map.look(MapWindow(tile_grid, 0, -reach, reach, -reach, reach))
    loop.exec()
    seconds = time.perf_counter() - begun
    render_scheduler.stop()
    thread.close()
    return seconds


def _session(path: str, side: int) -> float:
    """Return the seconds of decoding as many codes in batches with the bare session, on all cores."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(f"{path}/decoder.onnx", providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    axis = np.linspace(-8, 8, side, dtype=np.float32)
    codes = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    session.run(None, {name: codes[:256]})
    begun = time.perf_counter()
    for start in range(0, len(codes), 256):
        session.run(None, {name: codes[start : start + 256]})
    return time.perf_counter() - begun
