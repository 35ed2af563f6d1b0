"""Unpack zip and tar archives of pictures safely, once, into the cache.

An archive from somewhere may be made to write where it should not, or to fill the disk. So no library's own “extract
all” is used: every member is checked, only files of a known kind are written, by names that were checked, and the whole
is thrown away at the first thing that an honest archive of pictures does not have.
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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from explorer.data.formats import PICTURE_SUFFIXES
from explorer.errors import DataError
from explorer.paths import cache_dir, replacing_folder
from explorer.reading import reading
from explorer.types import Progress

ZIP_SUFFIXES: Final = (".zip",)
TAR_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
FONT_SUFFIXES: Final = frozenset({".ttf", ".otf", ".woff", ".woff2"})
TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".txt"})

MAX_MEMBERS: Final = 2_000_000
MAX_RATIO: Final = 200
UNSUSPICIOUS_BYTES: Final = 256 << 20
"""Pictures are packed already; more than `MAX_RATIO` : 1 beyond this size is a bomb."""

DISK_RESERVE_BYTES: Final = 512 << 20
"""So much of the free disk is left alone."""

_CHUNK: Final = 1 << 20
_LARGEST_READ: Final = 64 << 20
_TOLD_BYTES: Final = 8 << 20
_OTHER_NAMES: Final = re.compile(
    r".*(train|t10k|test)-(images|labels)[-._]idx[13]-ubyte(\.gz)?|data_batch_\d+|test_batch|batches\.meta",
    re.IGNORECASE,
)
_ARRAY_SUFFIXES: Final = frozenset({".npz", ".npy"})
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive that `unpack` takes."""
    return path.name.lower().endswith((*ZIP_SUFFIXES, *TAR_SUFFIXES)) and os.path.isfile(path)


def archive_stem(path: Path) -> str:
    """Return an archive's name without its ending."""
    name = path.name
    for suffix in sorted((*ZIP_SUFFIXES, *TAR_SUFFIXES), key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return path.stem


def unpacked_dir(path: Path) -> Path:
    """Return the folder that an archive is unpacked into: another one as soon as the file changes."""
    state = path.stat()
    key = hashlib.sha256(f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}".encode()).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", archive_stem(path))[:60]
    return cache_dir() / "unpacked" / f"{name}-{key}"


def unpack(path: Path) -> Iterator[Progress | Path]:
    """Unpack the pictures, tables, IDX files and fonts of an archive: yields progress, and the folder last.

    Closing the iterator, or an error, leaves nothing behind. A second call finds what the first one unpacked.

    Raises
    ------
    DataError
        If the archive is broken, encrypted, unfolds into too much, holds a link, a device or a name that leads out of
        it, or nothing that is of use.
    ExportError
        If the cache cannot be written.
    """
    try:
        target = unpacked_dir(path)
    except OSError as error:
        raise DataError(f"an archive at {path}", f"“{error.strerror or error}”", "Check the path.") from error
    if target.is_dir():
        yield target
        return
    reader = _zip_members if path.name.lower().endswith(ZIP_SUFFIXES) else _tar_members
    budget = _Budget(path)
    with replacing_folder(target, replaceable=lambda path: None) as folder:
        for member in _reading(lambda: reader(path), path):
            budget.add(member)
            name = _safe_name(member.name, path)
            if member.refusal:
                raise _refused(path, member.name, member.refusal)
            if member.content is None or not budget.wants(name):
                yield Progress(member.done, member.total, "looking for pictures")
                continue
            yield from _write(member, member.content, folder / name, path)
        budget.check_found()
    yield target


@dataclass(frozen=True)
class _Member:
    """One entry of an archive.

    ``refusal`` says what makes it unacceptable; ``content`` opens it, None for a folder; ``done`` and ``total`` count
    the progress behind it.
    """

    name: str
    size: int
    refusal: str
    content: Callable[[], IO[bytes]] | None
    done: int
    total: int


class _Budget:
    """Counts what an archive unfolds into, and what was found in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._packed = path.stat().st_size
        place = next(folder for folder in cache_dir().parents if folder.is_dir())
        self._free = shutil.disk_usage(place).free - DISK_RESERVE_BYTES
        self._bytes = 0
        self._members = 0
        self._found = 0
        self._arrays = ""

    def add(self, member: _Member) -> None:
        """Count one member, whether it is wanted or not."""
        self._members += 1
        self._bytes += max(0, member.size)
        if self._members > MAX_MEMBERS:
            raise DataError(f"at most {MAX_MEMBERS:,} files in {self._path}", "more", "Divide it.")
        if self._bytes > UNSUSPICIOUS_BYTES and self._bytes > MAX_RATIO * self._packed:
            raise DataError(
                f"an archive of pictures in {self._path}",
                f"one that unfolds to more than {MAX_RATIO} times its size",
                "Do not unpack it, if you do not know where it comes from.",
            )
        if self._bytes > self._free:
            raise DataError(
                f"room for what is in {self._path}",
                f"{max(0, self._free) >> 20:,} MB of free disk for {self._bytes >> 20:,} MB or more",
                f"Free some space, or set LATENT_EXPLORER_HOME to another disk than that of {cache_dir()}.",
            )

    def wants(self, name: PurePosixPath) -> bool:
        """Tell whether a file is to be unpacked, and remember that it was there."""
        if any(part.startswith(".") or part.lower() == "__macosx" for part in name.parts):
            return False
        suffix = name.suffix.lower()
        if suffix in _ARRAY_SUFFIXES:
            self._arrays = self._arrays or str(name)
        useful = suffix in PICTURE_SUFFIXES or suffix in FONT_SUFFIXES or bool(_OTHER_NAMES.fullmatch(name.name))
        self._found += useful
        return useful or suffix in TABLE_SUFFIXES

    def check_found(self) -> None:
        """Refuse an archive that holds nothing of use."""
        if self._found:
            return
        if self._arrays:
            raise DataError(
                f"pictures, IDX files or fonts in {self._path}",
                f"the NumPy file {self._arrays}",
                "Unpack it yourself, and open that file.",
            )
        raise DataError(
            f"pictures, IDX files or fonts in {self._path}",
            f"{self._members:,} entries, none of which is one",
            "Choose another archive; unpack one that lies inside another.",
        )


def _reading(members: Callable[[], Iterator[_Member]], path: Path) -> Iterator[_Member]:
    """Yield members; whatever the libraries raise about a broken archive becomes a DataError."""
    with _archive(path):
        yield from members()


def _archive(path: Path) -> AbstractContextManager[None]:
    return reading("a whole archive", str(path))


def _write(member: _Member, opened: Callable[[], IO[bytes]], target: Path, path: Path) -> Iterator[Progress]:
    """Write one file. What reading raises is the archive's fault; what writing raises is the disk's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    told = 0
    with _archive(path):
        content = opened()
    with content, target.open("wb") as file:
        while left > 0:
            with _archive(path):
                chunk = content.read(min(_CHUNK, left))
            if not chunk:
                raise DataError(
                    f"a whole archive in {path}", f"the end inside {_printable(member.name)}", "Copy it again."
                )
            file.write(chunk)
            left -= len(chunk)
            told += len(chunk)
            if told >= _TOLD_BYTES:
                told = 0
                yield Progress(member.done, member.total, "unpacking")
    yield Progress(member.done, member.total, "unpacking")


def _safe_name(name: str, path: Path) -> PurePosixPath:
    """Return a member's name as a relative path that stays where it is put.

    Raises
    ------
    DataError
        If it is absolute, leads upwards, or is no name.
    """
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if "\0" in plain or ".." in parts or plain.startswith("/") or _DRIVE.match(plain) or len(plain) > 4096:
        raise _refused(path, name, "a name that leads out of the folder that it is unpacked into")
    return PurePosixPath(*parts) if parts else PurePosixPath("folder")


def _refused(path: Path, name: str, what: str) -> DataError:
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    return DataError(
        f"plain files and folders only in {path}",
        f"{what} (“{_printable(shown)}”)",
        "Do not unpack it, if you do not know where it comes from.",
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


def _zip_refusal(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 1:
        return "a file with a password"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a device"
    return ""


class _Bounded(io.RawIOBase):
    """A stream that refuses to be read in absurd pieces.

    tarfile reads long names and extended headers in one piece, as long as the archive says: a small packed file could
    fill the memory that way.
    """

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise DataError(f"a tar file with short headers in {self._path}", f"one of {size:,} bytes", "Pack it anew.")
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
                # The list of members would grow with the archive.
                archive.members = []  # type: ignore[attr-defined]
                content = None
                if entry.isreg():
                    content = cast(Callable[[], IO[bytes]], lambda entry=entry: archive.extractfile(entry))
                done = min(raw.tell(), total)
                yield _Member(entry.name, entry.size, _tar_refusal(entry), content, done, total)
            _check_tar_end(archive, bounded, path)


def _check_tar_end(archive: tarfile.TarFile, stream: IO[bytes], path: Path) -> None:
    """Refuse a tar file without its end mark: tarfile takes a cut one for a shorter one."""
    stream.seek(archive.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise DataError(f"a whole archive in {path}", "one that ends too early", "Copy or download it again.")
    # What packed the tar file keeps its checksum at the very end.
    for _ in range(_LARGEST_READ // _CHUNK):
        if not stream.read(_CHUNK):
            break


def _tar_refusal(entry: tarfile.TarInfo) -> str:
    if entry.issym() or entry.islnk():
        return "a link"
    if entry.issparse():
        return "a sparse file"
    if not (entry.isreg() or entry.isdir()):
        return "a device"
    return ""


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    """Return the stream inside, by its first bytes and not by the file's name."""
    start = raw.read(6)
    raw.seek(0)
    # Imported here: two of the three are rarely needed, and one may be missing from a Python that was built without.
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
    """Delete everything that was unpacked; it is unpacked again when it is needed."""
    with suppress(OSError):
        shutil.rmtree(cache_dir() / "unpacked")
