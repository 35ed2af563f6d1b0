"""Reads the shapes of images and codes from the weights of PyTorch layers, as far as they tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Named: TypeAlias = tuple[str, tuple[int, ...]]
"""Name and shape of a weight."""

_WEIGHT: Final = re.compile(r"(^|\.)(weight(_orig|_v)?|parametrizations\.weight\.original1?)$")
"""Weights of a layer, also with spectral or weight normalization."""
_TABLE: Final = re.compile(r"emb|codebook|(^|[._])pos", re.IGNORECASE)
_ENCODER: Final = re.compile(r"(^|[._])enc", re.IGNORECASE)
_DECODER: Final = re.compile(r"(^|[._])(dec|gen)", re.IGNORECASE)
_TRANSPOSED: Final = re.compile(r"trans|deconv|(^|[._])t_?conv|up", re.IGNORECASE)
_WRAPPERS: Final = ("module.", "_orig_mod.")
_NEAR: Final = 2


@dataclass(frozen=True)
class _Layer:
    """A linear layer or a convolution, with its number of input and output channels."""

    name: str
    given: int
    made: int
    spatial: bool
    transposed: bool = False


def image_arguments(shapes: Sequence[Named]) -> str:
    """Return the shape of one image as arguments, as far as the first layer of the encoder tells it."""
    layers = _layers(shapes)
    named = [layer for layer in layers if _ENCODER.search(layer.name)]
    first = next(iter(named or [layer for layer in layers if not _DECODER.search(layer.name)]), None)
    if first is None:
        return "1, CHANNELS, HEIGHT, WIDTH"
    return f"1, {first.given}, HEIGHT, WIDTH" if first.spatial else f"1, {first.given}"


def code_arguments(shapes: Sequence[Named]) -> str:
    """Return the shape of one code as arguments, as far as the first layer of the decoder tells it.

    Without a layer of that name it is the first that has the fewest inputs, or the first transposed convolution.
    """
    layers = _layers(shapes)
    first = next((layer for layer in layers if _DECODER.search(layer.name)), None)
    if first is None and not any(_ENCODER.search(layer.name) for layer in layers):
        linear = [layer for layer in layers if not layer.spatial]
        narrow = min(linear, key=lambda layer: layer.given, default=None)
        if narrow is not None and narrow.given < narrow.made and narrow is not layers[0]:
            first = narrow
        elif not linear:
            first = next((layer for layer in layers[1:] if layer.transposed), None)
    if first is None:
        return "1, LATENT"
    return f"1, {first.given}, CODE_HEIGHT, CODE_WIDTH" if first.spatial else f"1, {first.given}"


def wrapper_of(names: Iterable[str]) -> str:
    """Return the prefix of all names that a wrapper of PyTorch adds, as ``module.``; empty if there is none."""
    listed = list(names)
    return next((prefix for prefix in _WRAPPERS if listed and all(name.startswith(prefix) for name in listed)), "")


def _layers(shapes: Sequence[Named]) -> list[_Layer]:
    found = []
    for place, (name, shape) in enumerate(shapes):
        if not _WEIGHT.search(name) or _TABLE.search(name):
            continue
        if len(shape) == 2:
            found.append(_Layer(name, shape[1], shape[0], spatial=False))
        elif len(shape) == 4:
            first = _is_transposed(name, shape, shapes, place)
            given, made = shape[:2] if first else (shape[1], shape[0])
            found.append(_Layer(name, given, made, spatial=True, transposed=first))
    return found


def _is_transposed(name: str, shape: tuple[int, ...], shapes: Sequence[Named], place: int) -> bool:
    """Return whether a kernel is that of a transposed convolution, whose first axis is that of the input channels.

    The bias, or the normalization that follows, has as many values as there are output channels.
    """
    near = [other for _, other in shapes[max(0, place - 1) : place + 1 + _NEAR] if len(other) == 1]
    bias = _WEIGHT.sub(r"\1bias", name)
    known = [other for named, other in shapes if named == bias] or near
    for (count,) in known:
        if shape[0] != shape[1] and count in shape[:2]:
            return count == shape[1]
    return bool(_DECODER.search(name) or _TRANSPOSED.search(name))
