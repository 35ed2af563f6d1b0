"""The decoded terms of the code arithmetic, term by term."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.document.document import Document
from explorer.document.views.decoded import DecodedView, decode_codes
from explorer.document.views.kind import Priority, ViewKind


def _build(document: Document) -> Iterator[DecodedView] | None:
    state = document.state
    codes = [code for term in state.arithmetic.terms for code in term.codes]
    if state.model is None or not codes:
        return None
    return decode_codes(state.model.codec, np.stack(codes))


TERMS = ViewKind[DecodedView](
    name="terms",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "arithmetic"},
    stale_on={"model", "arithmetic"},
)
