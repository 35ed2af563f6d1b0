"""The search among the pixels of all images."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source

from explorer.data.preprocessing import to_floats
from explorer.document.neighbors import IndexedImages, NeighborSettings, pooled, pooled_pixels
from explorer.latent.code_table import CodeTable
from explorer.latent.neighbors import CodeSpace, NeighborIndex
from explorer.types import Pixels

COUNT, SHAPE = 4_500, (6, 4, 1)


def indexed(pixels: Pixels, step: int) -> IndexedImages:
    """Return images that are compared by their pixels; their codes are all the same."""
    model = make_model()
    codes = np.zeros((len(pixels), model.latent_dim), np.float32)
    return IndexedImages(
        model.codec,
        make_source(1),
        NeighborSettings().way,
        CodeTable(codes, model.sample.statistics),
        np.arange(len(pixels)),
        pooled_pixels(pixels, step),
        step,
        CodeSpace(model.sample.statistics),
        NeighborIndex(codes),
    )


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("leave_out", [None, 0, 1_999, 2_000, COUNT - 1])
def test_a_search_in_parts_finds_what_one_search_finds(step: int, leave_out: int | None) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (COUNT, *SHAPE), np.uint8)
    images = indexed(pixels, step)
    query = to_floats(pixels[[leave_out or 7]])
    found = images.nearest_by_pixels(query, 12, leave_out)
    every = to_floats(pooled_pixels(pixels, step))
    np.testing.assert_allclose(every, pooled(to_floats(pixels), step), atol=1 / 0xFFFF)
    whole = NeighborIndex(every, "exact").search(pooled(query, step), 12, leave_out)
    np.testing.assert_array_equal(found.indices, whole.indices)
    np.testing.assert_array_equal(found.distances, whole.distances)


@pytest.mark.parametrize("step", [1, 2])
def test_pixels_are_kept_as_integers(step: int) -> None:
    pixels = np.zeros((3, *SHAPE), np.uint8)
    assert indexed(pixels, step).pixels.nbytes == pixels.nbytes / step**2 * (1 if step == 1 else 2)
