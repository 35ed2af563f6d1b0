"""Layers as plain records with output shape, parameter count and MACs, so that they can be shown without Keras.

Shapes exclude the batch; convolutions use ``same`` padding. `explorer.engine.build` makes the Keras layers, and a test
compares the parameter counts. Each record has three methods: ``output_shape(shape)``, ``parameters(shape)``, the number
of weights, and ``operations(shape)``, the MACs for one image. MACs include products, normalization and padded pixels,
but not biases, activations and pooling.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import Literal, TypeAlias

from explorer.errors import ModelError

Shape: TypeAlias = tuple[int, ...]
Activation: TypeAlias = Literal["linear", "relu", "silu", "sigmoid"]


@dataclass(frozen=True)
class Flatten:
    """Row-major flattening."""

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def parameters(self, shape: Shape) -> int:
        return 0

    def operations(self, shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Reshape:
    """Row-major reshape to `shape`."""

    shape: Shape

    def output_shape(self, shape: Shape) -> Shape:
        if prod(shape) != prod(self.shape):
            raise ModelError(
                "Cannot reshape {given} to {wanted}: the numbers of values differ. Choose another image size.",
                given="×".join(map(str, shape)),
                wanted="×".join(map(str, self.shape)),
            )
        return self.shape

    def parameters(self, shape: Shape) -> int:
        return 0

    def operations(self, shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Dense:
    """Fully connected with bias."""

    units: int
    activation: Activation = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def parameters(self, shape: Shape) -> int:
        return (shape[-1] + 1) * self.units

    def operations(self, shape: Shape) -> int:
        return prod(shape) * self.units


@dataclass(frozen=True)
class Conv:
    """Convolution with bias, ``same`` padding; `bias` is the initial value of all biases."""

    filters: int
    kernel: int = 3
    strides: int = 1
    activation: Activation = "linear"
    bias: float = 0.0

    def output_shape(self, shape: Shape) -> Shape:
        return (ceil(shape[0] / self.strides), ceil(shape[1] / self.strides), self.filters)

    def parameters(self, shape: Shape) -> int:
        return (self.kernel * self.kernel * shape[2] + 1) * self.filters

    def operations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * self.kernel * self.kernel * shape[2]


@dataclass(frozen=True)
class ConvTranspose:
    """Transposed convolution with bias, ``same`` padding: the sides are multiplied by `strides`."""

    filters: int
    kernel: int = 3
    strides: int = 2
    activation: Activation = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] * self.strides, shape[1] * self.strides, self.filters)

    def parameters(self, shape: Shape) -> int:
        return (self.kernel * self.kernel * shape[2] + 1) * self.filters

    def operations(self, shape: Shape) -> int:
        return prod(shape) * self.kernel * self.kernel * self.filters


@dataclass(frozen=True)
class MaxPool:
    """Max pooling over `size` × `size`; the sides must be multiples of `size`."""

    size: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] % self.size or shape[1] % self.size:
            raise ModelError(
                "Cannot pool {height}×{width}: both sides must be multiples of {size}. Choose another image size.",
                height=shape[0],
                width=shape[1],
                size=self.size,
            )
        return (shape[0] // self.size, shape[1] // self.size, shape[2])

    def parameters(self, shape: Shape) -> int:
        return 0

    def operations(self, shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class UpSample:
    """Nearest-neighbor upsampling by `size`."""

    size: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] * self.size, shape[1] * self.size, shape[2])

    def parameters(self, shape: Shape) -> int:
        return 0

    def operations(self, shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization over the last axis: scale, offset, moving mean and moving variance."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def parameters(self, shape: Shape) -> int:
        return 4 * shape[-1]

    def operations(self, shape: Shape) -> int:
        return prod(shape)


@dataclass(frozen=True)
class Pad:
    """Zero padding at the bottom and right, so that odd sizes can be halved."""

    bottom: int
    right: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] + self.bottom, shape[1] + self.right, shape[2])

    def parameters(self, shape: Shape) -> int:
        return 0

    def operations(self, shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Crop:
    """Cropping at the bottom and right, which undoes `Pad`."""

    bottom: int
    right: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] - self.bottom, shape[1] - self.right, shape[2])

    def parameters(self, shape: Shape) -> int:
        return 0

    def operations(self, shape: Shape) -> int:
        return 0


Layer: TypeAlias = Flatten | Reshape | Dense | Conv | ConvTranspose | MaxPool | UpSample | BatchNorm | Pad | Crop


@dataclass(frozen=True)
class Head:
    """One named output of a network with several outputs."""

    name: str
    layer: Layer


@dataclass(frozen=True)
class LayerRow:
    """One row of a network's summary."""

    kind: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: int
    operations: int


@dataclass(frozen=True)
class Network:
    """A sequence of layers with one output, or with several heads on top of it.

    Attributes
    ----------
    input_shape
        Shape of one input, without the batch.
    layers
        The sequence.
    heads
        Outputs in order; empty if the last layer is the only output.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    heads: tuple[Head, ...] = ()

    def rows(self) -> list[LayerRow]:
        """Return every layer with its shapes, parameter count and MACs, heads last.

        Raises
        ------
        ModelError
            If a layer cannot take the output of the previous one.
        """
        rows: list[LayerRow] = []
        shape = self.input_shape
        for layer in self.layers:
            rows.append(_row(type(layer).__name__, layer, shape))
            shape = rows[-1].output_shape
        rows.extend(_row(head.name, head.layer, shape) for head in self.heads)
        return rows

    @property
    def output_shape(self) -> Shape:
        """Shape of one output (of each head), without the batch."""
        rows = self.rows()
        return rows[-1].output_shape if rows else self.input_shape

    @property
    def parameters(self) -> int:
        """Number of weights, including moving statistics."""
        return sum(row.parameters for row in self.rows())

    @property
    def operations(self) -> int:
        """MACs of one image, forward."""
        return sum(row.operations for row in self.rows())

    @property
    def values(self) -> int:
        """Number of activations of all layers for one image."""
        return sum(prod(row.output_shape) for row in self.rows())


def _row(kind: str, layer: Layer, shape: Shape) -> LayerRow:
    return LayerRow(kind, layer, shape, layer.output_shape(shape), layer.parameters(shape), layer.operations(shape))


@dataclass(frozen=True)
class Halving:
    """Padding of images of any size for a network that halves and doubles the sides.

    Attributes
    ----------
    rows, columns
        Sides of the smallest feature map.
    pad, crop
        First layer of the encoder and last of the decoder; both empty if the size is divisible.
    """

    rows: int
    columns: int
    pad: tuple[Layer, ...]
    crop: tuple[Layer, ...]


def halve(image_shape: tuple[int, int, int], times: int) -> Halving:
    """Return the padding of `image_shape` with which the sides can be halved `times` times."""
    height, width, _ = image_shape
    multiple = 2**times
    bottom, right = -height % multiple, -width % multiple
    padded = bottom or right
    return Halving(
        (height + bottom) // multiple,
        (width + right) // multiple,
        (Pad(bottom, right),) if padded else (),
        (Crop(bottom, right),) if padded else (),
    )
