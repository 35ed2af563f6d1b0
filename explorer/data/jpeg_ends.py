"""JPEG files that do not end with an end mark: with other data after it, or without it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from explorer.data.formats import Content, open_file
from explorer.messages import Value

_TAIL_BYTES: Final = 4096
_REPAIRED_BYTES: Final = 64 << 20
_JPEG_END: Final = b"\xff\xd9"
_JPEG_FILLERS: Final = (b"", b"\x55\x2a" * 64)


def ends_as_jpeg(path_or_bytes: Content) -> bool:
    if isinstance(path_or_bytes, bytes):
        return _JPEG_END in path_or_bytes[-_TAIL_BYTES:]
    with open(path_or_bytes, "rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        return _JPEG_END in file.read()


def with_end_mark(path_or_bytes: Content, name: Value) -> bytes:
    """Return the content of a JPEG with an end mark added; OSError if more is missing.

    libjpeg fills in missing data. So the file is decoded twice, with different bytes before the added end mark: both
    results are equal only if no pixel was missing.
    """
    if isinstance(path_or_bytes, bytes):
        content = path_or_bytes
    else:
        with Path(path_or_bytes).open("rb") as file:
            content = file.read(_REPAIRED_BYTES + 1)
    if len(content) > _REPAIRED_BYTES:
        raise OSError("image file is truncated")
    whole = [content.rstrip(b"\xff") + filler + _JPEG_END for filler in _JPEG_FILLERS]
    decoded = []
    for one in whole:
        with open_file(one, name) as pil_image:
            decoded.append(pil_image.tobytes())
    if decoded[0] != decoded[1]:
        raise OSError("image file is truncated")
    return whole[0]
