from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.errors import ExportError
from explorer.export.contact_sheet import write_sheet
from explorer.export.frames import ExportSettings
from explorer.export.sheet import axes_figure, caption_strip, enlarge, mosaic, stack_rows, write_png
from explorer.types import Floats, Shown


def line(low: float, high: float, count: int) -> Floats:
    return np.linspace(low, high, count, dtype=np.float32)


def random_images(count: int, height: int, width: int, channels: int, seed: int = 0) -> Shown:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 13), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]), st.integers(1, 6),
    st.integers(0, 3),
)  # fmt: skip
def test_mosaic_holds_every_image_in_reading_order(
    count: int, height: int, width: int, channels: int, columns: int, gap: int
) -> None:
    images = random_images(count, height, width, channels)
    whole = mosaic(images, columns, gap, background=77)
    rows = -(-count // columns)
    assert whole.shape == (rows * height + (rows - 1) * gap, columns * width + (columns - 1) * gap, channels)
    rest = np.ones(whole.shape[:2], dtype=bool)
    for number, image in enumerate(images):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        np.testing.assert_array_equal(whole[top : top + height, left : left + width], image)
        rest[top : top + height, left : left + width] = False
    assert (whole[rest] == 77).all()


def test_stacked_rows_keep_columns_and_mix_gray_with_color() -> None:
    gray, color = random_images(3, 4, 5, 1), random_images(2, 4, 5, 3)
    whole = stack_rows([gray, color], gap=1, background=9)
    assert whole.shape == (9, 17, 3)
    np.testing.assert_array_equal(whole[:4, 6:11], gray[1].repeat(3, axis=2))
    np.testing.assert_array_equal(whole[5:, 6:11], color[1])
    assert (whole[5:, 12:] == 9).all()


def test_wrong_images_are_refused() -> None:
    with pytest.raises(ExportError):
        stack_rows([])
    with pytest.raises(ExportError, match="different sizes 4×4, 5×4"):
        stack_rows([random_images(1, 4, 4, 1), random_images(1, 5, 4, 1)])
    with pytest.raises(ExportError, match="must be uint8"):
        mosaic(np.zeros((2, 4, 4, 1), dtype=np.float32), 2)
    with pytest.raises(ExportError, match="column"):
        mosaic(random_images(1, 4, 4, 1), 0)
    with pytest.raises(ExportError, match="scale"):
        enlarge(random_images(1, 4, 4, 1)[0], 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_comes_back_bit_for_bit(tmp_path: Path, channels: int) -> None:
    image = random_images(1, 6, 9, channels)[0]
    write_png(image, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as opened:
        assert opened.format == "PNG"
        np.testing.assert_array_equal(np.array(opened).reshape(6, 9, channels), image)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_png_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(ExportError):
        write_png(np.zeros((4, 4, 2), dtype=np.uint8), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"old"


def test_contact_sheet_shows_all_frames(tmp_path: Path) -> None:
    frames = random_images(10, 5, 6, 1)
    list(write_sheet(frames, 10, tmp_path / "a.png", ExportSettings(fps=10, loop=False, scale=2)))
    with Image.open(tmp_path / "a.png") as opened:
        sheet = np.array(opened)
    assert sheet.shape == ((3 * 5 + 2) * 2, (4 * 6 + 3) * 2)
    np.testing.assert_array_equal(sheet[12:22, 14:26], enlarge(frames[5], 2)[..., 0])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("labels", [("", ""), ("z0", "z1")])
def test_axes_figure_holds_the_mosaic_unchanged_beside_ink(channels: int, labels: tuple[str, str]) -> None:
    image = mosaic(random_images(12, 16, 16, channels), 4)
    figure = axes_figure(image, line(-8, 8, 4), line(-3, 3, 3), labels)
    assert figure.dtype == np.uint8
    assert figure.shape[2] == channels
    windows = np.lib.stride_tricks.sliding_window_view(figure, image.shape)[..., 0, :, :, :]
    places = np.argwhere((windows == image).all(axis=(2, 3, 4)))
    assert len(places) == 1
    top, left = places[0]
    below, beside = figure[top + image.shape[0] + 1 :], figure[:, : left - 1]
    assert (below < 100).any()
    assert (beside < 100).any()
    # Nothing is cut off at the rim.
    rim = np.concatenate([figure[0], figure[-1], figure[:, 0], figure[:, -1]])
    assert (rim == 255).all()


def test_axes_figure_puts_the_highest_number_on_top() -> None:
    image = np.full((64, 64, 1), 128, dtype=np.uint8)
    rising = axes_figure(image, np.array([0, 1]), np.array([1, 888]))
    falling = axes_figure(image, np.array([0, 1]), np.array([888, 1]))
    np.testing.assert_array_equal(rising, falling)
    top = int(np.argwhere((rising == 128).sum(axis=1) >= 64)[0, 0])
    left = int(np.argwhere((rising == 128).sum(axis=0) >= 64)[0, 0])
    upper, lower = (rising[top + start : top + start + 32, : left - 4] < 128 for start in (0, 32))
    assert upper.sum() > 2 * lower.sum()


def test_axes_figure_refuses_a_mosaic_of_broken_cells() -> None:
    with pytest.raises(ExportError, match="cannot be divided"):
        axes_figure(np.zeros((10, 10, 1), dtype=np.uint8), line(0, 2, 3), line(0, 1, 2))


@given(st.integers(20, 200), st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30))
@settings(max_examples=25, deadline=None)
def test_a_caption_is_as_wide_as_its_image(width: int, text: str) -> None:
    strip = caption_strip(width, 1, text)
    assert strip.shape == (strip.shape[0], width, 1)
    assert strip.shape[0] > 0
    assert strip.shape[0] % 2 == 0
