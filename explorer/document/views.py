"""What the codec thread answers, ready to be shown; derived from the state, never saved, never undone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.data.source import Source
from explorer.latent.film import Film
from explorer.latent.lattice import Lattice
from explorer.latent.planes import Plane
from explorer.messages import Wording
from explorer.types import Codec, Floats, Indices, Pixels


@dataclass(frozen=True, eq=False)
class PictureView:
    """The chosen picture and what the model makes of it.

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
    """The chosen picture without its reconstruction: the model has one half only, or decoding failed.

    Attributes
    ----------
    original
        Float32 ``(h, w, c)``.
    code
        ``(latent_dim,)``; None without an encoder.
    problem
        Why decoding failed; empty where the model has one half only.
    """

    original: Floats
    code: Floats | None
    problem: str = ""


@dataclass(frozen=True, eq=False)
class CursorView:
    """The latent cursor, decoded: `image` float32 ``(h, w, c)``, `decode_ms` of the decoder alone."""

    image: Floats
    decode_ms: float


@dataclass(frozen=True, eq=False)
class Closeness:
    """How near pictures come to their clean originals, on average: MSE; PSNR in dB, infinite where equal; SSIM."""

    mse: float
    psnr: float
    ssim: float


@dataclass(frozen=True, eq=False)
class NoiseView:
    """A row of pictures, corrupted, and what the model makes of them.

    Attributes
    ----------
    clean, noisy, reconstruction
        Float32 ``(n, h, w, c)``; the chosen picture first, then those behind it in the source.
    of_noisy, of_reconstruction
        How near the chosen picture comes to its original.
    of_noisy_row, of_reconstruction_row
        The same, on average over the row.
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
    """Codes thrown around the cursor, decoded.

    Attributes
    ----------
    codes
        Float32 ``(n, latent_dim)``, the cursor itself first.
    images
        Float32 ``(n, h, w, c)``.
    spread
        Root of the mean square by which the other pictures differ from the cursor's, over all pixels; 0 to 1.
    """

    codes: Floats
    images: Floats
    spread: float


@dataclass(frozen=True, eq=False)
class SamplesView:
    """Random codes, decoded.

    Attributes
    ----------
    codes
        Float32 ``(n, latent_dim)``.
    images
        Float32 ``(n, h, w, c)``.
    fitted
        Whether they are from the prior that was fitted to the codes.
    """

    codes: Floats
    images: Floats
    fitted: bool


@dataclass(frozen=True, eq=False)
class TraversalView:
    """Rows of pictures, decoded as far as they have come.

    Attributes
    ----------
    rows
        The dimension or axis of each row, int64 ``(r,)``; of each picture where each is of another.
    values
        Float32 ``(columns,)``, in σ; empty where each picture is of another dimension.
    codes
        Float32 ``(r, columns, latent_dim)``.
    pixels
        Uint8 ``(r, columns, h, w, c)``.
    axes
        Whether the rows are principal axes.
    """

    rows: Indices
    values: Floats
    codes: Floats
    pixels: Pixels
    axes: bool = False


@dataclass(frozen=True, eq=False)
class HoverView:
    """What is under the mouse on the map: `point` x and y on the plane, `image` float32 ``(h, w, c)``."""

    point: tuple[float, float]
    image: Floats


@dataclass(frozen=True, eq=False)
class MeterView:
    """How far the cursor lies from the data's codes: 1 is the most that is usual among these."""

    ratio: float


Overlay = Literal["distance", "stretch", "round_trip"]
"""Distance to the data's codes; how much the picture changes for a step; ‖encode(decode(z)) − z‖."""


@dataclass(frozen=True, eq=False)
class OverlayView:
    """A quantity over a part of the map.

    Attributes
    ----------
    kind
        Which.
    left, right, bottom, top
        The part, in the plane's coordinates.
    values
        Float32 ``(rows, columns)``, the top row first; NaN where it is not computed yet.
    """

    kind: Overlay
    left: float
    right: float
    bottom: float
    top: float
    values: Floats


@dataclass(frozen=True, eq=False)
class TilesView:
    """Some tiles of the map.

    Attributes
    ----------
    codec, plane
        What they were decoded with, and where.
    lattice, level
        Where the tiles lie on the plane.
    tiles
        Int64 ``(n, 2)``, across and up.
    pixels
        Uint8 ``(n, h, w, c)``.
    """

    codec: Codec
    plane: Plane
    lattice: Lattice
    level: int
    tiles: Indices
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class KeyframesView:
    """The keyframes, decoded: `images` float32 ``(k, h, w, c)``."""

    images: Floats


@dataclass(frozen=True, eq=False)
class BookmarksView:
    """The bookmarks, decoded: `images` float32 ``(b, h, w, c)``."""

    images: Floats


@dataclass(frozen=True, eq=False)
class SlotsView:
    """The codes in the slots of an arithmetic, decoded: `images` float32 ``(k, h, w, c)``, slot after slot."""

    images: Floats


@dataclass(frozen=True, eq=False)
class CompareView:
    """One picture through two models: the open one first.

    Attributes
    ----------
    given
        What each was given, float32 ``(h, w, c)``: the picture as that model takes it, noisy where that is asked for.
    made, errors
        What each gave, and its absolute difference from the clean picture, ``(h, w)``.
    mse, psnr, ssim
        Of each, against the clean picture; PSNR in dB.
    """

    given: tuple[Floats, Floats]
    made: tuple[Floats, Floats]
    errors: tuple[Floats, Floats]
    mse: tuple[float, float]
    psnr: tuple[float, float]
    ssim: tuple[float, float]


@dataclass(frozen=True, eq=False)
class FilmView:
    """One pass of the morph, measured at some of its frames, the first and the last among them.

    Attributes
    ----------
    film
        Which film it is.
    frames
        Those that were measured, int64 ``(m,)``, rising, of the pass; of a closed film the first key's once more.
    distances
        How far each of them is from the data, as multiples of what is usual there, float64 ``(m,)``.
    changes
        How much the picture changes from each of them to the next, float64 ``(n,)``; fewer than m - 1 until it is done.
    shown
        Frames that are here as pictures, int64 ``(s,)``.
    pixels
        Those pictures, uint8 ``(s, h, w, c)``.
    """

    film: Film
    frames: Indices
    distances: NDArray[np.float64]
    changes: NDArray[np.float64]
    shown: Indices
    pixels: Pixels

    @property
    def done(self) -> bool:
        """Whether every one of the frames is measured."""
        return len(self.changes) == len(self.frames) - 1

    def changes_of_pass(self) -> NDArray[np.float64]:
        """Return the change from each frame of the pass to the next; between measured ones it is even."""
        last = int(self.frames[-1])
        grown = np.interp(np.arange(last + 1), self.frames, np.concatenate([[0.0], np.cumsum(self.changes)]))
        return np.asarray(np.diff(grown), np.float64)


@dataclass(frozen=True, eq=False)
class ThumbnailsView:
    """Small pictures for the gallery: `indices` int64 ``(n,)`` of `source`, `pixels` uint8 ``(n, h, w, c)``."""

    source: Source
    indices: Indices
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class TrainingFilmView:
    """One frame of the film of a training.

    Attributes
    ----------
    path, progress
        Which frame; epochs done by then, with a fraction.
    originals, reconstructions
        Uint8 ``(k, h, w, c)``.
    """

    path: Path
    progress: float
    originals: Pixels
    reconstructions: Pixels


@dataclass(frozen=True, eq=False)
class NeighboursView:
    """The pictures nearest to the cursor or to the chosen picture, nearest first.

    Attributes
    ----------
    indices, distances
        By code: int64 and float32 ``(k,)``.
    pixel_indices, pixel_distances
        The same by pixels.
    pictures, pixel_pictures
        Uint8 ``(k, h, w, c)``, as the model takes them.
    """

    indices: Indices
    distances: Floats
    pixel_indices: Indices
    pixel_distances: Floats
    pictures: Pixels
    pixel_pictures: Pixels


@dataclass(frozen=True)
class FailedView:
    """A task that ended in an error; its message is shown where the picture would be."""

    message: Wording


View = (
    PictureView
    | HalfView
    | CursorView
    | NoiseView
    | CloudView
    | SamplesView
    | TraversalView
    | NeighboursView
    | HoverView
    | MeterView
    | OverlayView
    | TilesView
    | KeyframesView
    | BookmarksView
    | SlotsView
    | CompareView
    | FilmView
    | ThumbnailsView
    | TrainingFilmView
    | FailedView
)
