"""Dark drawings on light ground are told from light ones on dark, and from photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from explorer.data.polarity import dark_on_light, suggests_invert
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import ArraySource, Facts
from explorer.data.sources import open_source
from explorer.data.splits import random_splits
from explorer.types import Pixels

SIDES = st.integers(16, 60)


@st.composite
def drawings(draw: st.DrawFn) -> Pixels:
    """Strokes on plain ground, dark on light, with a scanner's noise; they may touch the border here and there."""
    height, width = draw(SIDES), draw(SIDES)
    paper, ink = draw(st.integers(200, 255)), draw(st.integers(0, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pages = []
    for _ in range(draw(st.integers(1, 6))):
        page = Image.new("L", (width, height), paper)
        points = [(int(rng.integers(3, width - 3)), int(rng.integers(3, height - 3))) for _ in range(4)]
        ImageDraw.Draw(page).line(points, fill=ink, width=2)
        pages.append(np.asarray(page, np.int16) + rng.integers(-6, 7, (height, width)))
    return np.clip(np.stack(pages), 0, 255).astype(np.uint8)[..., np.newaxis]


@st.composite
def photographs(draw: st.DrawFn) -> Pixels:
    """Smooth light and shade of all values, as a view out of a window has."""
    height, width, channels = draw(SIDES), draw(SIDES), draw(st.sampled_from([1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = rng.integers(0, 256, (draw(st.integers(2, 6)), 4, 4, channels), dtype=np.uint8)
    coarse[:, :, 0], coarse[:, :, -1] = 250, 10
    return Preprocessing.standard((height, width, 3 if channels == 3 else 1)).array_pixels(coarse)


@given(drawings())
def test_dark_on_light_is_seen_and_light_on_dark_is_not(images: Pixels) -> None:
    assert dark_on_light(images)
    assert not dark_on_light(255 - images)


@given(drawings())
def test_gray_in_three_channels_is_gray(images: Pixels) -> None:
    assert dark_on_light(np.repeat(images, 3, axis=3))


@given(drawings())
def test_order_and_empty_pages_do_not_matter(images: Pixels) -> None:
    blank = np.full((1, *images.shape[1:]), 255, np.uint8)
    mixed = np.concatenate([blank, images[::-1], blank])
    assert dark_on_light(mixed)


@given(drawings())
def test_colored_drawings_are_left_alone(images: Pixels) -> None:
    # Inverted they would change their hues: a red ball is not a cyan one.
    red = np.concatenate([np.full_like(images, 255), images, images], axis=3)
    assert not dark_on_light(red)


@given(photographs())
def test_photographs_are_not_drawings(images: Pixels) -> None:
    assert not dark_on_light(images)
    assert not dark_on_light(255 - images)


def test_a_photograph_framed_in_white_is_no_drawing() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 1), dtype=np.uint8)
    photograph[:, [0, -1]] = photograph[:, :, [0, -1]] = 255
    assert not dark_on_light(photograph)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nothing_on_the_images_is_no_drawing(value: int) -> None:
    assert not dark_on_light(np.full((3, 20, 20, 1), value, np.uint8))
    assert not dark_on_light(np.empty((0, 20, 20, 1), np.uint8))


@pytest.mark.parametrize("name", ["digits", "glyphs"])
def test_what_ships_is_light_on_dark(name: str) -> None:
    source = open_source(name)
    assert not suggests_invert(source)
    assert source.image_shape is not None
    inverted = 255 - source.read(range(50), Preprocessing.standard(source.image_shape))
    facts = Facts(name="inverted", title="Inverted", spec="/nowhere/inverted")
    assert suggests_invert(ArraySource(facts, inverted, random_splits(50)))


def test_black_on_transparent_paper_and_oblong_pages(tmp_path: Path) -> None:
    for number in range(6):
        page = Image.new("LA", (90 + number, 30), (0, 0))
        ImageDraw.Draw(page).text((30, 8), "ag", fill=(0, 255))
        page.save(tmp_path / f"{number}.png")
    assert suggests_invert(open_source(tmp_path))


def test_an_image_that_is_gone_suggests_nothing(tmp_path: Path) -> None:
    for number in range(6):
        page = Image.new("L", (40 + number, 30), 255)
        ImageDraw.Draw(page).rectangle((10, 8, 20, 20), fill=0)
        page.save(tmp_path / f"{number}.png")
    source = open_source(tmp_path)
    assert suggests_invert(source)
    for file in tmp_path.iterdir():
        file.unlink()
    assert not suggests_invert(source)
