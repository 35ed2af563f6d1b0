"""A first run of an ONNX file, on zeros: tells the sizes that inference leaves open, and scratch memory and time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.inference.gate.sizes import TRIED, Sizes
from explorer.inference.gate.structure import TENSOR_BYTES, read_network, refused
from explorer.inference.sessions import open_session


def try_network(content: bytes, shape: tuple[int, ...], sizes: Sizes) -> Iterator[int]:
    """Run a network that passed every other check, for one and for two images or codes.

    Belongs in the reader process: only its limits bound what such a file may take here.

    Parameters
    ----------
    content
        The file.
    shape
        Of its input, without the batch.
    sizes
        What shape inference told; the tensors that it left open are measured.

    Yields
    ------
    int
        After each run, which is progress; the last one is the most images or codes in one run.

    Raises
    ------
    ModelError
        If it does not run, needs more memory than this process may take, or a tensor is too large.
    """
    at_once = sizes.at_once
    for network in (content, _with_outputs(content, sizes.unknown)) if sizes.unknown else (content,):
        for batch in range(1, min(at_once, TRIED) + 1):
            largest = _largest_output(network, np.zeros((batch, *shape), np.float32))
            if largest > TENSOR_BYTES:
                if batch == 1:
                    raise refused(f"tensors of at most {TENSOR_BYTES >> 20} MB", f"one of {largest >> 20:,} MB")
                at_once = 1
            yield at_once


def _largest_output(network: bytes, values: np.ndarray) -> int:
    try:
        session = open_session(network, threads=1)
        return max(int(output.nbytes) for output in session.run(None, {session.get_inputs()[0].name: values}))
    except Exception as error:
        raise refused("a network that runs in bounded memory", f"“{str(error).strip()[:300]}”") from error


def _with_outputs(content: bytes, names: tuple[str, ...]) -> bytes:
    """Return the network with each of these tensors as an output."""
    model = read_network(content)
    there = {output.name for output in model.graph.output}
    for name in names:
        if name not in there:
            model.graph.output.add().name = name
    changed: bytes = model.SerializeToString()
    return changed
