"""A trial run of an ONNX file on zeros: measures sizes that could not be inferred, within memory and time limits."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Final

import numpy as np
import onnxruntime

from explorer.errors import ModelError
from explorer.inference.gate.sizes import TRIED, Sizes, too_large
from explorer.inference.gate.structure import TENSOR_BYTES, read_network, refused
from explorer.inference.sessions import open_session
from explorer.messages import message

_LONG: Final = 0.25
"""CPU time of a run in seconds after which no larger batch is tried."""


def try_network(content: bytes, shape: tuple[int, ...], sizes: Sizes) -> Iterator[int]:
    """Run a network that passed all other checks, for one and for two images or codes of `shape`.

    Call it in the reader process only, whose limits bound memory and time. Yields the maximum batch size after each
    run; the last one counts: 1 for a network that fails for two. Tensors whose size is unknown are measured, in larger
    batches, too, while these are fast. ModelError if it does not run, exceeds the memory limit, or a tensor is too
    large.
    """
    at_once = yield from _measured(_opened(content), shape, min(sizes.at_once, TRIED), sizes.without_trial)
    if sizes.unknown:
        most = sizes.at_once if at_once >= TRIED else 1
        yield from _measured(_opened(_with_outputs(content, sizes.unknown)), shape, most, 1)


def _measured(
    session: onnxruntime.InferenceSession, shape: tuple[int, ...], most: int, at_once: int
) -> Generator[int, None, int]:
    """Run a network for powers of two up to `most`; yield and return the maximum batch size, which was `at_once`."""
    batch = 1
    while batch <= most:
        begun = time.process_time()
        try:
            largest = _largest_output(session, np.zeros((batch, *shape), np.float32))
            if largest > TENSOR_BYTES:
                raise refused(too_large(largest))
        except ModelError:
            if batch == 1:
                raise
            # For example one exported for one image or code at once.
            at_once = batch // 2
            yield at_once
            break
        at_once = max(at_once, batch)
        yield at_once
        if batch >= TRIED and time.process_time() - begun > _LONG:
            break
        batch *= 2
    return at_once


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
