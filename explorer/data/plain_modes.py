"""Conversion of Pillow's many modes of 8 bits to four: ``L``, ``LA``, ``RGB`` and ``RGBA``."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageChops

JPEG_FORMATS: Final = ("JPEG", "MPO")
"""Pillow's names; it opens MPO, a camera format, through JPEG."""

_PLAIN_MODES: Final = ("L", "LA", "RGB", "RGBA")


def plain_colors(pil_image: Image.Image) -> Image.Image:
    """Return a loaded image of 8 bits as ``L``, ``LA``, ``RGB``, ``RGBA``, or as ``CMYK`` with amounts of ink.

    Colors are not converted: its profile is kept, as is its EXIF data.
    """
    mode = pil_image.mode
    if pil_image.has_transparency_data:
        plain = pil_image.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA")
        plain.info.pop("transparency", None)
        return plain
    if mode == "1":
        return pil_image.convert("L")
    if mode == "CMYK" and pil_image.format in JPEG_FORMATS and "adobe" not in pil_image.info:
        # Pillow treats every CMYK JPEG as Adobe's, which are inverted; one without Adobe's mark is not.
        ink = ImageChops.invert(pil_image)
        ink.info = dict(pil_image.info)
        return ink
    return pil_image if mode in (*_PLAIN_MODES, "CMYK") else pil_image.convert("RGB")


def without_ink(pil_image: Image.Image) -> Image.Image:
    """Return an image of one of the plain modes or CMYK in a plain mode."""
    return pil_image.convert("RGB") if pil_image.mode == "CMYK" else pil_image
