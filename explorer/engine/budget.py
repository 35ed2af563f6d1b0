"""How much time something beside the training may take: live weights and checkpoints have a share each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Budget:
    """Says when something may be done again, so that it never takes more than its share.

    Parameters
    ----------
    share
        Of all time since the budget was made, in (0, 1).
    seconds
        Shortest time between two of them.
    clock
        Monotonic seconds.
    """

    def __init__(self, share: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._seconds = seconds
        self._clock = clock
        self._begun = self._last = clock()
        self._cost = 0.0
        self.spent = 0.0

    def start(self) -> None:
        """Begin to count here: what was before is neither time nor cost."""
        self._begun = self._last = self._clock()
        self.spent = self._cost = 0.0

    def due(self, seconds: float | None = None) -> bool:
        """Say whether it may be done now, if it takes as long as the last time.

        Parameters
        ----------
        seconds
            Another shortest time since the last one.
        """
        now = self._clock()
        if now - self._last < (self._seconds if seconds is None else seconds):
            return False
        return self.spent + self._cost <= self._share * (now - self._begun)

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of what is done within."""
        begun = self._clock()
        try:
            yield
        finally:
            self._last = self._clock()
            self._cost = self._last - begun
            self.spent += self._cost
