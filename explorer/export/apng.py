"""Animated PNG, lossless, with every frame.

Pillow's writer merges equal frames and rounds delays to milliseconds; here each frame is kept, and delays are exact
fractions such as 1/30 s. Only the changed rectangle of a frame is stored. Chunks follow the PNG specification, third
edition, section 11.3.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from explorer.export.frames import WRITING, ExportFormat, ExportSettings
from explorer.export.layout import cells_of, finished, patches, strip_below
from explorer.export.recipe import png_texts
from explorer.export.stills import PNG_SIGNATURE, png_chunk, png_data, read_png_text
from explorer.messages import message
from explorer.paths import replacing_file
from explorer.types import Pixels, Progress

MAX_FPS = 90.0
"""Browsers play delays of 10 ms and less at 10 frames per second."""

_LONGEST = 65_535
_KEEP_WHAT_IS_SHOWN, _REPLACE = 0, 0


def possible_fps(fps: float) -> float:
    """Return the nearest frame rate that viewers of APNG support: a fraction of two 16-bit numbers, at most 90."""
    return float(1 / _delay(fps))


def _delay(fps: float) -> Fraction:
    wanted = float(np.clip(fps, 1 / _LONGEST, MAX_FPS))
    if wanted >= 1:
        # Its inverse, so that the larger of the two numbers is bounded.
        return 1 / Fraction(wanted).limit_denominator(int(_LONGEST / wanted))
    return Fraction(1 / wanted).limit_denominator(max(1, int(_LONGEST * wanted)))


def write_apng(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write an animated PNG as a job; parameters, yields and errors as for `explorer.export.gif.write_gif`."""
    cells = cells_of(frames, total, settings)
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        first = next(cells)
        strip = strip_below(first, settings)
        whole = finished(first, strip, settings)
        height, width, channels = whole.shape
        file.write(PNG_SIGNATURE)
        png_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0))
        png_chunk(file, b"acTL", struct.pack(">II", total, settings.times_shown))
        for keyword, text in png_texts(settings.recipe).items():
            png_chunk(file, b"tEXt", keyword.encode("ascii") + b"\0" + text.encode("ascii"))
        delay = _delay(settings.fps)
        order = 0
        for number, patch in enumerate(patches(chain([first], cells))):
            image = finished(patch.cells, None if number else strip, settings)
            head = (order, image.shape[1], image.shape[0], patch.left * settings.scale, patch.top * settings.scale)
            shown = (delay.numerator, delay.denominator, _KEEP_WHAT_IS_SHOWN, _REPLACE)
            png_chunk(file, b"fcTL", struct.pack(">IIIIIHHBB", *head, *shown))
            order += 1
            data = png_data(image)
            if number:
                png_chunk(file, b"fdAT", struct.pack(">I", order) + data)
                order += 1
            else:
                png_chunk(file, b"IDAT", data)
            yield Progress(number + 1, total, WRITING)
        png_chunk(file, b"IEND", b"")


FORMAT = ExportFormat(
    ".apng", message("Animated PNG"), write_apng, PNG_SIGNATURE, read_png_text, possible_fps=possible_fps
)
