"""Every architecture, from its layers to an opened bundle, on gray and color images whose sides do not divide.

One model process trains them all, one after the other, on some of the images that ship.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_python
from explorer_testing.training import of, small_request, train, until

from explorer.data.corruption import parse_noise
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Cancelled, Checkpoint, Epoch, Event, Failed, Finished, Started, Train
from explorer.inference.codec import OnnxCodec
from explorer.latent.code_table import LONG_CODE
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import open_bundle
from explorer.models.codes import SPATIAL_COMPONENTS
from explorer.models.evaluation import Evaluation, evaluate
from explorer.models.settings import TrainingRequest, make_request
from explorer.types import ImageShape

pytestmark = pytest.mark.engine

SHAPES: list[ImageShape] = [(28, 28, 1), (36, 36, 3), (50, 37, 3)]
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the letters that ship, as a file of 48 training and 16 test images."""
    source = open_source("glyphs")
    indices = np.concatenate([source.splits.select("train", 48), source.splits.select("test", 16)])
    letters = source.read(indices, Preprocessing.standard((64, 64, 1)))
    path = tmp_path_factory.mktemp("glyphs") / "letters.npz"
    np.savez(path, x_train=letters[:48], x_test=letters[48:])
    return path


def asked(data: Path, name: str, shape: ImageShape, out: Path, **changes: Any) -> TrainingRequest:
    """Two epochs on letters that are brought to the wanted shape."""
    values: dict[str, Any] = {
        "architecture": name,
        "data": str(data),
        "out": out,
        "size": shape[:2],
        "channels": shape[2],
        "epochs": 2,
        "batch": 16,
        "seed": 3,
    }
    if not ARCHITECTURES[name].spatial:
        values["latent"] = 6
    return make_request(**(values | changes))


Trained = Callable[[str, ImageShape], tuple[list[Event], Path]]


@pytest.fixture(scope="module")
def trained(process: ModelProcess, glyphs: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train an architecture at a shape, once; give the events and the folder of the bundle."""
    folder = tmp_path_factory.mktemp("trained")
    done: dict[tuple[str, ImageShape], tuple[list[Event], Path]] = {}

    def get(name: str, shape: ImageShape) -> tuple[list[Event], Path]:
        if (name, shape) not in done:
            out = folder / f"{name}-{'x'.join(map(str, shape))}"
            done[name, shape] = train(process, asked(glyphs, name, shape, out)), out
        return done[name, shape]

    return get


@pytest.mark.parametrize(("name", "shape"), list(product(ARCHITECTURES, SHAPES)))
def test_build_train_bundle_open_reconstruct(trained: Trained, glyphs: Path, name: str, shape: ImageShape) -> None:
    events, out = trained(name, shape)
    assert isinstance(events[-1], Finished), events[-1]
    architecture, (started,), epochs = ARCHITECTURES[name], of(Started, events), of(Epoch, events)
    spec = architecture.build(shape, None if architecture.spatial else 6)
    assert (started.image_shape, started.latent_shape) == (shape, spec.latent_shape)
    if architecture.solver == "gradient":
        # A variational model's training loss has the luck of its draws in it.
        first, second = ((epoch.val_loss if spec.variational else epoch.loss) for epoch in epochs)
        assert second < first

    bundle, source = open_bundle(out), open_source(str(glyphs))
    card, codec = bundle.card, OnnxCodec(bundle)
    assert card.max_difference <= TOLERANCE
    assert (card.encoder_params, card.decoder_params) == (spec.encoder.parameters, spec.decoder.parameters)
    held_out = source.splits.test
    clean = to_floats(source.read(held_out, card.preprocessing))
    codes = codec.encode(clean)
    images = codec.decode(codes)
    assert codes.shape == (16, spec.latent_dim)
    assert images.shape == clean.shape == (16, *shape)
    assert np.isfinite(images).all()
    assert codes.std(axis=0).max() > 0, "every image has the same code"
    assert images.std(axis=(1, 2, 3)).max() > 0, "the decoder gives empty images"
    # An image alone and one of many go through differently threaded sessions, in batches of their own.
    np.testing.assert_allclose(codec.decode(codes[:1]), images[:1], atol=TOLERANCE)

    # The card's figures were measured with Keras, before there was anything to open.
    *_, evaluation = evaluate(codec, source, source.splits.test, card.preprocessing)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.metrics() == pytest.approx(card.metrics, rel=1e-3)
    sample = bundle.sample
    expected = codec.encode(to_floats(sample.thumbnails))
    np.testing.assert_allclose(sample.codes, expected, atol=TOLERANCE, rtol=1e-3 if spec.latent_dim > LONG_CODE else 0)
    axes = len(sample.statistics.components)
    assert axes <= (SPATIAL_COMPONENTS if architecture.spatial else spec.latent_dim)
    assert sample.component_coordinates.shape == (len(sample.codes), axes)


COMPILE = """
import json, sys, tempfile
from pathlib import Path
import numpy as np
from explorer.engine.build import build
from explorer.engine.compile import compile_network
from explorer.models.architectures import ARCHITECTURES

differences = []
for name, shape in json.loads(sys.argv[1]):
    for number, model in enumerate(build(ARCHITECTURES[name].build(tuple(shape)))):
        rng = np.random.default_rng(number)
        # Biases that are not zero show where a padded border is not what it should be.
        weights = [weight + rng.uniform(0, 0.1, weight.shape) * (weight.ndim == 1) for weight in model.get_weights()]
        model.set_weights(weights)
        with tempfile.TemporaryDirectory() as folder:
            outputs = [f"output{place}" for place in range(len(model.outputs))]
            compiled = compile_network(model, Path(folder, "network.onnx"), tuple(outputs))
        differences.append([name, shape, compiled.max_difference, str(compiled.reason)])
print(json.dumps(differences))
"""


def test_compiled_networks_agree_at_awkward_sizes() -> None:
    """Even kernels and strides on odd maps are padded on one side only, and both must choose the same."""
    names = ("conv-pool", "conv-spatial", "cae-upsample", "conv-stride", "vae")
    cases = [(name, shape) for name in names for shape in ((45, 38, 3), (17, 53, 1))]
    results = run_python(COMPILE, cases)
    assert len(results) == 2 * len(cases)
    for name, shape, difference, reason in results:
        assert difference <= TOLERANCE, (name, shape, reason)


@pytest.mark.parametrize("name", ["linear", "conv-pool", "conv-spatial"])
def test_noise_makes_a_denoiser(process: ModelProcess, glyphs: Path, name: str, tmp_path: Path) -> None:
    """As the reference has it: a trained one that goes on with noisy images cleans better than it did."""
    shape, noise = (16, 16, 1), "gaussian:0.5@0.5"
    events = train(process, asked(glyphs, name, shape, tmp_path / "plain", epochs=10, batch=8))
    assert isinstance(events[-1], Finished), events[-1]
    # The linear one too must be able to begin with noise.
    start = None if name == "linear" else str(tmp_path / "plain")
    request = asked(glyphs, name, shape, tmp_path / "noisy", epochs=10, batch=8, noise=noise, start_from=start)
    events = train(process, request)
    assert isinstance(events[-1], Finished), events[-1]
    plain, noisy = (open_bundle(tmp_path / kind) for kind in ("plain", "noisy"))
    assert plain.card.trained.solver == ("pca" if name == "linear" else "gradient")
    assert (noisy.card.trained.solver, noisy.card.trained.noise) == ("gradient", noise)
    source, errors = open_source(str(glyphs)), []
    for bundle in (plain, noisy):
        recipe = bundle.card.preprocessing
        *_, evaluation = evaluate(OnnxCodec(bundle), source, source.splits.test, recipe, parse_noise(noise))
        assert isinstance(evaluation, Evaluation)
        errors.append(evaluation.mse)
    assert errors[1] < errors[0]


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_training_goes_on_from_any_of_them(
    process: ModelProcess, trained: Trained, glyphs: Path, name: str, tmp_path: Path
) -> None:
    """Its weights are where the parent's were: with a tiny rate, the child is the parent."""
    shape: ImageShape = (28, 28, 1)
    _, origin = trained(name, shape)
    request = asked(glyphs, name, shape, tmp_path / "child", start_from=str(origin), epochs=1, rate=1e-7)
    events = train(process, request.model_copy(update={"latent": None, "size": None}))
    assert isinstance(events[-1], Finished), events[-1]
    parent, child = open_bundle(origin), open_bundle(tmp_path / "child")
    assert child.card.trained_from == parent.name
    assert child.card.trained.solver == "gradient"
    assert (child.card.image_shape, child.card.latent_shape) == (shape, parent.card.latent_shape)
    images = to_floats(parent.sample.thumbnails[:5])
    codecs = OnnxCodec(parent), OnnxCodec(child)
    expected, received = (codec.decode(codec.encode(images)) for codec in codecs)
    if name != "vae":  # the moving averages of its normalization go on whatever the rate is
        np.testing.assert_allclose(received, expected, atol=1e-3)


def test_a_convolutional_training_is_resumed(process: ModelProcess, glyphs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    folder.mkdir()
    request = small_request(glyphs, folder / "new", architecture="conv-pool", latent=4, size=(17, 20), epochs=100_000)
    events = process.run(Train(request))
    checkpoint = until(events, Checkpoint)
    process.cancel()
    assert list(events)[-1] == Cancelled(checkpoint.path)
    epochs = checkpoint.epoch + 2
    resumed = train(process, request.model_copy(update={"epochs": epochs, "resume": True}))
    assert isinstance(resumed[-1], Finished), resumed[-1]
    whole = train(process, request.model_copy(update={"epochs": epochs, "out": tmp_path / "whole"}))
    tails = [[(event.epoch, event.loss) for event in of(Epoch, part)][-2:] for part in (resumed, whole)]
    assert [epoch for epoch, _ in tails[0]] == [epochs - 1, epochs]
    assert [loss for _, loss in tails[0]] == pytest.approx([loss for _, loss in tails[1]], abs=1e-4)


STEPS = """
import json
from pathlib import Path
import keras
import numpy as np
from explorer.engine import step as module
from explorer.engine.build import build
from explorer.models.architectures import ARCHITECTURES
from explorer.models.settings import make_request, resolve_settings

def weights(limit):
    module.STEP_BYTES = limit
    keras.utils.set_random_seed(0)
    encoder, decoder = build(ARCHITECTURES["conv-stride"].build((16, 20, 1), 4))
    settings = resolve_settings(make_request(architecture="conv-stride", data="none", out=Path("none")))
    step = module.Step(encoder, decoder, settings, 10, variational=False)
    images = np.random.default_rng(0).uniform(0, 1, (7, 16, 20, 1)).astype(np.float32)
    losses = [float(step.train(images, images, number)[0]) for number in range(3)]
    return losses, np.concatenate([weight.ravel() for model in (encoder, decoder) for weight in model.get_weights()])

(whole, expected), (parts, received) = weights(2**30), weights(1)
print(json.dumps([whole, parts, float(np.abs(expected - received).max())]))
"""


def test_a_batch_in_parts_teaches_what_it_teaches_whole() -> None:
    """Large images go through in parts, so that a step does not take all memory there is."""
    whole, parts, difference = run_python(STEPS)
    assert whole[2] < whole[0]
    assert parts == pytest.approx(whole, rel=1e-4)
    assert difference < 1e-4


def test_a_spatial_code_has_no_size_of_its_own(process: ModelProcess, glyphs: Path, tmp_path: Path) -> None:
    *_, failed = train(process, asked(glyphs, "conv-spatial", (28, 28, 1), tmp_path / "new", latent=16))
    assert isinstance(failed, Failed)
    assert "Cannot set the latent size of conv-spatial" in str(failed.message)
    assert failed.details == ""
