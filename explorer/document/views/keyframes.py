"""The decoded keyframes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.document.document import Document
from explorer.document.views.decoded import DecodedView, decode_codes
from explorer.document.views.kind import Priority, ViewKind


def _build(document: Document) -> Iterator[DecodedView] | None:
    state = document.state
    if state.model is None or not state.keyframes:
        return None
    return decode_codes(state.model.codec, np.stack([keyframe.code for keyframe in state.keyframes]))


KEYFRAMES = ViewKind[DecodedView](
    name="keyframes",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "keyframes"},
    stale_on={"model", "keyframes"},
)
