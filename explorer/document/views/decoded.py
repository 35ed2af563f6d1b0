"""Decoded codes: the result of the views that show nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.document.document import Document
from explorer.document.state import State
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Codec, Floats


@dataclass(frozen=True, eq=False)
class DecodedView:
    """Decoded codes, in their order: `images` float32 ``(n, h, w, c)``."""

    images: Floats


def decode_codes(codec: Codec, codes: Floats) -> Iterator[DecodedView]:
    """Decode codes ``(n, latent_dim)`` at once."""
    yield DecodedView(codec.decode(codes))


def decoded_part(name: str, part: str, codes_of: Callable[[State], Sequence[Floats]]) -> ViewKind[DecodedView]:
    """Return the view of the codes in one part of the state, each ``(latent_dim,)``."""

    def build(document: Document) -> Iterator[DecodedView] | None:
        state = document.state
        codes = codes_of(state)
        if state.model is None or not codes:
            return None
        return decode_codes(state.model.codec, np.stack(codes))

    parts = {"model", part}
    return ViewKind[DecodedView](name=name, build=build, priority=Priority.TAB, depends_on=parts, stale_on=parts)
