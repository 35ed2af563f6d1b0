"""The decoded latent cursor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Codec, Floats


@dataclass(frozen=True, eq=False)
class CursorView:
    """The decoded latent cursor: `image` float32 ``(h, w, c)``, `decode_ms` of the decoder."""

    image: Floats
    decode_ms: float


def decode_cursor(codec: Codec, code: Floats) -> Iterator[CursorView]:
    """Decode a code ``(latent_dim,)``."""
    start = time.perf_counter()
    image = codec.decode(code[None])[0]
    yield CursorView(image, (time.perf_counter() - start) * 1000)


def _build(document: Document) -> Iterator[CursorView] | None:
    state = document.state
    if state.model is None or state.code is None:
        return None
    return decode_cursor(state.model.codec, state.code)


CURSOR = ViewKind[CursorView](
    name="cursor",
    build=_build,
    priority=Priority.CURSOR,
    depends_on={"model", "source", "image_index", "imported_image", "code"},
    stale_on={"model", "source", "image_index", "imported_image"},
)
