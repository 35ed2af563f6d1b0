"""One end of a pipe for records."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from typing import Any

from explorer.errors import IpcError
from explorer.ipc.frame import LIMITS, Limits, pack, unpack


class Channel:
    """Sends records, and receives records of given types.

    `send` may be called from any thread, `recv` and `poll` from one. The channel owns the connection. `receives` are
    dataclasses or pydantic models with different names.
    """

    def __init__(self, connection: Connection, receives: tuple[type, ...], limits: Limits = LIMITS) -> None:
        self._connection = connection
        self._receives = receives
        self._limits = limits
        self._sending = threading.Lock()

    def send(self, record: object) -> None:
        """Send a record; blocks while the pipe is full.

        Raises IpcError if it cannot be sent (see `pack`); OSError if the other end is closed.
        """
        data = b"".join(pack(record, self._limits))
        with self._sending:
            self._connection.send_bytes(data)

    def recv(self) -> Any:
        """Wait for a record.

        Raises IpcError if the message is not an accepted record; EOFError, OSError if the other end is closed.
        """
        try:
            data = self._connection.recv_bytes(self._limits.frame_bytes)
        except OSError as error:
            if str(error) == "bad message length":
                raise IpcError(
                    "Invalid message from a subprocess: larger than {most:# byte|# bytes}.",
                    most=self._limits.frame_bytes,
                ) from error
            raise
        return unpack(data, self._receives, self._limits)

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Return whether a message or the end of the pipe is available within `timeout` seconds (None: no limit)."""
        return self._connection.poll(timeout)

    def close(self) -> None:
        self._connection.close()
