"""Read the recipe in a file: GIF, PNG and APNG, WebP, MP4, or a folder of frames.

The file is untrusted. Its blocks are visited by their lengths, and only a text of limited length is read into memory;
no image is decoded, and no XML parsed.
"""

from __future__ import annotations

import html
import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from explorer.errors import DataError
from explorer.export.recipe import KEYWORD, MAX_TEXT, Recipe, parse_recipe
from explorer.messages import message
from explorer.reading import reading

FOLDER_FILE, OLD_FOLDER_FILE = "animation.json", "film.json"
"""File of the recipe in a folder of frames; its name in version 1."""

MAX_BLOCKS = 1_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_XMP = re.compile(rb"<le:recipe>([^<>]*)</le:recipe>")
_COMMENT_ATOM = b"\xa9cmt"
_ESCAPED = 6
"""Most bytes of one escaped character in XML."""


def read_recipe(path: Path) -> Recipe | None:
    """Read the recipe of an exported animation.

    Parameters
    ----------
    path
        A file, or a folder of frames.

    Returns
    -------
    Recipe or None
        None if the file has no recipe, such as another image or file type.

    Raises
    ------
    DataError
        If the file cannot be read, or its recipe is damaged or of a newer version.
    """
    text = _text_of(path)
    return None if text is None else parse_recipe(text)


def has_recipe(path: Path) -> bool:
    """Return whether a file, or a folder of frames, has a recipe, which may be damaged; False if it cannot be read."""
    try:
        return os.path.exists(path) and _text_of(path) is not None
    except DataError:
        return False


def _text_of(path: Path) -> str | None:
    if os.path.isdir(path):
        found = next((path / name for name in (FOLDER_FILE, OLD_FOLDER_FILE) if os.path.isfile(path / name)), None)
        if found is None:
            return None
        path = found
    with reading(message("an animation"), str(path), remedy=message("Check the path.")), path.open("rb") as file:
        text = _find(file)
    # A comment of another program is not a recipe, and not an error.
    return text if text is not None and f'"{KEYWORD}"' in text[:MAX_TEXT] else None


def _find(file: BinaryIO) -> str | None:
    """Return the text that may be a recipe; the first bytes give the format of the file."""
    head = file.read(16)
    readers: dict[Callable[[bytes], bool], Callable[[BinaryIO], bytes | None]] = {
        lambda start: start[:4] == b"GIF8": _gif,
        lambda start: start[:8] == _PNG: _png,
        lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP": _webp,
        lambda start: start[4:8] == b"ftyp": _mp4,
        lambda start: start.lstrip()[:1] == b"{": _json,
    }
    for is_one, read in readers.items():
        if is_one(head):
            found = read(file)
            return None if found is None else found.decode("latin-1")
    return None


def _json(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MAX_TEXT + 1)


def _gif(file: BinaryIO) -> bytes | None:
    """Return our comment, which precedes the first image."""
    file.seek(10)
    flags = file.read(1)
    file.seek(13 + (3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0))
    for _ in range(MAX_BLOCKS):
        introducer = file.read(2)
        if introducer[:1] != b"!" or len(introducer) < 2:
            return None
        text = b"".join(_sub_blocks(file, keep=introducer == b"!\xfe"))
        if introducer == b"!\xfe" and KEYWORD.encode() in text:
            return text
    return None


def _sub_blocks(file: BinaryIO, keep: bool) -> Iterator[bytes]:
    """Yield the sub-blocks of an extension up to the size of a recipe, or only skip them."""
    kept = 0
    for _ in range(MAX_BLOCKS):
        size = file.read(1)
        if not size or size == b"\0":
            return
        block = file.read(size[0])
        kept += len(block)
        if keep and kept <= MAX_TEXT + 255:
            yield block


def _png(file: BinaryIO) -> bytes | None:
    """Return the text of our keyword, before or after the pixels."""
    file.seek(len(_PNG))
    wanted = KEYWORD.encode() + b"\0"
    for _ in range(MAX_BLOCKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return None
        (size,) = struct.unpack(">I", head[:4])
        if head[4:] == b"tEXt" and size <= MAX_TEXT + len(wanted):
            content = file.read(size)
            if content.startswith(wanted):
                return content[len(wanted) :]
            file.seek(4, 1)
        else:
            file.seek(size + 4, 1)
    return None


def _webp(file: BinaryIO) -> bytes | None:
    file.seek(12)
    for _ in range(MAX_BLOCKS):
        head = file.read(8)
        if len(head) < 8:
            return None
        (size,) = struct.unpack("<I", head[4:])
        if head[:4] == b"XMP ":
            found = _XMP.search(file.read(min(size, _ESCAPED * MAX_TEXT)))
            return None if found is None else html.unescape(found[1].decode("latin-1")).encode("latin-1", "replace")
        file.seek(size + size % 2, 1)
    return None


def _mp4(file: BinaryIO) -> bytes | None:
    """Return the comment tag: moov, udta, meta, ilst, ©cmt, data."""
    file.seek(0, 2)
    start, end = 0, file.tell()
    for name, skip in ((b"moov", 0), (b"udta", 0), (b"meta", 4), (b"ilst", 0), (_COMMENT_ATOM, 0), (b"data", 8)):
        place = _atom(file, start, end, name, skip)
        if place is None:
            return None
        start, end = place
    file.seek(start)
    return file.read(min(end - start, MAX_TEXT + 1))


def _atom(file: BinaryIO, start: int, end: int, name: bytes, skip: int) -> tuple[int, int] | None:
    """Return start, after `skip` bytes, and end of the content of an atom between two positions."""
    for _ in range(MAX_BLOCKS):
        file.seek(start)
        head = file.read(16)
        if len(head) < 8 or start + 8 > end:
            return None
        size, length = struct.unpack(">I", head[:4])[0], 8
        if size == 1 and len(head) == 16:
            size, length = struct.unpack(">Q", head[8:])[0], 16
        elif size == 0:
            size = end - start
        if size < length or start + size > end:
            return None
        if head[4:8] == name:
            return start + length + skip, start + size
        start += size
    return None
