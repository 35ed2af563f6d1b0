"""``morph``: export 180 codes of a color decoder as an animated GIF of 256×256, decoding included."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import MeasureError, median, run_child, shipped_bundle
from explorer.errors import ExplorerError
from explorer.models.bundle import open_bundle
from explorer.paths import pretrained_dir
from explorer.types import Codec, Floats, Shown

FRAMES, SCALE, FPS = 180, 4, 50
SHAPE = (64, 64, 3)
STAND_IN = "glyphs-vae-2d"
REPEATS, QUICK_REPEATS = 5, 3
PEERS = {"moviepy": "moviepy, frames given", "imageio": "imageio, frames given"}
LIMIT = "decoding alone"


def measure(quick: bool) -> list[Entry]:
    path, case = _bundle()
    result = run_child("morph:write_times", path=str(path), repeats=QUICK_REPEATS if quick else REPEATS)[0].value
    return [
        Entry(
            name="morph",
            case=case,
            unit="s",
            ours=result["ours"],
            peer=result.get(key),
            peer_name=name,
            limit=result["decode"],
            limit_name=LIMIT,
            why=result.get(f"{key}_why", ""),
        )
        for key, name in PEERS.items()
    ]


def _bundle() -> tuple[Path, str]:
    """Return a bundled model of 64×64 color images, or a grayscale one as a stand-in."""
    for folder in sorted(pretrained_dir().glob("*/")):
        try:
            bundle = open_bundle(folder, whole=False)
        except ExplorerError:
            continue
        if bundle.card.image_shape == SHAPE and bundle.card.engine == "onnx":
            return bundle.path, f"{bundle.name}, {FRAMES} frames 64×64×3 to 256×256"
    return shipped_bundle(STAND_IN).path, f"{STAND_IN}, three decodes per frame, {FRAMES} frames 64×64×3 to 256×256"


def write_times(arguments: dict[str, Any], tell: Tell) -> None:
    """Send the median seconds of our export with decoding, of decoding alone, and of the export of each peer.

    Runs alternate, so that other load on the machine affects all. Peers get decoded and enlarged frames.
    """
    import numpy as np

    from explorer.export import ExportSettings, format_of
    from explorer.export.sheet import enlarge
    from explorer.workers.loading import open_model

    codec = open_model(Path(arguments["path"])).codec
    codes = _codes(codec)
    given = [enlarge(frame, SCALE) for frame in _images(codec, codes)]
    settings = ExportSettings(FPS, True, SCALE)
    with tempfile.TemporaryDirectory(prefix="latent-explorer-bench-") as folder:
        target = Path(folder) / "film.gif"
        calls: dict[str, Callable[[], object]] = {
            "ours": lambda: list(format_of(target).write(_images(codec, codes), FRAMES, target, settings)),
            "decode": lambda: np.stack(list(_images(codec, codes))),
            "moviepy": lambda: _moviepy(given, str(target)),
            "imageio": lambda: _imageio(given, str(target)),
        }
        tell(_by_turns(calls, arguments["repeats"]))


def _by_turns(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, Any]:
    """Return the median seconds of each call after a warm-up call, or why a peer could not be measured."""
    seconds: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            if name in missing:
                continue
            begun = time.perf_counter()
            try:
                call()
            except ImportError as error:
                missing[f"{name}_why"] = missing[name] = str(
                    MeasureError("{name} is not installed (extra “bench”): {error}", name=name, error=error)
                )
                continue
            if turn:
                seconds.setdefault(name, []).append(time.perf_counter() - begun)
    reasons = {name: why for name, why in missing.items() if name.endswith("_why")}
    return {name: median(values) for name, values in seconds.items()} | reasons


def _codes(codec: Codec) -> Floats:
    """Return the codes of a path through the prior; for the stand-in three paths, one per channel, interleaved."""
    import numpy as np

    from explorer.latent.animation import AnimationSettings, animation_codes

    ways = SHAPE[2] // codec.image_shape[2]
    rng = np.random.default_rng(0)
    settings = AnimationSettings(steps=FRAMES // 4 + 1, hold=0, loop="repeat", path="spline")
    keys = rng.standard_normal((ways, 4, codec.latent_dim)).astype(np.float32)
    animations = [animation_codes(way, settings) for way in keys]
    return np.stack(animations, axis=1).reshape(-1, codec.latent_dim)


def _images(codec: Codec, codes: Floats) -> Iterator[Shown]:
    """Decode like the export of the window; three grayscale images of the stand-in become one color image."""
    import numpy as np

    from explorer.models.batches import render

    ways = SHAPE[2] // codec.image_shape[2]
    decoded = render(codec, codes)
    for first in decoded:
        rest = [next(decoded) for _ in range(ways - 1)]
        yield np.concatenate([first, *rest], axis=2)


def _moviepy(frames: list[Shown], path: str) -> None:
    from moviepy import ImageSequenceClip

    ImageSequenceClip(frames, fps=FPS).write_gif(path, logger=None)


def _imageio(frames: list[Shown], path: str) -> None:
    import imageio

    given: list[Any] = list(frames)
    imageio.mimwrite(path, given, duration=1000 / FPS, loop=0)
