"""Tasks of the render thread: created on the main thread with all their inputs, without side effects.

A task's `run` yields views; between two of them a more urgent task may run first, and a newer one of the same slot
replaces it.
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
from explorer.document.map_tiles import MapWindow
from explorer.document.neighbors import IndexedImages, pooled
from explorer.document.state import Jitter, Sampling, Traversal
from explorer.document.views import (
    AnimationView,
    BookmarksView,
    Closeness,
    CloudView,
    CompareView,
    CursorView,
    HalfView,
    HoverView,
    ImageView,
    KeyframesView,
    MeterView,
    NeighborsView,
    NoiseView,
    Overlay,
    OverlayView,
    SamplesView,
    TermsView,
    ThumbnailsView,
    TilesView,
    TrainingProgressView,
    TraversalView,
    View,
)
from explorer.errors import DataError, ModelError, UsageError
from explorer.latent.animation import Animation, AnimationCurve
from explorer.latent.curves import image_change
from explorer.latent.data_distance import CodeDistance
from explorer.latent.planes import Plane
from explorer.latent.sampling import FittedPrior, sample_normal
from explorer.latent.statistics import CodeStatistics
from explorer.latent.tile_grid import TileGrid
from explorer.latent.traversal import mean_to_max, ranked_dimensions, traverse_component, traverse_dimension
from explorer.models.runs import ProgressFrame, read_strip
from explorer.types import Codec, Floats, Indices, Pixels

THUMBNAIL_SIDE = 48
NOISE_ROW = 8
"""Images in the row of the Noise tab."""

CLOUD = 24
"""Random codes around the latent cursor, including the cursor itself."""

OVERLAY_COLUMNS = 40
"""Columns of the overlay of the map."""

SAMPLES = 40
"""Number of random samples."""

TRAVERSAL_COLUMNS = 9
TRAVERSAL_ROWS = 48
"""Most dimensions or principal components that are traversed: those with the largest variance."""

_THUMBNAILS_AT_ONCE = 16
_ANIMATION_FRAMES = 360
"""Most frames of an animation that are measured."""

_PROGRESS_IMAGES = 48
"""About as many of them are kept as images."""

_ANIMATION_AT_ONCE = 16


class Task(Protocol):
    """A piece of work for the render thread."""

    slot: ClassVar[str]

    def run(self) -> Iterator[View]:
        """Compute and yield the views."""


SLOTS = (
    "cursor",
    "image",
    "meter",
    "hover",
    "keyframes",
    "noise",
    "cloud",
    "samples",
    "traversal",
    "compare",
    "nearest",
    "terms",
    "bookmarks",
    "neighbors",
    "training_progress",
    "thumbnails",
    "points",
    "tiles",
    "animation",
    "overlay",
)
"""Every slot, the most urgent first: the drag of a slider precedes everything else."""


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
class EncodeImage:
    """Read, encode and reconstruct one image; `parts`: whether the model has an encoder and a decoder."""

    slot: ClassVar[str] = "image"
    codec: Codec
    source: Source
    preprocessing: Preprocessing
    index: int
    parts: tuple[bool, bool] = (True, True)

    def run(self) -> Iterator[View]:
        """Yield one `ImageView`, or a `HalfView` without a reconstruction."""
        original = _read(self.source, self.preprocessing, self.index)
        code = self.codec.encode(original) if self.parts[0] else None
        if code is None or not self.parts[1]:
            yield HalfView(original[0], None if code is None else code[0])
            return
        try:
            reconstruction = self.codec.decode(code)
        except ModelError as error:
            # The code is known, and other codes may be decodable.
            yield HalfView(original[0], code[0], error.message)
            return
        yield ImageView(
            original[0],
            reconstruction[0],
            code[0],
            mse(original, reconstruction),
            psnr(original, reconstruction),
            ssim(original, reconstruction),
        )


@dataclass(frozen=True, eq=False)
class FindNeighbors:
    """Find the nearest neighbors of a code, by code and by pixels.

    Attributes
    ----------
    images
        The indexes of all images.
    code
        ``(latent_dim,)``.
    image_index
        The image of the code, excluded from the result; None for the latent cursor.
    shown
        Position of the selected image, whose pixels are used without a decoder.
    """

    slot: ClassVar[str] = "neighbors"
    images: IndexedImages
    preprocessing: Preprocessing
    code: Floats
    count: int
    decodes: bool
    image_index: int | None
    shown: int | None

    def run(self) -> Iterator[View]:
        """Yield one `NeighborsView`."""
        all_of_them = self.images
        own = all_of_them.row_of(self.image_index)
        near = all_of_them.index.search(all_of_them.space.coordinates(self.code[None]), self.count, own)
        alike = all_of_them.by_pixels.search(self._pixels(), self.count, own)
        found = [all_of_them.positions[part.indices[0][part.indices[0] >= 0]] for part in (near, alike)]
        read = [all_of_them.source.read(indices, self.preprocessing) for indices in found]
        distances = [part.distances[0][: len(indices)] for part, indices in zip((near, alike), found, strict=True)]
        yield NeighborsView(found[0], distances[0], found[1], distances[1], read[0], read[1])

    def _pixels(self) -> Floats:
        if self.image_index is not None or not self.decodes:
            row = self.images.row_of(self.image_index if self.image_index is not None else self.shown) or 0
            return self.images.pixels[row : row + 1]
        return pooled(self.images.codec.decode(self.code[None]).clip(0, 1), self.images.step)


@dataclass(frozen=True, eq=False)
class FindNearest(FindNeighbors):
    """Find the nearest neighbor of the latent cursor."""

    slot: ClassVar[str] = "nearest"


@dataclass(frozen=True, eq=False)
class DecodeTerms:
    """Decode the terms of the code arithmetic: `codes` ``(k, latent_dim)``, term by term."""

    slot: ClassVar[str] = "terms"
    codec: Codec
    codes: Floats

    def run(self) -> Iterator[View]:
        """Yield one `TermsView`."""
        yield TermsView(self.codec.decode(self.codes))


@dataclass(frozen=True, eq=False)
class CompareImages:
    """Compare two models on one image: decode a code of each, or reconstruct the noisy image.

    Attributes
    ----------
    codecs, preprocessings
        Of the open and the second model.
    codes
        ``(latent_dim,)`` each; unused with noise.
    noises
        Corruptions of the image; None to decode the codes instead.
    """

    slot: ClassVar[str] = "compare"
    codecs: tuple[Codec, Codec]
    preprocessings: tuple[Preprocessing, Preprocessing]
    source: Source
    index: int
    codes: tuple[Floats, Floats]
    noises: tuple[Noise, ...] | None

    def run(self) -> Iterator[View]:
        """Yield one `CompareView`."""
        given, made, errors = [], [], []
        figures: list[tuple[float, float, float]] = []
        for codec, preprocessing, code in zip(self.codecs, self.preprocessings, self.codes, strict=True):
            clean = _read(self.source, preprocessing, self.index)
            noisy = clean if self.noises is None else corrupt(clean, self.noises)
            output = codec.decode(code[None]) if self.noises is None else codec.decode(codec.encode(noisy))
            given.append(noisy[0])
            made.append(output[0])
            errors.append(np.abs(clean[0] - output[0]).mean(axis=2))
            figures.append((mse(clean, output), psnr(clean, output), ssim(clean, output)))
        one, other = figures
        yield CompareView(
            (given[0], given[1]),
            (made[0], made[1]),
            (errors[0], errors[1]),
            (one[0], other[0]),
            (one[1], other[1]),
            (one[2], other[2]),
        )


@dataclass(frozen=True, eq=False)
class CorruptImages:
    """Corrupt one image and those after it, and reconstruct them."""

    slot: ClassVar[str] = "noise"
    codec: Codec
    source: Source
    preprocessing: Preprocessing
    index: int
    noises: tuple[Noise, ...]

    def run(self) -> Iterator[View]:
        """Yield a `NoiseView` of the one image, then one of the whole row, in which it is the first."""
        row = np.arange(self.index, min(self.index + NOISE_ROW, self.source.count))
        yield self._view(to_floats(self.source.read(row[:1], self.preprocessing)))
        if len(row) > 1:
            yield self._view(to_floats(self.source.read(row, self.preprocessing)))

    def _view(self, clean: Floats) -> NoiseView:
        # The first image of a row gets the same noise as alone.
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
    """Decode random codes around a code: `code` and `scale`, σ of each dimension, ``(latent_dim,)``."""

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
class DecodeSamples:
    """Decode random codes; `prior` is the fitted prior, or None for N(0, I)."""

    slot: ClassVar[str] = "samples"
    codec: Codec
    latent_dim: int
    sampling: Sampling
    prior: FittedPrior | None

    def run(self) -> Iterator[View]:
        """Yield one `SamplesView`."""
        rng = np.random.default_rng(self.sampling.seed)
        if self.prior is None:
            codes = sample_normal(SAMPLES, self.latent_dim, rng, self.sampling.temperature)
        else:
            codes = self.prior.sample(SAMPLES, rng, self.sampling.temperature)
        yield SamplesView(codes, self.codec.decode(codes), self.prior is not None)


@dataclass(frozen=True, eq=False)
class DecodeTraversal:
    """Decode latent traversals of a code ``(latent_dim,)``, one row per dimension or principal component."""

    slot: ClassVar[str] = "traversal"
    codec: Codec
    code: Floats
    statistics: CodeStatistics
    traversal: Traversal

    def run(self) -> Iterator[View]:
        """Yield one `TraversalView`."""
        stats, by, reach = self.statistics, self.traversal.by, self.traversal.reach
        values = np.linspace(-reach, reach, TRAVERSAL_COLUMNS, dtype=np.float32)
        if by == "components":
            rows = np.arange(min(len(stats.components), TRAVERSAL_ROWS), dtype=np.int64)
            codes = [traverse_component(self.code, stats, int(axis), values) for axis in rows]
        elif by == "dimensions":
            rows = ranked_dimensions(stats, TRAVERSAL_ROWS)
            codes = [
                traverse_dimension(self.code, int(dim), stats.mean[dim] + values * stats.sigma[dim]) for dim in rows
            ]
        else:
            rows = ranked_dimensions(stats, TRAVERSAL_ROWS)
            # The last row is filled up with the mean code.
            filled = -(-len(rows) // TRAVERSAL_COLUMNS) * TRAVERSAL_COLUMNS
            table = np.tile(stats.mean, (filled, 1))
            table[: len(rows)] = mean_to_max(stats, rows)
            codes, values = list(table.reshape(-1, TRAVERSAL_COLUMNS, len(stats.mean))), values[:0]
        if not codes:
            raise UsageError(
                "No principal components: the model has codes of one image only. Traverse dimensions instead."
            )
        stacked = np.stack(codes)
        pixels = to_pixels(self.codec.decode(stacked.reshape(-1, stacked.shape[2])))
        shaped = pixels.reshape(*stacked.shape[:2], *pixels.shape[1:])
        yield TraversalView(rows, values, stacked, shaped, by == "components")


@dataclass(frozen=True, eq=False)
class DecodeHover:
    """Decode the code under the mouse on the map: `code` ``(latent_dim,)`` at `point`."""

    slot: ClassVar[str] = "hover"
    codec: Codec
    code: Floats
    point: tuple[float, float]

    def run(self) -> Iterator[View]:
        """Yield one `HoverView`."""
        yield HoverView(self.point, self.codec.decode(self.code[None])[0])


@dataclass(frozen=True, eq=False)
class MeasureCursor:
    """Measure the distance of a code ``(latent_dim,)`` from the data."""

    slot: ClassVar[str] = "meter"
    code: Floats
    distance: CodeDistance

    def run(self) -> Iterator[View]:
        """Yield one `MeterView`."""
        yield MeterView(float(self.distance.ratio(self.code[None])[0]))


@dataclass(frozen=True, eq=False)
class MeasurePlane:
    """Compute the overlay of a part of the map."""

    slot: ClassVar[str] = "overlay"
    codec: Codec
    plane: Plane
    window: MapWindow
    kind: Overlay
    distance: CodeDistance

    def run(self) -> Iterator[View]:
        """Yield an `OverlayView` after every row; the last one is complete."""
        seen = self.window
        width, height = seen.right - seen.left, seen.top - seen.bottom
        rows = int(np.clip(round(OVERLAY_COLUMNS * height / width), 4, 2 * OVERLAY_COLUMNS))
        xs = seen.left + (np.arange(OVERLAY_COLUMNS) + 0.5) * width / OVERLAY_COLUMNS
        ys = seen.top - (np.arange(rows) + 0.5) * height / rows
        values = np.full((rows, OVERLAY_COLUMNS), np.nan, np.float32)
        step = width / OVERLAY_COLUMNS / 4
        for row, y in enumerate(ys):
            points = np.stack([xs, np.full_like(xs, y)], axis=1).astype(np.float32)
            values[row] = self._measure(points, step)
            yield OverlayView(self.kind, seen.left, seen.right, seen.bottom, seen.top, values.copy())

    def _measure(self, points: Floats, step: float) -> Floats:
        codes = self.plane.codes(points)
        if self.kind == "distance":
            return self.distance.ratio(codes).astype(np.float32)
        if self.kind == "round_trip":
            again = self.codec.encode(self.codec.decode(codes))
            return np.asarray(np.linalg.norm(again - codes, axis=1), np.float32)
        right, up = (points + np.array(move, np.float32) * np.float32(step) for move in ((1, 0), (0, 1)))
        count = len(points)
        images = self.codec.decode(self.plane.codes(np.concatenate([points, right, up])))
        here, across, above = images[:count], images[count : 2 * count], images[2 * count :]
        squares = ((across - here) ** 2 + (above - here) ** 2).mean(axis=(1, 2, 3))
        return np.asarray(np.sqrt(squares) / step, np.float32)


@dataclass(frozen=True, eq=False)
class DecodeTiles:
    """Decode some tiles of the map, int64 ``(n, 2)``."""

    slot: ClassVar[str] = "tiles"
    codec: Codec
    plane: Plane
    tile_grid: TileGrid
    level: int
    tiles: Indices

    def run(self) -> Iterator[View]:
        """Yield one `TilesView`."""
        codes = self.plane.codes(self.tile_grid.middles(self.level, self.tiles))
        pixels = to_pixels(self.codec.decode(codes))
        yield TilesView(self.codec, self.plane, self.tile_grid, self.level, self.tiles, pixels)


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
class DecodeBookmarks:
    """Decode all bookmarks: `codes` ``(k, latent_dim)``."""

    slot: ClassVar[str] = "bookmarks"
    codec: Codec
    codes: Floats

    def run(self) -> Iterator[View]:
        """Yield one `BookmarksView`."""
        yield BookmarksView(self.codec.decode(self.codes))


@dataclass(frozen=True, eq=False)
class MeasureAnimation:
    """Decode one pass of the animation, and measure the change per frame and the distance from the data.

    Attributes
    ----------
    codec
        The model.
    animation, curve
        The animation, and its path.
    distance
        Distance of codes from the data.
    """

    slot: ClassVar[str] = "animation"
    codec: Codec
    animation: Animation
    curve: AnimationCurve
    distance: CodeDistance

    def run(self) -> Iterator[View]:
        """Yield `AnimationView`s with a few more frames each time, so that the strip fills from its start."""
        positions = self.animation.pass_positions()
        if self.animation.closed:
            positions = np.append(positions, 0.0)
        frames = np.unique(np.linspace(0, len(positions) - 1, _ANIMATION_FRAMES).round().astype(np.int64))
        codes = self.curve.at(positions[frames])
        distances = self.distance.ratio(codes)
        every = max(1, len(frames) // _PROGRESS_IMAGES)
        changes: list[float] = []
        shown: list[int] = []
        images: list[Pixels] = []
        last: Floats | None = None
        for start in range(0, len(frames), _ANIMATION_AT_ONCE):
            decoded = self.codec.decode(codes[start : start + _ANIMATION_AT_ONCE])
            joined = decoded if last is None else np.concatenate([last[np.newaxis], decoded])
            changes += image_change(np.clip(joined, 0, 1)).tolist()
            last = decoded[-1]
            for number in range(start, start + len(decoded)):
                if number % every == 0:
                    shown.append(int(frames[number]))
                    images.append(to_pixels(decoded[number - start]))
            yield AnimationView(
                self.animation, frames, distances, np.array(changes), np.array(shown, np.int64), np.stack(images)
            )


@dataclass(frozen=True, eq=False)
class ReadThumbnails:
    """Read thumbnails for the gallery: `indices` int64 ``(n,)``."""

    slot: ClassVar[str] = "thumbnails"
    source: Source
    indices: Indices

    def run(self) -> Iterator[View]:
        """Yield a `ThumbnailsView` for a few images at a time."""
        channels = self.source.image_shape[2] if self.source.image_shape else 3
        preprocessing = Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, channels))
        for start in range(0, len(self.indices), _THUMBNAILS_AT_ONCE):
            part = self.indices[start : start + _THUMBNAILS_AT_ONCE]
            yield ThumbnailsView(self.source, part, self._read(part, preprocessing))

    def _read(self, part: Indices, preprocessing: Preprocessing) -> Pixels:
        """Read a few images; an unreadable one is shown as a cross."""
        try:
            return self.source.read(part, preprocessing)
        except DataError:
            return np.concatenate([self._read_one(part[i : i + 1], preprocessing) for i in range(len(part))])

    def _read_one(self, one: Indices, preprocessing: Preprocessing) -> Pixels:
        try:
            return self.source.read(one, preprocessing)
        except DataError:
            cross = np.maximum(np.eye(THUMBNAIL_SIDE), np.eye(THUMBNAIL_SIDE)[::-1])
            gray = (96 + 64 * cross).astype(np.uint8)
            return np.repeat(gray[None, :, :, None], preprocessing.image_shape[2], axis=3)


@dataclass(frozen=True, eq=False)
class ReadTrainingProgress:
    """Read the progress images of a training at one time."""

    slot: ClassVar[str] = "training_progress"
    originals: Path
    frame: ProgressFrame

    def run(self) -> Iterator[View]:
        """Yield one `TrainingProgressView`."""
        yield TrainingProgressView(
            self.frame.path, self.frame.progress, read_strip(self.originals), read_strip(self.frame.path)
        )


def _read(source: Source, preprocessing: Preprocessing, index: int) -> Floats:
    return to_floats(source.read(np.array([index], np.int64), preprocessing))


@dataclass(frozen=True, eq=False)
class ReadPoints(ReadThumbnails):
    """Read thumbnails for points on the map."""

    slot: ClassVar[str] = "points"
