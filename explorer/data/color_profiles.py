"""Conversion of images with a color profile (ICC) to sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageCms

_MOST_BYTES: Final = 4 << 20
_SPACES: Final = {"L": "GRAY", "LA": "GRAY", "RGB": "RGB ", "RGBA": "RGB ", "CMYK": "CMYK"}
_UNSEEN: Final = 1
"""A profile that changes no color by more than this (of 255) is sRGB."""

_INTENT: Final = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS: Final = ImageCms.Flags.BLACKPOINTCOMPENSATION


def to_srgb(pil_image: Image.Image) -> Image.Image:
    """Return an image in sRGB without its profile; the image itself if it has none or that is sRGB already.

    A damaged profile, and one of another color space than the image's, is ignored. CMYK becomes RGB.
    """
    profile = pil_image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _MOST_BYTES or pil_image.mode not in _SPACES:
        return pil_image
    mode = "RGB" if pil_image.mode == "RGBA" else "L" if pil_image.mode == "LA" else pil_image.mode
    transform = _transform(profile, mode)
    if transform is None:
        return pil_image
    if pil_image.mode == mode:
        converted = _applied(transform, pil_image, mode)
    else:
        *colors, alpha = pil_image.split()
        converted = _applied(transform, Image.merge(mode, colors), mode)
        converted.putalpha(alpha)
    converted.info = {key: value for key, value in pil_image.info.items() if key != "icc_profile"}
    return converted


def _applied(transform: ImageCms.ImageCmsTransform, pil_image: Image.Image, mode: str) -> Image.Image:
    converted = transform.apply(pil_image)
    return converted.getchannel(0) if mode == "L" else converted


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform of a mode to sRGB; None if it would change nothing, or the profile does not apply."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _SPACES[mode]:
            return None
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, mode, "RGB", _INTENT, _FLAGS)
        return None if mode != "CMYK" and _changes_nothing(transform, mode) else transform
    except Exception:  # a damaged profile raises anything, and is no reason to refuse the image
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    given = Image.fromarray(colors if mode == "RGB" else colors[..., 0])
    changes = np.asarray(_applied(transform, given, mode)).astype(np.int16) - np.asarray(given)
    return bool(np.abs(changes).max() <= _UNSEEN)
