"""The forward pass of a network in training, with each upsampling and the convolution behind it done as one.

The repeated picture is never made: at a repeated pixel the kernel meets each small pixel several times, so its weights
there can be added up beforehand. Each of the four places within a repeated 2 × 2 square has its own such kernel, of
about half the size; one convolution of the small picture gives all four, as maps that are then laid side by side
(Shi et al. 2016, *Is the deconvolution layer the same as a convolution layer?*). Weights, results and gradients are
those of the Keras layers, except for rounding. `docs/decisions/0010-folded-upsampling.md` has what it saves.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from explorer.types import Floats

Tensor: TypeAlias = tf.Tensor
Forward: TypeAlias = Callable[..., Tensor]
_FACTOR = 2


def folded(network: keras.Model) -> Forward:
    """Return a function that computes what `network` does, ``forward(value, training=…)``.

    Parameters
    ----------
    network
        A chain of layers as `explorer.engine.build` makes it; one that ends in several heads is returned as it is,
        and so is one in which nothing can be folded.
    """
    layers = [layer for layer in network.layers if not isinstance(layer, kl.InputLayer)]
    pairs = {index for index, (first, second) in enumerate(pairwise(layers)) if _can_fold(first, second)}
    if len(network.outputs) > 1 or not pairs:
        plain: Forward = network
        return plain

    def forward(value: Tensor, training: bool) -> Tensor:
        index = 0
        while index < len(layers):
            if index in pairs:
                value = convolve_upsampled(value, layers[index + 1])
                index += 2
            else:
                value = layers[index](value, training=training)
                index += 1
        return value

    return forward


def convolve_upsampled(value: Tensor, layer: kl.Conv2D) -> Tensor:
    """Return ``layer(UpSampling2D(2)(value))``, of shape ``(n, 2 h, 2 w, filters)`` for ``(n, h, w, c)``."""
    kernel = layer.kernel
    rows, columns, channels, filters = kernel.shape
    # [place, small offset, offset] for rows and for columns → [small row, small column, channel, places · filter].
    small = tf.einsum("art,bsu,tucf->rscabf", _meetings(rows), _meetings(columns), kernel)
    shape = (*small.shape[:2], channels, _FACTOR * _FACTOR * filters)
    maps = tf.nn.conv2d(value, tf.reshape(small, shape), strides=1, padding="SAME")
    return layer.activation(tf.nn.depth_to_space(maps, _FACTOR) + layer.bias)


def _meetings(size: int) -> Floats:
    """Return which offsets of a kernel of `size` fall on which small pixel: ``(2, small, size)`` of 0 and 1.

    ``same`` padding puts the kernel's offset t at pixel i + t − ⌊(size − 1) / 2⌋ of the repeated picture, which is half
    of that, rounded down, in the small one. The small kernel that results is what ``same`` padding fits as well.
    """
    offsets = np.arange(size) - (size - 1) // 2
    places = [(offsets + place) // _FACTOR for place in range(_FACTOR)]
    least, most = int(min(map(np.min, places))), int(max(map(np.max, places)))
    return np.stack([np.equal.outer(np.arange(least, most + 1), place) for place in places]).astype(np.float32)


def _can_fold(first: keras.Layer, second: keras.Layer) -> bool:
    return (
        isinstance(first, kl.UpSampling2D)
        and first.size == (_FACTOR, _FACTOR)
        and first.interpolation == "nearest"
        and type(second) is kl.Conv2D
        and second.strides == second.dilation_rate == (1, 1)
        and second.groups == 1
        and second.padding == "same"
        and second.use_bias
        and first.data_format == second.data_format == "channels_last"
    )
