"""Messages between two processes: versioned frames of msgpack and raw arrays with limits; never pickles."""

from explorer.ipc.channel import Channel
from explorer.ipc.frame import LIMITS, Limits, pack, unpack

__all__ = ["LIMITS", "Channel", "Limits", "pack", "unpack"]
