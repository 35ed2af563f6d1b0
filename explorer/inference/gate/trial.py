"""A trial run of an ONNX file on zeros: measures sizes that could not be inferred, within memory and time limits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnxruntime

from explorer.errors import ModelError
from explorer.inference.gate.sizes import TRIED, Sizes
from explorer.inference.gate.structure import TENSOR_BYTES, read_network, refused
from explorer.inference.sessions import open_session
from explorer.messages import message


def try_network(content: bytes, shape: tuple[int, ...], sizes: Sizes) -> Iterator[int]:
    """Run a network that passed all other checks, for one and for two images or codes of `shape`.

    Call it in the reader process only, whose limits bound memory and time. Yields the maximum batch size after each
    run; the last one counts: 1 for a network that fails for two. Tensors whose size is unknown are measured.
    ModelError if it does not run, exceeds the memory limit, or a tensor is too large.
    """
    at_once = sizes.at_once
    for network in (content, _with_outputs(content, sizes.unknown)) if sizes.unknown else (content,):
        session = _opened(network)
        for batch in range(1, min(at_once, TRIED) + 1):
            try:
                largest = _largest_output(session, np.zeros((batch, *shape), np.float32))
            except ModelError:
                if batch == 1:
                    raise
                # Exported for one image or code at once.
                at_once = 1
                yield at_once
                break
            if largest > TENSOR_BYTES:
                if batch == 1:
                    raise refused(
                        message(
                            "a tensor takes {size:,} MB for one image or code, more than {most:,} MB",
                            size=largest >> 20,
                            most=TENSOR_BYTES >> 20,
                        )
                    )
                at_once = 1
            yield at_once


def _opened(network: bytes) -> onnxruntime.InferenceSession:
    try:
        return open_session(network, threads=1)
    except Exception as error:
        raise _failed(error) from error


def _largest_output(session: onnxruntime.InferenceSession, values: np.ndarray) -> int:
    try:
        return max(int(output.nbytes) for output in session.run(None, {session.get_inputs()[0].name: values}))
    except Exception as error:
        raise _failed(error) from error


def _failed(error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:300].rstrip(". ")
    return refused(message("a trial run failed ({reason})", reason=reason))


def _with_outputs(content: bytes, names: tuple[str, ...]) -> bytes:
    model = read_network(content)
    there = {output.name for output in model.graph.output}
    for name in names:
        if name not in there:
            model.graph.output.add().name = name
    changed: bytes = model.SerializeToString()
    return changed
