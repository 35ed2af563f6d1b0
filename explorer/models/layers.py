"""Layers as plain records with shapes, labels and Keras arguments, so that they can be shown without Keras.

Shapes exclude the batch; convolutions use ``same`` padding. A new layer is one class here: `explorer.engine.build`
makes the Keras layer from it, and a test compares the parameter counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import Any, ClassVar, Literal, TypeAlias

from explorer.errors import ModelError
from explorer.messages import Message, message

Shape: TypeAlias = tuple[int, ...]
Activation: TypeAlias = Literal["linear", "relu", "silu", "sigmoid"]


@dataclass(frozen=True)
class Layer:
    """A layer; by default one that keeps the shape and has no weights."""

    keras_name: ClassVar[str]
    """Name of its class in ``keras.layers``."""
    title: ClassVar[Message]

    @property
    def label(self) -> str:
        """Its type and settings in a drawing: ``Conv 3×3 /2``."""
        return type(self).__name__

    def keras_arguments(self) -> dict[str, Any]:
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        """ModelError if it cannot take inputs of this shape."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights, moving statistics included."""
        return 0

    def operations(self, shape: Shape) -> int:
        """Return the MACs of one image: products, normalization and padded pixels, not biases and activations."""
        return 0


@dataclass(frozen=True)
class Flatten(Layer):
    """Row-major flattening."""

    keras_name = "Flatten"
    title = message("Flatten")

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


@dataclass(frozen=True)
class Reshape(Layer):
    """Row-major reshape to `shape`."""

    keras_name = "Reshape"
    title = message("Reshape")
    shape: Shape

    def keras_arguments(self) -> dict[str, Any]:
        return {"target_shape": self.shape}

    def output_shape(self, shape: Shape) -> Shape:
        if prod(shape) != prod(self.shape):
            raise ModelError(
                "Cannot reshape {given} to {wanted}: the numbers of values differ. Choose another image size.",
                given="×".join(map(str, shape)),
                wanted="×".join(map(str, self.shape)),
            )
        return self.shape


@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected with bias."""

    keras_name = "Dense"
    title = message("Dense")
    units: int
    activation: Activation = "linear"

    @property
    def label(self) -> str:
        return f"Dense {self.units:,}"

    def keras_arguments(self) -> dict[str, Any]:
        return {"units": self.units, "activation": self.activation}

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def parameters(self, shape: Shape) -> int:
        return (shape[-1] + 1) * self.units

    def operations(self, shape: Shape) -> int:
        return prod(shape) * self.units


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution with bias, ``same`` padding; `bias` is the initial value of all biases."""

    keras_name = "Conv2D"
    title = message("Convolution")
    filters: int
    kernel: int = 3
    strides: int = 1
    activation: Activation = "linear"
    bias: float = 0.0

    @property
    def label(self) -> str:
        return f"Conv {self.kernel}×{self.kernel}" + (f" /{self.strides}" if self.strides > 1 else "")

    def keras_arguments(self) -> dict[str, Any]:
        bias = {"class_name": "Constant", "config": {"value": self.bias}} if self.bias else "zeros"
        return _convolution(self) | {"bias_initializer": bias}

    def output_shape(self, shape: Shape) -> Shape:
        return (ceil(shape[0] / self.strides), ceil(shape[1] / self.strides), self.filters)

    def parameters(self, shape: Shape) -> int:
        return (self.kernel * self.kernel * shape[2] + 1) * self.filters

    def operations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * self.kernel * self.kernel * shape[2]


@dataclass(frozen=True)
class ConvTranspose(Layer):
    """Transposed convolution with bias, ``same`` padding: the sides are multiplied by `strides`."""

    keras_name = "Conv2DTranspose"
    title = message("Transposed convolution")
    filters: int
    kernel: int = 3
    strides: int = 2
    activation: Activation = "linear"

    @property
    def label(self) -> str:
        return f"ConvT {self.kernel}×{self.kernel}" + (f" ×{self.strides}" if self.strides > 1 else "")

    def keras_arguments(self) -> dict[str, Any]:
        return _convolution(self)

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] * self.strides, shape[1] * self.strides, self.filters)

    def parameters(self, shape: Shape) -> int:
        return (self.kernel * self.kernel * shape[2] + 1) * self.filters

    def operations(self, shape: Shape) -> int:
        return prod(shape) * self.kernel * self.kernel * self.filters


def _convolution(layer: Conv | ConvTranspose) -> dict[str, Any]:
    return {
        "filters": layer.filters,
        "kernel_size": layer.kernel,
        "strides": layer.strides,
        "padding": "same",
        "activation": layer.activation,
    }


@dataclass(frozen=True)
class MaxPool(Layer):
    """Max pooling over `size` × `size`; the sides must be multiples of `size`."""

    keras_name = "MaxPooling2D"
    title = message("Max pooling")
    size: int = 2

    @property
    def label(self) -> str:
        return f"MaxPool {self.size}"

    def keras_arguments(self) -> dict[str, Any]:
        return {"pool_size": self.size}

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] % self.size or shape[1] % self.size:
            raise ModelError(
                "Cannot pool {height}×{width}: both sides must be multiples of {size}. Choose another image size.",
                height=shape[0],
                width=shape[1],
                size=self.size,
            )
        return (shape[0] // self.size, shape[1] // self.size, shape[2])


@dataclass(frozen=True)
class UpSample(Layer):
    """Nearest-neighbor upsampling by `size`."""

    keras_name = "UpSampling2D"
    title = message("Upsampling")
    size: int = 2

    @property
    def label(self) -> str:
        return f"Upsample {self.size}"

    def keras_arguments(self) -> dict[str, Any]:
        return {"size": self.size, "interpolation": "nearest"}

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] * self.size, shape[1] * self.size, shape[2])


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalization over the last axis: scale, offset, moving mean and moving variance."""

    keras_name = "BatchNormalization"
    title = message("Batch normalization")

    def parameters(self, shape: Shape) -> int:
        return 4 * shape[-1]

    def operations(self, shape: Shape) -> int:
        return prod(shape)


@dataclass(frozen=True)
class Pad(Layer):
    """Zero padding at the bottom and right, so that odd sizes can be halved."""

    keras_name = "ZeroPadding2D"
    title = message("Padding")
    bottom: int
    right: int

    def keras_arguments(self) -> dict[str, Any]:
        return {"padding": ((0, self.bottom), (0, self.right))}

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] + self.bottom, shape[1] + self.right, shape[2])


@dataclass(frozen=True)
class Crop(Layer):
    """Cropping at the bottom and right, which undoes `Pad`."""

    keras_name = "Cropping2D"
    title = message("Cropping")
    bottom: int
    right: int

    def keras_arguments(self) -> dict[str, Any]:
        return {"cropping": ((0, self.bottom), (0, self.right))}

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] - self.bottom, shape[1] - self.right, shape[2])


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
    """A sequence of layers with one output, or with several heads on top of it, in order.

    `input_shape` is without the batch. Without `heads`, the last layer is the only output.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    heads: tuple[Head, ...] = ()

    def rows(self) -> list[LayerRow]:
        """Return every layer with its shapes, parameter count and MACs, heads last.

        ModelError if a layer cannot take the output of the previous one.
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
        """Of one output (of each head), without the batch."""
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

    `rows` and `columns` are the sides of the smallest feature map. `pad` and `crop`, the first layer of the encoder and
    the last of the decoder, are empty if the size is divisible.
    """

    rows: int
    columns: int
    pad: tuple[Layer, ...]
    crop: tuple[Layer, ...]


def halve(image_shape: tuple[int, int, int], times: int) -> Halving:
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
