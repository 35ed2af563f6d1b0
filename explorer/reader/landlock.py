"""Restrict which files this process may open, with Landlock (Linux 5.13 and later), until it ends."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

_ASK_VERSION: Final = 1
_BENEATH: Final = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""Number of file access rights by Landlock version."""
_NET_RIGHTS, _NET_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6
"""No abstract Unix sockets or signals to other processes."""
_SET_NO_NEW_PRIVILEGES: Final = 38


def restrict_files(folders: Iterable[Path]) -> bool:
    """Allow this thread, and those it starts, to open only files below `folders`, and only for reading.

    Returns whether the kernel enforces it.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    rights = (1 << max(count for since, count in _FILE_RIGHTS.items() if since <= version)) - 1
    net = _NET_RIGHTS if version >= _NET_SINCE else 0
    scopes = _SCOPES if version >= _SCOPES_SINCE else 0
    # An older kernel knows a shorter structure, and refuses a longer one only if the rest is not zero.
    rules = struct.pack("<QQQ", rights, net, scopes)
    ruleset = libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    try:
        for folder in folders:
            _allow(libc, ruleset, folder)
        if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: Path) -> None:
    # A folder that cannot be opened cannot be read either; the reader reports it.
    with suppress(OSError):
        place = os.open(folder, getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0))
        try:
            libc.syscall(_ADD_RULE, ruleset, _BENEATH, struct.pack("<Qi", _READ_FILE | _READ_FOLDER, place), 0)
        finally:
            os.close(place)
