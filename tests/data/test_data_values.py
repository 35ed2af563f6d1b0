from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from explorer.data.preprocessing import DTYPES, Depth
from explorer.data.ranges import found_range
from explorer.data.values import found_depth, scaled
from explorer.errors import DataError

BYTES = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize(
    ("array", "limits"),
    [
        (BYTES, (0, 255)),
        (BYTES[:9], (0, 255)),
        (BYTES[:2], (0, 1)),
        (BYTES[:1], (0, 255)),
        (BYTES > 127, (0, 1)),
        (BYTES[:2].astype(np.int64), (0, 1)),
        (BYTES.astype(np.int64), (0, 255)),
        (BYTES[:17].astype(np.int32), (0, 16)),
        (BYTES.astype(np.float32), (0, 255)),
        (BYTES.astype(np.float64) * 0.999, (0, 255)),
        ((BYTES // 16).astype(np.float32), (0, 16)),
        (BYTES / 255, (0, 1)),
        (BYTES / 255 + 2e-6, (0, 1)),
        (BYTES / 127.5 - 1, (-1, 1)),
        (np.array([-1, 0, 1]), (-1, 1)),
        (np.array([-3, 99], np.int8), (-128, 127)),
        (BYTES.astype(np.uint16) << 2, (0, 1023)),
        (BYTES.astype(np.uint16) << 4, (0, 4095)),
        (BYTES.astype(np.uint16) << 6, (0, 16383)),
        (BYTES.astype(">u2") << 8, (0, 65535)),
        (np.array([-1000, 3000], np.int16), (-1000, 3000)),
        (np.array([0.5, 20.25]), (0.5, 20.25)),
        (np.array([7.5, 7.5]), (7.5, 15)),
        (np.array([0, 70_000]), (0, 70_000)),
    ],
)
def test_the_range_is_found_from_the_values(array: np.ndarray, limits: tuple[float, float]) -> None:
    assert found_range(array, "x") == limits


def test_parts_of_one_set_have_one_range() -> None:
    assert found_range(BYTES[:2], "x", BYTES) == (0, 255)
    assert found_range(BYTES[:2].astype(np.float32), "x", BYTES.astype(np.float32)) == (0, 255)


def test_values_become_pixels() -> None:
    assert scaled(BYTES, (0, 255)) is BYTES
    for limits, expected in (((0, 1), [0, 255, 255]), ((0, 16), [0, 64, 255]), ((-16, 16), [128, 159, 255])):
        for dtype in (np.uint8, np.uint32, np.uint16, np.int64, np.float32):
            array = np.array([[0, 4, 20]] if limits != (0, 1) else [[0, 1, 2]], dtype)
            np.testing.assert_array_equal(scaled(array, limits), [expected])
    np.testing.assert_array_equal(scaled((BYTES / 127.5 - 1).astype(np.float32), (-1, 1)), BYTES)
    np.testing.assert_array_equal(scaled((BYTES.astype(np.uint16) << 4) + 8, (0, 4095), 8), BYTES)


@pytest.mark.parametrize(
    ("array", "limits", "depth"),
    [
        (BYTES, (0, 255), 8),
        (BYTES > 127, (0, 1), 8),
        (BYTES.astype(np.float64), (0, 255), 8),
        ((BYTES // 16).astype(np.float32), (0, 16), 8),
        ((BYTES / 255).astype(np.float32), (0, 1), 8),
        (BYTES / 127.5 - 1, (-1, 1), 8),
        ((BYTES / 255).astype(np.float16), (0, 1), 8),
        (np.array([-1000, 3000], np.int16), (-1000, 3000), 16),
        (np.array([0, 4000], ">u2"), (0, 4095), 16),
        (np.array([0.0, 4000.0]), (0, 4095), 16),
        (np.array([0, 30_000, 70_000]), (0, 70_000), "float"),
        (np.array([0, 0.123, 1]), (0, 1), "float"),
        (BYTES * 0.999, (0, 255), "float"),
    ],
)
def test_the_depth_is_what_the_values_need(array: np.ndarray, limits: tuple[float, float], depth: Depth) -> None:
    assert found_depth(limits, array) == depth
    assert scaled(array, limits).dtype == DTYPES[depth]


def test_deep_values_keep_their_steps() -> None:
    whole = np.array([0, 1, 2048, 4095, 5000], np.uint16)
    np.testing.assert_array_equal(scaled(whole, (0, 4095)), np.array([0, 16, 32776, 65535, 65535], np.uint16))
    np.testing.assert_array_equal(scaled(np.array([-1000, 1000, 3000]), (-1000, 3000)), [0, 32768, 65535])
    deep = np.arange(70_000, dtype=np.uint16)
    assert scaled(deep, (0, 65535)) is deep
    fractions = np.array([-0.5, 0.125, 0.25, 2.5])
    np.testing.assert_array_equal(scaled(fractions, (0, 0.5)), np.array([0, 0.25, 0.5, 1], np.float32))


@given(arrays_of.arrays(np.float64, (2, 3, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_numbers_have_a_range_and_pixels_in_their_order(array: np.ndarray) -> None:
    pixels = scaled(array, found_range(array, "x"))
    assert pixels.dtype in DTYPES.values()
    assert pixels.shape == array.shape
    in_order = pixels.ravel()[np.argsort(array, axis=None)].astype(float)
    assert (np.diff(in_order) >= 0).all()


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([0.0, np.nan, np.inf]), "2 values are NaN or infinite"),
        (np.array(["a"]), "its dtype is <U1"),
        (np.zeros(2, complex), "its dtype is complex128"),
    ],
)
def test_what_has_no_range_is_refused(array: np.ndarray, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        found_range(array, "x")
