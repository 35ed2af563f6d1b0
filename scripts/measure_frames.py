"""Measure the serialization of the largest training event, as a frame and as a pickle (docs/decisions/0011)."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from explorer.engine.channel import LIMITS
from explorer.engine.messages import EVENTS, Live
from explorer.ipc import pack, unpack
from explorer.models.bundle import Bundle, find_bundles
from explorer.models.card import EpochRecord, LossParts

ROUNDS = 7


def best_ms(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the minimum CPU time of several runs in milliseconds, and the result of the last."""
    times, result = [], None
    for _ in range(ROUNDS):
        begun = time.thread_time()
        result = work()
        times.append(1_000 * (time.thread_time() - begun))
    return min(times), result


def live_event(bundle: Bundle, epochs: int) -> Live:
    """Return a live event with the given number of epochs in its card."""
    parts = LossParts(reconstruction=1.0, kl=1.0, val_reconstruction=1.0, val_kl=1.0)
    history = [
        EpochRecord(epoch=epoch, loss=1 / epoch, val_loss=2 / epoch, seconds=1.0, parts=parts.model_copy())
        for epoch in range(1, epochs + 1)
    ]
    card = bundle.card.model_copy(update={"history": tuple(history)})
    encoder, decoder = (np.fromfile(bundle.path / f"{half}.onnx", np.uint8) for half in ("encoder", "decoder"))
    pixels = np.zeros((8, *card.image_shape), np.uint8)
    return Live(encoder, decoder, card, bundle.sample, 0.5, pixels, pixels)


def _packed(event: Live) -> bytes:
    return b"".join(pack(event, LIMITS))


def main() -> None:
    """Print one line per bundled model and history length."""
    bundles = [
        found.bundle for found in find_bundles() if found.bundle is not None and found.bundle.card.engine == "onnx"
    ]
    for bundle in bundles:
        for epochs in (10, 1_000):
            event = live_event(bundle, epochs)
            packing, frame = best_ms(partial(_packed, event))
            unpacking, _ = best_ms(partial(unpack, frame, EVENTS, LIMITS))
            dumping, dumped = best_ms(partial(pickle.dumps, event, pickle.HIGHEST_PROTOCOL))
            loading, _ = best_ms(partial(pickle.loads, dumped))
            print(
                f"{bundle.path.name}, {epochs} epochs, {len(frame) / 1e6:.1f} MB: "
                f"frame {packing:.2f} + {unpacking:.2f} ms, pickle {dumping:.2f} + {loading:.2f} ms"
            )


if __name__ == "__main__":
    main()
