"""A network that takes long without being hostile: for what must be able to end."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

_STEPS = 300
_SIDE = 1_024


def slow_network() -> bytes:
    """Return a network ``(n, 2) → (n, 2)`` of operators one after the other that takes long."""
    nodes = [
        helper.make_node("ReduceSum", ["code"], ["sum"], keepdims=0),
        helper.make_node("Add", ["square", "sum"], ["state0"]),
        *(helper.make_node("MatMul", [f"state{step}", "square"], [f"state{step + 1}"]) for step in range(_STEPS)),
        helper.make_node("ReduceMax", [f"state{_STEPS}"], ["most"], keepdims=0),
        helper.make_node("Add", ["code", "most"], ["image"]),
    ]
    constants = {"square": np.eye(_SIDE, dtype=np.float32)}
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("code", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
