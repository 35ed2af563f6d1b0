"""Peers that need TensorFlow, without Qt; child processes only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from explorer.bench.child import Tell
from explorer.bench.harness import anonymous_mb, median_ms, resident_mb
from explorer.types import Floats


def import_tensorflow(arguments: dict[str, Any], tell: Tell) -> None:
    import tensorflow as tf

    tell(tf.__version__)


def decoded_once(arguments: dict[str, Any], tell: Tell) -> None:
    """Import TensorFlow, load both networks of a bundle, decode one code, and send the resident memory."""
    import numpy as np
    import tensorflow as tf

    _load(f"{arguments['path']}/encoder.keras")
    decoder = _load(f"{arguments['path']}/decoder.keras")
    np.asarray(decoder(tf.zeros((1, *decoder.input_shape[1:])), training=False))
    tell({"rss_mb": resident_mb()})


def decode_times(arguments: dict[str, Any], tell: Tell) -> None:
    """Send the median milliseconds of `model.predict` and of a `tf.function` for each bundle, by path."""
    import numpy as np

    found = {}
    for path in arguments["paths"]:
        model = _load(f"{path}/decoder.keras")
        code = np.zeros((1, *model.input_shape[1:]), np.float32)
        found[path] = {
            "predict": median_ms(partial(model.predict, code, verbose=0), arguments["repeats"]),
            "tf.function": median_ms(_as_graph(model, code), arguments["repeats"] * 5),
        }
    tell(found)


def grid_times(arguments: dict[str, Any], tell: Tell) -> None:
    """Send the seconds of decoding a grid by `model.predict`, one call per cell and one batch, by side length.

    At most `single` cells are predicted one by one; the total time is extrapolated.
    """
    import time

    import numpy as np

    model = _load(f"{arguments['path']}/decoder.keras")
    found = {}
    for side in arguments["sides"]:
        axis = np.linspace(-8, 8, side, dtype=np.float32)
        codes = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        model.predict(codes[:1], verbose=0)
        model.predict(codes[:64], verbose=0)
        begun = time.perf_counter()
        some = codes[: arguments["single"]]
        for code in some:
            model.predict(code[None], verbose=0)
        cells = (time.perf_counter() - begun) * len(codes) / len(some)
        begun = time.perf_counter()
        model.predict(codes, verbose=0)
        found[str(side)] = {"cells": cells, "batch": time.perf_counter() - begun}
    tell(found)


def dataset_from_directory(arguments: dict[str, Any], tell: Tell) -> None:
    """Open a folder with `keras.utils.image_dataset_from_directory` and read all of it once.

    Sends the seconds from the call to the first batch, and the peak memory increase in MB.
    """
    import time

    import keras

    side = arguments["side"]
    keras.ops.zeros((1,))  # excludes the cost of the first operation
    resident, anonymous = resident_mb(), anonymous_mb()
    begun = time.perf_counter()
    data = keras.utils.image_dataset_from_directory(
        arguments["folder"], image_size=(side, side), batch_size=128, verbose=False
    )
    seconds, most = 0.0, [0.0, 0.0]
    for number, (images, _) in enumerate(data):
        if number == 0:
            images.numpy()
            seconds = time.perf_counter() - begun
        if number % 10 == 0:
            most = [max(most[0], resident_mb() - resident), max(most[1], anonymous_mb() - anonymous)]
    tell({"seconds": seconds, "rss_mb": most[0], "anon_mb": most[1]})


def _as_graph(model: Any, code: Floats) -> Callable[[], object]:
    """Return a call that decodes from numpy to numpy in one compiled graph."""
    import tensorflow as tf

    graph = tf.function(lambda z: model(z, training=False))
    return lambda: graph(tf.constant(code)).numpy()


def _load(path: str) -> Any:
    import keras

    return keras.saving.load_model(path, compile=False, safe_mode=True)
