"""The result of a compilation to ONNX."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.messages import NO_MESSAGE, Message


@dataclass(frozen=True)
class Compiled:
    """The result of a compilation; `ok` if the file loads and agrees with the original within the tolerance.

    `max_difference` is the largest absolute one on random input, infinite if the file does not load. `reason` says why
    it failed, without a final period. `compared` is whether they could be compared; not if the original is random.
    """

    ok: bool
    max_difference: float
    reason: Message = NO_MESSAGE
    compared: bool = True
