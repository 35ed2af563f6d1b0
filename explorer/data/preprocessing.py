"""Preprocessing: the recorded steps from any image to the input of a model.

An ordered list of steps is stored in a model's card, and applied to training data and imported images alike. Each step
works on a Pillow image of 8 bits and, faster, on an array of images of any depth and 1 to 16 channels.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, cast, overload

import numpy as np
from numpy.typing import DTypeLike
from PIL import Image, ImageChops, ImageOps
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from explorer.data.choices import MAX_CHANNELS, Layout
from explorer.data.decoding import plain_mode
from explorer.data.formats import exif_orientation
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.types import Floats, ImageShape, Pixels, Shown

Background = Literal["white", "black"]
Depth = Literal[8, 16, "float"]
"""Bits of each value of an image."""

PixelValue: TypeAlias = np.uint8 | np.uint16 | np.float32
DTYPES: Final[Mapping[Depth, type[PixelValue]]] = {8: np.uint8, 16: np.uint16, "float": np.float32}
_LUMA = (19595, 38470, 7471)
"""ITU-R 601 luma in 16-bit fixed point, as in Pillow's conversion to grayscale."""


class _Step(BaseModel, abc.ABC):
    """One step, on an image of mode L, LA, RGB or RGBA, or on an array ``(n, h, w, c)``; both give the same pixels.

    Arrays keep their dtype.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        return pil_image

    def on_array(self, images: Pixels) -> Pixels:
        return images


class Orientation(_Step):
    """Apply the EXIF orientation. Arrays have none."""

    step: Literal["orientation"] = "orientation"

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        return pil_image if exif_orientation(pil_image) == 1 else ImageOps.exif_transpose(pil_image)


class Reading(_Step):
    """How the values in the files became images. Recorded only: the source does it when it reads a file.

    Attributes
    ----------
    low, high
        The values that became 0 and 1; None for 8-bit images as they are.
    depth
        Bits of each value of the model's images.
    array, frames, layout, channels
        As in `explorer.data.choices.Choices`.
    """

    step: Literal["reading"] = "reading"
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    depth: Depth = 8
    array: str = ""
    frames: str = ""
    layout: Layout = ""
    channels: tuple[Annotated[int, Field(ge=0)], ...] = ()

    @model_validator(mode="after")
    def _whole_range(self) -> Self:
        if (self.low is None) != (self.high is None) or (self.range is not None and self.range[0] >= self.range[1]):
            raise ValueError("low and high must be two numbers, the lower one first, or both missing")
        return self

    @property
    def range(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def kept(self) -> tuple[type[np.uint16 | np.float32], tuple[float, float]]:
        """Dtype of the values that `values` returns, and which of them are 0 and 1."""
        if self.range is None:
            return np.uint16, (0, 0xFFFF)
        whole = self.depth != "float" and all(limit.is_integer() and 0 <= limit <= 0xFFFF for limit in self.range)
        return (np.uint16 if whole else np.float32), self.range

    def values(self, images: Floats) -> Pixels:
        """Return images of any shape, clipped to [0, 1], with the values that they have in a file: 0 becomes `low`.

        16-bit values if the range is of whole numbers that fit, or if there is none: then 0 … 65535; else float32.
        """
        dtype, (low, high) = self.kept
        values = np.clip(images, 0, 1).astype(np.float64) * (high - low) + low
        return (np.rint(values) if dtype == np.uint16 else values).astype(dtype)

    def values_text(self) -> str:
        """Return what the results of `values` mean, for a file."""
        dtype, (low, high) = self.kept
        return f"{np.dtype(dtype)}: {low:g} and {high:g} are 0 and 1 of the model."


class CropMargin(_Step):
    """Crop `pixels` from each of the four sides."""

    step: Literal["crop_margin"] = "crop_margin"
    pixels: int = Field(ge=0)

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        self._check(pil_image.height, pil_image.width)
        margin = self.pixels
        return pil_image.crop((margin, margin, pil_image.width - margin, pil_image.height - margin))

    def on_array(self, images: Pixels) -> Pixels:
        height, width = images.shape[1:3]
        self._check(height, width)
        return images[:, self.pixels : height - self.pixels, self.pixels : width - self.pixels]

    def _check(self, height: int, width: int) -> None:
        if min(height, width) <= 2 * self.pixels:
            raise DataError(
                "Cannot crop {pixels:# pixel|# pixels} from each side of an image of {size} (height×width). Crop less.",
                pixels=self.pixels,
                size=f"{height}×{width}",
            )


class Alpha(_Step):
    """Composite transparent images over a plain background."""

    step: Literal["alpha"] = "alpha"
    background: Background = "white"

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        if pil_image.mode not in ("LA", "RGBA"):
            return pil_image
        canvas = Image.new("RGBA", pil_image.size, self.background)
        canvas.alpha_composite(pil_image.convert("RGBA"))
        return canvas.convert("RGB").convert("L") if pil_image.mode == "LA" else canvas.convert("RGB")

    def composited(self, colors: Pixels, opacity: Floats) -> Pixels:
        """Return colors ``(n, h, w, c)`` of any depth over the background; `opacity` is ``(n, h, w)``, 0 to 1."""
        shares, ground = opacity[..., np.newaxis], np.float32(self.background == "white")
        return to_pixels(to_floats(colors) * shares + ground * (1 - shares), colors.dtype)


class Fit(_Step):
    """Resize to one size with an antialiased (Lanczos) filter; an image of this size is unchanged.

    Images of 1 or 3 channels of 8 bits are resized in 8 bits. Of others each channel is resized in float32, which keeps
    16 bits, and clipped to the range of the values, since the filter overshoots.

    ``crop`` center-crops to the aspect ratio, ``pad`` adds `background` around, ``stretch`` changes the aspect ratio.
    `border` are the rows and columns of `background` around every image, included in the size: with ``(4, 4)``, 28×28
    becomes 32×32 without being enlarged.
    """

    step: Literal["fit"] = "fit"
    height: int = Field(ge=1, le=8192)
    width: int = Field(ge=1, le=8192)
    mode: Literal["crop", "pad", "stretch"] = "crop"
    background: Background = "white"
    border: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)

    @model_validator(mode="after")
    def _some_image(self) -> Self:
        if self.border[0] >= self.height or self.border[1] >= self.width:
            raise ValueError("the border must be smaller than the image")
        return self

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the fields; no border is left out, as earlier versions do not know it."""
        fields: dict[str, Any] = handler(self)
        return fields if any(self.border) else {name: value for name, value in fields.items() if name != "border"}

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        if any(self.border):
            return self._on_canvas(self._inner().on_image(pil_image))
        size = (self.width, self.height)
        if pil_image.size == size:
            return pil_image
        if self.mode == "pad":
            return self._padded(pil_image)
        box = self._center(pil_image.width, pil_image.height) if self.mode == "crop" else None
        return pil_image.resize(size, Image.Resampling.LANCZOS, box=box)

    def on_array(self, images: Pixels) -> Pixels:
        """Return the images in this size, resized by Pillow if they have another."""
        if any(self.border):
            return self._bordered(self._inner().on_array(images))
        if images.shape[1:3] == (self.height, self.width):
            return images
        if not len(images):
            return np.empty((0, self.height, self.width, images.shape[3]), images.dtype)
        if images.dtype == np.uint8 and images.shape[3] in (1, 3):
            return np.stack([pil_image_pixels(self.on_image(to_pil_image(image))) for image in images])
        return np.stack([self._each_channel(image) for image in images])

    def _each_channel(self, image: Pixels) -> Pixels:
        # Mode F in the range of 8 bits: Pillow's names of the backgrounds are for this range.
        planes = np.moveaxis(to_floats(image) * np.float32(255), 2, 0)
        fitted = [np.asarray(self.on_image(Image.fromarray(np.ascontiguousarray(plane)))) for plane in planes]
        return to_pixels(np.divide(np.stack(fitted, axis=2), np.float32(255)), image.dtype)

    def _center(self, width: int, height: int) -> tuple[float, float, float, float]:
        scale = min(width / self.width, height / self.height)
        across, down = min(self.width * scale, width), min(self.height * scale, height)
        left, top = (width - across) / 2, (height - down) / 2
        return left, top, min(left + across, width), min(top + down, height)

    def _padded(self, pil_image: Image.Image) -> Image.Image:
        scale = min(self.width / pil_image.width, self.height / pil_image.height)
        across, down = max(1, round(pil_image.width * scale)), max(1, round(pil_image.height * scale))
        if pil_image.size != (across, down):
            pil_image = pil_image.resize((across, down), Image.Resampling.LANCZOS)
        return self._on_canvas(pil_image)

    def _on_canvas(self, pil_image: Image.Image) -> Image.Image:
        canvas = Image.new(pil_image.mode, (self.width, self.height), self.background)
        canvas.paste(pil_image, ((self.width - pil_image.width) // 2, (self.height - pil_image.height) // 2))
        return canvas

    def _inner(self) -> Fit:
        """Return the step for the image within the border."""
        size = {"height": self.height - self.border[0], "width": self.width - self.border[1]}
        return self.model_copy(update=size | {"border": (0, 0)})

    def _bordered(self, images: Pixels) -> Pixels:
        (top, left), (rows, columns) = (extent // 2 for extent in self.border), self.border
        around = ((0, 0), (top, rows - top), (left, columns - left), (0, 0))
        value = to_pixels(np.full(1, self.background == "white", np.float32), images.dtype)[0]
        return np.pad(images, around, constant_values=value)


class Channels(_Step):
    """Convert between grayscale (1) and color (3); images of `count` channels are unchanged. Others raise DataError."""

    step: Literal["channels"] = "channels"
    count: int = Field(ge=1, le=MAX_CHANNELS)

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        if self.count not in (1, 3):
            raise self._refusal(1 if pil_image.mode in ("L", "LA") else 3)
        return pil_image.convert("L" if self.count == 1 else "RGB")

    def on_array(self, images: Pixels) -> Pixels:
        given = images.shape[3]
        if given == self.count:
            return images
        if (given, self.count) == (1, 3):
            return np.repeat(images, 3, axis=3)
        if (given, self.count) != (3, 1):
            raise self._refusal(given)
        if images.dtype != np.uint8:
            luma = to_floats(images) @ (np.array(_LUMA, np.float32) / np.float32(1 << 16))
            return to_pixels(luma[..., np.newaxis], images.dtype)
        gray = np.full(images.shape[:3], 0x8000, np.uint32)
        for channel, weight in enumerate(_LUMA):
            gray += images[..., channel].astype(np.uint32) * np.uint32(weight)
        return (gray >> 16).astype(np.uint8)[..., np.newaxis]

    def _refusal(self, given: int) -> DataError:
        return DataError(
            "Images of {given:# channel|# channels} cannot become images of {wanted:# channel|# channels}. Open images "
            "with {wanted:# channel|# channels}, or choose the channels to use.",
            given=given,
            wanted=self.count,
        )


class Invert(_Step):
    """Invert the colors; the alpha channel is unchanged."""

    step: Literal["invert"] = "invert"

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        if pil_image.mode not in ("LA", "RGBA"):
            return ImageChops.invert(pil_image)
        *colors, alpha = pil_image.split()
        return Image.merge(pil_image.mode, [*(ImageChops.invert(color) for color in colors), alpha])

    def on_array(self, images: Pixels) -> Pixels:
        if images.dtype == np.uint8:
            return np.subtract(np.uint8(255), images)
        return np.subtract(images.dtype.type(1 if images.dtype == np.float32 else 0xFFFF), images)


class Scale(_Step):
    """Range of model inputs that the range of the pixels maps to. Recorded only: `to_floats` does it."""

    step: Literal["scale"] = "scale"
    low: FiniteFloat = 0.0
    high: FiniteFloat = 1.0


Step = Annotated[
    Orientation | Reading | CropMargin | Alpha | Fit | Channels | Invert | Scale, Field(discriminator="step")
]


class Preprocessing(BaseModel):
    """Ordered steps from any image to pixels of one shape.

    There are exactly one `Fit` and one `Channels`, at most one `Reading`, and no `CropMargin` after the `Fit`; else
    pydantic.ValidationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        kinds = [type(step) for step in self.steps]
        if kinds.count(Fit) != 1 or kinds.count(Channels) != 1:
            raise ValueError("exactly one fit step and one channels step are required")
        if kinds.count(Reading) > 1:
            raise ValueError("at most one reading step is allowed")
        if CropMargin in kinds[kinds.index(Fit) :]:
            raise ValueError("crop_margin must come before fit")
        return self

    @classmethod
    def standard(
        cls,
        image_shape: ImageShape,
        *,
        crop: int = 0,
        invert: bool = False,
        reading: Reading | None = None,
        fit: Fit | None = None,
    ) -> Preprocessing:
        """Return the default steps: orientation, crop, alpha over white, fit, channels, invert, scale to [0, 1].

        `crop` pixels are cropped from each side. A `reading` is recorded unless it is the default: 8-bit images as they
        are. `fit` replaces the step to the size of `image_shape`. DataError if the shape or the crop is invalid.
        """
        height, width, channels = image_shape
        if min(height, width) < 1 or not 1 <= channels <= MAX_CHANNELS or crop < 0:
            raise DataError(
                "Invalid image shape {shape} with a crop of {crop}. Height and width must be at least 1, channels 1 "
                "to {most}, the crop 0 or more.",
                shape="×".join(map(str, image_shape)),
                crop=crop,
                most=MAX_CHANNELS,
            )
        steps: list[Step] = [Orientation()]
        if reading is not None and reading != Reading():
            steps.append(reading)
        if crop:
            steps.append(CropMargin(pixels=crop))
        steps += [Alpha(), fit or Fit(height=height, width=width), Channels(count=channels)]
        if invert:
            steps.append(Invert())
        return cls(steps=(*steps, Scale()))

    @property
    def image_shape(self) -> ImageShape:
        fit = next(step for step in self.steps if isinstance(step, Fit))
        channels = next(step for step in self.steps if isinstance(step, Channels))
        return fit.height, fit.width, channels.count

    @property
    def reading(self) -> Reading:
        return next((step for step in self.steps if isinstance(step, Reading)), Reading())

    @property
    def dtype(self) -> np.dtype[PixelValue]:
        """That of the pixels."""
        return np.dtype(DTYPES[self.reading.depth])

    @property
    def row_bytes(self) -> int:
        """Size of the pixels of one image."""
        return math.prod(self.image_shape) * self.dtype.itemsize

    def pixels(self, pil_image: Image.Image) -> Pixels:
        """Return pixels ``(h, w, c)`` of `dtype` of one 8-bit image of any mode; DataError if the crop is too large."""
        pil_image = plain_mode(pil_image)
        for step in self.steps:
            pil_image = step.on_image(pil_image)
        return as_depth(pil_image_pixels(pil_image), self.dtype)

    def array_pixels(self, images: Pixels) -> Pixels:
        """Return pixels ``(n, h, w, c)`` of `dtype` of images ``(n, height, width, channels)`` of any depth.

        The result for 8-bit images of 1 or 3 channels equals that of `pixels` for each image, without a Pillow image
        unless they must be resized. The input is not modified; without changes, the result may be the input itself.

        Raises DataError if the input has another shape or dtype, its channels do not fit, or the crop is too large.
        """
        check_images(images, message("Images"))
        for step in self.steps:
            images = step.on_array(images)
        return np.ascontiguousarray(as_depth(images, self.dtype))


def check_images(images: Pixels, name: Message) -> None:
    """Check that images are `Pixels` ``(n, h, w, c)`` of 1 to 16 channels; else DataError, with the `name` of them."""
    if images.ndim != 4 or not 1 <= images.shape[3] <= MAX_CHANNELS or images.dtype not in DTYPES.values():
        raise DataError(
            "{name} must be uint8, uint16 or float32 of shape (n, h, w, 1 to {most}), not {dtype} of shape {shape}. "
            "Open the data as a source.",
            name=name,
            most=MAX_CHANNELS,
            dtype=images.dtype,
            shape=str(images.shape),
        )


def as_depth(pixels: Pixels, dtype: DTypeLike) -> Pixels:
    """Return pixels of another dtype that show the same; those of this dtype are returned themselves."""
    if pixels.dtype == dtype:
        return pixels
    return to_pixels(to_floats(pixels), dtype)


def pil_image_pixels(pil_image: Image.Image) -> Shown:
    """Return uint8 pixels ``(h, w, c)`` of an image of mode ``L`` or ``RGB``."""
    pixels = np.array(pil_image, dtype=np.uint8)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def to_pil_image(pixels: Pixels) -> Image.Image:
    """Return an image of mode ``L`` or ``RGB`` of uint8 pixels ``(h, w, 1 | 3)``."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def to_floats(pixels: Pixels) -> Floats:
    """Return float32 values in [0, 1] of pixels of any shape and dtype; those of float32 are returned themselves."""
    if pixels.dtype == np.float32:
        return cast(Floats, pixels)
    return np.divide(pixels, np.float32(255 if pixels.dtype == np.uint8 else 0xFFFF), dtype=np.float32)


@overload
def to_pixels(images: Floats) -> Shown: ...
@overload
def to_pixels(images: Floats, dtype: DTypeLike) -> Pixels: ...
def to_pixels(images: Floats, dtype: DTypeLike = np.uint8) -> Pixels:
    """Return pixels of float values of any shape, clipped to [0, 1] and, for integers, rounded to the nearest."""
    values: Floats = np.clip(images, 0, 1)
    if dtype == np.float32:
        return values
    return cast(Pixels, np.rint(values * (255 if dtype == np.uint8 else 0xFFFF)).astype(dtype))
