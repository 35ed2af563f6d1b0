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


class Mixer(BaseModel):
    """How each channel of an image is shown, in the order of the channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[MixedChannel, ...] = Field(min_length=1, max_length=MAX_CHANNELS)

    @classmethod
    def default(cls, count: int) -> Mixer:
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
def _default(count: int) -> Mixer:
    colors = {1: (_GRAY,), 2: _TWO, 3: _RGB}.get(count, tuple(_MANY[at % len(_MANY)] for at in range(count)))
    return Mixer(channels=tuple(MixedChannel(color=color) for color in colors))


def mixer_for(count: int, mixer: Mixer | None) -> Mixer:
    """Return the mixer if it is for this number of channels, else the default one."""
    return mixer if mixer is not None and len(mixer.channels) == count else _default(count)


def channels_text(count: int, mixer: Mixer | None) -> str:
    """Return how images of this number of channels are shown, for a file; empty if they are shown as they are."""
    mixer = mixer_for(count, mixer)
    return "" if count in (1, 3) and mixer.is_default else mixer.description()


def shown(pixels: Pixels | Floats, mixer: Mixer | None = None) -> Shown:
    """Return images for the screen, uint8 ``(..., h, w, 1 | 3)``, of images ``(..., h, w, c)`` of any dtype.

    Without a mixer, or with one for another number of channels, the default one is used: it leaves images of 1 or 3
    channels as they are, so 8-bit ones are returned themselves. Floats are clipped to [0, 1].
    """
    count = pixels.shape[-1]
    mixer = mixer_for(count, mixer)
    if count in (1, 3) and mixer.is_default:
        return cast(Shown, pixels) if pixels.dtype == np.uint8 else to_pixels(to_floats(pixels))
    if count == 1 and mixer.channels[0].color == _GRAY:
        return to_pixels(_brightness(to_floats(pixels), mixer))
    colors = np.array([ImageColor.getrgb(channel.color) for channel in mixer.channels], np.float32) / np.float32(255)
    mixed: Floats = _brightness(to_floats(pixels), mixer) @ colors
    return to_pixels(mixed)


def _brightness(images: Floats, mixer: Mixer) -> Floats:
    """Return how bright each channel is shown, in [0, 1]; zero if it is hidden."""
    low = np.array([channel.low for channel in mixer.channels], np.float32)
    high = np.array([channel.high for channel in mixer.channels], np.float32)
    visible = np.array([channel.visible for channel in mixer.channels])
    return np.clip((images - low) / (high - low), 0, 1) * visible.astype(np.float32)
