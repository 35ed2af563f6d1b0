"""The condition of a conditional model, such as a class: the end of the current code. Each edit is one step of undo."""

from __future__ import annotations

from psygnal import Signal

from explorer.document.code_edits import CodeEdits
from explorer.messages import message
from explorer.models.conditions import Condition, Conditions, class_of, class_values
from explorer.types import Floats


class Conditioning:
    """Reads and edits the condition of the latent cursor. Main thread only.

    `changed`: the condition changed, by any edit of the code.
    """

    changed = Signal()

    def __init__(self, document: CodeEdits) -> None:
        self._document = document
        self._last = b""

    @property
    def inputs(self) -> Conditions | None:
        """None without a conditional model."""
        model = self._document.state.model
        return model.card.conditions if model is not None else None

    @property
    def current(self) -> Condition | None:
        """The default one before an image is encoded; None without a conditional model."""
        inputs, code = self.inputs, self._document.state.code
        if inputs is None:
            return None
        return Condition(inputs, inputs.default if code is None else code[inputs.start :])

    @property
    def classes(self) -> tuple[int | None, ...]:
        """The class of each input; None for an input of numbers, and between classes."""
        current = self.current
        if current is None:
            return ()
        parts = ((control, current.values[start - current.inputs.start :]) for control, start in current.inputs.places)
        return tuple(class_of(control, part[: control.size]) if control.choices else None for control, part in parts)

    def applied(self, codes: Floats) -> Floats:
        """Return codes ``(…, latent_dim)`` with the current condition; the same without a conditional model."""
        current = self.current
        return codes if current is None else current.applied(codes)

    def choose(self, number: int, chosen: int) -> None:
        """Set the class of an input, by its number; nothing without a current code."""
        inputs, code = self.inputs, self._document.state.code
        if inputs is None or code is None:
            return
        control, start = inputs.places[number]
        code = code.copy()
        code[start : start + control.size] = class_values(control, chosen)
        self._document.set_code(code, message("Set condition {name}", name=control.name))

    def step(self, by: int) -> None:
        """Set the class `by` further of the first input with classes; the first follows the last."""
        inputs = self.inputs
        if inputs is not None:
            number = next((number for number, one in enumerate(inputs.controls) if one.choices), None)
            if number is not None:
                # Between classes, the first one is next.
                now = self.classes[number]
                there = (now + by) % inputs.controls[number].choices if now is not None else 0
                self.choose(number, there)

    @property
    def can_step(self) -> bool:
        inputs, code = self.inputs, self._document.state.code
        return inputs is not None and code is not None and any(one.choices for one in inputs.controls)

    def renew(self) -> None:
        """Emit `changed` if the code has another condition than before."""
        current = self.current
        last = b"" if current is None else current.values.tobytes()
        if last != self._last:
            self._last = last
            self.changed.emit()
