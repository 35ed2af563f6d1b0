"""Layers as plain records that know their output shape and parameter count, so that Keras is not needed to show them.

Convolutions use ``same`` padding throughout; shapes leave out the batch. `explorer.engine.build` makes the Keras layer
of each record, and a test holds both counts equal. Multiply-adds are those of the products and of the normalisation:
biases, activations and pooling are not counted, and what falls on the padding is.
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
        """Return the shape behind the layer."""
        return (prod(shape),)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return 0


@dataclass(frozen=True)
class Reshape:
    """Row-major reshape to `shape`."""

    shape: Shape

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        if prod(shape) != prod(self.shape):
            raise ModelError(f"{prod(self.shape)} values to reshape to {self.shape}", f"{prod(shape)}")
        return self.shape

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return 0


@dataclass(frozen=True)
class Dense:
    """Fully connected with bias."""

    units: int
    activation: Activation = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return (*shape[:-1], self.units)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return (shape[-1] + 1) * self.units

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return prod(shape) * self.units


@dataclass(frozen=True)
class Conv:
    """Convolution with bias, ``same`` padding; `bias` is what every bias starts at."""

    filters: int
    kernel: int = 3
    strides: int = 1
    activation: Activation = "linear"
    bias: float = 0.0

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return (ceil(shape[0] / self.strides), ceil(shape[1] / self.strides), self.filters)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return (self.kernel * self.kernel * shape[2] + 1) * self.filters

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return prod(self.output_shape(shape)) * self.kernel * self.kernel * shape[2]


@dataclass(frozen=True)
class ConvTranspose:
    """Transposed convolution with bias, ``same`` padding: the picture grows by `strides`."""

    filters: int
    kernel: int = 3
    strides: int = 2
    activation: Activation = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return (shape[0] * self.strides, shape[1] * self.strides, self.filters)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return (self.kernel * self.kernel * shape[2] + 1) * self.filters

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return prod(shape) * self.kernel * self.kernel * self.filters


@dataclass(frozen=True)
class MaxPool:
    """The largest value of each square of `size` × `size`; the sides must be multiples of `size`."""

    size: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        if shape[0] % self.size or shape[1] % self.size:
            raise ModelError(f"sides that are multiples of {self.size} to pool", f"{shape[0]}×{shape[1]}")
        return (shape[0] // self.size, shape[1] // self.size, shape[2])

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return 0


@dataclass(frozen=True)
class UpSample:
    """Every value repeated over a square of `size` × `size`."""

    size: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return (shape[0] * self.size, shape[1] * self.size, shape[2])

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return 0


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation over the last axis: scale, offset, moving mean and moving variance."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 4 * shape[-1]

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return prod(shape)


@dataclass(frozen=True)
class Pad:
    """Zero padding at the bottom and on the right, so that odd sizes can be halved."""

    bottom: int
    right: int

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return (shape[0] + self.bottom, shape[1] + self.right, shape[2])

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return 0


@dataclass(frozen=True)
class Crop:
    """Takes back what `Pad` added."""

    bottom: int
    right: int

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape behind the layer."""
        return (shape[0] - self.bottom, shape[1] - self.right, shape[2])

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one picture."""
        return 0


Layer: TypeAlias = Flatten | Reshape | Dense | Conv | ConvTranspose | MaxPool | UpSample | BatchNorm | Pad | Crop


@dataclass(frozen=True)
class Head:
    """One named output of a network that ends in several."""

    name: str
    layer: Layer


@dataclass(frozen=True)
class LayerRow:
    """One line of a network's table."""

    kind: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: int
    operations: int


@dataclass(frozen=True)
class Network:
    """A chain of layers, ending in one output or in several heads that share the chain.

    Attributes
    ----------
    input_shape
        Shape of one input, without the batch.
    layers
        The chain.
    heads
        Outputs in order; empty where the chain's end is the output.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    heads: tuple[Head, ...] = ()

    def rows(self) -> list[LayerRow]:
        """Return every layer with its shapes, parameter count and multiply-adds, heads last.

        Raises
        ------
        ModelError
            If a layer does not fit the one before.
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
        """Number of weights, moving statistics included."""
        return sum(row.parameters for row in self.rows())

    @property
    def operations(self) -> int:
        """Number of multiply-adds for one picture, forward."""
        return sum(row.operations for row in self.rows())

    @property
    def values(self) -> int:
        """How many values all layers together give for one picture."""
        return sum(prod(row.output_shape) for row in self.rows())


def _row(kind: str, layer: Layer, shape: Shape) -> LayerRow:
    return LayerRow(kind, layer, shape, layer.output_shape(shape), layer.parameters(shape), layer.operations(shape))


@dataclass(frozen=True)
class Halving:
    """How pictures of any size go through a network that halves and doubles their sides.

    Attributes
    ----------
    rows, columns
        Sides of the smallest feature map.
    pad, crop
        What comes first in the encoder and last in the decoder; both empty where the size divides as it is.
    """

    rows: int
    columns: int
    pad: tuple[Layer, ...]
    crop: tuple[Layer, ...]


def halve(image_shape: tuple[int, int, int], times: int) -> Halving:
    """Return how pictures of `image_shape` are padded so that their sides can be halved so many times."""
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
