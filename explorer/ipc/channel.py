"""One end of a pipe that records go through."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from typing import Any

from explorer.errors import IpcError
from explorer.ipc.frame import LIMITS, Limits, pack, unpack


class Channel:
    """Sends records, and receives those of the types it was told.

    `send` may be called from any thread, `recv` and `poll` from one.

    Parameters
    ----------
    connection
        One end of a `multiprocessing.Pipe`; it belongs to the channel from here on.
    receives
        Types of the records that may come, dataclasses or pydantic models of different names.
    limits
        What a message may hold, both ways.
    """

    def __init__(self, connection: Connection, receives: tuple[type, ...], limits: Limits = LIMITS) -> None:
        self._connection = connection
        self._receives = receives
        self._limits = limits
        self._sending = threading.Lock()

    def send(self, record: object) -> None:
        """Send a record; waits while the pipe is full.

        Raises
        ------
        IpcError
            If it cannot be sent (see `pack`).
        OSError
            If the other end is gone.
        """
        data = b"".join(pack(record, self._limits))
        with self._sending:
            self._connection.send_bytes(data)

    def recv(self) -> Any:
        """Wait for a record and return it.

        Raises
        ------
        IpcError
            If what came is not one of the records that may come.
        EOFError, OSError
            If the other end is gone.
        """
        try:
            data = self._connection.recv_bytes(self._limits.frame_bytes)
        except OSError as error:
            if str(error) == "bad message length":
                raise IpcError(f"a message of at most {self._limits.frame_bytes} bytes", "a longer one") from error
            raise
        return unpack(data, self._receives, self._limits)

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Return whether something came, or the other end is gone; wait `timeout` seconds (None: for ever)."""
        return self._connection.poll(timeout)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
