"""MP4 video with PyAV, an optional dependency: its wheels contain an encoder under the GPL."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from explorer.errors import ExportError
from explorer.export.frames import WRITING, ExportFormat, ExportSettings
from explorer.export.layout import cells_of, finished, frame_size, strip_below
from explorer.export.recipe import MAX_BLOCKS, MAX_TEXT
from explorer.messages import message
from explorer.paths import replacing_file
from explorer.reading import reason_of
from explorer.types import Pixels, Progress, Shown

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

MAX_FPS = 240.0
"""Highest frame rate of players."""

_COMMENT_ATOM = b"\xa9cmt"
_CODECS = ("libx264", "mpeg4")
_QUALITY = {"libx264": {"crf": "16", "preset": "medium"}, "mpeg4": {"qscale": "2"}}


def possible_fps(fps: float) -> float:
    """Return the nearest frame rate of an MP4: a fraction with a denominator up to 1001, at most 240."""
    return float(_rate(fps))


def _rate(fps: float) -> Fraction:
    return max(Fraction(float(min(fps, MAX_FPS))).limit_denominator(1001), Fraction(1, 1001))


def write_mp4(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write a video as a job; parameters, yields and errors as for `explorer.export.gif.write_gif`.

    Players require chroma at half resolution, and even width and height: for odd sides the last row or column is
    repeated. The format has no loop flag. ExportError also if PyAV is missing.
    """
    av = _av()
    cells = cells_of(frames, total, settings)
    with replacing_file(path) as temporary:
        first = next(cells)
        strip = strip_below(first, settings)
        try:
            # The index is at the start, so that browsers can play while loading.
            with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
                if settings.recipe is not None:
                    container.metadata["comment"] = settings.recipe.to_text()
                stream = _stream(av, container, _even(finished(first, strip, settings)), settings)
                for number, frame in enumerate(chain([first], cells), start=1):
                    image = np.ascontiguousarray(_even(finished(frame, strip, settings)))
                    pixels = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
                    yield Progress(number, total, WRITING)
                container.mux(stream.encode(None))
        except av.FFmpegError as error:
            raise ExportError(
                "Cannot write {file}: {reason}. Choose another folder, or free disk space.",
                file=path,
                reason=reason_of(error),
            ) from error


def _stream(av: Any, container: OutputContainer, image: Shown, settings: ExportSettings) -> VideoStream:
    codec = next((name for name in _CODECS if name in av.codecs_available), None)
    if codec is None:
        raise ExportError("Cannot write MP4: PyAV has no encoder. Install it from its wheels: pip install av")
    stream = cast("VideoStream", container.add_stream(codec, rate=_rate(settings.fps), options=_QUALITY[codec]))
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt = "yuv420p"
    return stream


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise ExportError(
            "Cannot write MP4: PyAV is not installed. Choose .gif, .webp or .apng, or install it: pip install av"
        ) from error
    return av


def _even(image: Shown) -> Shown:
    height, width = image.shape[:2]
    if height % 2 == width % 2 == 0:
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _file_size(shape: tuple[int, ...], total: int, settings: ExportSettings) -> tuple[int, int]:
    height, width = frame_size(shape, settings)
    return height + height % 2, width + width % 2


def _read_text(file: BinaryIO) -> bytes | None:
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


FORMAT = ExportFormat(
    ".mp4",
    message("MP4 video"),
    write_mp4,
    rb"....ftyp",
    _read_text,
    possible_fps=possible_fps,
    loops=False,
    note=message("Video plays once; color has half the resolution."),
    file_size=_file_size,
)
