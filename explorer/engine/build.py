"""Builds Keras networks from layer records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers as kl

from explorer.models.layers import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Crop,
    Dense,
    Flatten,
    Layer,
    MaxPool,
    Network,
    Pad,
    Reshape,
    UpSample,
)
from explorer.models.spec import ModelSpec

_MAKERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Flatten: lambda layer: {"class": kl.Flatten},
    Reshape: lambda layer: {"class": kl.Reshape, "target_shape": layer.shape},
    Dense: lambda layer: {
        "class": kl.Dense,
        "units": layer.units,
        "activation": layer.activation,
    },
    Conv: lambda layer: (
        _convolution(kl.Conv2D, layer)
        | {"bias_initializer": keras.initializers.Constant(layer.bias) if layer.bias else "zeros"}
    ),
    ConvTranspose: lambda layer: _convolution(kl.Conv2DTranspose, layer),
    MaxPool: lambda layer: {"class": kl.MaxPooling2D, "pool_size": layer.size},
    UpSample: lambda layer: {"class": kl.UpSampling2D, "size": layer.size, "interpolation": "nearest"},
    BatchNorm: lambda layer: {"class": kl.BatchNormalization},
    Pad: lambda layer: {"class": kl.ZeroPadding2D, "padding": ((0, layer.bottom), (0, layer.right))},
    Crop: lambda layer: {"class": kl.Cropping2D, "cropping": ((0, layer.bottom), (0, layer.right))},
}


def _convolution(cls: type, layer: Conv | ConvTranspose) -> dict[str, Any]:
    return {
        "class": cls,
        "filters": layer.filters,
        "kernel_size": layer.kernel,
        "strides": layer.strides,
        "padding": "same",
        "activation": layer.activation,
    }


def build_layer(layer: Layer, name: str | None = None) -> keras.Layer:
    arguments = _MAKERS[type(layer)](layer)
    return arguments.pop("class")(name=name, **arguments)


def build_network(network: Network, name: str, input_name: str) -> keras.Model:
    """Return a functional Keras model; weights are initialized with Keras' global seed."""
    image = keras.Input(network.input_shape, name=input_name)
    value = image
    for layer in network.layers:
        value = build_layer(layer)(value)
    outputs = [build_layer(head.layer, head.name)(value) for head in network.heads]
    return keras.Model(image, outputs or value, name=name)


def build(spec: ModelSpec) -> tuple[keras.Model, keras.Model]:
    """Return encoder and decoder; the encoder of a VAE outputs ``[mean, log_variance]``."""
    return build_network(spec.encoder, "encoder", "picture"), build_network(spec.decoder, "decoder", "code")
