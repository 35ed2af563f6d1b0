"""Orders to a running training: pause, resume, stop and save, cancel."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Literal, Protocol, TypeAlias

from explorer.engine import messages

Order: TypeAlias = Literal["pause", "resume", "stop", "cancel"]


class Interrupted(Exception):
    """The user canceled the training."""


class StoppedEarly(Exception):
    """The user stopped the training; the model is saved."""


class Control(Protocol):
    """A source of orders."""

    def order(self) -> Order | None:
        """Return the next order or None, without waiting."""

    def wait(self) -> Order:
        """Wait for the next order and return it."""


class Unattended:
    """A source without orders."""

    def order(self) -> Order | None:
        return None

    def wait(self) -> Order:
        """Return at once, since no order will come."""
        return "resume"


class Rest:
    """Total time that a training was paused, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0


def obey(control: Control, rest: Rest, epoch: int = 0, step: int = 0) -> Generator[messages.TrainingEvent, None, None]:
    """Obey pending orders between two steps; yields `Paused`, and then `Resumed`, if the training is paused.

    Raises Interrupted, StoppedEarly if it is canceled or stopped.
    """
    order = control.order()
    while order is not None:
        if order == "cancel":
            raise Interrupted
        if order == "stop":
            raise StoppedEarly
        if order == "pause":
            begun = time.monotonic()
            yield messages.Paused(epoch, step)
            order = control.wait()
            rest.seconds += time.monotonic() - begun
            if order == "resume":
                yield messages.Resumed()
                order = control.order()
        else:
            order = control.order()
