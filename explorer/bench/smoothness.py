"""``smoothness``: longest blocking of the main thread of the window during a training."""

from __future__ import annotations

from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import attempt, require_shipped_bundle, run_child

ARCHITECTURE, DATA = "deep-dense", "digits"
EPOCHS, QUICK_EPOCHS = 20, 5
_LONGEST_SECONDS = 500.0


def measure(quick: bool) -> list[Entry]:
    """Train the same model twice: from the Train tab of the window, and in a thread of a process with an event loop."""
    require_shipped_bundle()
    epochs = QUICK_EPOCHS if quick else EPOCHS
    ours = run_child("smoothness:train_from_window", epochs=epochs)[0].value["longest_ms"]
    peer, why = attempt(lambda: run_child("smoothness:train_in_thread", epochs=epochs)[0].value["longest_ms"])
    return [
        Entry(
            name="smoothness",
            case=f"longest gap, start to end of {epochs} epochs",
            unit="ms",
            ours=ours,
            peer=peer,
            peer_name="the same training in a thread of the process",
            limit=3 * 1000 / 60,
            limit_name="three frames at 60 Hz",
            why=why,
        )
    ]


def train_from_window(arguments: dict[str, Any], tell: Tell) -> None:
    """Start a training in the Train tab, and send the longest gap of a frame timer until it has ended."""
    from explorer.bench.window import FrameTimer, open_window, press_start, wait_until

    with open_window() as running:
        timer = FrameTimer()
        press_start(running, arguments["epochs"], before=timer.start)
        wait_until(lambda: not running.document.training.active, _LONGEST_SECONDS, "the training to end")
        timer.stop()
        training = running.document.training
        if training.phase != "finished":
            raise RuntimeError(f"the training ended as {training.phase}: {training.note}")
    tell({"longest_ms": timer.longest_ms})


def train_in_thread(arguments: dict[str, Any], tell: Tell) -> None:
    """Run the same training, including the import of TensorFlow, in a thread next to an event loop with a timer."""
    import threading
    from pathlib import Path

    from PySide6.QtCore import QCoreApplication

    from explorer.bench.window import FrameTimer, wait_until
    from explorer.models.settings import make_request
    from explorer.paths import user_models_dir

    application = QCoreApplication([])
    out: Path = user_models_dir() / "in-thread"
    request = make_request(architecture=ARCHITECTURE, data=DATA, epochs=arguments["epochs"], out=out)

    def work() -> None:
        from explorer.engine.train import train

        for _ in train(request):
            pass

    timer, thread = FrameTimer(), threading.Thread(target=work)
    timer.start()
    thread.start()
    wait_until(lambda: not thread.is_alive(), _LONGEST_SECONDS, "the training to end")
    timer.stop()
    if not out.is_dir():
        raise RuntimeError("the training in the thread wrote no model")
    tell({"longest_ms": timer.longest_ms})
    del application
