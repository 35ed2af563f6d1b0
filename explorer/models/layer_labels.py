"""Short labels of layers and shapes, for drawings and tables of networks."""

from __future__ import annotations

from explorer.models.layers import Layer, Shape

_ACTIVATIONS = {"linear": "", "relu": "ReLU", "silu": "SiLU", "sigmoid": "sigmoid"}


def activation_label(layer: Layer) -> str:
    """Return the activation's label, such as ``ReLU``; empty for a linear layer or one without activation."""
    return _ACTIVATIONS.get(getattr(layer, "activation", "linear"), getattr(layer, "activation", ""))


def layer_labels(layer: Layer) -> tuple[str, str]:
    """Return the labels of a layer and of its activation: ``("Conv 3×3 /2", "ReLU")``, ``("MaxPool 2", "")``."""
    return layer.label, activation_label(layer)


def shape_label(shape: Shape) -> str:
    """Return ``28×28×1``, or ``2,304`` for a vector."""
    return "×".join(f"{side:,}" if len(shape) == 1 else str(side) for side in shape)


def count_label(count: int) -> str:
    """Return a number with a unit prefix: ``896``, ``18.5 k``, ``2.17 M``, ``4.1 G``."""
    size = float(count)
    for unit in ("", " k", " M", " G"):
        if size < 999.5 or unit == " G":
            break
        size /= 1_000
    return f"{size:.3g}{unit}" if unit and size < 999.5 else f"{size:,.0f}{unit}"
