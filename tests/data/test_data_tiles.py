from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explorer.data.tiles import Transform, cover, through_tiles
from explorer.types import Floats, Pixels, Progress


def tiled(
    pixels: Pixels, size: tuple[int, int], transform: Transform, at_once: int = 3
) -> tuple[Pixels, list[Progress]]:
    *progress, result = through_tiles(pixels, size, transform, at_once=at_once)
    assert isinstance(result, np.ndarray)
    return result, [item for item in progress if isinstance(item, Progress)]


def random_pixels(height: int, width: int, channels: int) -> Pixels:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, channels), dtype=np.uint8)


@given(st.integers(1, 40), st.integers(0, 200))
def test_weights_sum_to_one_at_every_pixel(tile: int, more: int) -> None:
    side = tile + more
    found = cover(side, tile)
    sums = np.zeros(side)
    for start, weights in zip(found.starts, found.weights, strict=True):
        assert (weights > 0).all()
        sums[start : start + tile] += weights
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    assert found.starts[0] == 0
    assert found.starts[-1] == side - tile
    # Neighbors overlap by half at least, so that no pixel is seen at the edge of a tile alone.
    assert (np.diff(found.starts) > 0).all()
    assert (np.diff(found.starts) <= max(1, tile // 2)).all()


@given(
    *(st.integers(1, 50), st.integers(1, 50), st.sampled_from([1, 3])),
    *(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9)),
)
def test_what_changes_nothing_gives_the_image_back(  # every size, smaller and larger than the tile
    height: int, width: int, channels: int, tall: int, wide: int, at_once: int
) -> None:
    pixels = random_pixels(height, width, channels)
    before = pixels.copy()
    seen: list[tuple[int, ...]] = []

    def identity(tiles: Floats) -> Floats:
        seen.append(tiles.shape)
        return tiles

    result, progress = tiled(pixels, (tall, wide), identity, at_once)
    np.testing.assert_array_equal(result, before)
    np.testing.assert_array_equal(pixels, before)
    assert {shape[1:] for shape in seen} == {(tall, wide, channels)}
    assert max(shape[0] for shape in seen) <= at_once
    assert (progress[-1].done, progress[-1].total) == (len(progress), len(progress))


def test_tiles_that_disagree_are_blended_without_a_seam() -> None:
    levels = iter(np.tile([0.2, 0.8], 1000))

    def quarrel(tiles: Floats) -> Floats:
        return np.stack([np.full(tile.shape, next(levels), np.float32) for tile in tiles])

    result, _ = tiled(np.zeros((16, 160, 1), np.uint8), (16, 16), quarrel)
    steps = np.abs(np.diff(result[0, :, 0].astype(int)))
    assert np.ptp(result) > 100  # they do disagree
    # Side by side they would jump by 153; faded over half a tile by no more than the cosine's steepest step.
    assert steps.max() <= np.ceil(153 * np.pi / 2 / 8) + 1


def test_small_images_are_padded_by_reflection() -> None:
    pixels = random_pixels(3, 4, 1)
    seen: list[Floats] = []

    def look(tiles: Floats) -> Floats:
        seen.append(tiles)
        return tiles

    tiled(pixels, (7, 8), look)
    expected = np.pad(pixels, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    np.testing.assert_allclose(seen[0][0], expected / 255, atol=1e-6)


def test_output_out_of_range_is_clipped() -> None:
    result, _ = tiled(np.full((9, 9, 3), 128, np.uint8), (4, 4), lambda tiles: tiles * 4 - 3)
    assert (result == 0).all()
