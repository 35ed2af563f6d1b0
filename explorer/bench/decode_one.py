"""``decode-one``: decode one code through the render thread and back to the main thread."""

from __future__ import annotations

import time
from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import MeasureError, attempt, median, median_ms, run_child, shipped_bundle

CASES = ("digits-vae-2d", "glyphs-vae-2d", "digits-deep-49")
REPEATS, QUICK_REPEATS = 1_000, 300
KERAS_REPEATS, QUICK_KERAS_REPEATS = 60, 20
PEERS = {"predict": "Keras model.predict", "tf.function": "tf.function"}
LIMIT = "ONNX Runtime session alone"
_WARM_UP = 20


def measure(quick: bool) -> list[Entry]:
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for case in CASES[:1] if quick else CASES:
        try:
            found[case] = str(shipped_bundle(case).path)
        except MeasureError as error:
            missing[case] = str(error)
    entries = [Entry("decode-one", case, "ms", None, why=why) for case, why in missing.items()]
    if found:
        paths = list(found.values())
        ours = run_child("decode_one:round_trips", paths=paths, repeats=QUICK_REPEATS if quick else REPEATS)[0].value
        repeats = QUICK_KERAS_REPEATS if quick else KERAS_REPEATS
        peers, why = attempt(lambda: run_child("keras_peers:decode_times", paths=paths, repeats=repeats)[0].value)
        for case, path in found.items():
            entries += _entries(case, ours[path], peers[path] if peers else None, why)
    return entries


def _entries(case: str, ours: dict[str, float], peers: dict[str, float] | None, why: str) -> list[Entry]:
    return [
        Entry(
            name="decode-one",
            case=case,
            unit="ms",
            ours=ours["round_trip"],
            peer=None if peers is None else peers[key],
            peer_name=name,
            limit=ours["session"],
            limit_name=LIMIT,
            why=why,
        )
        for key, name in PEERS.items()
    ]


def round_trips(arguments: dict[str, Any], tell: Tell) -> None:
    """Send the median milliseconds of a round trip and of the bare session for each bundle, by path."""
    from PySide6.QtCore import QCoreApplication

    application = QCoreApplication([])
    repeats = arguments["repeats"]
    tell(
        {
            path: {"round_trip": _round_trip(path, repeats), "session": _session(path, repeats)}
            for path in arguments["paths"]
        }
    )
    del application


def _round_trip(path: str, repeats: int) -> float:
    """Return the median milliseconds from a request to its answer in the event loop."""
    from pathlib import Path

    import numpy as np
    from PySide6.QtCore import QEventLoop, QObject, Slot

    from explorer.document.views.cursor import CURSOR, decode_cursor
    from explorer.workers.loading import open_model
    from explorer.workers.render_thread import RenderThread

    model = open_model(Path(path))
    codes = np.random.default_rng(0).standard_normal((repeats + _WARM_UP, model.latent_dim)).astype(np.float32)
    thread, loop = RenderThread(), QEventLoop()
    durations: list[float] = []

    class Asker(QObject):
        """Belongs to the main thread, like the renderer."""

        def ask(self) -> None:
            self.begun = time.perf_counter()
            thread.submit(CURSOR, decode_cursor(model.codec, codes[len(durations)]))

        @Slot(object)
        def on_answered(self, answer: object) -> None:
            durations.append((time.perf_counter() - self.begun) * 1000)
            if len(durations) < len(codes):
                self.ask()
            else:
                loop.quit()

    asker = Asker()
    thread.answered.connect(asker.on_answered)
    asker.ask()
    loop.exec()
    thread.close()
    return median(durations[_WARM_UP:])


def _session(path: str, repeats: int) -> float:
    """Return the median milliseconds of the bare decoder: one thread, no spinning, as in the codec."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(f"{path}/decoder.onnx", options, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape[1:]
    code = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    return median_ms(lambda: session.run(None, {name: code}), repeats, _WARM_UP)
