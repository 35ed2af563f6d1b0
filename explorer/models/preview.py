"""The preview of a bundle: a few reconstructions in one small PNG, for its card; a bundle needs none.

Other than one or three channels are in the default colors of the mixer, since a mix is of a session, not of a model.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from explorer.data.mixer import channels_text, shown
from explorer.data.preprocessing import pil_image_pixels, to_pil_image
from explorer.errors import ModelError
from explorer.messages import message
from explorer.models.bundle import PREVIEW
from explorer.models.codes import CodeSample
from explorer.paths import replacing_file
from explorer.reading import read_limited, reading
from explorer.types import Codec, Shown

COUNT: Final = 4
"""Images of a preview, side by side."""

MOST_BYTES: Final = 60_000
_SIDE: Final = 96
"""Longest side of an image in pixels; larger ones are reduced, further ones still if the file would be too large."""

_NUMBER = "images"


def write_preview(folder: Path, codec: Codec, sample: CodeSample) -> None:
    """Write the reconstructions of the first images of a sample; OSError if the file cannot be written."""
    decoded = codec.decode(np.ascontiguousarray(sample.codes[:COUNT], np.float32))
    images, channels = shown(decoded), channels_text(decoded.shape[3])
    side = _SIDE
    while len(content := _packed(images, side, channels)) > MOST_BYTES:
        side = side * 3 // 4
    with replacing_file(folder / PREVIEW) as temporary:
        temporary.write_bytes(content)


def _packed(images: Shown, side: int, channels: str) -> bytes:
    """Return images uint8 ``(n, h, w, c)`` side by side as PNG, each at most `side` pixels long.

    `channels` is a text in the file that says how they are shown; empty for none.
    """
    small = []
    for image in images:
        pil_image = to_pil_image(image)
        pil_image.thumbnail((side, side), Image.Resampling.LANCZOS)
        small.append(pil_image_pixels(pil_image))
    metadata, file = PngInfo(), BytesIO()
    metadata.add_text(_NUMBER, str(len(small)))
    if channels:
        metadata.add_text("channels", channels.replace("…", "-"))
    to_pil_image(np.concatenate(small, axis=1)).save(file, "PNG", optimize=True, pnginfo=metadata)
    return file.getvalue()


def read_preview(path: Path) -> Shown:
    """Return the images of a preview, uint8 ``(n, h, w, c)``; ModelError if it is missing, damaged or too large."""
    remedy = message("Delete the file: the model does not need it.")
    with reading(message("the preview of a model"), str(path), ModelError, remedy):
        content = read_limited(path, MOST_BYTES, message("the preview of a model"), ModelError)
        with Image.open(BytesIO(content), formats=["PNG"]) as pil_image:
            count = int(pil_image.info.get(_NUMBER, 0))
            (width, height), gray = pil_image.size, pil_image.mode == "L"
            if not (1 <= count <= COUNT and width % count == 0 and max(width // count, height) <= _SIDE):
                raise ModelError(
                    "Cannot read {file}: {size} pixels are not those of a preview. {remedy}",
                    file=path,
                    size=f"{width}×{height}",
                    remedy=remedy,
                )
            strip = pil_image_pixels(pil_image if gray else pil_image.convert("RGB"))
    return np.stack(np.split(strip, count, axis=1))
