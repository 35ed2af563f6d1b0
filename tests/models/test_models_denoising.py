"""Images of any kind and size through a model of one size."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.codec import IdentityCodec, MatrixCodec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from explorer.data.preprocessing import Preprocessing, to_floats, to_pixels
from explorer.models.denoising import clean_image
from explorer.types import Codec, Floats, ImageShape

CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def cleaned(codec: Codec, pil_image: Image.Image, *, invert: bool = False) -> Image.Image:
    *_, result = clean_image(codec, Preprocessing.standard(codec.image_shape, invert=invert), pil_image)
    assert isinstance(result, Image.Image)
    return result


def random_image(mode: str, size: tuple[int, int], seed: int = 0) -> Image.Image:
    shape = (size[1], size[0], CHANNELS[mode])
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(values[..., 0] if mode == "L" else values)


@given(
    *(st.sampled_from(["L", "RGB"]), st.integers(1, 30), st.integers(1, 30)),
    *(st.sampled_from([1, 3]), st.booleans()),
)
def test_the_identity_gives_every_image_back(mode: str, width: int, height: int, channels: int, invert: bool) -> None:
    pil_image = random_image(mode, (width, height), seed=width)
    result = cleaned(IdentityCodec((8, 11, channels)), pil_image, invert=invert)
    assert (result.mode, result.size) == (mode, (width, height))
    difference = np.asarray(result).astype(int) - np.asarray(pil_image)
    assert np.abs(difference).max() <= 1


@given(hnp.arrays(np.uint8, (5, 6, 4)), st.sampled_from([1, 3]))
def test_alpha_is_kept_and_colors_look_the_same_on_the_background(values: np.ndarray, channels: int) -> None:
    pil_image = Image.fromarray(values)
    result = np.asarray(cleaned(IdentityCodec((4, 4, channels)), pil_image)).astype(float)
    np.testing.assert_array_equal(result[..., 3], values[..., 3])
    clear = values[..., 3] == 0
    np.testing.assert_array_equal(result[clear], values[clear])
    opaque = values[..., 3] == 255
    np.testing.assert_allclose(result[opaque], values[opaque], atol=1)
    shown = np.abs(result[..., :3] - values[..., :3]) * (values[..., 3:] / 255.0)
    assert shown.max() <= 2  # rounded on the background, and once more without it


def test_gray_with_alpha_stays_gray_with_alpha() -> None:
    pil_image = random_image("LA", (9, 5))
    result = cleaned(IdentityCodec((4, 4, 3)), pil_image)
    assert result.mode == "LA"
    np.testing.assert_array_equal(np.asarray(result)[..., 1], np.asarray(pil_image)[..., 1])


def test_an_image_of_the_models_size_is_its_reconstruction() -> None:
    codec = MatrixCodec((12, 10, 1), 30)
    pil_image = random_image("L", (10, 12))
    values = to_floats(np.asarray(pil_image))[np.newaxis, ..., np.newaxis]
    expected = to_pixels(codec.decode(codec.encode(values)))[0, ..., 0]
    np.testing.assert_allclose(np.asarray(cleaned(codec, pil_image)).astype(int), expected, atol=1)


def test_a_gray_model_cleans_each_channel_by_itself() -> None:
    codec = MatrixCodec((12, 10, 1), 30)
    pil_image = random_image("RGB", (25, 19))
    together = cleaned(codec, pil_image).split()
    for channel, result in zip(pil_image.split(), together, strict=True):
        np.testing.assert_allclose(np.asarray(result).astype(int), np.asarray(cleaned(codec, channel)), atol=1)


class Shade:
    """Takes whatever it sees for its own idea of an image: colors of one kind."""

    def __init__(self, image_shape: ImageShape, color: tuple[float, ...]) -> None:
        self.image_shape, self.latent_dim = image_shape, 1
        self.color = np.asarray(color, np.float32)
        self.seen: list[Floats] = []

    def encode(self, images: Floats) -> Floats:
        self.seen.append(images)
        return np.ones((len(images), 1), np.float32)

    def decode(self, codes: Floats) -> Floats:
        return np.broadcast_to(self.color, (len(codes), *self.image_shape)).astype(np.float32)

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        return self.encode(images), None


def test_a_color_model_makes_a_gray_image_of_a_gray_one() -> None:
    codec = Shade((4, 4, 3), (1.0, 0.0, 0.0))
    result = cleaned(codec, random_image("L", (7, 6)))
    assert result.mode == "L"
    assert set(np.unique(np.asarray(result))) == {76}  # red's brightness, 0.299
    assert all((seen == seen[..., :1]).all() for seen in codec.seen)


@pytest.mark.parametrize(("invert", "level"), [(False, 255), (True, 0)])
def test_dark_and_light_are_swapped_for_the_model_and_back(invert: bool, level: int) -> None:
    codec = Shade((4, 4, 1), (1.0,))
    result = cleaned(codec, Image.new("L", (5, 5), 51), invert=invert)
    assert set(np.unique(np.asarray(result))) == {level}
    assert codec.seen[0].max() == pytest.approx(0.8 if invert else 0.2, abs=1e-6)


def test_transparency_is_on_the_recipes_white_for_the_model() -> None:
    codec = Shade((4, 4, 1), (0.0,))
    cleaned(codec, Image.new("LA", (4, 4), (0, 0)))
    assert (codec.seen[0] == 1).all()


def test_the_cameras_orientation_is_applied() -> None:
    pil_image = random_image("RGB", (9, 6))
    pil_image.getexif()[0x0112] = 6  # to be turned clockwise
    pil_image.info["exif"] = pil_image.getexif().tobytes()
    result = cleaned(IdentityCodec((4, 4, 3)), pil_image)
    turned = pil_image.transpose(Image.Transpose.ROTATE_270)
    assert result.size == (6, 9)
    np.testing.assert_allclose(np.asarray(result).astype(int), np.asarray(turned), atol=1)
    assert result.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "I;16", "F"])
def test_other_modes_come_in(mode: str) -> None:
    if mode == "F":
        pil_image = Image.fromarray(np.linspace(0, 1, 60, dtype=np.float32).reshape(6, 10))
    elif mode == "I;16":
        pil_image = Image.fromarray(np.linspace(0, 65535, 60).astype(np.uint16).reshape(6, 10))
    else:
        pil_image = random_image("RGB", (10, 6)).convert(mode)
    result = cleaned(IdentityCodec((4, 4, 1)), pil_image)
    assert result.size == (10, 6)
    assert result.mode == ("RGB" if mode in ("P", "CMYK") else "L")


def test_progress_is_a_place_to_stop() -> None:
    codec = Shade((4, 4, 1), (1.0,))
    job = clean_image(codec, Preprocessing.standard((4, 4, 1)), Image.new("L", (4, 400)))
    next(job)
    calls = len(codec.seen)
    job.close()  # type: ignore[attr-defined]  # a generator
    assert len(codec.seen) == calls == 1
