"""Edits of a latent cursor: by sliders, as a whole, or by arithmetic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from explorer.document.edited_state import EditedState
from explorer.document.state import Arithmetic, NamedDirection, OpenModel
from explorer.errors import UsageError
from explorer.latent.components import move_component, take_component
from explorer.latent.directions import Ruler
from explorer.latent.statistics import CodeStatistics
from explorer.messages import Message, Value, message
from explorer.types import Floats

_EDIT_CODE: Final = message("Edit code")
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


class CodeEdits(EditedState, SliderEdits):
    """The state with edits of its latent cursor; those of one gesture, such as a drag, are one step of the history."""

    @property
    def cursor(self) -> Cursor | None:
        state = self._state
        if state.model is None or state.code is None:
            return None
        return Cursor(state.model, state.code, state.start_code, state.directions)

    def set_code(self, code: Floats, label: Message = _EDIT_CODE, gesture: str | None = None) -> None:
        """Set the latent cursor to a copy of a code, ``(latent_dim,)`` of any float dtype.

        Consecutive edits with the same gesture are one step. UsageError if the code has another size, or is not finite.
        """
        model = self._state.model
        code = np.array(code, np.float32)
        if model is None or code.shape != (model.latent_dim,) or not np.isfinite(code).all():
            size = model.latent_dim if model else 0
            raise UsageError(
                "A code of this model needs {size:# finite value|# finite values}; this one has shape {shape}.",
                size=size,
                shape=str(code.shape),
            )
        code.flags.writeable = False
        if self._state.code is None or not np.array_equal(code, self._state.code):
            self.edit(label, replace(self._state, code=code), gesture)

    def set_arithmetic(self, arithmetic: Arithmetic, gesture: str | None = None) -> None:
        """Set the code arithmetic, and the latent cursor to its result, if no code is missing.

        UsageError if a code does not have the model's latent dimensions.
        """
        model = self._state.model
        length = model.latent_dim if model is not None else 0
        if any(code.shape != (length,) for term in arithmetic.terms for code in term.codes):
            raise UsageError(
                "A term has a code of another model, not of {length:# latent dimension|# latent dimensions}. Choose "
                "images again.",
                length=length,
            )
        state = replace(self._state, arithmetic=arithmetic)
        code = arithmetic.result()
        if code is not None:
            code.flags.writeable = False
            state = replace(state, code=code)
        self.edit(message("Code arithmetic"), state, gesture)

    def add_to_term(self, number: int, codes: Floats) -> None:
        """Add codes ``(n, latent_dim)`` to a term of the arithmetic."""
        terms = list(self._state.arithmetic.terms)
        terms[number] = replace(terms[number], codes=(*terms[number].codes, *np.array(codes, np.float32)))
        first, second, third = terms
        self.set_arithmetic(replace(self._state.arithmetic, terms=(first, second, third)))

    def reset_code(self) -> None:
        if self._state.start_code is not None:
            self.set_code(self._state.start_code, message("Reset edit"))


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
