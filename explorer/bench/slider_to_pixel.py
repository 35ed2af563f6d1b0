"""``slider-to-pixel``: latency from a mouse move on a slider to the painted image, at 60 moves per second."""

from __future__ import annotations

from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import percentile, require_shipped_bundle, run_child

STEPS, QUICK_STEPS = 600, 200
FRAME_MS = 1000 / 60
LIMITS = {"idle": (FRAME_MS, "one frame at 60 Hz"), "training": (2 * FRAME_MS, "two frames at 60 Hz")}
WHY = "no peer has a window; decode-one compares the decoders"


def measure(quick: bool) -> list[Entry]:
    """Drag a slider of the real window, idle and while a model trains."""
    require_shipped_bundle()
    (result,) = run_child("slider_to_pixel:drags", steps=QUICK_STEPS if quick else STEPS)
    return [
        Entry(
            name="slider-to-pixel",
            case=f"{state} p{share}",
            unit="ms",
            ours=percentile(result.value[state], share),
            limit=limit,
            limit_name=limit_name,
            why=WHY,
        )
        for state, (limit, limit_name) in LIMITS.items()
        for share in (50, 99)
    ]


def drags(arguments: dict[str, Any], tell: Tell) -> None:
    """Send all latencies of a drag in milliseconds, ``idle`` and while ``training``."""
    from explorer.bench.drag import drag
    from explorer.bench.window import calm_down, end_training, open_window, start_training

    with open_window() as running:
        idle = drag(running, arguments["steps"])
        start_training(running, epochs=100_000)
        calm_down()
        training = drag(running, arguments["steps"])
        end_training(running)
    tell({"idle": idle, "training": training})
