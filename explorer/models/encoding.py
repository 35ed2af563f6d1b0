"""Encodes all images of a source, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.latent.code_table import CodeTable
from explorer.latent.statistics import CodeStatistics
from explorer.messages import message
from explorer.models.batches import images_at_once, readable_batches
from explorer.types import Codec, Indices, Pixels, Progress

_AT_ONCE = 250


def encode_all(
    codec: Codec, source: Source, preprocessing: Preprocessing, statistics: CodeStatistics
) -> Iterator[Progress | CodeTable]:
    """Encode every image of a source; yields progress, and finally the codes, NaN for unreadable images.

    UsageError if the codes would not fit into memory.
    """
    table = CodeTable.empty(source.count, statistics)
    for done, pixels, kept in batches_to_encode(codec, source, np.arange(source.count), preprocessing):
        table.put(kept, codec.encode(to_floats(pixels)))
        yield Progress(done, source.count, message("Encoding"))
    yield table


def batches_to_encode(
    codec: Codec, source: Source, indices: Indices, preprocessing: Preprocessing
) -> Iterator[tuple[int, Pixels, Indices]]:
    """Read images in batches that fit through a network at once; see `readable_batches`."""
    return readable_batches(source, indices, preprocessing, images_at_once(codec.image_shape, _AT_ONCE))
