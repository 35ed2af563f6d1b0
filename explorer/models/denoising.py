"""Denoise images of any size, depth and number of channels with a model of fixed input size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from explorer.data.corruption.gray import luma
from explorer.data.decoding import plain_mode
from explorer.data.preprocessing import (
    Alpha,
    Depth,
    Invert,
    Orientation,
    Preprocessing,
    pil_image_pixels,
    to_floats,
    to_pil_image,
)
from explorer.data.ranges import AnyArray, Range, file_range, found_range
from explorer.data.source import range_text
from explorer.data.tiles import through_tiles
from explorer.data.values import scaled
from explorer.errors import DataError
from explorer.messages import NO_MESSAGE, Message, Value, message
from explorer.models.batches import images_at_once
from explorer.models.value_files import FileValues
from explorer.steps import follow
from explorer.types import Codec, Floats, Pixels, Progress

_TILES_AT_ONCE = 256
_ALPHA_MODES = ("LA", "RGBA")


def clean_image(codec: Codec, preprocessing: Preprocessing, pil_image: Image.Image) -> Iterator[Progress | Image.Image]:
    """Denoise one image of any mode and size: yields progress after each row of tiles, then the denoised image.

    The image is not resized: overlapping tiles of the model's input size are denoised and blended. Of the model's
    preprocessing only the background of transparent pixels and inversion (undone at the end) apply. A grayscale model
    denoises the channels of a color image separately; a color model returns grayscale for a grayscale image.

    The result is upright, of the same size, of mode ``L``, ``LA``, ``RGB`` or ``RGBA`` like the input; alpha is kept.
    DataError if the model takes another number of channels, or the value range of a 16-bit or float image is unknown.
    """
    upright = Orientation().on_image(plain_mode(pil_image))
    background = next((step for step in preprocessing.steps if isinstance(step, Alpha)), Alpha())
    clean = yield from follow(
        _in_tiles(codec, preprocessing, pil_image_pixels(background.on_image(upright))), lambda step: step
    )
    yield _with_alpha(clean, upright, background) if upright.mode in _ALPHA_MODES else to_pil_image(clean)


def clean_values(codec: Codec, preprocessing: Preprocessing, found: FileValues) -> Iterator[Progress | FileValues]:
    """Denoise the values of a file as `clean_image` does: yields progress, then the denoised values of the same dtype.

    The model gets them in its range (`values_range`); values beyond are clipped. If it learned from some of the
    channels in its files, only these are denoised and returned.
    """
    chosen = preprocessing.reading.channels
    images = found.images
    if found.measured and chosen and max(chosen) < found.channels:
        images = images[..., list(chosen)]
    limits = values_range(preprocessing, images)
    width = limits[1] - limits[0]
    depth: Depth = "float" if images.dtype.kind == "f" or width > 0xFFFF else 8 if images.dtype == np.uint8 else 16
    clean = np.empty_like(images)
    for values, target in zip(images, clean, strict=True):
        floats = values.dtype.kind == "f"
        image = np.nan_to_num(values, nan=limits[0], posinf=limits[1], neginf=limits[0]) if floats else values
        pixels = yield from follow(_in_tiles(codec, preprocessing, scaled(image, limits, depth)), lambda step: step)
        for row, cleaned in zip(target, pixels, strict=True):
            row[...] = _in_range(cleaned, limits, images.dtype)
    yield replace(found, images=clean)


def values_range(preprocessing: Preprocessing, images: AnyArray) -> Range:
    """Return the values of a file ``(n, h, w, c)`` that are 0 and 1 of a model: those that it learned from, if deep."""
    if images.dtype == np.uint8:
        return found_range(images, message("the image"))
    # No value of the file is lost, not even a hot pixel's.
    return preprocessing.reading.range or file_range(images, covering=True)


def range_note(preprocessing: Preprocessing, images: AnyArray | None, name: Value) -> Message:
    """Return a note if a model learned from other values than those of a file, else an empty one.

    `images` are the values ``(n, h, w, c)``; None for 8 bits.
    """
    learned = preprocessing.reading.range
    if images is None or images.dtype == np.uint8:
        plain = learned is None and preprocessing.reading.depth == 8
        return (
            NO_MESSAGE
            if plain or learned == (0, 255)
            else message(
                "The model learned from values of {learned}, and {file} has 8 bits: 0 to 255 become the same range.",
                learned=range_text(learned),
                file=name,
            )
        )
    low, high = values_range(preprocessing, images)
    if learned is None:
        return message(
            "The model learned from values of {learned}, and {file} has more bits: {low:g} to {high:g} become the same "
            "range.",
            learned=range_text(learned),
            file=name,
            low=low,
            high=high,
        )
    finite = images[np.isfinite(images)]
    if not finite.size or (low <= finite.min() and finite.max() <= high):
        return NO_MESSAGE
    return message(
        "The model learned from values of {learned}, and {file} has {smallest:g} to {largest:g}: those beyond are "
        "clipped.",
        learned=range_text(learned),
        file=name,
        smallest=float(finite.min()),
        largest=float(finite.max()),
    )


def _in_range(pixels: Pixels, limits: Range, dtype: np.dtype[Any]) -> AnyArray:
    """Return the values of pixels in a file, as the reverse of `scaled`."""
    low, high = limits
    values = to_floats(pixels).astype(np.float64) * (high - low) + low
    if dtype.kind == "f":
        return values.astype(dtype)
    return np.clip(np.rint(values), np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)


def _in_tiles(codec: Codec, preprocessing: Preprocessing, pixels: Pixels) -> Iterator[Progress | Pixels]:
    """Denoise pixels ``(h, w, c)`` tile by tile; DataError if the model takes another number of channels."""
    given, wanted = pixels.shape[2], codec.image_shape[2]
    if wanted not in (1, given) and (given, wanted) != (1, 3):
        raise DataError(
            "The image has {given:# channel|# channels}, and the model takes {wanted}. Choose images of "
            "{wanted:# channel|# channels}, or a model of {given:# channel|# channels}.",
            given=given,
            wanted=wanted,
        )
    inverted = any(isinstance(step, Invert) for step in preprocessing.steps)
    at_once = max(1, images_at_once(codec.image_shape, _TILES_AT_ONCE) // given)
    return through_tiles(
        pixels, codec.image_shape[:2], lambda tiles: _reconstruct(codec, tiles, inverted), at_once=at_once
    )


def _reconstruct(codec: Codec, tiles: Floats, inverted: bool) -> Floats:
    """Return the reconstruction of tiles ``(n, h, w, c)``, also if the model has another number of channels."""
    count, height, width, channels = tiles.shape
    wanted = codec.image_shape[2]
    given = 1 - tiles if inverted else tiles
    if channels > wanted:
        given = given.transpose(0, 3, 1, 2).reshape(-1, height, width, 1)
    elif channels < wanted:
        given = np.repeat(given, wanted, axis=3)
    output = codec.decode(codec.encode(np.ascontiguousarray(given)))
    if channels > wanted:
        output = output.reshape(count, channels, height, width).transpose(0, 2, 3, 1)
    elif channels < wanted:
        output = luma(output)
    return 1 - output if inverted else output


def _with_alpha(clean: Pixels, upright: Image.Image, background: Alpha) -> Image.Image:
    """Return the denoised image with the original's alpha.

    It was denoised on a background. The background's share is subtracted, so that compositing gives the denoised
    colors. Fully transparent pixels keep their original color.
    """
    before = np.asarray(upright)
    opacity = before[..., -1:].astype(np.float32) / 255
    behind = 255.0 if background.background == "white" else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        own = (clean - (1 - opacity) * np.float32(behind)) / opacity
    colors = np.where(opacity > 0, np.rint(np.clip(own, 0, 255)), before[..., :-1]).astype(np.uint8)
    return Image.fromarray(np.concatenate([colors, before[..., -1:]], axis=2))
