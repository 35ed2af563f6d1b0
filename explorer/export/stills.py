"""Chunks of still PNG and WebP files from Pillow, for animations."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from explorer.errors import ExportError
from explorer.export.recipe import KEYWORD, MAX_BLOCKS, MAX_TEXT
from explorer.export.sheet import to_pillow
from explorer.types import Shown

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_data(image: Shown) -> bytes:
    """Return the compressed pixels of an image ``(h, w, 1 or 3)``: the IDAT chunks of its PNG, concatenated."""
    still = _still(image, "PNG")
    found = []
    place = len(PNG_SIGNATURE)
    while place < len(still):
        size, name = struct.unpack_from(">I4s", still, place)
        if name == b"IDAT":
            found.append(still[place + 8 : place + 8 + size])
        place += 12 + size
    return b"".join(found)


def webp_chunk(image: Shown) -> bytes:
    """Return the lossless VP8L chunk of an image ``(h, w, 1 or 3)``, with header and padding.

    ExportError if Pillow writes another layout.
    """
    for name, chunk in riff_chunks(_still(image, "WEBP")):
        if name == b"VP8L":
            return chunk
    raise ExportError("This version of Pillow writes WebP in an unknown layout. Install the supported version.")


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each chunk of a WebP file."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        end = place + 8 + size + size % 2
        yield name, data[place:end]
        place = end


def _still(image: Shown, name: str) -> bytes:
    pil_image = to_pillow(image)
    file = io.BytesIO()
    if name == "WEBP":
        pil_image.convert("RGB").save(file, format=name, lossless=True, quality=50, method=2)
    else:
        pil_image.save(file, format=name)
    return file.getvalue()


def read_png_text(file: BinaryIO) -> bytes | None:
    """Return the text of our keyword in a PNG, before or after the pixels; see `ExportFormat.read_text`."""
    file.seek(len(PNG_SIGNATURE))
    wanted = KEYWORD.encode() + b"\0"
    for _ in range(MAX_BLOCKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return None
        (size,) = struct.unpack(">I", head[:4])
        if head[4:] == b"tEXt" and size <= MAX_TEXT + len(wanted):
            content = file.read(size)
            if content.startswith(wanted):
                return content[len(wanted) :]
            file.seek(4, 1)
        else:
            file.seek(size + 4, 1)
    return None
