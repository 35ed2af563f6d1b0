"""What a running training is told from outside: pause, go on, stop and keep, cancel."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Literal, Protocol, TypeAlias

from explorer.engine import messages

Order: TypeAlias = Literal["pause", "resume", "stop", "cancel"]


class Interrupted(Exception):
    """The user asked to cancel."""


class StoppedEarly(Exception):
    """The user asked to stop and to keep what there is."""


class Control(Protocol):
    """Where orders come from."""

    def order(self) -> Order | None:
        """Return the next order, or None where there is none; never waits."""

    def wait(self) -> Order:
        """Wait for the next order and return it."""


class Unattended:
    """Nobody gives orders: the training runs to its end."""

    def order(self) -> Order | None:
        """Return None."""
        return None

    def wait(self) -> Order:
        """Return at once: whoever waits here would wait for ever."""
        return "resume"


class Rest:
    """How long a training was held up on purpose; belongs to one training.

    Attributes
    ----------
    seconds
        In all.
    """

    def __init__(self) -> None:
        self.seconds = 0.0


def obey(control: Control, rest: Rest, epoch: int = 0, step: int = 0) -> Generator[messages.TrainingEvent, None, None]:
    """Do what was ordered since; called between two steps.

    Yields
    ------
    TrainingEvent
        `Paused` and, once it goes on, `Resumed`; nothing where nothing was ordered.

    Raises
    ------
    Interrupted, StoppedEarly
        If that was the order.
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
