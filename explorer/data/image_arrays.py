"""The images in arrays of any layout and values: channels first or last, one image or many, with or without alpha."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from PIL import Image

from explorer.data.choices import MAX_CHANNELS, ChoiceNeeded, Choices, Layout
from explorer.data.color_profiles import values_to_srgb
from explorer.data.preprocessing import Alpha, pil_image_pixels, to_floats
from explorer.data.ranges import AnyArray, Range, found_range
from explorer.data.source import Found
from explorer.data.values import found_depth, scaled
from explorer.errors import DataError
from explorer.messages import Value
from explorer.types import Pixels

Axes: TypeAlias = tuple[int, int, int, int]
"""Positions of the axes n, h, w and c in an array; -1 for one that it has not."""

_PLAIN: Final = (1, 3)
"""Channels of grayscale and color images."""

_ALPHA: Final = {2: "LA", 4: "RGBA"}
"""Channels of images with alpha, and their mode in Pillow."""

_DEEP: Final = (0.0, 65535.0)
_ALPHA_RANGES: Final = ((0.0, 1.0), (0.0, 255.0), _DEEP)
"""Other values with four channels are measurements."""

_LOOKED_AT: Final = 64
"""Images of a set that tell whether their last channel is alpha."""

_MOSTLY: Final = 0.9
_SOME: Final = 0.1
"""Shares of an alpha channel that are fully opaque or transparent, and fully opaque."""

_LONG: Final = 8
"""A table this many times longer or wider than its other side is no single image."""


def images_of(
    parts: Sequence[AnyArray],
    name: Value,
    choices: Choices,
    count: int | None = None,
    *,
    alpha: bool = False,
    profile: bytes = b"",
) -> tuple[list[Pixels], Found]:
    """Return the images in the parts of one set, pixels ``(n, h, w, c)`` of one dtype, and how they were read.

    Parameters
    ----------
    parts
        Arrays of one layout: ``(n, h, w)``, ``(n, h, w, c)``, ``(n, c, h, w)``, flat squares ``(n, side²)``, or one
        image ``(h, w)``, ``(h, w, c)``, ``(3, h, w)``, with up to 16 channels. The last of two or four channels of 8 or
        16 bits, or of floats from 0 to 1, is alpha if it looks like it (`_looks_like_alpha`): it is composited over
        white, unless channels are chosen. Values as in `found_range`, depth as in `found_depth`.
    choices
        Layout, channels and range, where they shall not be found.
    count
        The number of images in the first part, if something else tells it, such as labels.
    alpha
        Whether something else tells that the last of two or four channels is alpha, such as the name of the file.
    profile
        Color profile (ICC) of gray or color images, without tables; empty for sRGB.

    Raises
    ------
    DataError
        If a shape or dtype is not supported or can be read in several ways, or the choices do not fit it.
    """
    layout = choices.layout or found_layout(parts[0].shape, name, count)
    stacks = [_stacked(part, layout, name) for part in parts]
    channels, dtype = stacks[0].shape[3], stacks[0].dtype
    whole = stacks[0]
    stacks = [_picked(stack, choices.channels, name) for stack in stacks]
    limits = found_range(stacks[0], name, *stacks[1:])
    opacities = opacity_range(whole, limits, stated=alpha)
    is_alpha, with_alpha = opacities is not None, opacities is not None and not choices.channels
    colors = [stack[..., :-1] for stack in stacks] if with_alpha else stacks
    if with_alpha and dtype == np.uint16:
        limits = found_range(colors[0], name, *colors[1:])
    limits = choices.range or limits
    depth = 8 if with_alpha and dtype != np.uint16 else found_depth(limits, *colors)
    images = [values_to_srgb(scaled(color, limits, depth), profile) for color in colors]
    if with_alpha and opacities is not None:
        images = [
            _opaque(image, scaled(stack[..., -1:], opacities, depth))
            for image, stack in zip(images, stacks, strict=True)
        ]
    eight_bit = dtype == np.uint8 and limits == (0.0, 255.0)
    limits_found = None if eight_bit else limits
    return images, Found(dtype.name, limits_found, layout=layout, channels=channels, alpha=is_alpha)


def found_layout(shape: tuple[int, ...], name: Value, count: int | None = None) -> Layout:
    """Return the layout of an array by its shape; empty for images ``(n, h, w)`` without a choice.

    DataError if there is none, or it can be read in several ways.
    """
    if 0 in shape or not 2 <= len(shape) <= 4:
        raise _unsupported(shape, name)
    return (_of_table, _of_three, _of_four)[len(shape) - 2](shape, name, count)


def _of_table(shape: tuple[int, ...], name: Value, count: int | None) -> Layout:
    rows, columns = shape
    if rows == columns and count != rows:
        return "channels-last"
    long = max(shape) >= _LONG * min(shape)
    if _is_square(columns):
        if long or count == rows:
            return "flat"
        raise _ambiguous(shape, name, "flat", "channels-last")
    if long or count == rows or (columns % 3 == 0 and _is_square(columns // 3)):
        raise _unsupported(shape, name)
    return "channels-last"


def _of_three(shape: tuple[int, ...], name: Value, count: int | None) -> Layout:
    if count == shape[0] > 1:
        return ""
    if shape[0] == shape[2] == 3:
        raise _ambiguous(shape, name, "channels-first", "channels-last")
    if shape[0] == 3 and not _ends_in_channels(shape):
        return "channels-first"
    return "channels-last" if _ends_in_channels(shape) or shape[0] <= MAX_CHANNELS else ""


def _of_four(shape: tuple[int, ...], name: Value, _: int | None) -> Layout:
    first, last = (_likeliness(shape[axis]) for axis in (1, 3))
    if not first and not last:
        raise _unsupported(shape, name)
    if first == last and shape[1] > 1 and shape[3] > 1:
        raise _ambiguous(shape, name, "channels-first", "channels-last")
    return "channels-first" if first > last else "channels-last"


def _likeliness(count: int) -> int:
    """Return how likely a length is that of the channels: 0 if it cannot be."""
    return 3 if count in _PLAIN else 2 if count in _ALPHA else int(count <= MAX_CHANNELS)


def _ends_in_channels(shape: Sequence[int]) -> bool:
    """Return whether the last of three axes is that of the channels of one image."""
    return shape[2] in _PLAIN or (shape[2] <= MAX_CHANNELS and min(shape[:2]) > 4 * shape[2])


def _is_square(count: int) -> bool:
    return count > 1 and math.isqrt(count) ** 2 == count


def axes_of(shape: Sequence[int], layout: Layout, name: Value) -> Axes:
    """Return the axes of an array ``(h, w)``, or of three or four axes, with a layout; DataError if it does not fit."""
    if layout == "channels-first" and len(shape) in (3, 4):
        return (0, 2, 3, 1) if len(shape) == 4 else (-1, 1, 2, 0)
    if layout in ("", "channels-last") and len(shape) in (2, 3, 4):
        if len(shape) == 4:
            return 0, 1, 2, 3
        one = layout == "channels-last" and len(shape) == 3 and _ends_in_channels(shape)
        return (-1, 0, 1, 2) if one else (0, 1, 2, -1) if len(shape) == 3 else (-1, 0, 1, -1)
    raise _unfitting(shape, layout, name)


def arranged(array: AnyArray, axes: Axes) -> AnyArray:
    """Return an array as ``(n, h, w, c)`` by its axes, not copied."""
    absent = [place for place, axis in enumerate(axes) if axis < 0]
    return np.expand_dims(array.transpose([axis for axis in axes if axis >= 0]), absent)


def _stacked(array: AnyArray, layout: Layout, name: Value) -> AnyArray:
    """Return an array as images ``(n, h, w, c)``, not copied where possible."""
    shape = array.shape
    if 0 in shape:
        raise _unfitting(shape, layout, name)
    if layout == "flat" and array.ndim == 2 and _is_square(shape[1]):
        side = math.isqrt(shape[1])
        return array.reshape(shape[0], side, side, 1)
    stack = arranged(array, axes_of(shape, layout, name))
    if stack.shape[3] > MAX_CHANNELS:
        raise _unsupported(shape, name)
    return stack


def _picked(stack: AnyArray, channels: tuple[int, ...], name: Value) -> AnyArray:
    """Return images with the chosen channels only."""
    count = stack.shape[3]
    if max(channels, default=0) >= count:
        raise DataError(
            "Cannot use channel {wrong} of {array}: it has {count:# channel|# channels}, counted from 0.",
            wrong=max(channels),
            array=name,
            count=count,
        )
    if not channels or channels == tuple(range(count)):
        return stack
    return stack[..., list(channels)]


def opacity_range(stack: AnyArray, limits: Range, *, stated: bool) -> Range | None:
    """Return the values of the last channel that are transparent and opaque; None if it is no alpha.

    `limits` are those of the values of the images ``(n, h, w, c)``; `stated` is whether something else tells.
    """
    ends = _DEEP if stack.dtype == np.uint16 else limits
    if stack.shape[3] not in _ALPHA or ends not in _ALPHA_RANGES:
        return None
    return ends if stated or _looks_like_alpha(stack, ends) else None


def _looks_like_alpha(stack: AnyArray, limits: tuple[float, float]) -> bool:
    """Return whether the last channel of images ``(n, h, w, c)``, whose values are within limits, is alpha.

    Some of the images tell: it is fully opaque; or nearly all of it is fully opaque or transparent, and the other
    channels have values in between, unlike masks and one-hot channels. All else is a channel like the others.
    """
    some = stack[:: -(-len(stack) // _LOOKED_AT)]
    low, high = limits[0] + 1e-3, limits[1] - 1e-3
    alpha, others = some[..., -1], some[..., :-1]
    opaque, clear = float((alpha >= high).mean()), float((alpha <= low).mean())
    shades = ((others > low) & (others < high)).any()
    return opaque == 1 or (opaque >= _SOME and opaque + clear >= _MOSTLY and bool(shades))


def _opaque(colors: Pixels, opacity: Pixels) -> Pixels:
    """Composite colors ``(n, h, w, 1 | 3)`` over white by their opacity ``(n, h, w, 1)``, as image files."""
    alpha, mode = Alpha(), _ALPHA[colors.shape[3] + 1]
    opaque = np.empty(colors.shape, colors.dtype)
    for color, shares, target in zip(colors, opacity, opaque, strict=True):
        if colors.dtype == np.uint8:
            image = np.concatenate([color, shares], axis=2)
            target[...] = pil_image_pixels(alpha.on_image(Image.frombytes(mode, image.shape[1::-1], image.tobytes())))
        else:
            target[...] = alpha.composited(color[np.newaxis], to_floats(shares[np.newaxis, ..., 0]))[0]
    return opaque


def _ambiguous(shape: tuple[int, ...], name: Value, *layouts: Layout) -> ChoiceNeeded:
    return ChoiceNeeded(
        "Cannot open {array}: its shape {shape} can be read as {layouts}. Choose the layout (--layout).",
        array=name,
        shape=str(shape),
        layouts=list(layouts),
    )


def _unfitting(shape: Sequence[int], layout: Layout, name: Value) -> DataError:
    return DataError(
        "Cannot read {array} with the layout {layout}: its shape is {shape}. Choose another layout.",
        array=name,
        layout=layout,
        shape=str(tuple(shape)),
    )


def _unsupported(shape: tuple[int, ...], name: Value) -> DataError:
    return DataError(
        "Cannot open {array}: its shape is {shape}. Save it as (n, h, w), (n, h, w, 1 to {most}), or flat squares (n, "
        "side²).",
        most=MAX_CHANNELS,
        array=name,
        shape=str(shape),
    )
