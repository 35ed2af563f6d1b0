"""Images of any number of channels and depth on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from explorer.data.mixer import DEFAULT_MIXER, Mix, MixedChannel, Mixer, shown, unmixed


def mixer_of(*channels: MixedChannel) -> Mixer:
    return Mixer(mixes=(Mix(channels=channels),))


@pytest.mark.parametrize("channels", [1, 3])
def test_8_bit_images_of_1_or_3_channels_are_shown_unchanged(channels: int) -> None:
    images = np.arange(2 * 2 * 2 * channels, dtype=np.uint8).reshape(2, 2, 2, channels)

    assert shown(images) is images
    assert shown(images, mixer_of(*Mix.default(channels).channels)) is images
    hidden = MixedChannel(visible=False)
    assert shown(images, mixer_of(hidden, hidden)) is images, "the mix of another number of channels is ignored"


def test_deep_images_of_1_or_3_channels_are_rounded_to_8_bits() -> None:
    deep = np.array([0, 128, 129, 32768, 65535], np.uint16).reshape(1, 5, 1)

    assert shown(deep).ravel().tolist() == [0, 0, 1, 128, 255]  # 65535 / 255 = 257 values for each
    assert shown(np.array([[[-1, 0.5, 2]]], np.float32)).ravel().tolist() == [0, 128, 255]


def test_two_channels_are_green_and_magenta() -> None:
    images = np.array([[[255, 0], [0, 255], [255, 255], [51, 0]]], np.uint8)

    assert shown(images).tolist() == [[[0, 255, 0], [255, 0, 255], [255, 255, 255], [0, 51, 0]]]


def test_four_channels_of_16_bits_are_added_in_blue_green_red_and_gray() -> None:
    images = np.zeros((1, 6, 4), np.uint16)
    for place in range(4):
        images[0, place, place] = 65535
    images[0, 4] = 0, 65535, 65535, 0
    images[0, 5] = 65535, 0, 0, 13107  # the sum of blue and gray is clipped

    assert shown(images)[0].tolist() == [
        [0, 0, 255],
        [0, 255, 0],
        [255, 0, 0],
        [255, 255, 255],
        [255, 255, 0],
        [51, 51, 255],
    ]


def test_a_mixer_sets_the_color_the_range_and_what_is_visible() -> None:
    channels = (
        MixedChannel(color="#ff8000", low=0.25, high=0.75),
        MixedChannel(color="#00ff00", visible=False),
    )
    images = np.array([[[0.1, 1.0], [0.5, 1.0], [0.75, 0.0], [0.9, 0.0]]], np.float32)

    found = shown(images, mixer_of(*channels))

    assert found.tolist() == [[[0, 0, 0], [128, 64, 0], [255, 128, 0], [255, 128, 0]]]


def test_a_range_for_gray_images_keeps_them_gray() -> None:
    images = np.array([[[0], [51], [102], [204]]], np.uint8)

    found = shown(images, mixer_of(MixedChannel(low=0.2, high=0.4)))

    assert found.shape == (1, 4, 1)
    assert found.ravel().tolist() == [0, 0, 255, 255]


def test_up_to_sixteen_channels_have_a_color_each() -> None:
    assert len(Mix.default(16).channels) == 16
    assert shown(np.full((2, 3, 3, 16), 255, np.uint8)).shape == (2, 3, 3, 3)
    with pytest.raises(ValidationError):
        Mix(channels=(MixedChannel(),) * 17)


def test_invalid_colors_and_ranges_are_refused() -> None:
    for wrong in ({"color": "green"}, {"low": 1.0, "high": 1.0}, {"low": float("nan")}):
        with pytest.raises(ValidationError):
            MixedChannel.model_validate(wrong)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5 + 1e-12), (0.0, 1e-40), (0.0, 1e300), (-1e9, 1.0)])
def test_ranges_that_float32_cannot_tell_apart_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValidationError):
        MixedChannel(low=low, high=high)


def test_a_mixer_survives_json_and_describes_itself() -> None:
    mixer = mixer_of(MixedChannel(color="#0000ff", high=0.5), MixedChannel(visible=False), MixedChannel())

    assert Mixer.model_validate_json(mixer.model_dump_json()) == mixer
    assert mixer.mix(3).description() == "1 #0000ff 0…0.5, 3 #ffffff 0…1"


def test_a_mixer_has_one_mix_for_each_number_of_channels() -> None:
    green = MixedChannel(color="#00ff00")
    two, other = Mix(channels=(green, MixedChannel())), Mix(channels=(MixedChannel(), green))
    four = Mix(channels=(green,) * 4)

    mixer = DEFAULT_MIXER.with_mix(four).with_mix(two).with_mix(other)

    assert (mixer.mix(2), mixer.mix(4), mixer.mix(5)) == (other, four, Mix.default(5))
    assert mixer.with_mix(Mix.default(4)) == mixer_of(*other.channels), "a default mix need not be kept"
    with pytest.raises(ValidationError, match="same number of channels"):
        Mixer(mixes=(two, other))


def test_images_that_are_mixed_later_keep_their_channels() -> None:
    deep = np.array([[[0, 1, 65535, 300]]], np.uint16)
    assert unmixed(deep) is deep
    assert unmixed(np.array([[[0, 0.5, 2.0]]], np.float32)).tolist() == [[[0, 128, 255]]], "color as it is shown"
    floats = unmixed(np.array([[[0, 1.0, 0.5, -1]]], np.float32))
    assert floats.dtype == np.uint16
    assert floats.tolist() == [[[0, 65535, 32768, 0]]]
