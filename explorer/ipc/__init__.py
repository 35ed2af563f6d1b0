"""Messages between two processes: bounded, versioned frames of msgpack and raw arrays; nothing is ever unpickled."""

from explorer.ipc.channel import Channel
from explorer.ipc.frame import LIMITS, Limits, pack, unpack

__all__ = ["LIMITS", "Channel", "Limits", "pack", "unpack"]
