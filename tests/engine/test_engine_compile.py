"""Compiling a large network takes memory in proportion to its weights, and no more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from explorer_testing.programs import run_python

from explorer.inference.gate.passed import find_passed, network_key
from explorer.models.limits import COMPILED_BYTES_A_WEIGHT

LARGE = """
import json, resource, sys
from pathlib import Path
from explorer.engine.build import build
from explorer.engine.compile import compile_network
from explorer.models.architectures import ARCHITECTURES

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

folder, = json.loads(sys.argv[1])
small = build(ARCHITECTURES["dense"].build((16, 16, 1), 2))
compile_network(small[0], Path(folder, "small.onnx"), ("code",))
encoder, decoder = build(ARCHITECTURES["dense"].build((64, 64, 3), 1_000))
before = peak()
compiled = compile_network(encoder, Path(folder, "encoder.onnx"), ("code",))
print(json.dumps([compiled.ok, compiled.max_difference, peak() - before, encoder.count_params()]))
"""


@pytest.mark.engine
@pytest.mark.skipif(sys.platform == "win32", reason="resource is for POSIX")
def test_a_large_network_is_compiled_without_its_weights_in_the_converter(tmp_path: Path) -> None:
    ok, difference, taken, weights = run_python(LARGE, [str(tmp_path)])
    assert ok
    assert difference < 1e-4
    assert weights == 12_289_000
    # With the weights in it the converter takes 220 bytes for each; room for what does not grow with them.
    assert taken < COMPILED_BYTES_A_WEIGHT * weights + 300e6
    assert (tmp_path / "encoder.onnx").stat().st_size > 4 * weights
    # What this program has made opens without another check.
    assert find_passed(network_key((tmp_path / "encoder.onnx").read_bytes(), (64, 64, 3)))


CONTROL_FLOW = """
import json, sys
from pathlib import Path
import tensorflow as tf
from explorer.engine.compile import compile_function

def call(value):
    steps = tf.cast(tf.reduce_sum(value), tf.int32)
    return [tf.while_loop(lambda i, v: i < steps, lambda i, v: (i + 1, v * 2), (0, value))[1]]

folder, = json.loads(sys.argv[1])
compiled = compile_function(call, (2,), Path(folder, "decoder.onnx"), ("picture",))
print(json.dumps([compiled.ok, str(compiled.reason)]))
"""


@pytest.mark.engine
def test_a_network_with_control_flow_does_not_count_as_compiled(tmp_path: Path) -> None:
    """Keras itself runs such a model, in the model process."""
    ok, reason = run_python(CONTROL_FLOW, [str(tmp_path)])
    assert not ok
    assert "it uses control flow" in reason
    assert not (tmp_path / "decoder.onnx").exists()
