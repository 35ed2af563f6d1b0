"""Message channels between the window and the model process."""

from __future__ import annotations

from multiprocessing.connection import Connection

from explorer.engine.messages import EVENTS, ORDERS, REQUESTS
from explorer.ipc import Channel, Limits

LIMITS = Limits(frame_bytes=5 << 30, array_bytes=2 << 30, header_bytes=32 << 20, containers=1_000_000)
"""Enough for two compiled networks of the maximum ONNX size (2 GB each) and a history of 100,000 epochs."""


def parent_end(connection: Connection) -> Channel:
    """Return the end that sends requests and orders, and receives events."""
    return Channel(connection, EVENTS, LIMITS)


def child_end(connection: Connection) -> Channel:
    """Return the end that receives requests and orders, and sends events."""
    return Channel(connection, (*REQUESTS, *ORDERS), LIMITS)
