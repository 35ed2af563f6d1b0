"""The bundles that ship: what their cards say is what they do, and nothing in them tells of where they were made."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from explorer.data.corruption import parse_noise
from explorer.data.metrics import mse
from explorer.data.preprocessing import to_floats
from explorer.data.source import Source
from explorer.data.sources import held_out_source, open_source
from explorer.latent.code_table import LONG_CODE
from explorer.models.evaluation import Evaluation, evaluate
from explorer.paths import pretrained_dir
from explorer.types import Indices
from explorer.workers.loading import open_model

NAMES = sorted(path.name for path in pretrained_dir().iterdir() if path.is_dir())


@cache
def images_of(name: str) -> Source:
    held_out = held_out_source(name)
    assert held_out is not None
    return open_source(held_out)


SLOW = "digits-conv"
"""Takes half a minute for all digits, since its maps are as large as the image."""


def held_out(source: Source) -> Indices:
    """The embedded digits are the test images of MNIST, and no model saw an embedded face; of glyphs it is a part."""
    return source.splits.test if source.name == "glyphs" else np.arange(source.count, dtype=np.int64)


@pytest.mark.parametrize("name", NAMES)
def test_the_cards_figures_are_what_the_bundle_does(name: str) -> None:
    model = open_model(pretrained_dir() / name)
    source = images_of(model.card.data.name)
    indices = held_out(source)
    # The faces that the card's figures are from do not ship; others that were not seen either do, of 64 × 64.
    if model.card.image_shape[0] > 64:
        pytest.skip("the embedded faces are smaller than what the model was measured with")
    # Of Fashion-MNIST's test images a quarter ships.
    same = source.name not in {"faces", "clothing"}
    assert not same or len(indices) == model.card.data.test
    if name == SLOW:  # the guide's page on digits measures all of them
        indices, same = indices[:: len(indices) // 2_500], False
    noises = parse_noise(model.card.trained.noise)
    result = list(evaluate(model.codec, source, indices, model.card.preprocessing, noises))[-1]
    assert isinstance(result, Evaluation)
    measured = result.metrics()
    assert set(measured) == set(model.card.metrics)
    for figure, value in model.card.metrics.items():
        assert measured[figure] == pytest.approx(value, rel=1e-3 if same else 0.02), figure


def test_forty_nine_numbers_keep_a_digit() -> None:
    model = open_model(pretrained_dir() / "digits-deep-49")
    source = images_of("digits")
    images = to_floats(source.read(np.arange(source.count), model.card.preprocessing))
    assert len(images) == 10_000
    assert mse(images, model.codec.decode(model.codec.encode(images))) < 0.006


@pytest.mark.parametrize("name", NAMES)
def test_reconstructions_are_of_their_own_image(name: str) -> None:
    """Each reconstruction is nearer to its own original than to most others, for most images."""
    model = open_model(pretrained_dir() / name)
    source = images_of(model.card.data.name)
    images = to_floats(source.read(held_out(source)[:100], model.card.preprocessing))
    again = model.codec.decode(model.codec.encode(images))
    assert again.shape == images.shape
    flat, flat_again = (values.reshape(len(values), -1).astype(np.float64) for values in (images, again))
    # Expanded, so that no array of images times images times pixels is made.
    distances = (flat_again**2).sum(axis=1)[:, None] - 2 * flat_again @ flat.T + (flat**2).sum(axis=1)
    own = np.diagonal(distances)
    assert np.mean(own < np.median(distances, axis=1)) > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_whole_and_names_no_place(name: str) -> None:
    text = (pretrained_dir() / name / "card.json").read_text(encoding="utf-8")
    assert not re.search(r'"(/|~|[A-Za-z]:\\\\)', text), "an absolute path at the start of a value"
    assert not re.search(r"(/home/|/root|/tmp|/work|/Users/|\\\\Users)", text)
    card = open_model(pretrained_dir() / name).card
    assert card.name == name
    assert card.command.startswith("latent-explorer train ")
    assert name in card.command
    assert card.data.trained_on == ("train",), "what it is shown with, it was not trained on"
    assert card.engine == "onnx"
    assert 0 <= card.max_difference < 1e-4
    assert card.data.license
    assert card.data.attribution
    assert len(card.history) > 0
    assert card.history[-1].loss < card.history[0].loss or card.trained.solver == "pca", "that has a single one"
    assert {"keras", "tensorflow"} <= set(card.versions)


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_of_codes_is_what_the_encoder_says(name: str) -> None:
    """The thumbnails of the sample, encoded again, have the codes that stand beside them."""
    model = open_model(pretrained_dir() / name)
    sample = model.sample
    np.testing.assert_allclose(model.codec.encode(to_floats(sample.thumbnails[:50])), sample.codes[:50], atol=1e-3)
    statistics, codes = sample.statistics, sample.codes.astype(np.float64)
    if model.latent_dim <= LONG_CODE:
        np.testing.assert_allclose(statistics.mean, codes.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(statistics.sigma, codes.std(axis=0), rtol=1e-3)
        return
    # Of long codes only some are kept of those that were measured: their mean is as near as chance lets it be.
    alive = statistics.sigma > 0.01
    errors = (codes.mean(axis=0) - statistics.mean)[alive] / (statistics.sigma[alive] / np.sqrt(len(codes)))
    assert 0.3 < float(np.sqrt((errors**2).mean())) < 1.5
