"""What the codec thread is asked: built fast on the main thread, holding all they need, changing nothing.

A task's `run` yields views; between two of them a more urgent task may go first, and a newer one of the same slot
takes its place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from explorer.data.corruption import Noise, corrupt
from explorer.data.metrics import mse, psnr, ssim
from explorer.data.preprocessing import Preprocessing, to_floats, to_pixels
from explorer.data.source import Source
from explorer.document.state import Jitter
from explorer.document.views import (
    Closeness,
    CloudView,
    CursorView,
    HoverView,
    KeyframesView,
    NoiseView,
    PictureView,
    ThumbnailsView,
    TilesView,
    TrainingFilmView,
    View,
)
from explorer.errors import DataError
from explorer.latent.lattice import Lattice
from explorer.latent.planes import Plane
from explorer.models.runs import FilmFrame, read_strip
from explorer.types import Codec, Floats, Indices, Pixels

THUMBNAIL_SIDE = 48
NOISE_ROW = 8
"""Pictures in the noise lab's row."""

CLOUD = 24
"""Pictures in the cloud around the cursor, the cursor's own counted."""

_THUMBNAILS_AT_ONCE = 16


class Task(Protocol):
    """A piece of work for the codec thread."""

    slot: ClassVar[str]

    def run(self) -> Iterator[View]:
        """Compute; yield each view as it is ready."""


SLOTS = ("cursor", "picture", "hover", "keyframes", "noise", "cloud", "training_film", "thumbnails", "tiles")
"""Every slot, the most urgent first: a hand on a slider goes before everything else."""


@dataclass(frozen=True, eq=False)
class DecodeCursor:
    """Decode the latent cursor: `code` ``(latent_dim,)``."""

    slot: ClassVar[str] = "cursor"
    codec: Codec
    code: Floats

    def run(self) -> Iterator[View]:
        """Yield one `CursorView`."""
        start = time.perf_counter()
        image = self.codec.decode(self.code[None])[0]
        yield CursorView(image, (time.perf_counter() - start) * 1000)


@dataclass(frozen=True, eq=False)
class EncodePicture:
    """Read, encode and reconstruct one picture."""

    slot: ClassVar[str] = "picture"
    codec: Codec
    source: Source
    preprocessing: Preprocessing
    index: int

    def run(self) -> Iterator[View]:
        """Yield one `PictureView`."""
        original = _read(self.source, self.preprocessing, self.index)
        code = self.codec.encode(original)
        reconstruction = self.codec.decode(code)
        yield PictureView(
            original[0],
            reconstruction[0],
            code[0],
            mse(original, reconstruction),
            psnr(original, reconstruction),
            ssim(original, reconstruction),
        )


@dataclass(frozen=True, eq=False)
class CorruptPictures:
    """Corrupt one picture and those behind it, and reconstruct them."""

    slot: ClassVar[str] = "noise"
    codec: Codec
    source: Source
    preprocessing: Preprocessing
    index: int
    noises: tuple[Noise, ...]

    def run(self) -> Iterator[View]:
        """Yield a `NoiseView` of the one picture, and then one of the whole row, in which it comes first again."""
        row = np.arange(self.index, min(self.index + NOISE_ROW, self.source.count))
        yield self._view(to_floats(self.source.read(row[:1], self.preprocessing)))
        if len(row) > 1:
            yield self._view(to_floats(self.source.read(row, self.preprocessing)))

    def _view(self, clean: Floats) -> NoiseView:
        # The first picture of a row meets the noise that it meets alone.
        noisy = corrupt(clean, self.noises)
        reconstruction = self.codec.decode(self.codec.encode(noisy))
        return NoiseView(
            clean,
            noisy,
            reconstruction,
            _closeness(clean[:1], noisy[:1]),
            _closeness(clean[:1], reconstruction[:1]),
            _closeness(clean, noisy),
            _closeness(clean, reconstruction),
        )


def _closeness(clean: Floats, images: Floats) -> Closeness:
    return Closeness(mse(clean, images), psnr(clean, images), ssim(clean, images))


@dataclass(frozen=True, eq=False)
class DecodeCloud:
    """Throw codes around the cursor and decode them: `code` and `scale`, a σ for each dimension, ``(latent_dim,)``."""

    slot: ClassVar[str] = "cloud"
    codec: Codec
    code: Floats
    scale: Floats
    jitter: Jitter

    def run(self) -> Iterator[View]:
        """Yield one `CloudView`."""
        noise = np.random.default_rng(self.jitter.seed).standard_normal((CLOUD, len(self.code)), np.float32)
        noise[0] = 0
        codes = (self.code + np.float32(self.jitter.sigma) * self.scale * noise).astype(np.float32)
        images = self.codec.decode(codes)
        spread = float(np.sqrt(((images[1:] - images[0]).astype(np.float64) ** 2).mean()))
        yield CloudView(codes, images, spread)


@dataclass(frozen=True, eq=False)
class DecodeHover:
    """Decode what is under the mouse on the map: `code` ``(latent_dim,)`` at `point`."""

    slot: ClassVar[str] = "hover"
    codec: Codec
    code: Floats
    point: tuple[float, float]

    def run(self) -> Iterator[View]:
        """Yield one `HoverView`."""
        yield HoverView(self.point, self.codec.decode(self.code[None])[0])


@dataclass(frozen=True, eq=False)
class DecodeTiles:
    """Decode a few tiles of the map, int64 ``(n, 2)``."""

    slot: ClassVar[str] = "tiles"
    codec: Codec
    plane: Plane
    lattice: Lattice
    level: int
    tiles: Indices

    def run(self) -> Iterator[View]:
        """Yield one `TilesView`."""
        codes = self.plane.codes(self.lattice.middles(self.level, self.tiles))
        pixels = to_pixels(self.codec.decode(codes))
        yield TilesView(self.codec, self.plane, self.lattice, self.level, self.tiles, pixels)


@dataclass(frozen=True, eq=False)
class DecodeKeyframes:
    """Decode all keyframes: `codes` ``(k, latent_dim)``."""

    slot: ClassVar[str] = "keyframes"
    codec: Codec
    codes: Floats

    def run(self) -> Iterator[View]:
        """Yield one `KeyframesView`."""
        yield KeyframesView(self.codec.decode(self.codes))


@dataclass(frozen=True, eq=False)
class ReadThumbnails:
    """Read small pictures for the gallery: `indices` int64 ``(n,)``, as the model takes them, or natively small."""

    slot: ClassVar[str] = "thumbnails"
    source: Source
    indices: Indices

    def run(self) -> Iterator[View]:
        """Yield a `ThumbnailsView` for a few pictures at a time."""
        channels = self.source.image_shape[2] if self.source.image_shape else 3
        preprocessing = Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, channels))
        for start in range(0, len(self.indices), _THUMBNAILS_AT_ONCE):
            part = self.indices[start : start + _THUMBNAILS_AT_ONCE]
            yield ThumbnailsView(self.source, part, self._read(part, preprocessing))

    def _read(self, part: Indices, preprocessing: Preprocessing) -> Pixels:
        """Read a few; where one cannot be read any more, a cross stands in its place."""
        try:
            return self.source.read(part, preprocessing)
        except DataError:
            return np.concatenate([self._read_one(part[i : i + 1], preprocessing) for i in range(len(part))])

    def _read_one(self, one: Indices, preprocessing: Preprocessing) -> Pixels:
        try:
            return self.source.read(one, preprocessing)
        except DataError:
            cross = np.maximum(np.eye(THUMBNAIL_SIDE), np.eye(THUMBNAIL_SIDE)[::-1])
            grey = (96 + 64 * cross).astype(np.uint8)
            return np.repeat(grey[None, :, :, None], preprocessing.image_shape[2], axis=3)


@dataclass(frozen=True, eq=False)
class ReadTrainingFilm:
    """Read one frame of a training's film."""

    slot: ClassVar[str] = "training_film"
    originals: Path
    frame: FilmFrame

    def run(self) -> Iterator[View]:
        """Yield one `TrainingFilmView`."""
        yield TrainingFilmView(
            self.frame.path, self.frame.progress, read_strip(self.originals), read_strip(self.frame.path)
        )


def _read(source: Source, preprocessing: Preprocessing, index: int) -> Floats:
    return to_floats(source.read(np.array([index], np.int64), preprocessing))
