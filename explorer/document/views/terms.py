"""The decoded terms of the code arithmetic, term by term."""

from __future__ import annotations

from explorer.document.state import State
from explorer.document.views.decoded import decoded_part
from explorer.types import Floats


def _codes(state: State) -> list[Floats]:
    return [code for term in state.arithmetic.terms for code in term.codes]


TERMS = decoded_part("terms", "arithmetic", _codes)
