"""Decode AVIF, JPEG 2000 and HEIF images, in the reader process.

Only the reader process calls `read_images`; `explorer.data.isolated_images` starts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reading import reason_of
from explorer.types import ArrayOf, Pixels

if TYPE_CHECKING:
    from explorer.reader.handed import Handed

Kind: TypeAlias = Literal["AVIF", "JPEG2000", "HEIF"]

DeepPixels: TypeAlias = Annotated[NDArray[np.uint16], ArrayOf(np.uint16)]

_SENT_MODES: Final = ("L", "LA", "RGB", "RGBA", "I;16")
_MOST_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class DecodedImage:
    """One frame, uint8 or uint16 ``(h, w)`` or ``(h, w, 2 | 3 | 4)``, and the number of frames in its file."""

    pixels: Pixels | DeepPixels
    frames: int
    profile: bytes
    exif: bytes


@dataclass(frozen=True)
class ProbedImage:
    """Size, mode and number of frames of an image, without its pixels."""

    width: int
    height: int
    mode: str
    frames: int
    exif: bytes


@dataclass(frozen=True)
class UnreadImage:
    """Why an image cannot be read."""

    reason: Message


Outcome: TypeAlias = DecodedImage | ProbedImage | UnreadImage


def read_images(
    files: tuple[Handed, ...], *, kinds: Sequence[Kind], frames: Sequence[int], most_pixels: int, decode: bool
) -> Iterator[Outcome]:
    """Read one frame of each file, or with ``decode=False`` only the header; yields an outcome for each, in order."""
    for file, kind, frame in zip(files, kinds, frames, strict=True):
        try:
            outcome: Outcome = _read(file, kind, frame, most_pixels, decode)
        except MemoryError:
            raise
        except DataError as error:
            outcome = UnreadImage(error.message)
        except Exception as error:  # see `explorer.data.formats.open_image`
            outcome = UnreadImage(
                message(
                    "Cannot open {file}: {reason}. Save it again as PNG or JPEG, or remove it.",
                    file=file.name,
                    reason=reason_of(error),
                )
            )
        yield outcome
        file.file.close()


def _read(file: Handed, kind: Kind, frame: int, most_pixels: int, decode: bool) -> DecodedImage | ProbedImage:
    pil_image, frames = _heif(file, frame) if kind == "HEIF" else _pillow(file, kind, frame)
    exif = pil_image.info.get("exif") or b""
    width, height = pil_image.size
    if width * height > most_pixels or width * height * len(pil_image.getbands()) > _MOST_BYTES:
        raise DataError(
            "Cannot open {file}: it has {size} pixels, and the limit is {most} million. Make the image smaller.",
            file=file.name,
            size=f"{width}×{height}",
            most=most_pixels // 1_000_000,
        )
    if not decode:
        return ProbedImage(width, height, pil_image.mode, frames, exif)
    pil_image.load()
    if pil_image.mode not in _SENT_MODES:
        pil_image = pil_image.convert("RGB")
    return DecodedImage(np.asarray(pil_image), frames, pil_image.info.get("icc_profile") or b"", exif)


def _pillow(file: Handed, kind: Kind, frame: int) -> tuple[Image.Image, int]:
    pil_image = Image.open(file.file, formats=(kind,))
    if frame:
        pil_image.seek(frame)
    return pil_image, getattr(pil_image, "n_frames", 1)


def _heif(file: Handed, frame: int) -> tuple[Image.Image, int]:
    """Return an image of a HEIF file, not decoded yet; the primary image comes first."""
    from pi_heif import HeifImageFile

    pil_image = HeifImageFile(file.file)
    first, count = pil_image.tell(), pil_image.n_frames
    if not frame < count:
        raise EOFError("no such frame")
    pil_image.seek(first if not frame else frame - (frame <= first))
    return pil_image, count
