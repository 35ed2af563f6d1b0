"""Which files may be opened, held by the Linux kernel (Landlock, from 5.13 on) until the process ends."""

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
"""The kernel's calls, of the same number on every machine."""

_ASK_VERSION: Final = 1
_BENEATH: Final = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files there are, by the version of Landlock that brought the last of them."""
_NET_RIGHTS, _NET_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6
"""Sockets without a file, and signals: none that leave this process."""
_SET_NO_NEW_PRIVILEGES: Final = 38


def restrict_files(folders: Iterable[Path]) -> bool:
    """Let this thread, and those it starts, open only files below `folders`, and only for reading.

    Returns
    -------
    bool
        Whether the kernel holds it to that.
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
    # An older kernel knows a shorter record, and refuses a longer one only where the rest is not zero.
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
    # A folder that cannot be opened cannot be read either; whoever reads it says so.
    with suppress(OSError):
        place = os.open(folder, getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0))
        try:
            libc.syscall(_ADD_RULE, ruleset, _BENEATH, struct.pack("<Qi", _READ_FILE | _READ_FOLDER, place), 0)
        finally:
            os.close(place)
