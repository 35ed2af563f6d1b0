"""Fuses upsampling with the following convolution in the forward pass of a training.

The upsampled map is never computed: at an upsampled pixel the kernel covers each source pixel several times, so the
weights can be summed in advance. Each of the four positions in a 2×2 block has its own summed kernel of about half the
size. One convolution of the source gives all four as channels, which are rearranged with depth-to-space (Shi et al.
2016, *Is the deconvolution layer the same as a convolution layer?*). Weights, outputs and gradients equal those of the
Keras layers up to rounding. `docs/decisions/0010-folded-upsampling.md` has the speedup.
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
    """Return a function equivalent to `network`, ``forward(value, training=…)``.

    A network with several heads, or in which nothing can be fused, is returned unchanged.
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
    """Return ``layer(UpSampling2D(2)(value))``, shape ``(n, 2 h, 2 w, filters)`` for ``(n, h, w, c)``."""
    kernel = layer.kernel
    rows, columns, channels, filters = kernel.shape
    # [position, source offset, offset] for rows and columns → [source row, source column, channel, position · filter].
    small = tf.einsum("art,bsu,tucf->rscabf", _meetings(rows), _meetings(columns), kernel)
    shape = (*small.shape[:2], channels, _FACTOR * _FACTOR * filters)
    maps = tf.nn.conv2d(value, tf.reshape(small, shape), strides=1, padding="SAME")
    return layer.activation(tf.nn.depth_to_space(maps, _FACTOR) + layer.bias)


def _meetings(size: int) -> Floats:
    """Return which offsets of a kernel of `size` cover which source pixel: ``(2, source offsets, size)``, 0 or 1.

    With ``same`` padding the kernel's offset t covers pixel i + t − ⌊(size − 1) / 2⌋ of the upsampled map, whose source
    pixel is half of that, rounded down. The summed kernel needs ``same`` padding, too.
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
