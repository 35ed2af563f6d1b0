"""Benchmark of models on the same images: quality, latency, size, and compression against JPEG and WebP."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer.data.metrics import bce_per_image, by_channel, mse_per_image, psnr_per_image, ssim_per_image
from explorer.data.preprocessing import Preprocessing, as_depth, to_floats, to_pil_image, to_pixels
from explorer.data.source import Source
from explorer.messages import message
from explorer.models.batches import images_in_memory, readable_batches
from explorer.types import Codec, Floats, Indices, Pixels, Progress

MEASURED = 2_000
"""Maximum number of images that a model is measured on."""

COMPRESSED = 48
"""Number of images compressed as JPEG and WebP."""

_TIMED = 60
_BATCH = 250
_FORMATS = {"JPEG": range(1, 96), "WEBP": range(101)}


@dataclass(frozen=True)
class Comparison:
    """Benchmark results of one model over `count` images.

    Attributes
    ----------
    mse, psnr, ssim, bce
        Means over the images, as in `explorer.models.evaluation`.
    milliseconds
        Median latency of encoding and decoding a single image.
    parameters, size
        Number of weights, and bytes of its files; 0 if there are none.
    half_bytes, half_psnr, eight_bytes, eight_psnr
        Bytes of a float16 code, and the PSNR of its reconstruction; the same with 8 bits per dimension, scaled to the
        dimension's range over these images.
    jpeg_bytes, webp_bytes
        Mean bytes per image at the lowest quality that reaches `eight_psnr`; NaN if none does.
    channel_psnr
        The PSNR of each channel alone, if the images are neither grayscale nor color.
    """

    name: str
    count: int
    latent_dim: int
    mse: float
    psnr: float
    ssim: float
    bce: float
    milliseconds: float
    parameters: int
    size: int
    half_bytes: int
    half_psnr: float
    eight_bytes: int
    eight_psnr: float
    jpeg_bytes: float
    webp_bytes: float
    channel_psnr: tuple[float, ...] = ()


def compare(
    name: str,
    codec: Codec,
    preprocessing: Preprocessing,
    source: Source,
    indices: Indices,
    *,
    parameters: int = 0,
    size: int = 0,
) -> Iterator[Progress | Comparison]:
    """Benchmark one model: yields progress, then the results.

    Of the images at positions ``(n,)``, n > 0, at most `MEASURED` are used, evenly spaced. `name`, `parameters` and
    `size` are copied to the results.
    """
    chosen = indices[np.linspace(0, len(indices) - 1, min(len(indices), MEASURED)).astype(np.int64)]
    parts_read: list[tuple[Floats, Indices]] = []
    step = images_in_memory(codec.image_shape, _BATCH)
    sums: dict[str, list[Floats]] = {"mse": [], "psnr": [], "ssim": [], "bce": []}
    channels: list[Floats] = []
    for done, pixels, kept in readable_batches(source, chosen, preprocessing, step):
        clean = to_floats(pixels)
        parts_read.append((codec.encode(clean), kept))
        made = codec.decode(parts_read[-1][0])
        for key, measure in (
            ("mse", mse_per_image),
            ("psnr", psnr_per_image),
            ("ssim", ssim_per_image),
            ("bce", bce_per_image),
        ):
            sums[key].append(np.asarray(measure(clean, made), np.float32))
        if clean.shape[3] not in (1, 3):
            channels.append(np.asarray(by_channel(psnr_per_image, clean, made), np.float32))
        yield Progress(done, len(chosen), message("Measuring {model}", model=name))
    codes, chosen = (np.concatenate(parts) for parts in zip(*parts_read, strict=True))
    means = {key: float(np.concatenate(parts).astype(np.float64).mean()) for key, parts in sums.items()}
    some = np.linspace(0, len(chosen) - 1, min(len(chosen), COMPRESSED)).astype(np.int64)
    pixels = source.read(chosen[some], preprocessing)
    clean = to_floats(pixels)
    yield Progress(0, 0, message("Compressing with {model}", model=name))
    half = codec.decode(codes[some].astype(np.float16).astype(np.float32))
    eight = codec.decode(quantized(codes)[some])
    target = _psnr(clean, eight)
    yield Progress(0, 0, message("Compressing as JPEG and WebP"))
    files = {kind: bytes_at(pixels, kind, target) for kind in _FORMATS}
    yield Comparison(
        name=name,
        count=len(chosen),
        latent_dim=codec.latent_dim,
        **means,
        milliseconds=_milliseconds(codec, clean),
        parameters=parameters,
        size=size,
        half_bytes=2 * codec.latent_dim,
        half_psnr=_psnr(clean, half),
        eight_bytes=codec.latent_dim,
        eight_psnr=target,
        jpeg_bytes=files["JPEG"],
        webp_bytes=files["WEBP"],
        channel_psnr=tuple(np.concatenate(channels).astype(np.float64).mean(axis=0).tolist()) if channels else (),
    )


def quantized(codes: Floats) -> Floats:
    """Return codes ``(n, d)`` quantized to 256 levels between the minimum and maximum of each dimension."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    step = np.where(high > low, (high - low) / 255, 1)
    return np.asarray(np.round((codes - low) / step) * step + low, np.float32)


def bytes_at(pixels: Pixels, kind: str, psnr: float) -> float:
    """Return the mean bytes of images ``(n, h, w, c)`` at the lowest quality that reaches a PSNR; NaN if none does.

    `kind` is ``JPEG`` or ``WEBP``, written by Pillow; headers count, which dominate for tiny images. These formats have
    8 bits, and 1 or 3 channels: of images with another number each channel is a file. The PSNR is the mean over the
    images, in dB.
    """
    pixels = as_depth(pixels, np.uint8)
    clean, qualities = to_floats(pixels), list(_FORMATS[kind])
    low, high = 0, len(qualities)
    found = float("nan")
    while low < high:
        middle = (low + high) // 2
        size, made = _written(pixels, kind, qualities[middle])
        if _psnr(clean, made) >= psnr:
            found, high = size, middle
        else:
            low = middle + 1
    return found


def _written(pixels: Pixels, kind: str, quality: int) -> tuple[float, Floats]:
    channels = pixels.shape[3]
    parts = [pixels] if channels in (1, 3) else np.split(pixels, channels, axis=3)
    files = [_written_part(part, kind, quality) for part in parts]
    return sum(size for size, _ in files), to_floats(np.concatenate([part for _, part in files], axis=3))


def _written_part(pixels: Pixels, kind: str, quality: int) -> tuple[float, Pixels]:
    sizes, again = [], []
    for image in pixels:
        file = io.BytesIO()
        to_pil_image(image).save(file, kind, quality=quality)
        sizes.append(file.tell())
        with Image.open(file) as opened:
            read = np.asarray(opened.convert("L" if image.shape[2] == 1 else "RGB"))
        again.append(read.reshape(image.shape))
    return float(np.mean(sizes)), np.stack(again)


def _psnr(clean: Floats, made: Floats) -> float:
    # Rounded to 8 bits, as in image files. A perfect copy counts as 54 dB, an error of half a step.
    figures = psnr_per_image(clean, to_floats(to_pixels(made)))
    return float(np.minimum(figures, 54.0).mean())


def _milliseconds(codec: Codec, clean: Floats) -> float:
    codec.decode(codec.encode(clean[:1]))
    durations = []
    for number in range(_TIMED):
        begun = time.perf_counter()
        codec.decode(codec.encode(clean[number % len(clean)][None]))
        durations.append((time.perf_counter() - begun) * 1000)
    return float(np.median(durations))
