"""Limits the share of the training time that live previews and checkpoints may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Budget:
    """Time budget of a recurring task.

    It takes at most `share` of the time since the budget was created, in (0, 1), with at least `seconds` between two
    runs.
    """

    def __init__(self, share: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._seconds = seconds
        self._clock = clock
        self._begun = self._last = clock()
        self._cost = 0.0
        self.spent = 0.0

    def start(self) -> None:
        self._begun = self._last = self._clock()
        self.spent = self._cost = 0.0

    def due(self, seconds: float | None = None) -> bool:
        """Return whether the task may run now, assuming that it takes as long as the last time.

        `seconds` replaces the minimum interval between two runs.
        """
        now = self._clock()
        if now - self._last < (self._seconds if seconds is None else seconds):
            return False
        return self.spent + self._cost <= self._share * (now - self._begun)

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Measure the time of the block and count it as spent."""
        begun = self._clock()
        try:
            yield
        finally:
            self._last = self._clock()
            self._cost = self._last - begun
            self.spent += self._cost
