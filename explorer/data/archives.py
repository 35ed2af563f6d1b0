"""Unpack untrusted zip and tar archives of images safely, once, into the cache.

A malicious archive may write outside its folder, or fill the disk. So no library's ``extractall`` is used: every member
is checked, only files of known types are written, under checked names, and everything is discarded at the first member
that no archive of images needs.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.paths import cache_dir, replacing_folder
from explorer.reading import reading, reason_of
from explorer.types import Progress

ZIP_SUFFIXES: Final = (".zip",)
TAR_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
SUFFIXES: Final = (*ZIP_SUFFIXES, *TAR_SUFFIXES)
TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".txt"})
_TABLES: Final = frozenset({"dataset.json"})

MAX_MEMBERS: Final = 2_000_000
MAX_RATIO: Final = 200
UNSUSPICIOUS_BYTES: Final = 256 << 20
"""Images are compressed already; a higher ratio than `MAX_RATIO` beyond this size is a zip bomb."""

DISK_RESERVE_BYTES: Final = 512 << 20
"""Free disk space that is never used."""

_CHUNK: Final = 1 << 20
_LARGEST_READ: Final = 64 << 20
_REPORTED_BYTES: Final = 8 << 20
_ARRAY_SUFFIXES: Final = frozenset({".npz", ".npy"})
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_UNPACKING: Final = message("Unpacking")


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive that `unpack` accepts, by its name."""
    return path.name.lower().endswith(SUFFIXES) and os.path.isfile(path)


def archive_stem(path: Path) -> str:
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return path.stem


def unpacked_dir(path: Path) -> Path:
    """Return the folder that an archive is unpacked into; it changes with the size or time of the file."""
    state = path.stat()
    key = hashlib.sha256(f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}".encode()).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", archive_stem(path))[:60]
    return cache_dir() / "unpacked" / f"{name}-{key}"


def unpack(path: Path, unpacked: Callable[[str], bool]) -> Generator[Progress, None, Path]:
    """Unpack images and tables of an archive: yields progress, and returns the folder.

    Closing the iterator, or an error, leaves nothing behind. A second call returns the unpacked folder at once.
    `unpacked` returns whether to unpack a file that is not a table, by its name without folders.

    DataError if the archive is damaged, encrypted or too large when unpacked; has a link, a device or a path outside of
    it; or has nothing that can be opened. ExportError if the cache cannot be written.
    """
    try:
        target = unpacked_dir(path)
    except OSError as error:
        raise DataError("Cannot read {file}: {reason}. Check the path.", file=path, reason=reason_of(error)) from error
    if target.is_dir():
        return target
    reader = _zip_members if path.name.lower().endswith(ZIP_SUFFIXES) else _tar_members
    budget = _Budget(path, unpacked)
    with replacing_folder(target, replaceable=lambda path: None) as folder:
        for member in _reading(lambda: reader(path), path):
            budget.add(member)
            name = _safe_name(member.name, path)
            if member.refusal is not None:
                raise _refused(path, member.name, member.refusal)
            if member.content is None or not budget.wants(name):
                yield Progress(member.done, member.total, message("Looking for images"))
                continue
            yield from _write(member, member.content, folder / name, path)
        budget.check_found()
    return target


@dataclass(frozen=True)
class _Member:
    """One entry of an archive.

    ``refusal`` says what makes it unacceptable; ``content`` opens it, None for a folder; ``done`` and ``total`` are the
    progress after it.
    """

    name: str
    size: int
    refusal: Message | None
    content: Callable[[], IO[bytes]] | None
    done: int
    total: int


class _Budget:
    def __init__(self, path: Path, unpacked: Callable[[str], bool]) -> None:
        self._path = path
        self._unpacked = unpacked
        self._packed = path.stat().st_size
        place = next(folder for folder in cache_dir().parents if folder.is_dir())
        self._free = shutil.disk_usage(place).free - DISK_RESERVE_BYTES
        self._bytes = 0
        self._members = 0
        self._found = 0
        self._arrays = ""

    def add(self, member: _Member) -> None:
        """Count one member, whether it is unpacked or not; raise DataError beyond the limits."""
        self._members += 1
        self._bytes += max(0, member.size)
        if self._members > MAX_MEMBERS:
            raise DataError(
                "Cannot unpack {file}: it has more than {most:# file|# files}. Split it into smaller archives.",
                file=self._path,
                most=MAX_MEMBERS,
            )
        if self._bytes > UNSUSPICIOUS_BYTES and self._bytes > MAX_RATIO * self._packed:
            raise DataError(
                "Cannot unpack {file}: it unpacks to more than {ratio} times its size. Do not open files that you do "
                "not trust.",
                file=self._path,
                ratio=MAX_RATIO,
            )
        if self._bytes > self._free:
            raise DataError(
                "Cannot unpack {file}: {free:,} MB of disk space are free, but {size:,} MB or more are needed. Free "
                "disk space, or set LATENT_EXPLORER_HOME to a folder on another disk than {folder}.",
                file=self._path,
                free=max(0, self._free) >> 20,
                size=self._bytes >> 20,
                folder=cache_dir(),
            )

    def wants(self, name: PurePosixPath) -> bool:
        if any(part.startswith(".") or part.lower() == "__macosx" for part in name.parts):
            return False
        suffix = name.suffix.lower()
        if suffix in _ARRAY_SUFFIXES:
            self._arrays = self._arrays or str(name)
        useful = self._unpacked(name.name)
        self._found += useful
        return useful or suffix in TABLE_SUFFIXES or name.name.lower() in _TABLES

    def check_found(self) -> None:
        """Raise DataError if nothing in the archive can be opened."""
        if self._found:
            return
        if self._arrays:
            raise DataError(
                "Cannot open {file}: NumPy files in archives are not supported. Unpack it, and open “{name}”.",
                file=self._path,
                name=self._arrays,
            )
        raise DataError(
            "Cannot open {file}: there are no images among its {count:# entry|# entries}. Choose another archive; "
            "unpack nested archives first.",
            file=self._path,
            count=self._members,
        )


def _reading(members: Callable[[], Iterator[_Member]], path: Path) -> Iterator[_Member]:
    """Yield members; whatever the libraries raise about a damaged archive becomes a DataError."""
    with _archive(path):
        yield from members()


def _archive(path: Path) -> AbstractContextManager[None]:
    return reading(message("an archive"), str(path))


def _write(member: _Member, opened: Callable[[], IO[bytes]], target: Path, path: Path) -> Iterator[Progress]:
    """Write one file. Errors of reading are DataError, errors of writing are not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    reported = 0
    with _archive(path):
        content = opened()
    with content, target.open("wb") as file:
        while left > 0:
            with _archive(path):
                chunk = content.read(min(_CHUNK, left))
            if not chunk:
                raise DataError(
                    "Cannot unpack {file}: it is truncated in “{name}”. Copy or download it again.",
                    file=path,
                    name=_printable(member.name),
                )
            file.write(chunk)
            left -= len(chunk)
            reported += len(chunk)
            if reported >= _REPORTED_BYTES:
                reported = 0
                yield Progress(member.done, member.total, _UNPACKING)
    yield Progress(member.done, member.total, _UNPACKING)


def _safe_name(name: str, path: Path) -> PurePosixPath:
    """Return a member's name as a relative path that stays inside its folder; DataError if that is impossible."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if "\0" in plain or ".." in parts or plain.startswith("/") or _DRIVE.match(plain) or len(plain) > 4096:
        raise _refused(path, name, message("leads out of the archive's folder"))
    return PurePosixPath(*parts) if parts else PurePosixPath("folder")


def _refused(path: Path, name: str, reason: Message) -> DataError:
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    return DataError(
        "Cannot unpack {file}: its entry “{name}” {reason}. Do not open files that you do not trust.",
        file=path,
        name=_printable(shown),
        reason=reason,
    )


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _zip_members(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        total = sum(entry.file_size for entry in entries)
        done = 0
        for entry in entries:
            done += entry.file_size
            content = None if entry.is_dir() else cast(Callable[[], IO[bytes]], lambda entry=entry: archive.open(entry))
            yield _Member(entry.filename, entry.file_size, _zip_refusal(entry), content, done, total)


def _zip_refusal(entry: zipfile.ZipInfo) -> Message | None:
    if entry.flag_bits & 1:
        return message("is encrypted")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return message("is a link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return message("is a device")
    return None


class _Bounded(io.RawIOBase):
    """A stream that limits the size of one read.

    tarfile reads long names and extended headers in one read of the size that the archive declares: a small compressed
    file could exhaust the memory.
    """

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise DataError(
                "Cannot unpack {file}: one of its headers declares {size:# byte|# bytes}. Create the archive again.",
                file=self._path,
                size=size,
            )
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _tar_members(path: Path) -> Iterator[_Member]:
    total = path.stat().st_size
    with path.open("rb") as raw, _decompressed(raw) as stream:
        bounded = cast(IO[bytes], _Bounded(stream, path))
        with tarfile.open(fileobj=bounded, mode="r:", errors="surrogateescape") as archive:
            for entry in archive:
                # Else tarfile keeps a list of all members.
                archive.members = []  # type: ignore[attr-defined]
                content = None
                if entry.isreg():
                    content = cast(Callable[[], IO[bytes]], lambda entry=entry: archive.extractfile(entry))
                done = min(raw.tell(), total)
                yield _Member(entry.name, entry.size, _tar_refusal(entry), content, done, total)
            _check_tar_end(archive, bounded, path)


def _check_tar_end(archive: tarfile.TarFile, stream: IO[bytes], path: Path) -> None:
    """Refuse a tar file without its end mark, since tarfile accepts truncated ones."""
    stream.seek(archive.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise DataError("Cannot unpack {file}: it is truncated. Copy or download it again.", file=path)
    # The checksum of the compression is at the very end.
    for _ in range(_LARGEST_READ // _CHUNK):
        if not stream.read(_CHUNK):
            break


def _tar_refusal(entry: tarfile.TarInfo) -> Message | None:
    if entry.issym() or entry.islnk():
        return message("is a link")
    if entry.issparse():
        return message("is a sparse file")
    if not (entry.isreg() or entry.isdir()):
        return message("is a device")
    return None


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    """Return the decompressed stream; the first bytes tell the format, not the file's name."""
    start = raw.read(6)
    raw.seek(0)
    # Imported here: a Python may have been built without one of them.
    if start.startswith(b"\x1f\x8b"):
        import gzip

        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if start.startswith(b"BZh"):
        import bz2

        return cast(IO[bytes], bz2.BZ2File(raw))
    if start.startswith(b"\xfd7zXZ\0"):
        import lzma

        return cast(IO[bytes], lzma.LZMAFile(raw))
    return raw


def remove_unpacked() -> None:
    """Delete all unpacked archives; they are unpacked again when needed."""
    with suppress(OSError):
        shutil.rmtree(cache_dir() / "unpacked")
