"""One process for several users: the import of Keras or scikit-learn takes longer than what most tests do with it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from explorer.engine.client import ModelProcess
from explorer.engine.messages import ENDINGS, Event, Request, Warm, Warmed
from explorer.messages import Message, message
from explorer.types import Progress
from explorer.workers import fitting
from explorer.workers.fitting import FitComponents, FitProcess

_PATIENCE_S = 20.0


class SharedProcess(ModelProcess):
    """A model process with Keras imported, which stays when its user leaves, after the end of what it was doing."""

    def __init__(self) -> None:
        super().__init__()
        self._idle = threading.Event()
        (warmed,) = self.run(Warm())
        assert isinstance(warmed, Warmed)

    def steps(self, request: Request, patience_s: float | None = None) -> Iterator[Event | None]:
        self._idle.clear()
        for event in super().steps(request, patience_s):
            if isinstance(event, ENDINGS):
                self._idle.set()
            yield event

    def shut(self) -> None:
        """Cancel what runs, and wait for its end, which another thread reads."""
        if not self._idle.is_set():
            self.cancel()
        assert self._idle.wait(_PATIENCE_S), "the model process goes on"

    def close(self, seconds: float = 0.0) -> None:
        assert self._idle.is_set(), "the model process was left in the middle of a request"

    def end(self) -> None:
        """End the process."""
        super().close()


@contextmanager
def shared_process(process: ModelProcess, *modules: str) -> Iterator[None]:
    """Give modules of the program this model process, in place of one for each user."""
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(f"{module}.ModelProcess", lambda: process)
        yield


class SharedFits(FitProcess):
    """A process for fits that stays when its user leaves; others wait for their turn."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()
        pixels = np.random.default_rng(0).integers(0, 256, (3, 2, 2, 1), np.uint8)
        for _ in self.fit(FitComponents(pixels, 1), message("Fitting")):
            pass  # until scikit-learn is imported

    def __enter__(self) -> SharedFits:
        self._turn.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._turn.release()

    def fit(self, request: fitting.Request, note: Message) -> Generator[Progress, None, fitting.Result]:
        steps = super().fit(request, note)
        try:
            while True:
                yield next(steps)
        except StopIteration as end:
            result: fitting.Result = end.value
            return result
        finally:
            for _ in steps:
                pass  # the answer to a job that was canceled must not be taken for that to the next

    def close(self) -> None:
        """End the process."""
        super().__exit__()
