"""Still PNG and WebP data from Pillow, taken apart into the chunks that animations are put together from."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import Image

from explorer.errors import ExportError
from explorer.types import Pixels

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_data(picture: Pixels) -> bytes:
    """Compressed pixels of a picture ``(h, w, 1 or 3)``: what stands in the IDAT chunks of its PNG, put together."""
    still = _still(picture, "PNG")
    found = []
    place = len(PNG_SIGNATURE)
    while place < len(still):
        size, name = struct.unpack_from(">I4s", still, place)
        if name == b"IDAT":
            found.append(still[place + 8 : place + 8 + size])
        place += 12 + size
    return b"".join(found)


def webp_chunk(picture: Pixels) -> bytes:
    """The lossless VP8L chunk of a picture ``(h, w, 1 or 3)``, with its head and padding.

    Raises
    ------
    ExportError
        If Pillow lays the file out otherwise.
    """
    for name, chunk in riff_chunks(_still(picture, "WEBP")):
        if name == b"VP8L":
            return chunk
    raise ExportError("a still WebP without loss from Pillow", "another layout", "Use the version of Pillow given.")


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and whole bytes of each chunk of a WebP file."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        end = place + 8 + size + size % 2
        yield name, data[place:end]
        place = end


def _still(picture: Pixels, name: str) -> bytes:
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    file = io.BytesIO()
    if name == "WEBP":
        image.convert("RGB").save(file, format=name, lossless=True, quality=50, method=2)
    else:
        image.save(file, format=name)
    return file.getvalue()
