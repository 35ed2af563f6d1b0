"""Edits of the latent cursor of a document: by sliders, as a whole, or by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from explorer.document.edited_state import EditedState
from explorer.document.slider_edits import Cursor, SliderEdits
from explorer.document.state import Arithmetic
from explorer.errors import UsageError
from explorer.messages import Message, message
from explorer.types import Floats

_EDIT_CODE: Final = message("Edit code")


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
