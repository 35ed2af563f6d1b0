"""Compares a converted network with PyTorch, in the reader process only."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from explorer.errors import ModelError
from explorer.inference.onnx_import.loading import Network, load
from explorer.inference.onnx_import.splitting import random_tensors
from explorer.inference.torch_import.shapes import Module, Shape, Tensors, outputs_of

_TOLERANCE: Final = 1e-4
_NOISE: Final = ("RandomNormalLike", "RandomUniformLike", "RandomNormal", "RandomUniform")


def difference(module: Module, values: Tensors, content: bytes, file: str) -> tuple[float | None, list[Shape]]:
    """Return the largest difference between PyTorch and ONNX Runtime, and the shapes of the outputs without the batch.

    The noise of a sampled code is 0 in both. The difference is relative to the values if these are larger than 1; None
    if the outputs are random otherwise. ModelError if it is large.
    """
    import torch

    network = load(content, file, {})
    silent = Network(file, _without_noise(network.model), network.given)
    with torch.no_grad(), _without_torch_noise():
        expected = [np.asarray(output.numpy(), np.float64) for output in outputs_of(module(*values))]
    shapes = [tuple(output.shape[1:]) for output in expected]
    if random_tensors(silent):
        return None, shapes
    given = [value.numpy() for value in values if isinstance(value, torch.Tensor)]
    received = silent.run(dict(zip([port.name for port in network.given], given, strict=True)))
    found = max(map(_relative, received, expected), default=np.inf) if len(received) == len(expected) else np.inf
    if not found <= _TOLERANCE:
        raise ModelError(
            "ONNX Runtime computes something else than PyTorch with {file} (difference {difference:.2g}). "
            "Export encoder and decoder to ONNX where the model was made, and import these.",
            file=file,
            difference=float(found),
        )
    return float(found), shapes


def _relative(received: Any, expected: Any) -> float:
    if received.shape != expected.shape:
        return np.inf
    largest = np.abs(received.astype(np.float64) - expected).max() / max(1.0, np.abs(expected).max())
    return np.inf if np.isnan(largest) else float(largest)


def _without_noise(model: ModelProto) -> ModelProto:
    """Return a network whose random tensors are 0."""
    silent = ModelProto()
    silent.CopyFrom(model)
    for node in silent.graph.node:
        if node.op_type not in _NOISE:
            continue
        shape = next((list(one.ints) for one in node.attribute if one.name == "shape"), None)
        zeros = numpy_helper.from_array(np.zeros(shape or (), np.float32))
        replaced = (
            helper.make_node("Sub", [node.input[0]] * 2, node.output)
            if node.input
            else helper.make_node("Constant", [], node.output, value=zeros)
        )
        node.CopyFrom(replaced)
    return silent


def _without_torch_noise() -> AbstractContextManager[Any]:
    """Return a context in which PyTorch, also within TorchScript, draws 0."""
    from torch.utils._python_dispatch import TorchDispatchMode

    def dispatch(self: Any, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        made = function(*arguments, **(options or {}))
        name = str(function).split(".")[1]
        return made.zero_() if name.startswith(("rand", "normal")) else made

    made: AbstractContextManager[Any] = type("WithoutNoise", (TorchDispatchMode,), {"__torch_dispatch__": dispatch})()
    return made
