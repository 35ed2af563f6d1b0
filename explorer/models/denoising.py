"""Denoise images of any size with a model of fixed input size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from explorer.data.corruption.gray import luma
from explorer.data.formats import plain_mode
from explorer.data.preprocessing import Alpha, Invert, Orientation, Preprocessing, pil_image_pixels, to_pil_image
from explorer.data.tiles import through_tiles
from explorer.errors import DataError
from explorer.models.batches import images_at_once
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
    DataError if the model is not for 1 or 3 channels, or the value range of a 16-bit or float image is unknown.
    """
    if codec.image_shape[2] not in (1, 3):
        raise DataError(
            "Cannot denoise image files with a model of {count:# channel|# channels}: they have 1 or 3. Open them as a "
            "dataset instead.",
            count=codec.image_shape[2],
        )
    upright = Orientation().on_image(plain_mode(pil_image))
    background = next((step for step in preprocessing.steps if isinstance(step, Alpha)), Alpha())
    inverted = any(isinstance(step, Invert) for step in preprocessing.steps)
    pixels = pil_image_pixels(background.on_image(upright))
    at_once = max(1, images_at_once(codec.image_shape, _TILES_AT_ONCE) // pixels.shape[2])
    job = through_tiles(
        pixels, codec.image_shape[:2], lambda tiles: _reconstruct(codec, tiles, inverted), at_once=at_once
    )
    clean = yield from follow(job, lambda step: step)
    yield _with_alpha(clean, upright, background) if upright.mode in _ALPHA_MODES else to_pil_image(clean)


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
