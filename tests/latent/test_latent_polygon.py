"""Points within a line drawn around them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explorer.latent.polygon import inside

SQUARE = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], np.float32)


def test_a_square_and_a_line_that_crosses_itself() -> None:
    points = np.array([[1, 1], [-1, 1], [3, 1], [1, 3], [1, -1], [0.1, 1.9]], np.float32)
    assert inside(points, SQUARE).tolist() == [True, False, False, False, False, True]
    hourglass = np.array([[0, 0], [2, 2], [2, 0], [0, 2]], np.float32)
    points = np.array([[0.2, 1], [1.8, 1], [1, 0.2], [1, 1.8]], np.float32)
    assert inside(points, hourglass).tolist() == [True, True, False, False]


def test_less_than_a_triangle_holds_nothing() -> None:
    points = np.zeros((3, 2), np.float32)
    for corners in (0, 1, 2):
        assert not inside(points, SQUARE[:corners]).any()


@given(st.integers(0, 10_000), st.integers(3, 9))
def test_a_convex_polygon_holds_what_lies_on_one_side_of_all_its_edges(seed: int, corners: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.random(corners)) * 2 * np.pi
    polygon = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    points = rng.uniform(-1.2, 1.2, (200, 2)).astype(np.float32)
    edges = np.roll(polygon, -1, axis=0) - polygon
    offsets = points[:, None] - polygon[None]
    cross = edges[None, :, 0] * offsets[..., 1] - edges[None, :, 1] * offsets[..., 0]
    sure = (np.abs(cross) > 1e-4).all(axis=1)
    left = np.asarray((cross > 0).all(axis=1))
    np.testing.assert_array_equal(inside(points, polygon)[sure], left[sure])
