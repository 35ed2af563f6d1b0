"""Restrict the system calls of this process with seccomp (Linux, a BPF program) until it ends.

An allowlist: everything else fails with EPERM, also system calls of later kernels.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass
from typing import Final, Literal

_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
"""By architecture: column in the tables below, AUDIT_ARCH, and the number of the call ``seccomp``."""

_ABSENT: Final = -1
_ALLOWED: Final = {
    # Reading and writing open files
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "preadv2": (327, 286),
    "lseek": (8, 62),
    "close": (3, 57),
    "dup": (32, 23),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "fadvise64": (221, 223),
    "poll": (7, _ABSENT),
    "ppoll": (271, 73),
    "select": (23, _ABSENT),
    "pselect6": (270, 72),
    # Memory
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    # Threads, signals, clocks
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, _ABSENT),
    "times": (100, 153),
    # Information about the process
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getrandom": (318, 278),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
}
_ALLOWED_WITH_FOLDERS: Final = {
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "stat": (4, _ABSENT),
    "lstat": (6, _ABSENT),
    "readlink": (89, _ABSENT),
    "readlinkat": (267, 78),
    "access": (21, _ABSENT),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
}
_CLONE, _CLONE3, _FCNTL, _OPENAT, _PRLIMIT, _TGKILL = (56, 220), (435, 435), (72, 25), (257, 56), (302, 261), (234, 131)

_CLONE_THREAD: Final = 0x10000
_WRITING: Final = 0o3 | 0o100 | 0o1000
"""Flags of ``openat``: write, create, truncate."""
_FCNTL_COMMANDS: Final = (0, 1, 2, 3, 1030)
"""Duplicate, and get or set flags; not those that send signals."""

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_SET_NO_NEW_PRIVILEGES, _SET_MODE_FILTER, _ALL_THREADS = 38, 1, 1


@dataclass(frozen=True)
class _Test:
    """Test of the low (or `high`) 32 bits of an argument: in `values`, or with or without these bits."""

    argument: int
    kind: Literal["in", "with", "without"]
    values: tuple[int, ...]
    high: bool = False


_Instruction = tuple[int, int, int, int]


def restrict_calls(*, folders: bool) -> bool:
    """Allow only the system calls of a reader from now on; return whether the kernel enforces it.

    The process can no longer create processes, sockets or pipes, send signals to other processes, or raise limits. It
    can start threads and, with `folders`, open files for reading; `restrict_files` decides which.
    """
    column, architecture, seccomp = _ARCHITECTURES.get(platform.machine(), (0, 0, 0))
    if sys.platform != "linux" or not architecture or struct.calcsize("P") != 8:
        return False
    program = b"".join(struct.pack("<HBBI", *part) for part in _program(column, architecture, folders=folders))
    code = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("<H6xQ", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.syscall(seccomp, _SET_MODE_FILTER, _ALL_THREADS, filters) == 0)


def _program(column: int, architecture: int, *, folders: bool) -> list[_Instruction]:
    calls = _ALLOWED | (_ALLOWED_WITH_FOLDERS if folders else {})
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for numbers in calls.values():
        if numbers[column] != _ABSENT:
            program += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    program += _checked(_CLONE[column], _Test(0, "with", (_CLONE_THREAD,)))
    program += _checked(_FCNTL[column], _Test(1, "in", _FCNTL_COMMANDS))
    program += _checked(_TGKILL[column], _Test(0, "in", (os.getpid(),)))
    # Get the process's own limits; setting one has a pointer as third argument.
    nothing = (_Test(0, "in", (0,)), _Test(2, "in", (0,)), _Test(2, "in", (0,), high=True))
    program += _checked(_PRLIMIT[column], *nothing)
    if folders:
        program += _checked(_OPENAT[column], _Test(2, "without", (_WRITING,)))
    # The C library then starts threads with clone, whose flags can be checked.
    program += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    return [*program, (_RETURN, 0, 0, _ERRNO | errno.EPERM)]


def _checked(number: int, *tests: _Test) -> list[_Instruction]:
    """Allow a call if all tests of its arguments pass, refuse it otherwise."""
    block: list[_Instruction] = [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    for test in reversed(tests):
        failed = len(block) - 1
        if test.kind == "in":
            last = len(test.values) - 1
            jumps = [(_EQUAL, last - at, failed if at == last else 0, value) for at, value in enumerate(test.values)]
        elif test.kind == "with":
            jumps = [(_ANY_BIT, 0, failed, test.values[0])]
        else:
            jumps = [(_ANY_BIT, failed, 0, test.values[0])]
        block = [(_LOAD, 0, 0, _ARGUMENTS + 8 * test.argument + 4 * test.high), *jumps, *block]
    return [(_EQUAL, 0, len(block), number), *block]
