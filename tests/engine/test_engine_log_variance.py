"""A variational model whose log-variance runs away: its loss stays bounded, and leads back."""

from __future__ import annotations

from typing import Any

import pytest
from explorer_testing.programs import run_several

pytestmark = pytest.mark.engine

PROGRAM = """
import json, sys, tempfile
import keras
import numpy as np
from pathlib import Path
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.data.preprocessing import Preprocessing
from explorer.engine.build import build
from explorer.engine.compile import compile_network
from explorer.engine.keras_codec import KerasCodec
from explorer.engine.step import Step
from explorer.inference.codec import Network, bounded
from explorer.models.architectures import get_architecture
from explorer.models.settings import make_request, resolve_settings

bias, rate, steps = json.loads(sys.argv[1])
source = open_source("faces")
architecture = get_architecture("vae")
images = to_floats(source.read(np.arange(128), Preprocessing.standard(source.image_shape)))
keras.utils.set_random_seed(0)
spec = architecture.build(source.image_shape, 8)
encoder, decoder = build(spec)
head = encoder.get_layer("log_variance")
head.bias.assign(np.full(8, bias, np.float32))
settings = resolve_settings(make_request(data="faces", out=Path("none"), architecture="vae", rate=rate))
step = Step(encoder, decoder, settings, steps, variational=True)
losses = [step.train(images, images, number).numpy().tolist() for number in range(steps)]
validated = step.validate(images, images)[0].numpy().tolist()
codec = KerasCodec(spec, encoder, decoder)
own = codec.encode_distribution(images[:4])[1]

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "encoder.onnx")
    compiled = compile_network(encoder, path, ("mean", "log_variance"))
    exported = Network(path.read_bytes()).run(images[:4])[1]
print(json.dumps({
    "losses": losses, "validated": validated, "bias": head.bias.numpy().tolist(), "compiled": compiled.ok,
    "difference": float(np.abs(bounded(exported) - own).max()), "raw": float(exported.max()), "most": float(own.max()),
}))
"""


@pytest.fixture(scope="module")
def results() -> Any:
    """Trainings with a bias of 60, and with the defaults."""
    return run_several((PROGRAM, [60.0, 1e-3, 4]), (PROGRAM, [0.0, 1e-2, 12]))


def test_a_log_variance_without_bounds_gives_a_bounded_loss_and_leads_back(results: Any) -> None:
    """exp(60) is 1e26, and beyond float32 in its product; e^10 / 2 a dimension is the most that is counted."""
    result = results[0]
    assert all(loss[2] < 8 * 0.5 * 22_100 + 1_000 for loss in result["losses"])
    assert result["validated"][0] < 1e6
    assert max(result["bias"]) < 60.0
    # What is exported is the network as it is; whoever runs it bounds what it gives as training does.
    assert result["raw"] > result["most"] == 10.0
    assert result["difference"] < 1e-4


def test_the_default_on_color_images_has_finite_losses(results: Any) -> None:
    result = results[1]
    assert max(loss[0] for loss in result["losses"]) < 1e5
    assert result["losses"][-1][0] < result["losses"][0][0]
    assert result["compiled"]
