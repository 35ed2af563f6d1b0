"""Short labels of layers and shapes, for drawings and tables of networks."""

from __future__ import annotations

from typing import assert_never

from explorer.models.layers import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Crop,
    Dense,
    Flatten,
    Layer,
    MaxPool,
    Pad,
    Reshape,
    Shape,
    UpSample,
)

_ACTIVATIONS = {"linear": "", "relu": "ReLU", "silu": "SiLU", "sigmoid": "sigmoid"}


def activation_label(layer: Layer) -> str:
    """Return the activation's label, such as ``ReLU``; empty for a linear layer or one without activation."""
    return _ACTIVATIONS.get(getattr(layer, "activation", "linear"), getattr(layer, "activation", ""))


def layer_labels(layer: Layer) -> tuple[str, str]:
    """Return the labels of a layer and of its activation: ``("Conv 3×3 /2", "ReLU")``, ``("MaxPool 2", "")``."""
    match layer:
        case Conv():
            words = f"Conv {layer.kernel}×{layer.kernel}{_stride(layer.strides)}"
        case ConvTranspose():
            words = f"ConvT {layer.kernel}×{layer.kernel}{_stride(layer.strides, '×')}"
        case Dense():
            words = f"Dense {layer.units:,}"
        case MaxPool():
            words = f"MaxPool {layer.size}"
        case UpSample():
            words = f"Upsample {layer.size}"
        case BatchNorm():
            words = "BatchNorm"
        case Flatten():
            words = "Flatten"
        case Reshape():
            words = "Reshape"
        case Pad():
            words = "Pad"
        case Crop():
            words = "Crop"
        case _:
            assert_never(layer)
    return words, activation_label(layer)


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


def _stride(strides: int, sign: str = "/") -> str:
    return f" {sign}{strides}" if strides > 1 else ""
