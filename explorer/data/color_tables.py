"""Conversion of images with a color profile (ICC) that has tables to sRGB, by Little CMS.

Only the reader process calls these functions: Little CMS parses what others wrote. See `explorer.data.color_profiles`.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MODES: Final = {"LA": "L", "RGBA": "RGB"}


def by_tables(pil_image: Image.Image, profile: bytes) -> Image.Image:
    """Return an image of mode L, LA, RGB, RGBA or CMYK in sRGB; itself if the profile is damaged.

    CMYK becomes RGB, the others keep their mode. The profile is of the color space of the image.
    """
    from PIL import ImageCms

    mode = _MODES.get(pil_image.mode, pil_image.mode)
    colors = pil_image if pil_image.mode == mode else Image.merge(mode, pil_image.split()[:-1])
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    try:
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.buildTransform(source, target, mode, "RGB", intent, flags).apply(colors)
    except Exception:  # a damaged profile raises anything, and is no reason to refuse the image
        return pil_image
    if mode == "L":
        converted = converted.getchannel(0)
    if pil_image.mode != mode:
        converted.putalpha(pil_image.getchannel("A"))
    return converted


def values_by_tables(values: NDArray[np.uint16], profile: bytes) -> NDArray[np.uint16]:
    """Return 16-bit gray ``(h, w)``, with alpha ``(h, w, 2)``, or color ``(h, w, 3 | 4)`` in sRGB.

    Little CMS in Pillow has 8 bits: it tells by how much each color changes, and the lower bits stay.
    """
    count = 3 if values.ndim == 3 else None
    colors = values[..., :count]
    shallow = np.rint(colors / 257).astype(np.uint8)
    change = np.asarray(by_tables(Image.fromarray(shallow), profile)).astype(np.int32) - shallow
    converted = values.copy()
    converted[..., :count] = np.clip(colors + 257 * change, 0, 0xFFFF)
    return converted
