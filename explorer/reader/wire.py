"""The messages between the two processes, and their format in a pipe."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Final

import msgpack

from explorer.errors import IpcError
from explorer.ipc import Limits, pack
from explorer.ipc.frame import Part
from explorer.messages import Message
from explorer.reader.sandbox import Guard

LIMITS: Final = Limits(frame_bytes=256 << 20, array_bytes=256 << 20, header_bytes=48 << 20)
_LENGTH_BYTES: Final = 8

EXIT_CODE: Final = struct.Struct("<i")
"""How the fork server tells that a fork has ended: its exit code, negative for a signal."""


@dataclass(frozen=True)
class Request:
    """Files to read, with the function and limits of the reader (see `explorer.reader.registry.Reader`)."""

    function: str
    preload: tuple[str, ...]
    memory_bytes: int
    cpu_seconds: int
    paths: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Locked:
    """The process has dropped its privileges, and starts to read."""

    guards: tuple[Guard, ...]


@dataclass(frozen=True)
class Refused:
    """The reader has refused the file: the message of an `ExplorerError`."""

    message: Message


@dataclass(frozen=True)
class Broken:
    """The reader has failed: the exception's class and first line."""

    error: str
    message: str


@dataclass(frozen=True)
class Finished:
    """The files were read completely."""


def send_request(stream: BinaryIO, request: Request) -> None:
    """Write a request in msgpack; OSError if the other end is closed."""
    _send(stream, [msgpack.packb(asdict(request), unicode_errors="surrogatepass")])


def receive_request(stream: BinaryIO) -> Request:
    """Wait for the request; EOFError if the other end is closed."""
    data = receive_bytes(stream)
    if not data:
        raise EOFError
    fields = msgpack.unpackb(data, unicode_errors="surrogatepass", use_list=False)
    return Request(**fields)


def send(stream: BinaryIO, record: object) -> None:
    """Write a record; IpcError if it is larger than allowed, or cannot be sent; OSError if the other end is closed."""
    _send(stream, pack(record, LIMITS))


def _send(stream: BinaryIO, parts: Sequence[Part]) -> None:
    stream.write(sum(map(len, parts)).to_bytes(_LENGTH_BYTES, "little"))
    for part in parts:
        stream.write(part)
    stream.flush()


def receive_bytes(stream: BinaryIO) -> bytes:
    """Wait for a frame; empty if the other end is closed.

    Raises IpcError if it is longer than allowed, or truncated.
    """
    prefix = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(prefix, "little")
    if not prefix:
        return b""
    if len(prefix) < _LENGTH_BYTES or not 0 < length <= LIMITS.frame_bytes:
        raise IpcError(
            "Invalid message from a subprocess: {size:# byte|# bytes}, at most {most:,}.",
            size=length,
            most=LIMITS.frame_bytes,
        )
    data = stream.read(length)
    if len(data) < length:
        raise IpcError(
            "Invalid message from a subprocess: {found:,} of {size:# byte|# bytes}.", found=len(data), size=length
        )
    return data
