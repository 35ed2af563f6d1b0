"""Enlarging an image: every pixel has the same size, and the edges between pixels are exact means."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.window import array_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from explorer.types import Shown
from explorer.ui.images import pixels_to_qimage
from explorer.ui.widgets.image_scaling import Axis, axis, enlarged

FACTORS = st.floats(2.0, 40.0)


def pixels(height: int, width: int, channels: int = 3, seed: int = 0) -> Shown:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def area_means(image: Shown, across: Axis, down: Axis) -> NDArray[np.float64]:
    """Return the mean of the part of the image that each device pixel covers, by integrals of rows and columns."""
    rows = _means(image.astype(np.float64), down)
    return _means(rows.transpose(1, 0, 2), across).transpose(1, 0, 2)


def _means(values: NDArray[np.float64], along: Axis) -> NDArray[np.float64]:
    edges = (along.start + np.arange(along.length + 1)) / along.scale
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    flat = sums.reshape(len(sums), -1)
    at = np.stack([np.interp(edges, np.arange(len(sums)), column) for column in flat.T], axis=1)
    return (np.diff(at, axis=0) * along.scale).reshape(along.length, *values.shape[1:])


def of_size(width: int, height: int, scale: float, box: tuple[int, int] | None = None) -> tuple[Axis, Axis]:
    room = box or (round(width * scale), round(height * scale))
    return axis(0, room[0], width, scale, 0.5), axis(0, room[1], height, scale, 0.5)


@given(st.integers(1, 12), st.integers(1, 12), FACTORS)
def test_it_is_what_area_sampling_gives(height: int, width: int, scale: float) -> None:
    image = pixels(height, width)
    across, down = of_size(width, height, scale)
    if min(across.scale, down.scale) < 2:
        return
    made = array_of(enlarged(pixels_to_qimage(image), across, down))
    assert made.shape[:2] == (down.length, across.length)
    assert np.abs(made - area_means(image, across, down)).max() <= 2, "each direction is rounded"


@pytest.mark.parametrize("factor", [2, 3, 7, 17])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_whole_factor_is_nearest_neighbor_exactly(factor: int, channels: int) -> None:
    image = pixels(5, 9, channels)
    if channels == 4:
        image[..., 3] = 255
    made = enlarged(pixels_to_qimage(image), *of_size(9, 5, factor))
    wanted = np.repeat(np.repeat(image[..., :3], factor, axis=0), factor, axis=1)
    np.testing.assert_array_equal(array_of(made), np.broadcast_to(wanted, (5 * factor, 9 * factor, 3)))


@given(st.integers(2, 30), FACTORS)
def test_every_pixel_has_the_same_size(count: int, scale: float) -> None:
    """The brightness of one white pixel among black ones is its area."""
    across, down = of_size(count, 1, scale)
    if min(across.scale, down.scale) < 2:
        return
    areas = []
    for place in (0, count // 2, count - 1):
        image = np.zeros((1, count, 1), np.uint8)
        image[0, place] = 255
        areas.append(array_of(enlarged(pixels_to_qimage(image), across, down))[0, :, 0].sum() / 255)
    assert np.ptp(areas) < 0.02
    assert abs(areas[0] - across.scale) < 0.02


def test_below_two_it_is_smooth() -> None:
    image = np.zeros((1, 8, 1), np.uint8)
    image[:, 4:] = 255
    made = array_of(enlarged(pixels_to_qimage(image), *of_size(8, 1, 1.5)))[0, :, 0]
    assert len(made) == 12
    assert len(set(made.tolist())) > 2
    half = array_of(enlarged(pixels_to_qimage(pixels(8, 8)), *of_size(8, 8, 0.5)))
    assert half.shape[:2] == (4, 4)


@pytest.mark.parametrize("scale", [1.5, 2.0, 3.7, 9.0])
def test_a_part_is_the_same_as_the_part_of_the_whole(scale: float) -> None:
    qimage = pixels_to_qimage(pixels(20, 30))
    whole = array_of(enlarged(qimage, *of_size(30, 20, scale)))
    across, down = of_size(30, 20, scale, (17, 11))
    assert (across.length, down.length) == (17, 11)
    part = array_of(enlarged(qimage, across, down))
    wanted = whole[down.start : down.start + 11, across.start : across.start + 17]
    np.testing.assert_array_equal(part, wanted)


def test_transparency_is_kept() -> None:
    image = pixels(4, 4, 4)
    image[..., 3] = 0
    made = enlarged(pixels_to_qimage(image), *of_size(4, 4, 3))
    assert made.hasAlphaChannel()
    assert made.convertToFormat(QImage.Format.Format_RGBA8888).pixelColor(5, 5).alpha() == 0


@given(st.integers(1, 600), st.integers(1, 600), st.floats(0.1, 100), st.floats(0, 1))
def test_positions_and_shares_agree(length: int, count: int, scale: float, center: float) -> None:
    along = axis(7, length, count, scale, center)
    assert 0 < along.length <= length
    assert along.start + along.length <= round(along.whole)
    assert along.share(along.position(0)) == pytest.approx(0, abs=1e-9)
    assert along.share(along.position(count)) == pytest.approx(1)
    seen = along.pixels()
    assert 0 <= seen[0] <= seen[-1] < count
