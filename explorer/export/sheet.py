"""Still images: mosaics, rows, axes with ticks, PNG files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from explorer.errors import ExportError
from explorer.paths import replacing_file, resources_dir
from explorer.types import Floats, Shown

_COLOR = 3


def enlarge(image: Shown, scale: int) -> Shown:
    """Enlarge images ``(…, h, w, c)`` by an integer with nearest neighbor; ExportError if it is below 1."""
    if scale < 1:
        raise ExportError("The scale must be 1 or more, not {scale}.", scale=scale)
    return image if scale == 1 else image.repeat(scale, axis=-3).repeat(scale, axis=-2)


def sample_area(image: Shown, size: tuple[int, int]) -> Shown:
    """Resize an image ``(h, w, c)`` uint8 to a height and width: each pixel is the mean of the area that it covers.

    Enlarged by a whole number, this is nearest neighbor; by another one, pixels at the edges are blended.
    """
    rows, columns = (_coverage(before, after) for before, after in zip(image.shape[:2], size, strict=True))
    tall = np.tensordot(rows, image.astype(np.float32), axes=1)
    return np.asarray(np.matmul(columns, tall) + 0.5, np.uint8)


@lru_cache(maxsize=8)
def _coverage(before: int, after: int) -> Floats:
    """Return which share of each of `after` pixels each of `before` pixels covers, ``(after, before)``."""
    edges = np.arange(after + 1)[:, None] * before / after
    places = np.arange(before)
    overlap = np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places)
    return np.asarray(np.maximum(overlap, 0) * after / before, np.float32)


def mosaic(images: Shown, columns: int, gap: int = 0, background: int = 0) -> Shown:
    """Arrange images ``(n, h, w, c)`` uint8 in a grid, row by row from the top left.

    Returns ``(H, W, c)`` with ``H = rows * h + (rows - 1) * gap`` and ``W`` likewise: `gap` pixels between images, none
    around the grid. Gaps and empty cells of the last row have the gray value `background`, 0 to 255. ExportError if
    there are no images, or `columns` or `gap` is invalid.
    """
    _check_images(images)
    if columns < 1 or gap < 0:
        raise ExportError(
            "Invalid layout: {columns:# column|# columns} with a gap of {gap}. Use at least 1 column, and a gap of 0 "
            "or more.",
            columns=columns,
            gap=gap,
        )
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + gap, width + gap, channels), background, dtype=np.uint8)
    cells[:count, :height, :width] = images
    table = cells.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    whole = table.reshape(rows * (height + gap), columns * (width + gap), channels)
    return np.ascontiguousarray(whole[: whole.shape[0] - gap, : whole.shape[1] - gap])


def stack_rows(rows: Sequence[Shown], gap: int = 0, background: int = 0) -> Shown:
    """Arrange rows of images, ``(n, h, w, c)`` uint8 each, below one another, aligned in columns: ``(H, W, c)``.

    n may differ; shorter rows are filled up with the background. Grayscale rows become color if others are. ExportError
    if there are no rows, a row is empty, or image sizes differ.
    """
    if not rows:
        raise ExportError("There are no images to arrange. Give at least one row.")
    for row in rows:
        _check_images(row)
    sizes = {row.shape[1:3] for row in rows}
    if len(sizes) > 1:
        raise ExportError(
            "The rows have images of different sizes {sizes}. Resize them first.",
            sizes=["×".join(map(str, size)) for size in sorted(sizes)],
        )
    columns = max(len(row) for row in rows)
    channels = max(row.shape[3] for row in rows)
    height, width = rows[0].shape[1:3]
    cells = np.full((len(rows), columns, height, width, channels), background, dtype=np.uint8)
    for place, row in zip(cells, rows, strict=True):
        place[: len(row)] = row
    return mosaic(cells.reshape(-1, height, width, channels), columns, gap, background)


def write_png(image: Shown, path: Path, texts: Mapping[str, str] | None = None) -> None:
    """Write one image ``(h, w, c)`` uint8, c 1 or 3, as PNG, atomically, with ASCII texts by keyword.

    ExportError if the image is invalid, or the file cannot be written.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, _COLOR) or image.size == 0:
        raise ExportError(
            "An image must be uint8 of shape (h, w, 1 or 3), not {dtype} of shape {shape}.",
            dtype=image.dtype,
            shape=str(image.shape),
        )
    with replacing_file(path) as temporary:
        to_pillow(image).save(temporary, format="PNG", pnginfo=_png_texts(texts or {}))


def axes_figure(image: Shown, xs: Floats, ys: Floats, labels: tuple[str, str] = ("", "")) -> Shown:
    """Draw the axes of a decoded plane around its mosaic: black ticks and numbers on white.

    The mosaic ``(H, W, c)`` uint8 has no gaps, is ``len(xs)`` cells wide and ``len(ys)`` high, the largest y in the top
    row; `xs` go from left to right, `ys` are in any order. Returns a larger image that contains it unchanged. Numbers
    that would overlap are omitted. ExportError if the size of the mosaic is not a multiple of the number of cells.
    """
    height, width, channels = image.shape
    if not (len(xs) and len(ys)) or width % len(xs) or height % len(ys):
        raise ExportError(
            "A mosaic of {pixels} pixels cannot be divided into {cells} cells. Create it without gaps.",
            pixels=f"{width}×{height}",
            cells=f"{len(xs)}×{len(ys)}",
        )
    font = _font(int(np.clip(min(height, width) / 28, 11, 26)))
    em = math.ceil(font.getbbox("0")[3])
    x_texts = [_number(float(value)) for value in np.ravel(xs)]
    y_texts = [_number(float(value)) for value in np.sort(np.ravel(ys))[::-1]]
    widest = max(math.ceil(font.getlength(text)) for text in y_texts)
    name_width = math.ceil(font.getlength(labels[1])) + em // 2 if labels[1] else 0
    left = max(widest + em, name_width + em, math.ceil(font.getlength(x_texts[0]) / 2))
    top = em + (em if labels[1] else 0)
    right = max(em, math.ceil(font.getlength(x_texts[-1]) / 2))
    bottom = 2 * em + em // 2 + (em + em // 2 if labels[0] else 0)
    figure = Image.new("RGB" if channels == _COLOR else "L", (left + width + right, top + height + bottom), "white")
    figure.paste(to_pillow(image), (left, top))
    pen = ImageDraw.Draw(figure)
    tick = max(em // 4, 2)
    pen.rectangle((left - 1, top - 1, left + width, top + height), outline="black")
    for place, text in _spaced(x_texts, width, [font.getlength(text) + em for text in x_texts]):
        pen.line((left + place, top + height, left + place, top + height + tick), fill="black")
        pen.text((left + place, top + height + tick + em // 4), text, fill="black", font=font, anchor="ma")
    for place, text in _spaced(y_texts, height, [em * 1.3] * len(y_texts)):
        pen.line((left - 1 - tick, top + place, left - 1, top + place), fill="black")
        pen.text((left - tick - em // 3, top + place), text, fill="black", font=font, anchor="rm")
    if labels[0]:
        pen.text((left + width / 2, top + height + bottom - em // 3), labels[0], fill="black", font=font, anchor="md")
    if labels[1]:
        pen.text((left - em // 3, em // 3), labels[1], fill="black", font=font, anchor="ra")
    return _from_pillow(figure)


def caption_strip(width: int, channels: int, text: str) -> Shown:
    """Return a line of text to put below an image, ``(h, width, channels)`` uint8: black on white.

    The font is smaller if needed; text that does not fit at the smallest size is clipped on the right. The height is
    even, as some animation formats require.
    """
    size = 20
    while size > 8 and _font(size).getlength(text) > width - 4:
        size -= 1
    font = _font(size)
    height = 2 * math.ceil(font.getbbox("Ág")[3] * 0.65)
    figure = Image.new("RGB" if channels == _COLOR else "L", (width, height), "white")
    fits = font.getlength(text) <= width - 4
    place, anchor = ((width / 2, height / 2), "mm") if fits else ((2, height / 2), "lm")
    ImageDraw.Draw(figure).text(place, text, fill="black", font=font, anchor=anchor)
    return _from_pillow(figure)


def _spaced(texts: Sequence[str], length: int, needed: Sequence[float]) -> list[tuple[int, str]]:
    """Return the centers of cells along a side of `length` pixels with their texts, without overlapping ones."""
    cell = length / len(texts)
    least = max(1, math.ceil(max(needed) / cell))
    # Prefer a slightly larger step that labels both ends.
    step = next((wide for wide in range(least, 2 * least + 1) if (len(texts) - 1) % wide == 0), least)
    start = ((len(texts) - 1) % step) // 2
    return [(int((number + 0.5) * cell), texts[number]) for number in range(start, len(texts), step)]


def _number(value: float) -> str:
    """Return a number with up to 3 significant digits, zero without a sign."""
    text = f"{value:.3g}"
    return "0" if text in {"-0", "0"} else text


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the program's font, or Pillow's, which lacks accents and Greek, if the file is missing."""
    try:
        return ImageFont.truetype(resources_dir() / "fonts" / "Inter-Regular.otf", size)
    except OSError:
        return ImageFont.load_default(size)


def _png_texts(texts: Mapping[str, str]) -> PngInfo:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    return info


def _check_images(images: Shown) -> None:
    if images.ndim != 4 or images.dtype != np.uint8 or images.size == 0 or images.shape[3] not in (1, _COLOR):
        raise ExportError(
            "Images must be uint8 of shape (n, h, w, 1 or 3) with n > 0, not {dtype} of shape {shape}.",
            dtype=images.dtype,
            shape=str(images.shape),
        )


def to_pillow(image: Shown) -> Image.Image:
    return Image.fromarray(image if image.shape[2] == _COLOR else image[..., 0])


def _from_pillow(figure: Image.Image) -> Shown:
    pixels = np.array(figure, dtype=np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels
