"""A view as a contributor would add it: this file, and a line in the list of views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Floats


@dataclass(frozen=True, eq=False)
class ToyView:
    """The inverse of the first dimension of the current code."""

    inverse: float


def invert(code: Floats) -> Iterator[ToyView]:
    """Compute it; a code that begins with 0 has none."""
    yield ToyView(1.0 / float(code[0]))


def _build(document: Document) -> Iterator[ToyView] | None:
    code = document.state.code
    return None if code is None else invert(code)


TOY = ViewKind[ToyView](
    name="toy",
    build=_build,
    priority=Priority.TAB,
    depends_on={"code"},
    stale_on={"model"},
    only_watched=True,
)
