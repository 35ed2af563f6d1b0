from __future__ import annotations

import pytest

from explorer.models.layer_labels import activation_label, count_label, layer_labels, shape_label
from explorer.models.layers import BatchNorm, Conv, ConvTranspose, Dense, Layer, MaxPool, Reshape, UpSample


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Conv(8, 3, activation="relu"), ("Conv 3×3", "ReLU")),
        (Conv(8, 7, 2), ("Conv 7×7 /2", "")),
        (ConvTranspose(8, activation="sigmoid"), ("ConvT 3×3 ×2", "sigmoid")),
        (ConvTranspose(8, strides=1), ("ConvT 3×3", "")),
        (Dense(2_304, "silu"), ("Dense 2,304", "SiLU")),
        (MaxPool(), ("MaxPool 2", "")),
        (UpSample(), ("Upsample 2", "")),
        (BatchNorm(), ("BatchNorm", "")),
        (Reshape((2, 2, 1)), ("Reshape", "")),
    ],
)
def test_layers_are_named_as_papers_do(layer: Layer, words: tuple[str, str]) -> None:
    assert layer_labels(layer) == words
    assert activation_label(layer) == words[1]


def test_shapes_and_counts() -> None:
    assert shape_label((28, 28, 1)) == "28×28×1"
    assert shape_label((16_384,)) == "16,384"
    counts = {0: "0", 896: "896", 999: "999", 1_000: "1 k", 18_496: "18.5 k", 999_600: "1 M", 2_097_280: "2.1 M"}
    counts |= {4_100_000_000: "4.1 G", 5_000_000_000_000: "5,000 G"}
    assert {count: count_label(count) for count in counts} == counts
