"""Frames of animations, and pages of TIFF files: how many there are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image

MAX_FRAMES: Final = 10_000
"""Frames or pages beyond this number are not read."""

_COUNTED: Final = MAX_FRAMES + 1
"""Counted up to here: so it is known that there are more."""

_REDUCED: Final = 254, 1
"""Tag and bit of TIFF pages that repeat another one smaller."""

_PNG_START: Final = 8
_GIF_START: Final = 13
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21


def frame_sizes(pil_image: Image.Image, path_or_bytes: str | Path | bytes) -> list[tuple[int, int]]:
    """Return height and width of every frame of an image that was just opened, or of one more than `MAX_FRAMES`.

    The first is selected afterwards.
    """
    size, kind = pil_image.size[::-1], pil_image.format
    if kind == "TIFF":
        return _page_sizes(pil_image)
    if kind in ("GIF", "PNG") and (kind == "GIF" or getattr(pil_image, "n_frames", 1) > 1):
        count = _count_gif if kind == "GIF" else _count_png
        with io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else Path(path_or_bytes).open("rb") as file:
            return [size] * max(1, count(file))
    # The files of cameras with several images (MPO) have previews, gain maps or other views of the first.
    return [size] * (min(getattr(pil_image, "n_frames", 1), _COUNTED) if kind == "WEBP" else 1)


def _page_sizes(pil_image: Image.Image) -> list[tuple[int, int]]:
    """Return height and width of the pages of a TIFF, up to the first that repeats another one smaller."""
    tag, bit = _REDUCED
    sizes: list[tuple[int, int]] = []
    try:
        while len(sizes) < _COUNTED:
            if sizes:
                pil_image.seek(len(sizes))
                if int(pil_image.tag_v2.get(tag, 0)) & bit:  # type: ignore[attr-defined]  # of a TiffImageFile
                    break
            sizes.append(pil_image.size[::-1])
    except EOFError:
        pass
    except Exception:  # a damaged page: reading it gives the reason
        sizes.append(sizes[0])
    if pil_image.tell():
        pil_image.seek(0)
    return sizes


def _count_gif(file: BinaryIO) -> int:
    """Count the frames of a GIF by its blocks: Pillow's count has no limit."""

    def skip(flags: int) -> None:
        file.seek(3 << ((flags & 7) + 1) if flags & 0x80 else 0, 1)

    def skip_blocks() -> None:
        while length := file.read(1)[0]:
            file.seek(length, 1)

    count = 0
    try:
        skip(file.read(_GIF_START)[10])
        while count < _COUNTED:
            block = file.read(1)[0]
            if block == _GIF_IMAGE:
                skip(file.read(9)[8])
                file.seek(1, 1)
                skip_blocks()
                count += 1
            elif block == _GIF_EXTENSION:
                file.seek(1, 1)
                skip_blocks()
            else:
                break
    except IndexError:  # truncated
        pass
    return count


def _count_png(file: BinaryIO) -> int:
    """Count the frames of an animated PNG by its chunks, which may be fewer than it declares."""
    count, first_is_animated = 0, False
    for kind, _ in png_chunks(file):
        if kind == b"fcTL":
            count += 1
        elif kind == b"IDAT" and count:
            first_is_animated = True
        if count == _COUNTED:
            break
    return min(count + (not first_is_animated), _COUNTED)


def png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield name and length of each chunk of a PNG, up to its end or that of the file."""
    file.seek(_PNG_START)
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[:4])
        yield head[4:], length
        if head[4:] == b"IEND":
            return
        file.seek(length + 4, 1)
