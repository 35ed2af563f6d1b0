"""Preprocessing: the recorded steps from any image to the input of a model.

An ordered list of steps is stored in a model's card, and applied to training data and imported images alike. Each step
works on a Pillow image and, faster, on an array of images.
"""

from __future__ import annotations

import abc
from typing import Annotated, Any, Literal, Self

import numpy as np
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

from explorer.data.formats import exif_orientation, plain_mode
from explorer.errors import DataError
from explorer.types import Floats, ImageShape, Pixels

Background = Literal["white", "black"]
_LUMA = (19595, 38470, 7471)
"""ITU-R 601 luma in 16-bit fixed point, as in Pillow's conversion to grayscale."""


class _Step(BaseModel, abc.ABC):
    """One step, on an image of mode L, LA, RGB or RGBA, or on an array ``(n, h, w, c)``; both give the same pixels."""

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


class Fit(_Step):
    """Resize to one size with an antialiased (Lanczos) filter; an image of this size is unchanged.

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
            return np.empty((0, self.height, self.width, images.shape[3]), np.uint8)
        return np.stack([pil_image_pixels(self.on_image(to_pil_image(image))) for image in images])

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
        return np.pad(images, around, constant_values=255 if self.background == "white" else 0)


class Channels(_Step):
    """Convert to grayscale (1) or color (3)."""

    step: Literal["channels"] = "channels"
    count: Literal[1, 3]

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        return pil_image.convert("L" if self.count == 1 else "RGB")

    def on_array(self, images: Pixels) -> Pixels:
        if images.shape[3] == self.count:
            return images
        if self.count != 1:
            return np.repeat(images, self.count, axis=3)
        gray = np.full(images.shape[:3], 0x8000, np.uint32)
        for channel, weight in enumerate(_LUMA):
            gray += images[..., channel].astype(np.uint32) * np.uint32(weight)
        return (gray >> 16).astype(np.uint8)[..., np.newaxis]


class Invert(_Step):
    """Invert the colors; the alpha channel is unchanged."""

    step: Literal["invert"] = "invert"

    def on_image(self, pil_image: Image.Image) -> Image.Image:
        if pil_image.mode not in ("LA", "RGBA"):
            return ImageChops.invert(pil_image)
        *colors, alpha = pil_image.split()
        return Image.merge(pil_image.mode, [*(ImageChops.invert(color) for color in colors), alpha])

    def on_array(self, images: Pixels) -> Pixels:
        return np.subtract(np.uint8(255), images)


class Scale(_Step):
    """Range of model inputs that 0 … 255 maps to. Recorded only: pixels stay 8-bit until `to_floats`."""

    step: Literal["scale"] = "scale"
    low: FiniteFloat = 0.0
    high: FiniteFloat = 1.0


Step = Annotated[Orientation | CropMargin | Alpha | Fit | Channels | Invert | Scale, Field(discriminator="step")]


class Preprocessing(BaseModel):
    """Ordered steps from any image to pixels of one shape.

    There are exactly one `Fit` and one `Channels`, and no `CropMargin` after the `Fit`; else pydantic.ValidationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        kinds = [type(step) for step in self.steps]
        if kinds.count(Fit) != 1 or kinds.count(Channels) != 1:
            raise ValueError("exactly one fit step and one channels step are required")
        if CropMargin in kinds[kinds.index(Fit) :]:
            raise ValueError("crop_margin must come before fit")
        return self

    @classmethod
    def standard(
        cls, image_shape: ImageShape, *, crop: int = 0, invert: bool = False, fit: Fit | None = None
    ) -> Preprocessing:
        """Return the default steps: orientation, crop, alpha over white, fit, channels, invert, scale to [0, 1].

        `crop` pixels are cropped from each side. `fit` replaces the step to the size of `image_shape`. DataError if the
        shape or the crop is invalid.
        """
        height, width, channels = image_shape
        if min(height, width) < 1 or channels not in (1, 3) or crop < 0:
            raise DataError(
                "Invalid image shape {shape} with a crop of {crop}. Height and width must be at least 1, channels 1 "
                "or 3, the crop 0 or more.",
                shape="×".join(map(str, image_shape)),
                crop=crop,
            )
        steps: list[Step] = [Orientation()]
        if crop:
            steps.append(CropMargin(pixels=crop))
        steps += [Alpha(), fit or Fit(height=height, width=width), Channels(count=1 if channels == 1 else 3)]
        if invert:
            steps.append(Invert())
        return cls(steps=(*steps, Scale()))

    @property
    def image_shape(self) -> ImageShape:
        fit = next(step for step in self.steps if isinstance(step, Fit))
        channels = next(step for step in self.steps if isinstance(step, Channels))
        return fit.height, fit.width, channels.count

    def pixels(self, pil_image: Image.Image) -> Pixels:
        """Return uint8 pixels ``(h, w, c)`` of one image of any mode; DataError if it is too small for the crop."""
        pil_image = plain_mode(pil_image)
        for step in self.steps:
            pil_image = step.on_image(pil_image)
        return pil_image_pixels(pil_image)

    def array_pixels(self, images: Pixels) -> Pixels:
        """Return uint8 pixels ``(n, h, w, c)`` of uint8 images ``(n, height, width, 1 | 3)``.

        The result equals that of `pixels` for each image, without a Pillow image unless they must be resized. The input
        is not modified; without changes, the result may be the input itself.

        Raises DataError if the input has another shape, or the crop is too large for it.
        """
        if images.ndim != 4 or images.shape[3] not in (1, 3) or images.dtype != np.uint8:
            raise DataError(
                "Images must be uint8 of shape (n, h, w, 1 or 3), not {dtype} of shape {shape}. Open the data as a "
                "source.",
                dtype=images.dtype,
                shape=str(images.shape),
            )
        for step in self.steps:
            images = step.on_array(images)
        return np.ascontiguousarray(images)


def pil_image_pixels(pil_image: Image.Image) -> Pixels:
    """Return uint8 pixels ``(h, w, c)`` of an image of mode ``L`` or ``RGB``."""
    pixels = np.array(pil_image, dtype=np.uint8)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def to_pil_image(pixels: Pixels) -> Image.Image:
    """Return an image of mode ``L`` or ``RGB`` of uint8 pixels ``(h, w, 1 | 3)``."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def to_floats(pixels: Pixels) -> Floats:
    """Return float32 values in [0, 1] of uint8 pixels of any shape."""
    return np.divide(pixels, np.float32(255), dtype=np.float32)


def to_pixels(images: Floats) -> Pixels:
    """Return uint8 pixels of float values of any shape, clipped to [0, 1] and rounded to the nearest."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
