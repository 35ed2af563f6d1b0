"""Readers with every fault that ``scripts/fuzz.py`` looks for; each reads its own seed, and fails at anything else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from fuzzing.reader import Reader

SEED = b"a file that is as it should be"


def _write_seed(folder: Path) -> None:
    (folder / "seed").write_bytes(SEED)


def _failing(fail: Callable[[bytes], object]) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        content = path.read_bytes()
        if content != SEED:
            fail(content)

    return read


def _raise(content: bytes) -> None:
    if b"s" in content:
        raise KeyError("no error of ours")


def _loop(content: bytes) -> NoReturn:
    while True:
        pass


def _allocate(content: bytes) -> object:
    return bytearray(4 << 30)


READERS = (
    Reader("broken-raises", _write_seed, _failing(_raise)),
    Reader("broken-loops", _write_seed, _failing(_loop)),
    Reader("broken-aborts", _write_seed, _failing(lambda content: os.abort())),
    Reader("broken-allocates", _write_seed, _failing(_allocate)),
)
