"""Arrays to Qt images, exactly; numbers as words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from explorer_testing.window import array_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PySide6.QtGui import QColor

from explorer.types import Floats, Shown
from explorer.ui.images import image_to_qimage, pixels_to_qimage
from explorer.ui.text import decibels, dimension_name, duration, filled

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))


@given(arrays.arrays(np.uint8, SHAPES))
def test_pixels_arrive_as_they_are(pixels: Shown) -> None:
    qimage = pixels_to_qimage(pixels)
    assert (qimage.height(), qimage.width()) == pixels.shape[:2]
    np.testing.assert_array_equal(array_of(qimage), pixels)


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(-0.5, 1.5, width=32)))
def test_floats_are_clipped_and_rounded(image: Floats) -> None:
    expected = np.rint(image.clip(0, 1).astype(np.float64) * 255)
    assert np.abs(array_of(image_to_qimage(image)).astype(int) - expected).max() <= 1
    exact = np.array([0, 1, 0.2, -3, 7], np.float32).reshape(1, 5, 1)
    assert array_of(image_to_qimage(exact)).ravel().tolist() == [0, 255, 51, 0, 255]


def test_channels_are_red_green_blue() -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[1, 2] = 255, 128, 3
    assert pixels_to_qimage(pixels).pixelColor(2, 1) == QColor(255, 128, 3)


def test_a_part_of_a_larger_array_can_be_shown() -> None:
    whole = np.arange(8 * 10 * 3, dtype=np.uint8).reshape(8, 10, 3)
    part = whole[1:6:2, ::-1][:, 1:8]
    np.testing.assert_array_equal(array_of(pixels_to_qimage(part)), part)


def test_an_image_owns_its_pixels() -> None:
    pixels = np.full((3, 5, 1), 7, np.uint8)
    qimage = pixels_to_qimage(pixels)
    pixels[:] = 200
    assert (array_of(qimage) == 7).all()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h 0 min"),
        (4320, "1 h 12 min"),
        (-3, "0 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_decibels_and_dimensions() -> None:
    assert decibels(21.349) == "21.3 dB"
    assert decibels(math.inf) == "∞"
    assert dimension_name(0) == "z₀"
    assert dimension_name(1729) == "z₁₇₂₉"


def test_a_value_that_looks_like_a_place_stays() -> None:
    assert filled("%2 of %1: %2", "100%2", 7) == "7 of 100%2: 7"
