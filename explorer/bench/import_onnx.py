"""``import-onnx``: import the ONNX files of an encoder and a decoder by the command line."""

from __future__ import annotations

import runpy
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import attempt, median, run_child, shipped_bundle
from explorer.models.bundle import COMPILED

CASE = "glyphs-conv-128"
ROUNDS, QUICK_ROUNDS = 5, 2
_RUN = 256


def measure(quick: bool) -> list[Entry]:
    """Run each alternately, so that other load on the machine affects all."""
    folder = shipped_bundle(CASE).path
    paths = {role: str(folder / name) for role, name in zip(("encoder", "decoder"), COMPILED, strict=True)}
    size = sum(Path(path).stat().st_size for path in paths.values())
    # Not counted: the first run also compiles bytecode and reads the libraries from disk.
    run_child("import_onnx:bring_in", **paths)
    attempt(_import_tensorflow)
    ours: list[float] = []
    peers: list[float] = []
    limits: list[float] = []
    why = ""
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        ours.append(run_child("import_onnx:bring_in", **paths)[0].seconds)
        limits.append(run_child("import_onnx:open_both", **paths)[0].seconds)
        if not why:
            peer, why = attempt(_import_tensorflow)
            peers += [] if peer is None else [peer]
    return [
        Entry(
            name="import-onnx",
            case=f"encoder and decoder of {CASE}, {size / 1e6:.0f} MB",
            unit="s",
            ours=median(ours),
            peer=median(peers) if peers else None,
            peer_name="import tensorflow",
            limit=median(limits),
            limit_name="both files opened and run by ONNX Runtime",
            why=why,
        )
    ]


def _import_tensorflow() -> float:
    return run_child("keras_peers:import_tensorflow")[0].seconds


def bring_in(arguments: dict[str, Any], tell: Tell) -> None:
    """Import the files into a temporary folder as the command line does, and send the names of what is written."""
    with tempfile.TemporaryDirectory(prefix="latent-explorer-bench-") as folder:
        out = Path(folder, "model")
        parts = [f"--{role}={arguments[role]}" for role in ("encoder", "decoder")]
        sys.argv = ["latent-explorer", "import", *parts, "--out", str(out)]
        with suppress(SystemExit):
            runpy.run_module("explorer", run_name="__main__")
        tell(sorted(path.name for path in out.iterdir()))


def open_both(arguments: dict[str, Any], tell: Tell) -> None:
    """Open both files in ONNX Runtime, run each once, and send the number of images."""
    import numpy as np
    import onnxruntime

    for path in (arguments["encoder"], arguments["decoder"]):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        given = session.get_inputs()[0]
        session.run(None, {given.name: np.zeros((_RUN, *given.shape[1:]), np.float32)})
    tell(_RUN)
