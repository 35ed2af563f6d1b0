"""The channel mixer: how images of any number of channels and any depth are shown on a screen.

Each channel has a color and a range of values; the colored channels are added, as in a fluorescence microscope.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Final, Self, cast

import numpy as np
from PIL import ImageColor
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from explorer.data.choices import MAX_CHANNELS
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.types import Floats, Pixels, Shown

Color = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
"""A color as ``#rrggbb``."""

Limit = Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]

_SMALLEST: Final = 1e-6
"""Between the values that are black and of full brightness."""

_GRAY: Final = "#ffffff"
_RGB: Final = ("#ff0000", "#00ff00", "#0000ff")
_TWO: Final = ("#00ff00", "#ff00ff")
_MANY: Final = ("#0000ff", "#00ff00", "#ff0000", _GRAY, "#00ffff", "#ff00ff", "#ffff00", "#ff8000")
"""As the dyes of a microscope: nuclei in blue first; from the ninth channel on they repeat."""


class MixedChannel(BaseModel):
    """How one channel is shown: its color, and the values that are black and of full brightness.

    `low` and `high` are parts of the range of the images, 0 … 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    color: Color = _GRAY
    low: Limit = 0.0
    high: Limit = 1.0
    visible: bool = True

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        # As float32, in which the images are.
        if np.float32(self.high) - np.float32(self.low) < _SMALLEST:
            raise ValueError("low must be less than high")
        return self


class Mix(BaseModel):
    """How each channel of images of one number of channels is shown, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[MixedChannel, ...] = Field(min_length=1, max_length=MAX_CHANNELS)

    @classmethod
    def default(cls, count: int) -> Mix:
        """Return gray for one channel, green and magenta for two, RGB for three, and a color for each of more."""
        return _default(count)

    @property
    def is_default(self) -> bool:
        default = _default(len(self.channels))
        return self is default or self == default

    def description(self) -> str:
        """Return the visible channels, from 1, with color and range: ``1 #0000ff 0…0.5, 2 #00ff00 0…1``."""
        return ", ".join(
            f"{number} {channel.color} {channel.low:g}…{channel.high:g}"
            for number, channel in enumerate(self.channels, start=1)
            if channel.visible
        )


@cache
def _default(count: int) -> Mix:
    colors = {1: (_GRAY,), 2: _TWO, 3: _RGB}.get(count, tuple(_MANY[at % len(_MANY)] for at in range(count)))
    return Mix(channels=tuple(MixedChannel(color=color) for color in colors))


class Mixer(BaseModel):
    """How images of each number of channels are shown: `mixes` has one for each that was changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixes: tuple[Mix, ...] = Field(default=(), max_length=MAX_CHANNELS)

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        counts = [len(mix.channels) for mix in self.mixes]
        if len(set(counts)) < len(counts):
            raise ValueError("two mixes are for the same number of channels")
        return self

    def mix(self, count: int) -> Mix:
        """Return how images of this number of channels are shown."""
        for mix in self.mixes:  # on the path of every drag, where a generator would be the slowest part
            if len(mix.channels) == count:
                return mix
        return _default(count)

    def with_mix(self, mix: Mix) -> Mixer:
        """Return a mixer that shows images of its number of channels in this way."""
        others = tuple(one for one in self.mixes if len(one.channels) != len(mix.channels))
        return Mixer(mixes=others if mix.is_default else (*others, mix))


DEFAULT_MIXER: Final = Mixer()
"""Shows all images in the default colors and with whole ranges."""


def needs_mixer(channels: int) -> bool:
    """Return whether images of this number of channels are neither grayscale nor color as they are."""
    return channels not in (0, 1, 3)


def channels_text(count: int, mixer: Mixer = DEFAULT_MIXER) -> str:
    """Return how images of this number of channels are shown, for a file; empty if they are shown as they are."""
    mix = mixer.mix(count)
    return "" if count in (1, 3) and mix.is_default else mix.description()


def shown(pixels: Pixels | Floats, mixer: Mixer = DEFAULT_MIXER) -> Shown:
    """Return images for the screen, uint8 ``(..., h, w, 1 | 3)``, of images ``(..., h, w, c)`` of any dtype.

    The default mix leaves images of 1 or 3 channels as they are, so 8-bit ones are returned themselves. Floats are
    clipped to [0, 1].
    """
    count = pixels.shape[-1]
    mix = mixer.mix(count)
    if count in (1, 3) and mix.is_default:
        return cast(Shown, pixels) if pixels.dtype == np.uint8 else to_pixels(to_floats(pixels))
    if count == 1 and mix.channels[0].color == _GRAY:
        return to_pixels(_brightness(to_floats(pixels), mix))
    colors = np.array([ImageColor.getrgb(channel.color) for channel in mix.channels], np.float32) / np.float32(255)
    mixed: Floats = _brightness(to_floats(pixels), mix) @ colors
    return to_pixels(mixed)


def unmixed(pixels: Pixels | Floats) -> Pixels:
    """Return images ``(..., h, w, c)`` as they are kept to be shown later: all channels that need a mixer, as integers.

    Floats are rounded to 16 bits. Grayscale and color images are as `shown` returns them.
    """
    if not needs_mixer(pixels.shape[-1]):
        return shown(pixels)
    return pixels if pixels.dtype != np.float32 else to_pixels(to_floats(pixels), np.uint16)


def _brightness(images: Floats, mix: Mix) -> Floats:
    """Return how bright each channel is shown, in [0, 1]; zero if it is hidden."""
    low = np.array([channel.low for channel in mix.channels], np.float32)
    high = np.array([channel.high for channel in mix.channels], np.float32)
    visible = np.array([channel.visible for channel in mix.channels])
    return np.clip((images - low) / (high - low), 0, 1) * visible.astype(np.float32)
