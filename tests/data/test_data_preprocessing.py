from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from explorer.data.preprocessing import (
    Alpha,
    Channels,
    CropMargin,
    Fit,
    Invert,
    Orientation,
    Preprocessing,
    Scale,
    to_floats,
    to_pil_image,
    to_pixels,
)
from explorer.errors import DataError

steps = st.one_of(
    st.builds(Orientation),
    st.builds(Alpha, background=st.sampled_from(["white", "black"])),
    st.builds(Invert),
    st.builds(Scale, low=st.floats(-1, 0), high=st.floats(0.5, 255)),
)
recipes = st.builds(
    lambda before, crop, height, width, mode, border, between, count, after: Preprocessing(
        steps=(
            *before,
            CropMargin(pixels=crop),
            Fit(height=height, width=width, mode=mode, border=(border[0] % height, border[1] % width)),
            *between,
            Channels(count=count),
            *after,
        )
    ),
    st.lists(steps, max_size=2),
    st.integers(0, 2),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["crop", "pad", "stretch"]),
    st.tuples(st.sampled_from([0, 1, 5]), st.sampled_from([0, 4])),
    st.lists(steps, max_size=2),
    st.sampled_from([1, 3]),
    st.lists(steps, max_size=2),
)
arrays = st.tuples(st.integers(0, 3), st.integers(5, 24), st.integers(5, 24), st.sampled_from([1, 3])).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)


@given(recipes)
def test_json_round_trip_is_exact(recipe: Preprocessing) -> None:
    assert Preprocessing.model_validate_json(recipe.model_dump_json()) == recipe


@given(recipes, arrays)
def test_the_array_path_gives_the_pixels_of_the_image_path(recipe: Preprocessing, images: np.ndarray) -> None:
    before = images.copy()
    fast = recipe.array_pixels(images)
    assert fast.shape == (len(images), *recipe.image_shape)
    assert fast.dtype == np.uint8
    for index, image in enumerate(images):
        np.testing.assert_array_equal(fast[index], recipe.pixels(to_pil_image(image)))
    np.testing.assert_array_equal(images, before)


def test_standard_is_the_designed_order() -> None:
    recipe = Preprocessing.standard((45, 38, 3), crop=80, invert=True)
    assert [step.step for step in recipe.steps] == [
        *("orientation", "crop_margin", "alpha", "fit", "channels", "invert", "scale")
    ]
    assert recipe.image_shape == (45, 38, 3)
    assert [step.step for step in Preprocessing.standard((28, 28, 1)).steps] == [
        *("orientation", "alpha", "fit", "channels", "scale")
    ]


def test_an_image_of_the_right_size_keeps_every_bit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Preprocessing.standard((31, 17, 3)).pixels(Image.fromarray(image)), image)


def test_crop_keeps_the_middle_in_the_wanted_aspect() -> None:
    image = np.zeros((20, 60), np.uint8)
    image[:, 20:40] = 200
    halved = Preprocessing.standard((10, 10, 1)).pixels(Image.fromarray(image))
    np.testing.assert_allclose(halved, 200, atol=12)  # the filter sees a little of what was cut off
    np.testing.assert_array_equal(Preprocessing.standard((20, 20, 1)).pixels(Image.fromarray(image)), 200)


def test_pad_keeps_everything_and_fills_with_the_background() -> None:
    pil_image = Image.fromarray(np.full((20, 60), 100, np.uint8))
    recipe = Preprocessing(steps=(Fit(height=60, width=60, mode="pad", background="black"), Channels(count=1)))
    pixels = recipe.pixels(pil_image)[..., 0]
    np.testing.assert_array_equal(pixels[20:40], 100)
    np.testing.assert_array_equal(pixels[:20], 0)
    np.testing.assert_array_equal(pixels[40:], 0)


def test_a_border_surrounds_the_image_in_its_own_size() -> None:
    fit = Fit(height=7, width=8, background="black", border=(3, 4))
    recipe = Preprocessing.standard((7, 8, 1), fit=fit)
    image = np.arange(100, 116, dtype=np.uint8).reshape(4, 4)
    expected = np.zeros((7, 8), np.uint8)
    expected[1:5, 2:6] = image
    np.testing.assert_array_equal(recipe.pixels(Image.fromarray(image))[..., 0], expected)
    np.testing.assert_array_equal(recipe.array_pixels(image[np.newaxis, ..., np.newaxis])[0, ..., 0], expected)
    assert Preprocessing.model_validate_json(recipe.model_dump_json()) == recipe
    assert "border" not in Preprocessing.standard((7, 8, 1)).model_dump_json(), "earlier versions read it"
    with pytest.raises(ValidationError, match="smaller than the image"):
        Fit(height=7, width=8, border=(7, 0))


def test_resizing_is_antialiased() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    pixels = Preprocessing.standard((16, 16, 1)).pixels(Image.fromarray(stripes)).astype(float)
    assert np.abs(pixels[:, 2:-2] - 127.5).max() < 16


@pytest.mark.parametrize(("background", "value"), [("white", 255), ("black", 0)])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_takes_the_background(background: str, value: int, mode: str) -> None:
    pil_image = Image.new(mode, (4, 4), (90,) * (len(mode) - 1) + (0,))
    pil_image.paste((90,) * (len(mode) - 1) + (255,), (0, 0, 4, 2))
    recipe = Preprocessing(steps=(Alpha(background=background), Fit(height=4, width=4), Channels(count=1)))
    pixels = recipe.pixels(pil_image)[..., 0]
    np.testing.assert_array_equal(pixels[:2], 90)
    np.testing.assert_array_equal(pixels[2:], value)


def test_orientation_turns_upright() -> None:
    pil_image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    pil_image.info["exif"] = exif.tobytes()
    pixels = Preprocessing.standard((3, 2, 1)).pixels(pil_image)[..., 0]
    np.testing.assert_array_equal(pixels, np.rot90(np.arange(6).reshape(2, 3), -1))


def test_a_broken_exif_note_is_no_reason_to_refuse() -> None:
    pil_image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    pil_image.info["exif"] = b"Exif\0\0MM\0*\0\0\xff"
    np.testing.assert_array_equal(Preprocessing.standard((2, 3, 1)).pixels(pil_image)[..., 0].ravel(), np.arange(6))


def test_invert_turns_black_on_clear_into_white_on_black() -> None:
    letter = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    letter.paste((0, 0, 0, 255), (2, 2, 6, 6))
    pixels = Preprocessing.standard((8, 8, 1), invert=True).pixels(letter)[..., 0]
    assert pixels[4, 4] == 255
    assert pixels[0, 0] == 0


def test_a_crop_that_leaves_nothing_says_so() -> None:
    recipe = Preprocessing.standard((8, 8, 1), crop=5)
    with pytest.raises(DataError, match=r"Cannot crop 5 pixels from each side of an image of 10×30"):
        recipe.pixels(Image.new("L", (30, 10)))
    with pytest.raises(DataError, match="Cannot crop 5 pixels from each side of an image of 10×30"):
        recipe.array_pixels(np.zeros((1, 10, 30, 1), np.uint8))


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (Fit(height=4, width=4),),
        (Channels(count=1),),
        (Fit(height=4, width=4), Channels(count=1), Channels(count=3)),
        (Fit(height=4, width=4), CropMargin(pixels=1), Channels(count=1)),
    ],
)
def test_a_recipe_must_lead_to_one_shape(steps: tuple[object, ...]) -> None:
    with pytest.raises(ValidationError):
        Preprocessing(steps=steps)


def test_unknown_fields_and_steps_are_refused() -> None:
    good = '{"steps": [{"step": "fit", "height": 4, "width": 4}, {"step": "channels", "count": 1}]}'
    assert Preprocessing.model_validate_json(good).image_shape == (4, 4, 1)
    for bad in (
        good.replace('"count": 1', '"count": 2'),
        good.replace('"fit"', '"warp"'),
        good.replace('"width": 4', '"width": 4, "depth": 1'),
    ):
        with pytest.raises(ValidationError):
            Preprocessing.model_validate_json(bad)


@pytest.mark.parametrize("shape", [(0, 4, 1), (4, 4, 2), (4, 4, 4)])
def test_standard_refuses_shapes_that_no_image_has(shape: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match="channels 1 or 3"):
        Preprocessing.standard(shape)


def test_array_pixels_wants_images() -> None:
    recipe = Preprocessing.standard((4, 4, 1))
    wrongs: tuple[NDArray[Any], ...] = (
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 1), np.float32),
    )
    for wrong in wrongs:
        with pytest.raises(DataError, match="must be uint8"):
            recipe.array_pixels(wrong)


def test_floats_and_pixels_are_inverse() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = to_floats(pixels)
    assert floats.dtype == np.float32
    assert (floats.min(), floats.max()) == (0, 1)
    np.testing.assert_array_equal(to_pixels(floats), pixels)


def test_to_pixels_clips_and_rounds() -> None:
    values = np.array([-3, -0.001, 0.5 / 255 + 1e-6, 0.4 / 255, 1.7], np.float32)
    np.testing.assert_array_equal(to_pixels(values), [0, 0, 1, 0, 255])
