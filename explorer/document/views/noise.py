"""A row of corrupted images and their reconstructions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from explorer.data.corruption import Noise, corrupt
from explorer.data.metrics import mse, psnr, ssim
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Skipped, Source
from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Codec, Floats

NOISE_ROW = 8
"""Images in the row of the Noise tab."""


@dataclass(frozen=True, eq=False)
class Closeness:
    """Mean metrics of images against their clean originals: MSE; PSNR in dB, infinite if equal; SSIM."""

    mse: float
    psnr: float
    ssim: float


@dataclass(frozen=True, eq=False)
class NoiseView:
    """A row of corrupted images and their reconstructions, float32 ``(n, h, w, c)``.

    The selected image is the first; its metrics, and the mean metrics of the row. Those after it follow as in the
    source; `skipped` are the ones that cannot be read.
    """

    clean: Floats
    noisy: Floats
    reconstruction: Floats
    of_noisy: Closeness
    of_reconstruction: Closeness
    of_noisy_row: Closeness
    of_reconstruction_row: Closeness
    skipped: tuple[Skipped, ...] = field(default=(), kw_only=True)


def corrupt_images(
    codec: Codec, source: Source, preprocessing: Preprocessing, index: int, noises: tuple[Noise, ...]
) -> Iterator[NoiseView]:
    """Corrupt and reconstruct one image, then a whole row in which it is the first.

    DataError if the image cannot be read; others are skipped.
    """
    row = np.arange(index, min(index + NOISE_ROW, source.count))
    first = source.read(row[:1], preprocessing)
    for part in (row[:1], row) if len(row) > 1 else (row,):
        following, kept = source.read_available(part[1:], preprocessing)
        clean = to_floats(np.concatenate([first, following]))
        # The first image of a row gets the same noise as alone.
        noisy = corrupt(clean, noises)
        reconstruction = codec.decode(codec.encode(noisy))
        yield NoiseView(
            clean,
            noisy,
            reconstruction,
            _closeness(clean[:1], noisy[:1]),
            _closeness(clean[:1], reconstruction[:1]),
            _closeness(clean, noisy),
            _closeness(clean, reconstruction),
            skipped=source.skipped_among(np.setdiff1d(part[1:], kept)),
        )


def _closeness(clean: Floats, images: Floats) -> Closeness:
    return Closeness(mse(clean, images), psnr(clean, images), ssim(clean, images))


def _build(document: Document) -> Iterator[NoiseView] | None:
    state = document.state
    if state.model is None or state.subject is None:
        return None
    source, index = state.subject
    return corrupt_images(state.model.codec, source, state.model.card.preprocessing, index, state.noises)


NOISE = ViewKind[NoiseView](
    name="noise",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "source", "image_index", "imported_image", "noises"},
    stale_on={"model", "source", "image_index", "imported_image"},
    only_watched=True,
)
