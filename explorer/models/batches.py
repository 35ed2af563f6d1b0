"""Batch sizes that bound memory for images of any size."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from explorer.data.mixer import DEFAULT_MIXER, Mixer, shown
from explorer.data.preprocessing import Preprocessing, Reading
from explorer.data.source import Source
from explorer.errors import DataError
from explorer.types import Codec, Floats, ImageShape, Indices, Pixels, Shown

WORK_BYTES = 256 * 2**20
"""Approximate upper limit of one layer's output for a batch."""

HELD_BYTES = 64 * 2**20
"""Upper limit of a batch of float32 images."""

_MAPS = 128
"""Feature maps at full image size in the widest architecture (``conv-spatial``)."""

_DECODED_AT_ONCE = 32


def images_at_once(image_shape: ImageShape, most: int) -> int:
    """Return how many images or codes, 1 to `most`, fit through a network of any architecture at once."""
    height, width, _ = image_shape
    return max(1, min(most, WORK_BYTES // max(1, height * width * _MAPS * 4)))


def images_in_memory(image_shape: ImageShape, most: int) -> int:
    """Return how many float32 images, 1 to `most`, are kept in memory at once."""
    return max(1, min(most, HELD_BYTES // max(1, prod(image_shape) * 4)))


def render(codec: Codec, codes: Floats, mixer: Mixer = DEFAULT_MIXER) -> Iterator[Shown]:
    """Decode codes ``(n, d)`` in batches; yields images ``(h, w, 1 | 3)`` as they are shown."""
    for images in decoded_batches(codec, codes):
        yield from shown(images, mixer)


def render_values(codec: Codec, codes: Floats, reading: Reading) -> Iterator[Pixels]:
    """Decode codes ``(n, d)`` in batches; yields images ``(h, w, c)`` with values as in the files; see `Reading`."""
    for images in decoded_batches(codec, codes):
        yield from reading.values(images)


def decoded_batches(codec: Codec, codes: Floats) -> Iterator[Floats]:
    """Decode codes ``(n, d)``; yields float32 images ``(m, h, w, c)``, not clipped, m > 0."""
    for start in range(0, len(codes), _DECODED_AT_ONCE):
        yield codec.decode(codes[start : start + _DECODED_AT_ONCE])


def readable_batches(
    source: Source, indices: Indices, preprocessing: Preprocessing, step: int
) -> Iterator[tuple[int, Pixels, Indices]]:
    """Read images in batches; unreadable ones are skipped and listed in `Source.skipped`.

    Yields the number of `indices` tried so far, images ``(m, h, w, c)``, m > 0, and their positions in the
    source. DataError if no image can be read.
    """
    any_read = False
    for start in range(0, len(indices), step):
        pixels, kept = source.read_available(indices[start : start + step], preprocessing)
        if len(kept):
            any_read = True
            yield min(start + step, len(indices)), pixels, kept
    if len(indices) and not any_read:
        if not source.skipped:
            raise DataError("Cannot read any of the images in {source}. Replace the files.", source=source.name)
        raise DataError(
            "Cannot read any image of {source}; for example {file}: {reason}. Replace the files.",
            source=source.name,
            file=source.skipped[-1].name,
            reason=source.skipped[-1].reason,
        )
