"""The two ends of a pipe."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
import pytest

from explorer.errors import IpcError
from explorer.ipc import Channel, Limits
from explorer.types import Floats


@dataclass(frozen=True, eq=False)
class Values:
    values: Floats


@dataclass(frozen=True)
class Order:
    number: int


class Bomb:
    """Leaves a file where somebody unpickles it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (self._path, os.O_CREAT)


@pytest.fixture
def pipe() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    with closing(ours), closing(theirs):
        yield ours, theirs


def test_records_go_both_ways(pipe: tuple[Connection, Connection]) -> None:
    ours, theirs = Channel(pipe[0], (Values,)), Channel(pipe[1], (Order,))
    ours.send(Order(7))
    assert theirs.poll()
    assert theirs.recv() == Order(7)
    assert not theirs.poll()
    theirs.send(Values(np.ones(3, np.float32)))
    assert ours.recv().values.tolist() == [1, 1, 1]


def test_several_threads_may_send(pipe: tuple[Connection, Connection]) -> None:
    ours, theirs = Channel(pipe[0], ()), Channel(pipe[1], (Values,))
    large = [np.full(100_000, number, np.float32) for number in range(4)]
    threads = [threading.Thread(target=ours.send, args=(Values(values),)) for values in large]
    for thread in threads:
        thread.start()
    came = [theirs.recv().values for _ in threads]
    for thread in threads:
        thread.join()
    assert sorted(values[0] for values in came) == [0, 1, 2, 3]
    assert all((values == values[0]).all() for values in came)


def test_nothing_is_unpickled(pipe: tuple[Connection, Connection], tmp_path: object) -> None:
    mark = f"{tmp_path}/mark"
    pipe[1].send(Bomb(mark))
    with pytest.raises(IpcError):
        Channel(pipe[0], (Order,)).recv()
    assert not os.path.exists(mark)
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert os.path.exists(mark)  # so it would have been


def test_a_message_that_is_too_long_is_refused_before_it_is_read(pipe: tuple[Connection, Connection]) -> None:
    os.write(pipe[1].fileno(), b"\xff\xff\xff\xff" + (1 << 40).to_bytes(8, "big"))
    with pytest.raises(IpcError, match="larger than 1,000 bytes"):
        Channel(pipe[0], (Order,), Limits(frame_bytes=1_000)).recv()


def test_the_end_of_the_other_is_an_end_of_file(pipe: tuple[Connection, Connection]) -> None:
    pipe[1].close()
    ours = Channel(pipe[0], (Order,))
    assert ours.poll()
    with pytest.raises(EOFError):
        ours.recv()
