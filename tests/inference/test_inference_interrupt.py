"""A run of ONNX Runtime ends when it is told to, from another thread, and says so in one way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from explorer_testing.slow import slow_network
from pytestqt.qtbot import QtBot

from explorer.document.views.cursor import CURSOR
from explorer.document.views.decoded import decode_codes
from explorer.document.views.terms import TERMS
from explorer.errors import ExplorerError
from explorer.inference.codec import Network
from explorer.inference.sessions import Interrupt, Interrupted
from explorer.messages import message
from explorer.types import Floats
from explorer.workers import render_thread as module
from explorer.workers.jobs import JobRunner
from explorer.workers.render_thread import RenderThread

CODE = np.zeros((1, 2), np.float32)


class SlowCodec:
    """Decodes by a real network that would take minutes; tells when it has begun."""

    image_shape = (1, 2, 1)
    latent_dim = 2

    def __init__(self) -> None:
        self._network = Network(slow_network())
        self.begun = threading.Event()
        self.ended = threading.Event()

    def decode(self, codes: Floats) -> Floats:
        self.begun.set()
        try:
            return self._network.run(codes)[0].reshape(-1, 1, 2, 1)
        finally:
            self.ended.set()

    def encode(self, images: Floats) -> Floats:
        raise NotImplementedError

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def slow() -> Network:
    return Network(slow_network())


def in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    caught: list[BaseException] = []

    def target() -> None:
        try:
            call()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    return thread, caught


def test_a_run_ends_when_it_is_reported_to() -> None:
    codec, interrupt = SlowCodec(), Interrupt()

    def call() -> None:
        with interrupt.covering():
            codec.decode(CODE)

    thread, caught = in_thread(call)
    assert codec.begun.wait(20)
    interrupt.set()
    thread.join(20)
    assert not thread.is_alive()
    assert [type(error) for error in caught] == [Interrupted]


def test_no_run_begins_afterwards(slow: Network) -> None:
    interrupt = Interrupt()
    interrupt.set()
    with interrupt.covering(), pytest.raises(Interrupted):
        slow.run(CODE)


def test_an_error_of_a_run_stays_an_error(slow: Network) -> None:
    with Interrupt().covering(), pytest.raises(Exception, match=r"[Ii]nvalid") as caught:
        slow.run(np.zeros((1, 3), np.float32))
    assert not isinstance(caught.value, ExplorerError)


def test_closing_the_render_thread_ends_its_run(qtbot: QtBot) -> None:
    codec, thread = SlowCodec(), RenderThread()
    thread.submit(TERMS, decode_codes(codec, CODE))
    assert codec.begun.wait(20)
    thread.close()
    assert codec.ended.is_set()


def test_what_nobody_waits_for_ends_after_a_while(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OVERDUE_MS", 1)
    codec, thread = SlowCodec(), RenderThread()
    try:
        thread.submit(TERMS, decode_codes(codec, CODE))
        assert codec.begun.wait(20)
        thread.drop(TERMS)
        qtbot.waitUntil(codec.ended.is_set, timeout=20_000)
    finally:
        thread.close()


def test_what_is_waited_for_goes_on(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another slot's question, as while a hand drags, ends nothing."""
    monkeypatch.setattr(module, "OVERDUE_MS", 1)
    codec, thread = SlowCodec(), RenderThread()
    try:
        thread.submit(TERMS, decode_codes(codec, CODE))
        assert codec.begun.wait(20)
        thread.drop(CURSOR)
        assert not thread._overdue.isActive()
        assert not codec.ended.is_set()
    finally:
        thread.close()


def test_cancelling_a_job_ends_its_run(qtbot: QtBot) -> None:
    codec, runner = SlowCodec(), JobRunner()
    failed: list[str] = []
    runner.failed.connect(lambda message, details: failed.append(message))
    ended: list[Any] = []

    def job() -> Iterator[Floats]:
        yield codec.decode(CODE)

    key = runner.start(message("decoding"), job, ended.append, on_canceled=lambda: ended.append("canceled"))
    assert codec.begun.wait(20)
    runner.cancel(key)
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    assert (ended, failed) == (["canceled"], [])
    runner.close()
