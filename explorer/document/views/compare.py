"""The selected image in the open model and in a second one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.data.corruption import Noise, corrupt
from explorer.data.metrics import mse, psnr, ssim
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.views.image import read_image
from explorer.document.views.kind import Priority, ViewKind
from explorer.messages import message
from explorer.types import Codec, Floats

FITTING = message("Fitting PCA")
"""Title of the job that makes a PCA to compare with."""


@dataclass(frozen=True, eq=False)
class CompareView:
    """One image in two models, the open one first: what each was given, noisy if requested, and what it made of it.

    Images are float32 ``(h, w, c)``; errors, absolute against the clean image, ``(h, w)``. PSNR in dB.
    """

    given: tuple[Floats, Floats]
    made: tuple[Floats, Floats]
    errors: tuple[Floats, Floats]
    mse: tuple[float, float]
    psnr: tuple[float, float]
    ssim: tuple[float, float]


def compare_images(
    codecs: tuple[Codec, Codec],
    preprocessings: tuple[Preprocessing, Preprocessing],
    source: Source,
    index: int,
    codes: tuple[Floats, Floats],
    noises: tuple[Noise, ...] | None,
) -> Iterator[CompareView]:
    """Compare two models on one image: decode a code ``(latent_dim,)`` of each, or reconstruct the noisy image."""
    given, made, errors = [], [], []
    figures: list[tuple[float, float, float]] = []
    for codec, preprocessing, code in zip(codecs, preprocessings, codes, strict=True):
        clean = read_image(source, preprocessing, index)
        noisy = clean if noises is None else corrupt(clean, noises)
        output = codec.decode(code[None]) if noises is None else codec.decode(codec.encode(noisy))
        given.append(noisy[0])
        made.append(output[0])
        errors.append(np.abs(clean[0] - output[0]).mean(axis=2))
        figures.append((mse(clean, output), psnr(clean, output), ssim(clean, output)))
    one, other = figures
    yield CompareView(
        (given[0], given[1]),
        (made[0], made[1]),
        (errors[0], errors[1]),
        (one[0], other[0]),
        (one[1], other[1]),
        (one[2], other[2]),
    )


def _build(document: Document) -> Iterator[CompareView] | None:
    state, second = document.state, document.comparison
    model, other = state.model, second.model
    codes = (state.code, second.code) if second.edited else (state.start_code, second.start_code)
    if model is None or other is None or state.subject is None or codes[0] is None or codes[1] is None:
        return None
    source, index = state.subject
    return compare_images(
        (model.codec, other.codec),
        (model.card.preprocessing, other.card.preprocessing),
        source,
        index,
        (codes[0], codes[1]),
        state.noises if second.noisy else None,
    )


COMPARE = ViewKind[CompareView](
    name="compare",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "source", "image_index", "imported_image", "start_code", "code", "noises"},
    signals=lambda document: (document.comparison.code_changed, document.comparison.input_changed),
    stale_on={"model", "source", "imported_image"},
    only_watched=True,
)
