"""Results of the render thread, ready to be shown; derived from the state, never saved or undone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.data.source import Source
from explorer.latent.animation import Animation
from explorer.latent.planes import Plane
from explorer.latent.tile_grid import TileGrid
from explorer.messages import Wording
from explorer.types import Codec, Floats, Indices, Pixels


@dataclass(frozen=True, eq=False)
class ImageView:
    """The selected image and its reconstruction.

    Attributes
    ----------
    original, reconstruction
        Float32 ``(h, w, c)``; the reconstruction is not clipped.
    code
        ``(latent_dim,)``.
    mse, psnr, ssim
        Of the reconstruction; PSNR in dB.
    """

    original: Floats
    reconstruction: Floats
    code: Floats
    mse: float
    psnr: float
    ssim: float


@dataclass(frozen=True, eq=False)
class HalfView:
    """The selected image without reconstruction: the model has only an encoder or a decoder, or decoding failed.

    Attributes
    ----------
    original
        Float32 ``(h, w, c)``.
    code
        ``(latent_dim,)``; None without an encoder.
    problem
        Why decoding failed; empty for a model with only an encoder or a decoder.
    """

    original: Floats
    code: Floats | None
    problem: Wording = ""


@dataclass(frozen=True, eq=False)
class CursorView:
    """The decoded latent cursor: `image` float32 ``(h, w, c)``, `decode_ms` of the decoder."""

    image: Floats
    decode_ms: float


@dataclass(frozen=True, eq=False)
class Closeness:
    """Mean metrics of images against their clean originals: MSE; PSNR in dB, infinite if equal; SSIM."""

    mse: float
    psnr: float
    ssim: float


@dataclass(frozen=True, eq=False)
class NoiseView:
    """A row of corrupted images and their reconstructions.

    Attributes
    ----------
    clean, noisy, reconstruction
        Float32 ``(n, h, w, c)``; the selected image first, then those after it in the source.
    of_noisy, of_reconstruction
        Metrics of the selected image.
    of_noisy_row, of_reconstruction_row
        Mean metrics of the row.
    """

    clean: Floats
    noisy: Floats
    reconstruction: Floats
    of_noisy: Closeness
    of_reconstruction: Closeness
    of_noisy_row: Closeness
    of_reconstruction_row: Closeness


@dataclass(frozen=True, eq=False)
class CloudView:
    """Decoded random codes around the latent cursor.

    Attributes
    ----------
    codes
        Float32 ``(n, latent_dim)``, the latent cursor first.
    images
        Float32 ``(n, h, w, c)``.
    spread
        Root mean square difference of the other images from the first; 0 to 1.
    """

    codes: Floats
    images: Floats
    spread: float


@dataclass(frozen=True, eq=False)
class SamplesView:
    """Decoded random codes.

    Attributes
    ----------
    codes
        Float32 ``(n, latent_dim)``.
    images
        Float32 ``(n, h, w, c)``.
    fitted
        Whether they are from the fitted prior.
    """

    codes: Floats
    images: Floats
    fitted: bool


@dataclass(frozen=True, eq=False)
class TraversalView:
    """Decoded latent traversals.

    Attributes
    ----------
    rows
        The dimension or principal component of each row, int64 ``(r,)``; of each image if `values` is empty.
    values
        Float32 ``(columns,)``, in σ; empty if each image is of another dimension.
    codes
        Float32 ``(r, columns, latent_dim)``.
    pixels
        Uint8 ``(r, columns, h, w, c)``.
    components
        Whether the rows are principal components.
    """

    rows: Indices
    values: Floats
    codes: Floats
    pixels: Pixels
    components: bool = False


@dataclass(frozen=True, eq=False)
class HoverView:
    """The decoded code under the mouse on the map: `point` x and y on the plane, `image` float32 ``(h, w, c)``."""

    point: tuple[float, float]
    image: Floats


@dataclass(frozen=True, eq=False)
class MeterView:
    """Distance of the latent cursor from the data, relative to the 95th percentile of neighbor distances there."""

    ratio: float


Overlay = Literal["distance", "stretch", "round_trip"]
"""Distance to the data; decoder sensitivity; cycle error ‖encode(decode(z)) − z‖."""


@dataclass(frozen=True, eq=False)
class OverlayView:
    """The overlay of a part of the map.

    Attributes
    ----------
    kind
        The quantity.
    left, right, bottom, top
        The part, in the plane's coordinates.
    values
        Float32 ``(rows, columns)``, the top row first; NaN if not computed yet.
    """

    kind: Overlay
    left: float
    right: float
    bottom: float
    top: float
    values: Floats


@dataclass(frozen=True, eq=False)
class TilesView:
    """Some decoded tiles of the map.

    Attributes
    ----------
    codec, plane
        The model, and the plane of the map.
    tile_grid, level
        The grid of tiles, and its zoom level.
    tiles
        Int64 ``(n, 2)``, column and row (upwards).
    pixels
        Uint8 ``(n, h, w, c)``.
    """

    codec: Codec
    plane: Plane
    tile_grid: TileGrid
    level: int
    tiles: Indices
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class KeyframesView:
    """The decoded keyframes: `images` float32 ``(k, h, w, c)``."""

    images: Floats


@dataclass(frozen=True, eq=False)
class BookmarksView:
    """The decoded bookmarks: `images` float32 ``(b, h, w, c)``."""

    images: Floats


@dataclass(frozen=True, eq=False)
class TermsView:
    """The decoded terms of the code arithmetic: `images` float32 ``(k, h, w, c)``, term by term."""

    images: Floats


@dataclass(frozen=True, eq=False)
class CompareView:
    """One image in two models: the open one first.

    Attributes
    ----------
    given
        The input of each, float32 ``(h, w, c)``, noisy if requested.
    made, errors
        The output of each, and its absolute error against the clean image, ``(h, w)``.
    mse, psnr, ssim
        Of each, against the clean image; PSNR in dB.
    """

    given: tuple[Floats, Floats]
    made: tuple[Floats, Floats]
    errors: tuple[Floats, Floats]
    mse: tuple[float, float]
    psnr: tuple[float, float]
    ssim: tuple[float, float]


@dataclass(frozen=True, eq=False)
class AnimationView:
    """Measurements of one pass of the animation, at some frames including the first and the last.

    Attributes
    ----------
    animation
        The animation.
    frames
        The measured frames of the pass, int64 ``(m,)``, ascending; for a closed animation the first keyframe once more.
    distances
        Distance of each from the data, as in `MeterView`, float64 ``(m,)``.
    changes
        Change of the image from each to the next, float64 ``(n,)``; fewer than m - 1 until it is complete.
    shown
        Frames with images in `pixels`, int64 ``(s,)``.
    pixels
        Uint8 ``(s, h, w, c)``.
    """

    animation: Animation
    frames: Indices
    distances: NDArray[np.float64]
    changes: NDArray[np.float64]
    shown: Indices
    pixels: Pixels

    @property
    def done(self) -> bool:
        """Whether all frames are measured."""
        return len(self.changes) == len(self.frames) - 1

    def changes_of_pass(self) -> NDArray[np.float64]:
        """Return the change from each frame of the pass to the next; between measured frames it is interpolated."""
        last = int(self.frames[-1])
        grown = np.interp(np.arange(last + 1), self.frames, np.concatenate([[0.0], np.cumsum(self.changes)]))
        return np.asarray(np.diff(grown), np.float64)


@dataclass(frozen=True, eq=False)
class ThumbnailsView:
    """Thumbnails for the gallery: `indices` int64 ``(n,)`` of `source`, `pixels` uint8 ``(n, h, w, c)``."""

    source: Source
    indices: Indices
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class TrainingProgressView:
    """Progress images of a training at one time.

    Attributes
    ----------
    path, progress
        Their file; completed epochs, fractional.
    originals, reconstructions
        Uint8 ``(k, h, w, c)``.
    """

    path: Path
    progress: float
    originals: Pixels
    reconstructions: Pixels


@dataclass(frozen=True, eq=False)
class NeighborsView:
    """The nearest neighbors of the latent cursor or of the selected image, nearest first.

    Attributes
    ----------
    indices, distances
        By code: int64 and float32 ``(k,)``.
    pixel_indices, pixel_distances
        The same by pixels.
    images, pixel_images
        Uint8 ``(k, h, w, c)``, as model inputs.
    """

    indices: Indices
    distances: Floats
    pixel_indices: Indices
    pixel_distances: Floats
    images: Pixels
    pixel_images: Pixels


@dataclass(frozen=True)
class FailedView:
    """A task that failed; its message is shown instead of an image."""

    message: Wording


View = (
    ImageView
    | HalfView
    | CursorView
    | NoiseView
    | CloudView
    | SamplesView
    | TraversalView
    | NeighborsView
    | HoverView
    | MeterView
    | OverlayView
    | TilesView
    | KeyframesView
    | BookmarksView
    | TermsView
    | CompareView
    | AnimationView
    | ThumbnailsView
    | TrainingProgressView
    | FailedView
)
