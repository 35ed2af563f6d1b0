"""A single imported image, dropped or pasted: a source of one, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from explorer.data.decoding import open_with_header
from explorer.data.deep_pixels import Deep
from explorer.data.frames import MAX_FRAMES
from explorer.data.preprocessing import Invert, Preprocessing
from explorer.data.source import Facts, Found, Source
from explorer.data.splits import random_splits
from explorer.data.values import deep_pixels, depth_of_files
from explorer.types import Indices, Pixels

MOST_BYTES: Final = 32 << 20
"""The file of an imported image is kept for sessions up to this size."""


@dataclass(frozen=True, eq=False)
class _Decoded:
    """The pixels of an image, and the values of one of more than 8 bits."""

    pil_image: Image.Image
    values: Deep | None

    @property
    def nbytes(self) -> int:
        pixels = self.pil_image.width * self.pil_image.height * len(self.pil_image.getbands())
        return pixels + (0 if self.values is None else self.values.nbytes)


class ImportedImage(Source):
    """One image of any size and mode, as `explorer.data.decoding.open_image` returns it.

    The original is kept, not the model's input: another model preprocesses it again. An image that only the history
    has is at `rest`: only the content of its file is kept, and decoded again when it is read. `values` are those of an
    image of more than 8 bits, for a model that takes them: with the range that this model learned from. `content` is
    that of its file; empty if larger than `MOST_BYTES`. The colors of a `negative` are inverted. `origin` is the file
    that it was read from; None if it was pasted. Of several frames it is the first; `found` has their number.
    """

    def __init__(
        self,
        pil_image: Image.Image,
        name: str,
        content: bytes,
        *,
        negative: bool = False,
        origin: Path | None = None,
        found: Found | None = None,
        values: Deep | None = None,
    ) -> None:
        channels = 1 if pil_image.mode in ("L", "LA") else 3
        super().__init__(
            Facts(name=name, title=name, spec="", found=found),
            count=1,
            image_shape=(pil_image.height, pil_image.width, channels),
            splits=random_splits(1),
        )
        self._decoded: _Decoded | None = _Decoded(pil_image, values)
        if values is not None:
            self.depth = depth_of_files(self.found)
        self.content = content
        self.negative = negative
        self.origin = origin

    @property
    def nbytes(self) -> int:
        """Memory for the content and, unless it is at rest, for the pixels."""
        return len(self.content) + (0 if self._decoded is None else self._decoded.nbytes)

    @classmethod
    def open(cls, path_or_bytes: Path | bytes, name: str) -> ImportedImage:
        """Decode an image file, or the content of one; DataError if it is not an image, damaged or too large."""
        origin = path_or_bytes if isinstance(path_or_bytes, Path) else None
        opened = open_with_header(path_or_bytes, name)
        header = opened.header
        frames = min(header.frames, MAX_FRAMES) if header.frames > 1 else 0
        found = Found(header.dtype, opened.range, frames=frames, channels=header.channels)
        return cls(opened.pil_image, name, _content(path_or_bytes), origin=origin, found=found, values=opened.deep)

    def inverted(self) -> ImportedImage:
        """Return the image with inverted colors, such as black-on-white for a model trained white-on-black."""
        inverted, decoded = copy(self), self._decoded
        inverted.negative = not self.negative
        inverted._content_hash = ""
        if decoded is not None:  # else it is decoded when it is read, which the main thread does not
            inverted._decoded = replace(decoded, pil_image=Invert().on_image(decoded.pil_image))
        return inverted

    def rest(self) -> None:
        """Free the pixels if the content of the file is known; they are decoded again when they are read."""
        if self.content:
            self._decoded = None

    def pil_image(self, index: int) -> Image.Image:
        self.positions([index])
        return self._decode().pil_image.copy()

    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        """Return it preprocessed ``(n, h, w, c)``, once for each index."""
        decoded = self._decode()
        if decoded.values is None or preprocessing.dtype == np.uint8:
            pixels = preprocessing.pixels(decoded.pil_image)
        else:
            limits = preprocessing.reading.range or self.found.range
            pixels = deep_pixels(decoded.values, limits, preprocessing, negative=self.negative)
        return np.repeat(pixels[None], len(self.positions(indices)), axis=0)

    def _decode(self) -> _Decoded:
        decoded = self._decoded
        if decoded is None:
            opened = open_with_header(self.content, self.name)
            image = Invert().on_image(opened.pil_image) if self.negative else opened.pil_image
            decoded = _Decoded(image, opened.deep)
            self._decoded = decoded
        return decoded

    def _hash_content(self) -> str:
        image = self._decode().pil_image
        digest = hashlib.sha256(f"{image.mode} {image.size}".encode())
        digest.update(image.tobytes())
        return digest.hexdigest()


def _content(path_or_bytes: Path | bytes) -> bytes:
    if isinstance(path_or_bytes, bytes):
        return path_or_bytes if len(path_or_bytes) <= MOST_BYTES else b""
    with suppress(OSError):  # the file may be deleted by now
        with path_or_bytes.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        return content if len(content) <= MOST_BYTES else b""
    return b""
