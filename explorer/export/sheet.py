"""Still pictures out: mosaics, rows, axes with ticks, PNG files."""

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
from explorer.types import Floats, Pixels

_COLOUR = 3


def enlarge(image: Pixels, scale: int) -> Pixels:
    """Turn every pixel of pictures ``(…, h, w, c)`` into a square of side `scale`.

    Raises
    ------
    ExportError
        If `scale` is below 1.
    """
    if scale < 1:
        raise ExportError("a scale of 1 or more", str(scale), "Give for example 4.")
    return image if scale == 1 else image.repeat(scale, axis=-3).repeat(scale, axis=-2)


def mosaic(images: Pixels, columns: int, gap: int = 0, background: int = 0) -> Pixels:
    """Lay pictures side by side, row by row from the top left.

    Parameters
    ----------
    images
        ``(n, h, w, c)`` uint8, n at least 1.
    columns
        Pictures in a row; cells that are left over in the last row show the background.
    gap
        Pixels between neighbours; there are none around the whole.
    background
        Grey level of gaps and empty cells, 0 to 255.

    Returns
    -------
    Pixels
        ``(H, W, c)`` with ``H = rows * h + (rows - 1) * gap`` and ``W`` likewise.

    Raises
    ------
    ExportError
        If there are no pictures, or `columns` or `gap` cannot be meant.
    """
    _check_images(images)
    if columns < 1 or gap < 0:
        raise ExportError(
            "at least one column and a gap of 0 or more", f"{columns} columns, gap {gap}", "Correct the layout."
        )
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + gap, width + gap, channels), background, dtype=np.uint8)
    cells[:count, :height, :width] = images
    table = cells.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    whole = table.reshape(rows * (height + gap), columns * (width + gap), channels)
    return np.ascontiguousarray(whole[: whole.shape[0] - gap, : whole.shape[1] - gap])


def stack_rows(rows: Sequence[Pixels], gap: int = 0, background: int = 0) -> Pixels:
    """Lay strips of pictures one under the other, each picture in its column.

    Parameters
    ----------
    rows
        At least one; ``(n, h, w, c)`` uint8 each. Rows may differ in n; a shorter one ends in the background. Grey rows
        become colour beside colour ones.
    gap, background
        As for `mosaic`.

    Returns
    -------
    Pixels
        ``(H, W, c)``.

    Raises
    ------
    ExportError
        If there are no rows, a row is empty, or the pictures differ in size.
    """
    if not rows:
        raise ExportError("at least one row of pictures", "none", "Give the originals, for example.")
    for row in rows:
        _check_images(row)
    sizes = {row.shape[1:3] for row in rows}
    if len(sizes) > 1:
        raise ExportError("rows of pictures of one size", str(sorted(sizes)), "Resize them first.")
    columns = max(len(row) for row in rows)
    channels = max(row.shape[3] for row in rows)
    height, width = rows[0].shape[1:3]
    cells = np.full((len(rows), columns, height, width, channels), background, dtype=np.uint8)
    for place, row in zip(cells, rows, strict=True):
        place[: len(row)] = row
    return mosaic(cells.reshape(-1, height, width, channels), columns, gap, background)


def write_png(image: Pixels, path: Path, texts: Mapping[str, str] | None = None) -> None:
    """Write one picture ``(h, w, c)`` uint8, c 1 or 3, as PNG; what was there is replaced only by a whole file.

    Parameters
    ----------
    image
        The picture.
    path
        The file.
    texts
        ASCII texts that the file carries, by keyword.

    Raises
    ------
    ExportError
        If the picture is none, or the file cannot be written.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, _COLOUR) or image.size == 0:
        raise ExportError(
            "a picture (height, width, 1 or 3) of 8 bits", f"{image.shape} of {image.dtype}", "Convert it first."
        )
    with replacing_file(path) as temporary:
        _to_pillow(image).save(temporary, format="PNG", pnginfo=_png_texts(texts or {}))


def axes_figure(image: Pixels, xs: Floats, ys: Floats, labels: tuple[str, str] = ("", "")) -> Pixels:
    """Draw the axes of a decoded plane around its mosaic: black ticks and numbers on white.

    Parameters
    ----------
    image
        Mosaic ``(H, W, c)`` uint8 without gaps, ``len(xs)`` cells wide and ``len(ys)`` high, the highest second
        coordinate in the top row.
    xs
        ``(columns,)``, left to right.
    ys
        ``(rows,)``, in any order: the ticks stand highest first, as the rows do.
    labels
        Names of the two axes, or empty.

    Returns
    -------
    Pixels
        A larger picture that holds `image` unchanged. Numbers that would run into their neighbours are left out.

    Raises
    ------
    ExportError
        If the mosaic cannot be parted into that many cells.
    """
    height, width, channels = image.shape
    if not (len(xs) and len(ys)) or width % len(xs) or height % len(ys):
        raise ExportError(
            "a mosaic of whole cells for all coordinates",
            f"{width}×{height} pixels for {len(xs)}×{len(ys)} cells",
            "Make it without gaps.",
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
    figure = Image.new("RGB" if channels == _COLOUR else "L", (left + width + right, top + height + bottom), "white")
    figure.paste(_to_pillow(image), (left, top))
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


def caption(image: Pixels, text: str) -> Pixels:
    """Add a line of text under a picture ``(h, w, c)``: black on white, as wide as the picture, small if need be.

    Text that does not fit even at the smallest size is cut off on the right.
    """
    return np.concatenate([image, caption_strip(image.shape[1], image.shape[2], text)])


def caption_strip(width: int, channels: int, text: str) -> Pixels:
    """Draw a line of text alone, ``(h, width, channels)`` uint8, as `caption` puts it under a picture.

    Its height is even, so that it can go below a picture in a film whose format wants that.
    """
    size = 20
    while size > 8 and _font(size).getlength(text) > width - 4:
        size -= 1
    font = _font(size)
    height = 2 * math.ceil(font.getbbox("Ág")[3] * 0.65)
    figure = Image.new("RGB" if channels == _COLOUR else "L", (width, height), "white")
    fits = font.getlength(text) <= width - 4
    place, anchor = ((width / 2, height / 2), "mm") if fits else ((2, height / 2), "lm")
    ImageDraw.Draw(figure).text(place, text, fill="black", font=font, anchor=anchor)
    return _from_pillow(figure)


def _spaced(texts: Sequence[str], length: int, needed: Sequence[float]) -> list[tuple[int, str]]:
    """Centres of cells along a side of `length` pixels with their texts, leaving out some that would touch."""
    cell = length / len(texts)
    least = max(1, math.ceil(max(needed) / cell))
    # A slightly wider step that names both ends is better than the tightest one.
    step = next((wide for wide in range(least, 2 * least + 1) if (len(texts) - 1) % wide == 0), least)
    start = ((len(texts) - 1) % step) // 2
    return [(int((number + 0.5) * cell), texts[number]) for number in range(start, len(texts), step)]


def _number(value: float) -> str:
    """Give a number in up to 3 figures, zero without a sign."""
    text = f"{value:.3g}"
    return "0" if text in {"-0", "0"} else text


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the program's own font; Pillow's, which lacks accents and Greek, only where the file is missing."""
    try:
        return ImageFont.truetype(resources_dir() / "fonts" / "Inter-Regular.otf", size)
    except OSError:
        return ImageFont.load_default(size)


def _png_texts(texts: Mapping[str, str]) -> PngInfo:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    return info


def _check_images(images: Pixels) -> None:
    if images.ndim != 4 or images.dtype != np.uint8 or images.size == 0 or images.shape[3] not in (1, _COLOUR):
        raise ExportError(
            "pictures (n, height, width, 1 or 3) of 8 bits", f"{images.shape} of {images.dtype}", "Give at least one."
        )


def _to_pillow(image: Pixels) -> Image.Image:
    return Image.fromarray(image if image.shape[2] == _COLOUR else image[..., 0])


def _from_pillow(figure: Image.Image) -> Pixels:
    pixels = np.array(figure, dtype=np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels
