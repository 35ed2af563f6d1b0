"""Image files of 16-bit color, which Pillow cannot write."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png_16(values: NDArray[np.uint16], profile: bytes = b"") -> bytes:
    """Return a PNG of 16-bit color ``(h, w, 3 | 4)``."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0),
        **({b"iCCP": b"profile\0\0" + zlib.compress(profile)} if profile else {}),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff_16(values: NDArray[np.uint16], order: str, packed: bool, orientation: int = 1) -> bytes:
    """Return a TIFF of 16-bit color ``(h, w, 3)``; `order` is ``<`` or ``>``."""
    height, width, channels = values.shape
    content = values.astype(f"{order}u2").tobytes()
    content = zlib.compress(content) if packed else content
    bits = 8 + 2 + 10 * 12 + 4
    tags = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 4, 1, 8 if packed else 1), (262, 4, 1, 2)),
        *((273, 4, 1, bits + 6), (274, 4, 1, orientation), (277, 4, 1, channels), (278, 4, 1, height)),
        (279, 4, 1, len(content)),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    entries = b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags)
    return head + entries + struct.pack(f"{order}I3H", 0, 16, 16, 16) + content
