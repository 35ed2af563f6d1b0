from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from explorer.data.choices import Choices, join, split
from explorer.data.image_arrays import images_of
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Found, Source
from explorer.data.sources import describe, open_source
from explorer.errors import DataError
from explorer.types import Pixels

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 256, (10, 28, 28), dtype=np.uint8)
COLOR = RANDOM.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
FIRST = COLOR.transpose(0, 3, 1, 2)


def saved(folder: Path, array: np.ndarray) -> Path:
    path = folder / "images.npy"
    np.save(path, array)
    return path


def pixels_of(source: Source) -> Pixels:
    assert source.image_shape is not None
    height, width, channels = source.image_shape
    return source.read(range(source.count), Preprocessing.standard((height, width, channels)))


@pytest.mark.parametrize(
    ("array", "found", "images"),
    [
        (GRAY[0, :25, :25], Found(layout="channels-last", channels=1), GRAY[:1, :25, :25, np.newaxis]),
        (GRAY[0, :20], Found(layout="channels-last", channels=1), GRAY[:1, :20, :, np.newaxis]),
        (COLOR[0], Found(layout="channels-last", channels=3), COLOR[:1]),
        (FIRST[0], Found(layout="channels-first", channels=3), COLOR[:1]),
        (FIRST, Found(layout="channels-first", channels=3), COLOR),
        (GRAY[:, np.newaxis], Found(layout="channels-first", channels=1), GRAY[..., np.newaxis]),
        (GRAY[:4], Found(layout="channels-last", channels=1), GRAY[:4, ..., np.newaxis]),
        (GRAY.reshape(10, 784), Found(layout="flat", channels=1), GRAY[..., np.newaxis]),
        (np.repeat(GRAY, 2, axis=0), Found(channels=1), np.repeat(GRAY, 2, axis=0)[..., np.newaxis]),
        (
            GRAY.astype(np.float32),
            Found("float32", (0, 255), layout="channels-last", channels=1),
            GRAY[..., np.newaxis],
        ),
        (
            GRAY.astype(np.float32) / np.float32(127.5) - 1,
            Found("float32", (-1, 1), layout="channels-last", channels=1),
            GRAY[..., np.newaxis],
        ),
        (
            (GRAY // 16).astype(np.float64),
            Found("float64", (0, 16), layout="channels-last", channels=1),
            np.rint(GRAY // 16 * (255 / 16)).astype(np.uint8)[..., np.newaxis],
        ),
        (GRAY // 128, Found("uint8", (0, 1), layout="channels-last", channels=1), (GRAY // 128 * 255)[..., np.newaxis]),
        (
            GRAY.astype(np.uint16) * 16,
            Found("uint16", (0, 4095), layout="channels-last", channels=1),
            np.rint(GRAY.astype(int) * 16 * 255 / 4095).astype(np.uint8)[..., np.newaxis],
        ),
    ],
    ids=[
        *("one square", "one", "one color", "one channels first", "channels first", "gray channels first", "four"),
        *("flat", "many", "floats 0-255", "signed", "floats 0-16", "0/1", "12 bits"),
    ],
)
def test_every_layout_and_range_is_read_as_it_is(
    array: np.ndarray, found: Found, images: np.ndarray, tmp_path: Path
) -> None:
    source = open_source(saved(tmp_path, array))
    assert source.found == found
    np.testing.assert_array_equal(pixels_of(source), images)
    assert describe(source)["dtype"] == found.dtype
    assert describe(source)["range"] == (list(found.range) if found.range else None)
    assert describe(source)["channels"] == found.channels


def with_alpha(alpha: Any, colors: int = 3) -> np.ndarray:
    """Return four images of 200 and an alpha channel, which is given for the left and the right half."""
    images = np.full((4, 64, 64, colors + 1), 200, np.uint8)
    images[:, :, :32, -1], images[:, :, 32:, -1] = alpha
    return images


@pytest.mark.parametrize("array", [with_alpha((255, 0)), with_alpha((255, 0))[0], with_alpha((255, 0)) / 255])
def test_transparent_images_are_composited_over_white(array: np.ndarray, tmp_path: Path) -> None:
    path = saved(tmp_path, array)
    source = open_source(path)
    assert source.image_shape == (64, 64, 3)
    assert (source.found.channels, source.found.alpha, describe(source)["alpha"]) == (4, True, True)
    pixels = pixels_of(source)
    np.testing.assert_array_equal(pixels[:, :, :32], 200)
    np.testing.assert_array_equal(pixels[:, :, 32:], 255)
    chosen = open_source(join(path, Choices(channels=(2, 1, 0))))
    np.testing.assert_array_equal(pixels_of(chosen), 200)
    kept = open_source(join(path, Choices(channels=(0, 1, 2, 3))))
    assert (kept.image_shape, "alpha" in describe(kept)) == ((64, 64, 4), False)
    np.testing.assert_array_equal(pixels_of(kept)[:, :, ::63, 3], np.broadcast_to([255, 0], (kept.count, 64, 2)))


def test_a_file_name_tells_that_a_channel_is_transparency(tmp_path: Path) -> None:
    np.savez(tmp_path / "sprites.npz", rgba=with_alpha((200, 200)))
    # As Pillow composites an image file: 200 · 200/255 + 255 · 55/255.
    np.testing.assert_array_equal(pixels_of(open_source(tmp_path / "sprites.npz")), 212)


FOUR = RANDOM.integers(0, 256, (10, 32, 32, 4), dtype=np.uint8)
CLASSES = np.eye(4, dtype=np.uint8)[RANDOM.integers(0, 4, (10, 32, 32))]


@pytest.mark.parametrize(
    ("array", "expected"),
    [(FOUR, FOUR), (FOUR / 255, FOUR), (CLASSES * 255, CLASSES * 255), (CLASSES, CLASSES * 255)],
    ids=["8 bits", "floats", "masks", "0/1"],
)
def test_four_channels_that_are_no_transparency_are_kept(
    array: np.ndarray, expected: np.ndarray, tmp_path: Path
) -> None:
    source = open_source(saved(tmp_path, array))
    assert (source.image_shape, source.found.channels, source.found.alpha) == ((32, 32, 4), 4, False)
    np.testing.assert_array_equal(pixels_of(source), expected)


def test_gray_with_alpha_is_composited_over_white() -> None:
    (images,), found = images_of([with_alpha((255, 0), colors=1)], "x", Choices())
    assert (images.shape, found.alpha) == ((4, 64, 64, 1), True)
    np.testing.assert_array_equal(images[:, :, ::63, 0], np.broadcast_to([200, 255], (4, 64, 2)))
    (images,), found = images_of([with_alpha((200, 40), colors=1)], "x", Choices())
    assert (images.shape, found.alpha) == ((4, 64, 64, 2), False)


@pytest.mark.parametrize(
    ("array", "choices", "images"),
    [
        (FIRST[0], Choices(layout="channels-last"), FIRST[0][..., np.newaxis]),
        (GRAY[0, :, :25].repeat(10, axis=0), Choices(layout="flat"), None),
        (GRAY[0, :, :25].repeat(10, axis=0), Choices(layout="channels-last"), None),
        (COLOR, Choices(channels=(2,)), COLOR[..., 2:]),
        (COLOR, Choices(channels=(2, 1, 0)), COLOR[..., ::-1]),
        (COLOR, Choices(range=(0, 510)), np.rint(COLOR / 2).astype(np.uint8)),
        (GRAY // 128, Choices(range=(0, 255)), (GRAY // 128)[..., np.newaxis]),
        (GRAY[0, 0].reshape(1, 28).repeat(3, axis=0), Choices(layout="channels-last"), None),
        (np.moveaxis(np.repeat(COLOR, 3, axis=3)[..., :7], 3, 1), Choices(channels=(0,)), COLOR[..., :1]),
        (RANDOM.integers(0, 256, (7, 9, 9), dtype=np.uint8), Choices(layout="channels-first", channels=(4,)), None),
    ],
)
def test_choices_are_followed(array: np.ndarray, choices: Choices, images: Any, tmp_path: Path) -> None:
    source = open_source(join(saved(tmp_path, array), choices))
    if images is None:
        expected = {"flat": len(array), "channels-last": 1, "channels-first": 1}[choices.layout]
        assert source.count == expected
    else:
        np.testing.assert_array_equal(pixels_of(source), images)


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        (Choices(layout="flat"), "Cannot read images.npy with the layout flat"),
        (Choices(channels=(3,)), "Cannot use channel 3 of images.npy: it has 3 channels, counted from 0"),
        (Choices(layout="channels-first"), r"its shape is \(10, 32, 32, 3\)"),
        (Choices(frames="all"), "there is nothing to choose"),
        (Choices(array="x"), "there is nothing to choose"),
    ],
)
def test_choices_that_do_not_fit_are_refused(choices: Choices, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason):
        open_source(join(saved(tmp_path, COLOR), choices))


def test_an_open_file_read_in_another_way_gives_other_images(tmp_path: Path) -> None:
    path = saved(tmp_path, COLOR)
    first, second = open_source(path), open_source(join(path, Choices(range=(0, 510))))
    assert (pixels_of(first) != pixels_of(second)).any()


SHAPES = st.one_of(
    st.tuples(st.integers(1, 70), st.sampled_from([9, 16, 28, 30, 64])),
    st.tuples(st.integers(1, 5), st.integers(1, 30), st.sampled_from([1, 2, 3, 4, 5, 9, 28])),
    st.tuples(st.integers(1, 3), *[st.sampled_from([1, 2, 3, 4, 6, 17])] * 3),
)
TYPES = st.sampled_from([np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.float32, np.float64])


@given(st.data())
def test_choices_that_name_what_was_found_give_the_same_images(data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(TYPES))
    floats = st.floats(-1e6, 1e6, width=32)
    array = data.draw(arrays_of.arrays(dtype, SHAPES, elements=floats if dtype.kind == "f" else None))
    try:
        images, found = images_of([array], "x", Choices())
    except DataError:
        assume(False)
        raise
    # Without alpha, all channels are the same as none chosen.
    opaque = images[0].shape[3] == found.channels
    channels = tuple(range(found.channels)) if opaque else ()
    _, choices = split(join("x.npy", Choices("", found.range, "", found.layout, channels)))
    again, refound = images_of([array], "x", choices)
    np.testing.assert_array_equal(again[0], images[0])
    assert refound == found
