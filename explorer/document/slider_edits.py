"""Edits of a latent cursor by sliders: of a dimension, a principal component, or along a direction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from explorer.document.state import NamedDirection, OpenModel
from explorer.latent.components import move_component, take_component
from explorer.latent.directions import Ruler
from explorer.latent.statistics import CodeStatistics
from explorer.messages import Message, Value, message
from explorer.types import Floats

_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SMALLEST_SIGMA: Final = 1e-6


class Cursor(NamedTuple):
    """A latent cursor ``(latent_dim,)``, its model, the code of the selected image, and directions to move along."""

    model: OpenModel
    code: Floats
    start: Floats | None
    directions: Sequence[NamedDirection] = ()


class SliderEdits(ABC):
    """The owner of a latent cursor; without one, nothing is edited. Resetting needs the code of the selected image."""

    @property
    @abstractmethod
    def cursor(self) -> Cursor | None: ...

    @abstractmethod
    def set_code(self, code: Floats, label: Message, gesture: str | None = None) -> None: ...

    def set_dimension(self, dimension: int, value: float, gesture: str | None = None) -> None:
        """In code units."""
        cursor = self.cursor
        if cursor is not None:
            stats = cursor.model.sample.statistics
            mean, sigma = float(stats.mean[dimension]), max(float(stats.sigma[dimension]), _SMALLEST_SIGMA)
            before, after = (float(cursor.code[dimension]) - mean) / sigma, (value - mean) / sigma
            code = cursor.code.copy()
            code[dimension] = value
            self.set_code(code, _moved(f"z{str(dimension).translate(_SUBSCRIPTS)}", before, after), gesture)

    def reset_dimension(self, dimension: int, gesture: str | None = None) -> None:
        cursor = self.cursor
        if cursor is not None and cursor.start is not None:
            self.set_dimension(dimension, float(cursor.start[dimension]), gesture)

    def set_component(self, component: int, value: float, gesture: str | None = None) -> None:
        """In σ of the data."""
        cursor = self.cursor
        if cursor is not None:
            after = move_component(cursor.code, cursor.model.sample.statistics, component, value)
            self._set_axis(cursor, component, after, gesture)

    def reset_component(self, component: int, gesture: str | None = None) -> None:
        cursor = self.cursor
        if cursor is not None and cursor.start is not None:
            after = take_component(cursor.code, cursor.start, cursor.model.sample.statistics, component)
            self._set_axis(cursor, component, after, gesture)

    def _set_axis(self, cursor: Cursor, component: int, after: Floats, gesture: str | None) -> None:
        stats = cursor.model.sample.statistics
        start, end = (_component(code, stats, component) for code in (cursor.code, after))
        self.set_code(after, _moved(message("PC {number}", number=component + 1), start, end), gesture)

    def set_along(self, number: int, value: float, gesture: str | None = None) -> None:
        """Move the latent cursor along one of the directions, to a value in σ of the data."""
        cursor = self.cursor
        if cursor is not None:
            kept = cursor.directions[number]
            ruler = Ruler(kept.direction.vector, cursor.model.sample.codes)
            label = _moved(kept.name, ruler.value(cursor.code), value)
            self.set_code(ruler.moved(cursor.code, value), label, gesture)

    def reset_along(self, number: int, gesture: str | None = None) -> None:
        """Move the latent cursor along one of the directions to the value of the selected image."""
        cursor = self.cursor
        if cursor is not None and cursor.start is not None:
            ruler = Ruler(cursor.directions[number].direction.vector, cursor.model.sample.codes)
            self.set_along(number, ruler.value(cursor.start), gesture)


def _component(code: Floats, stats: CodeStatistics, component: int) -> float:
    """Return one principal component of a code, in σ; `to_components` is too slow for a drag with long codes."""
    sigma = float(stats.component_sigma[component])
    along = float(np.einsum("d,d->", code - stats.mean, stats.components[component].astype(np.float32)))
    return along / sigma if sigma > 0 else 0.0


def _moved(name: Value, before: float, after: float) -> Message:
    """Return the label of a change along a dimension, component or direction, in σ."""
    return message("{name}: {start} → {end} σ", name=name, start=_signed(before), end=_signed(after))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
