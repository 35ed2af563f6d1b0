"""Builds Keras networks from layer records."""

from __future__ import annotations

import keras

from explorer.models.layers import Layer, Network
from explorer.models.spec import ModelSpec


def build_layer(layer: Layer, name: str | None = None) -> keras.Layer:
    made: keras.Layer = getattr(keras.layers, layer.keras_name)(name=name, **layer.keras_arguments())
    return made


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
