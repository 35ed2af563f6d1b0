"""Decoded codes: the result of the views that show nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.types import Codec, Floats


@dataclass(frozen=True, eq=False)
class DecodedView:
    """Decoded codes, in their order: `images` float32 ``(n, h, w, c)``."""

    images: Floats


def decode_codes(codec: Codec, codes: Floats) -> Iterator[DecodedView]:
    """Decode codes ``(n, latent_dim)`` at once."""
    yield DecodedView(codec.decode(codes))
