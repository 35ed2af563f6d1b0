"""The layer records know the shapes and counts that Keras would give them."""

from __future__ import annotations

from typing import Any

import pytest
from explorer_testing.programs import run_python

from explorer.models.architectures import ARCHITECTURES
from explorer.types import ImageShape

SHAPES: list[ImageShape] = [(28, 28, 1), (36, 36, 3), (50, 37, 3), (17, 64, 1)]

PROGRAM = """
import json, sys
from explorer.engine.build import build
from explorer.models.architectures import ARCHITECTURES

answers = []
for name, shape, latent in json.loads(sys.argv[1]):
    spec = ARCHITECTURES[name].build(tuple(shape), latent)
    answers.append([
        {
            "input": model.input_shape[1:],
            "outputs": [list(output.shape[1:]) for output in model.outputs],
            "parameters": model.count_params(),
            "rows": [[list(layer.output.shape[1:]), layer.count_params()] for layer in model.layers[1:]],
        }
        for model in build(spec)
    ])
print(json.dumps(answers))
"""


@pytest.mark.engine
def test_shapes_and_counts_agree_with_keras() -> None:
    defaults = [(name, entry.default_image_shape, None) for name, entry in ARCHITECTURES.items()]
    shaped = [(name, shape, None if ARCHITECTURES[name].spatial else 5) for name in ARCHITECTURES for shape in SHAPES]
    cases = [*defaults, *shaped]
    answers: list[list[dict[str, Any]]] = run_python(PROGRAM, cases)
    assert len(answers) == len(cases)
    for (name, shape, latent), (encoder, decoder) in zip(cases, answers, strict=True):
        spec = ARCHITECTURES[name].build(shape, latent)
        for network, keras in ((spec.encoder, encoder), (spec.decoder, decoder)):
            assert tuple(keras["input"]) == network.input_shape
            assert keras["parameters"] == network.parameters, (name, shape)
            assert all(tuple(output) == network.output_shape for output in keras["outputs"])
            assert len(keras["outputs"]) == max(1, len(network.heads))
            rows = [[list(row.output_shape), row.parameters] for row in network.rows()]
            assert rows == keras["rows"], (name, shape)
