"""Decoded random codes around the latent cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.document.document import Document
from explorer.document.state import Jitter
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Codec, Floats

CLOUD_SIZE = 24
"""Random codes around the latent cursor, including the cursor itself."""


@dataclass(frozen=True, eq=False)
class CloudView:
    """Decoded random codes: `codes` float32 ``(n, latent_dim)``, the cursor first; `images` float32 ``(n, h, w, c)``.

    `spread` is the root mean square difference of the other images from the first; 0 to 1.
    """

    codes: Floats
    images: Floats
    spread: float


def decode_cloud(codec: Codec, code: Floats, scale: Floats, jitter: Jitter) -> Iterator[CloudView]:
    """Decode random codes around a code: `code` and `scale`, σ of each dimension, ``(latent_dim,)``."""
    noise = np.random.default_rng(jitter.seed).standard_normal((CLOUD_SIZE, len(code)), np.float32)
    noise[0] = 0
    codes = (code + np.float32(jitter.sigma) * scale * noise).astype(np.float32)
    images = codec.decode(codes)
    spread = float(np.sqrt(((images[1:] - images[0]).astype(np.float64) ** 2).mean()))
    yield CloudView(codes, images, spread)


def _build(document: Document) -> Iterator[CloudView] | None:
    state = document.state
    if state.model is None or state.code is None:
        return None
    scale, conditions = state.model.sample.statistics.sigma, state.model.card.conditions
    if conditions is not None:
        scale = conditions.replaced(scale, np.zeros(conditions.size, np.float32))
    return decode_cloud(state.model.codec, state.code, scale, state.jitter)


CLOUD = ViewKind[CloudView](
    name="cloud",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "code", "jitter"},
    stale_on={"model"},
    only_watched=True,
)
