"""Animated WebP, lossless, with every frame.

Pillow's writer merges equal frames; here each frame is kept. Pillow compresses the changed rectangle of each frame (as
a still WebP); this module assembles the chunks according to the WebP container specification.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

import numpy as np

from explorer.export.frames import WRITING, ExportFormat, ExportSettings, frame_ticks
from explorer.export.layout import cells_of, finished, patches, strip_below
from explorer.export.recipe import MAX_BLOCKS, MAX_TEXT, Recipe
from explorer.export.stills import webp_chunk
from explorer.messages import message
from explorer.paths import replacing_file
from explorer.types import Pixels, Progress

MIN_DELAY, MAX_DELAY = 11, (1 << 24) - 1
"""In milliseconds. Browsers play delays of 10 ms and less at 10 frames per second."""

_TAG = re.compile(rb"<le:recipe>([^<>]*)</le:recipe>")
_ESCAPED = 6
"""Most bytes of one escaped character in XML."""

_ANIMATED, _HAS_XMP = 0x02, 0x04
_DO_NOT_BLEND = 0x02
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:le="urn:latent-explorer:1"><le:recipe>{}</le:recipe></rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)


def possible_fps(fps: float) -> float:
    """Return the nearest average frame rate of WebP: delays are whole milliseconds, at least 11."""
    return float(np.clip(fps, 1000 / MAX_DELAY, 1000 / MIN_DELAY))


def write_webp(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write an animated WebP as a job; parameters, yields and errors as for `explorer.export.gif.write_gif`."""
    cells = cells_of(frames, total, settings)
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        first = next(cells)
        strip = strip_below(first, settings)
        height, width = finished(first, strip, settings).shape[:2]
        flags = _ANIMATED | (_HAS_XMP if settings.recipe else 0)
        file.write(b"RIFF\0\0\0\0WEBP")
        _chunk(file, b"VP8X", struct.pack("<I", flags) + _three(width - 1) + _three(height - 1))
        _chunk(file, b"ANIM", struct.pack("<IH", 0xFFFFFFFF, settings.times_shown))
        delays = np.clip(frame_ticks(total, possible_fps(settings.fps), 1000), MIN_DELAY, MAX_DELAY).tolist()
        # Positions are in units of two pixels, so an odd scale needs even cells.
        placed = patches(chain([first], cells), align=1 + settings.scale % 2)
        for number, (patch, delay) in enumerate(zip(placed, delays, strict=True)):
            image = finished(patch.cells, None if number else strip, settings)
            place = _three(patch.left * settings.scale // 2) + _three(patch.top * settings.scale // 2)
            size = _three(image.shape[1] - 1) + _three(image.shape[0] - 1)
            _chunk(file, b"ANMF", place + size + _three(delay) + bytes([_DO_NOT_BLEND]) + webp_chunk(image))
            yield Progress(number + 1, total, WRITING)
        if settings.recipe:
            _chunk(file, b"XMP ", xmp(settings.recipe))
        length = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", length))


def xmp(recipe: Recipe) -> bytes:
    return _XMP.format(escape(recipe.to_text())).encode("ascii")


def _three(number: int) -> bytes:
    """Return a number in 24 bits."""
    return struct.pack("<I", number)[:3]


def _chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2))


def _read_text(file: BinaryIO) -> bytes | None:
    file.seek(12)
    for _ in range(MAX_BLOCKS):
        head = file.read(8)
        if len(head) < 8:
            return None
        (size,) = struct.unpack("<I", head[4:])
        if head[:4] == b"XMP ":
            found = _TAG.search(file.read(min(size, _ESCAPED * MAX_TEXT)))
            return None if found is None else html.unescape(found[1].decode("latin-1")).encode("latin-1", "replace")
        file.seek(size + size % 2, 1)
    return None


FORMAT = ExportFormat(
    ".webp", message("Animated WebP"), write_webp, rb"RIFF....WEBP", _read_text, possible_fps=possible_fps
)
