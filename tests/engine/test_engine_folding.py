"""Upsampling and convolution as one, against the Keras layers one after the other."""

from __future__ import annotations

from typing import Any

import pytest
from explorer_testing.programs import run_several

pytestmark = pytest.mark.engine

COMPARE = """
import json, sys
import keras, numpy as np, tensorflow as tf
from explorer.engine.build import build_network
from explorer.engine.folding import folded
from explorer.models.layers import BatchNorm, Conv, Network, UpSample

def difference(network, value, target):
    results = []
    for forward in (network, folded(network)):
        with tf.GradientTape() as tape:
            tape.watch(value)
            output = forward(value, training=True)
            loss = tf.reduce_mean(tf.square(output - target))
        results.append([output, *tape.gradient(loss, [value, *network.trainable_variables])])
    return max(float(tf.reduce_max(tf.abs(a - b)) / tf.reduce_max(tf.abs(a))) for a, b in zip(*results))

found = []
for kernel in range(1, 10):
    keras.utils.set_random_seed(kernel)
    layers = (UpSample(), Conv(3, kernel=kernel, activation="relu", bias=0.1), BatchNorm(),
              UpSample(), Conv(2, kernel=3, activation="sigmoid"))
    network = build_network(Network((5, 4, 2), layers), "decoder", "code")
    value, target = tf.random.normal((6, 5, 4, 2)), tf.random.uniform((6, 20, 16, 2))
    found.append(difference(network, value, target))
print(json.dumps(found))
"""

CHOOSE = """
import json, sys
import keras
from explorer.engine.build import build
from explorer.engine.folding import folded
from explorer.models.architectures import ARCHITECTURES
from keras.layers import Conv2D, Conv2DTranspose, ReLU, UpSampling2D

names = []
for name, architecture in ARCHITECTURES.items():
    shape = architecture.default_image_shape
    networks = build(architecture.builder(shape, architecture.default_latent))
    if any(folded(network) is not network for network in networks):
        names.append(name)

given = keras.Input((4, 4, 2))
others = {
    "factor": [UpSampling2D(3), Conv2D(2, 3, padding="same")],
    "interpolation": [UpSampling2D(2, interpolation="bilinear"), Conv2D(2, 3, padding="same")],
    "padding": [UpSampling2D(2), Conv2D(2, 3, padding="valid")],
    "strides": [UpSampling2D(2), Conv2D(2, 3, strides=2, padding="same")],
    "dilation": [UpSampling2D(2), Conv2D(2, 3, dilation_rate=2, padding="same")],
    "groups": [UpSampling2D(2), Conv2D(2, 3, groups=2, padding="same")],
    "transposed": [UpSampling2D(2), Conv2DTranspose(2, 3, padding="same")],
    "between": [UpSampling2D(2), ReLU(), Conv2D(2, 3, padding="same")],
    "last": [Conv2D(2, 3, padding="same"), UpSampling2D(2)],
}
wrong = []
for word, layers in others.items():
    value = given
    for layer in layers:
        value = layer(value)
    network = keras.Model(given, value)
    if folded(network) is not network:
        wrong.append(word)
print(json.dumps([names, wrong]))
"""


@pytest.fixture(scope="module")
def found() -> Any:
    """What both programs print."""
    return run_several((COMPARE, None), (CHOOSE, None))


def test_results_and_gradients_are_those_of_the_layers(found: Any) -> None:
    """For every size of kernel: odd and even ones are padded differently, and the image's edge shows it."""
    assert len(found[0]) == 9
    assert max(found[0]) < 1e-5


def test_only_what_is_known_to_be_the_same_is_folded(found: Any) -> None:
    assert found[1] == [["conv-spatial", "cae-upsample"], []]
