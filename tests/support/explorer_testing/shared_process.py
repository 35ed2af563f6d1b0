"""One model process for several users: the import of Keras takes longer than what most tests do with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from explorer.engine.client import ModelProcess
from explorer.engine.messages import ENDINGS, Event, Request, Warm, Warmed

_PATIENCE_S = 20.0


class SharedProcess(ModelProcess):
    """A model process that stays when its user leaves, after the end of what it was doing."""

    def __init__(self) -> None:
        super().__init__()
        self._idle = threading.Event()

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


@contextmanager
def shared_process(*modules: str) -> Iterator[ModelProcess]:
    """Give modules of the program one model process, with Keras imported, in place of one for each user."""
    process = SharedProcess()
    (warmed,) = process.run(Warm())
    assert isinstance(warmed, Warmed)
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(f"{module}.ModelProcess", lambda: process)
        yield process
    ModelProcess.close(process)
