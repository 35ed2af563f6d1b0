"""The fork server: a process that imports what readers need, never reads a file, and forks a process for each reading.

The fork reads in place of a new process, under the same limits, and without a trace of files that were read before.
`explorer.reader.processes` has the other end.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final, NoReturn

import msgpack

from explorer.reader.child import load, serve
from explorer.reader.sandbox import end_with_parent
from explorer.reader.wire import EXIT_CODE

_MOST_BYTES: Final = 1 << 16
_DESCRIPTORS: Final = 3


@dataclass(frozen=True)
class _Fork:
    """A process, a descriptor that is readable when it has exited, and the socket of its caller."""

    pid: int
    ended: int
    caller: socket.socket

    @property
    def descriptors(self) -> tuple[int, int]:
        return self.ended, self.caller.fileno()


def main(descriptor: int) -> NoReturn:
    """Fork for each message on a socket, until it is closed: then exit, and the forks with it.

    A message is the function and the imports of a reader, with three descriptors: the ends of the pipes of requests and
    answers, and a socket. The exit code is sent on the socket; when the caller shuts it, the fork is killed.
    """
    end_with_parent()
    control = socket.socket(fileno=descriptor)
    forks: dict[int, _Fork] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        # One event at a time, since others may be of descriptors that are closed meanwhile.
        ready, _ = poll.poll()[0]
        if ready == control.fileno():
            begun = _fork(control, {one for fork in forks.values() for one in fork.descriptors})
            if begun is not None:
                for number in begun.descriptors:
                    forks[number] = begun
                    poll.register(number, select.POLLIN)
            continue
        fork = forks[ready]
        for number in fork.descriptors:
            del forks[number]
            poll.unregister(number)
        os.kill(fork.pid, signal.SIGKILL)  # does nothing to one that has exited
        code = os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])
        with suppress(OSError):
            fork.caller.send(EXIT_CODE.pack(code))
        fork.caller.close()
        os.close(fork.ended)


def _fork(control: socket.socket, others: set[int]) -> _Fork | None:
    """Read a message, and fork; exit if the socket is closed.

    None if there are too few descriptors, processes or memory: the caller finds its pipes and its socket closed.
    """
    message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, _DESCRIPTORS)
    if not message:
        os._exit(0)
    with ExitStack() as received, ExitStack() as kept:
        for place, number in enumerate(descriptors):
            (received if place < _DESCRIPTORS - 1 else kept).callback(os.close, number)
        if len(descriptors) != _DESCRIPTORS:
            return None
        requests, answers, caller = descriptors
        # A fork tries again, and tells its caller.
        with suppress(Exception):
            load(*msgpack.unpackb(message))
        gc.freeze()
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            return None
        if not pid:
            received.pop_all()
            kept.pop_all()
            end_with_parent(server)
            for number in (control.fileno(), caller, *others):
                os.close(number)
            serve(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
        try:
            ended = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        kept.pop_all()
    return _Fork(pid, ended, socket.socket(fileno=caller))
