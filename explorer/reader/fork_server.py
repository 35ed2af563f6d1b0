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
from contextlib import suppress
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
            fork = _fork(control, {one for fork in forks.values() for one in fork.descriptors})
            for number in fork.descriptors:
                forks[number] = fork
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


def _fork(control: socket.socket, others: set[int]) -> _Fork:
    """Wait for a message, and fork; exit if the socket is closed."""
    message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, _DESCRIPTORS)
    if len(descriptors) != _DESCRIPTORS:
        os._exit(0)
    requests, answers, caller = descriptors
    # A fork tries again, and tells its caller.
    with suppress(Exception):
        load(*msgpack.unpackb(message))
    gc.freeze()
    server = os.getpid()
    pid = os.fork()
    if not pid:
        end_with_parent(server)
        for number in (control.fileno(), caller, *others):
            os.close(number)
        serve(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
    os.close(requests)
    os.close(answers)
    return _Fork(pid, os.pidfd_open(pid), socket.socket(fileno=caller))
