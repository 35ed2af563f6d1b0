"""Chunks of still PNG and WebP files from Pillow, for animations; PNG files of 16 bits, which Pillow cannot write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExportError
from explorer.export.recipe import KEYWORD, MAX_BLOCKS, MAX_TEXT
from explorer.export.sheet import to_pillow
from explorer.types import Shown

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLORS: Final = {1: 0, 2: 4, 3: 2, 4: 6}
"""Color types of PNG by the number of channels: gray, gray and alpha, RGB, RGB and alpha."""

_SUB: Final = 1
"""The filter that keeps the differences of neighboring pixels."""


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


def png_chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content)))


def write_deep_png(values: NDArray[np.uint16], path: Path) -> None:
    """Write an image ``(h, w, c)`` with one of the channels of `PNG_COLORS` as PNG of 16 bits."""
    height, width, channels = values.shape
    rows: NDArray[Any] = np.ascontiguousarray(values, ">u2").view(np.uint8).reshape(height, -1)
    filtered = np.full((height, 1 + rows.shape[1]), _SUB, np.uint8)
    filtered[:, 1:] = rows
    filtered[:, 1 + 2 * channels :] -= rows[:, : -2 * channels]
    with path.open("wb") as file:
        file.write(PNG_SIGNATURE)
        png_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, PNG_COLORS[channels], 0, 0, 0))
        png_chunk(file, b"IDAT", zlib.compress(filtered.tobytes()))
        png_chunk(file, b"IEND", b"")


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
