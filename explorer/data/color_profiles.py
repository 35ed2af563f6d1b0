"""Conversion of images with a color profile (ICC) to sRGB.

Profiles of three primaries or of one gray curve are read and applied here, by NumPy, also to more than 8 bits. Others
have tables: Little CMS applies them in the reader process (`explorer.data.image_reader`), as it is a native parser.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Doubles: TypeAlias = NDArray[np.float64]
_Curve: TypeAlias = Callable[[Doubles], Doubles]

_MOST_BYTES: Final = 4 << 20
SPACES: Final = {
    **dict.fromkeys(("L", "LA", "I;16", "I;16B", "I;16L", "I;16N"), b"GRAY"),
    **dict.fromkeys(("RGB", "RGBA", "P", "PA"), b"RGB "),
    "CMYK": b"CMYK",
}
"""Color space of the profiles that apply to an image, by its mode in Pillow."""

_COLORS: Final = {b"GRAY": 1, b"RGB ": 3}
_HEADER, _SPACE, _CONNECTION, _MARK = 132, 16, 20, 36
_MOST_TAGS: Final = 100
_TABLES: Final = frozenset({b"A2B0", b"A2B1", b"D2B0", b"D2B1"})
"""Tags that replace primaries and curves where they are."""

_MOST_CURVE_POINTS: Final = 0x7FFF
_MOST_BLACK: Final = 0.5
_PARAMETERS: Final = (1, 3, 4, 5, 7)
"""Numbers of parameters of the five parametric curves."""

_SRGB_TO_XYZ: Final = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""The primaries of sRGB, adapted to D50 as in profiles (IEC 61966-2-1, Bradford)."""

_UNSEEN: Final = 1
"""A profile that changes no color by more than this (of 255) is sRGB."""

_BLOCK: Final = 1 << 16
"""Pixels that are converted at once: a float copy of all would take many times the memory of the image."""

_FINE: Final = 0xFFFF
"""Steps of the light of 8-bit colors: the darkest shades of sRGB are 20 of them apart."""


def fitting_profile(pil_image: Image.Image) -> bytes:
    """Return the profile of an image; empty without one, or if it is of another color space, or no profile."""
    profile = pil_image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not _HEADER < len(profile) <= _MOST_BYTES:
        return b""
    space = SPACES.get(pil_image.mode, b"none")
    fits = profile[_SPACE : _SPACE + 4] == space and profile[_MARK : _MARK + 4] == b"acsp"
    return profile if fits else b""


@lru_cache(maxsize=16)
def has_tables(profile: bytes) -> bool:
    """Return whether a profile can only be applied by Little CMS; false for an empty or damaged one."""
    try:
        return bool(profile) and (_is_lab(profile) or not _TABLES.isdisjoint(_tags(profile)))
    except (ValueError, struct.error):
        return False


def to_srgb(pil_image: Image.Image) -> Image.Image:
    """Return an image in sRGB without its profile; the image itself if it has none or that is sRGB already.

    A profile of another color space than the image's, and one with tables, is ignored. Modes as in `SPACES`.
    """
    transform = _transform(fitting_profile(pil_image))
    if transform is None:
        return pil_image
    colors = np.asarray(pil_image)
    colors = colors[..., np.newaxis] if colors.ndim == 2 else colors
    converted = colors.copy()
    count = colors.shape[2] - (pil_image.mode in ("LA", "RGBA"))
    converted[..., :count] = transform.on(colors[..., :count])
    found = Image.fromarray(converted[..., 0] if converted.shape[2] == 1 else converted)
    found.info = {key: value for key, value in pil_image.info.items() if key != "icc_profile"}
    return found


def values_to_srgb(colors: NDArray[Any], profile: bytes) -> NDArray[Any]:
    """Return colors in sRGB, of the same dtype; themselves if the profile is sRGB, has tables, or does not apply.

    They are ``(…, 1 | 3)``, uint8, uint16 or float32, where 1 is the brightest.
    """
    applies = _COLORS.get(profile[_SPACE : _SPACE + 4]) == colors.shape[-1]
    transform = _transform(profile) if applies else None
    return colors if transform is None else transform.on(colors)


@dataclass(frozen=True, eq=False)
class _Transform:
    """Curves from device values to light, all 0 to 1, and a matrix ``(c, c)`` from this light to that of sRGB.

    `black` is the light of the darkest color, which becomes 0 (black point compensation, as Little CMS does it).
    """

    curves: tuple[_Curve, ...]
    matrix: Doubles
    black: float

    def on(self, colors: NDArray[Any]) -> NDArray[Any]:
        """Return colors ``(…, c)`` of any dtype as in `values_to_srgb`."""
        flat = np.ascontiguousarray(colors).reshape(-1, colors.shape[-1])
        converted = np.empty_like(flat)
        tables = None if flat.dtype.kind == "f" else self._tables(np.iinfo(flat.dtype).max)
        for start in range(0, len(flat), _BLOCK):
            part = slice(start, start + _BLOCK)
            converted[part] = self._converted(flat[part], tables)
        return converted.reshape(colors.shape)

    def _tables(self, top: int) -> NDArray[np.float32]:
        steps = np.linspace(0, 1, top + 1)
        return np.stack([curve(steps) for curve in self.curves]).astype(np.float32)

    def _converted(self, colors: NDArray[Any], tables: NDArray[np.float32] | None) -> NDArray[Any]:
        light = [
            curve(np.clip(channel.astype(np.float64), 0, 1)) if tables is None else tables[place][channel]
            for place, (curve, channel) in enumerate(zip(self.curves, colors.T, strict=True))
        ]
        converted = np.empty_like(colors)
        # Without a product of matrices: its threads wait for each other where several images are decoded.
        for place, row in enumerate(self.matrix.astype(np.float32)):
            mixed = np.multiply(light[0], row[0], dtype=np.float32)
            for other, weight in zip(light[1:], row[1:], strict=True):
                mixed += other.astype(np.float32, copy=False) * weight
            if self.black:
                mixed = (mixed - np.float32(self.black)) / np.float32(1 - self.black)
            converted[:, place] = _shades(np.clip(mixed, 0, 1, out=mixed), colors.dtype)
        return converted


def _shades(light: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return sRGB values of a dtype of light from 0 to 1, which may be changed."""
    if dtype == np.uint8:
        light *= np.float32(_FINE)
        shades: NDArray[np.uint8] = _bytes_of_light()[np.rint(light, out=light).astype(np.uint16)]
        return shades
    encoded = _encoded(light)
    return (encoded if dtype.kind == "f" else np.rint(encoded * np.iinfo(dtype).max)).astype(dtype)


def _encoded(light: NDArray[Any]) -> NDArray[Any]:
    """Return sRGB values of light, both 0 to 1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)


@lru_cache(maxsize=1)
def _bytes_of_light() -> NDArray[np.uint8]:
    shades: NDArray[np.uint8] = np.rint(_encoded(np.linspace(0, 1, _FINE + 1)) * 255).astype(np.uint8)
    return shades


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> _Transform | None:
    """Return the transform to sRGB; None if it would change nothing, or there is none without tables."""
    found = _parsed(profile) if profile else None
    return None if found is None or _changes_nothing(found) else found


def _changes_nothing(transform: _Transform) -> bool:
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colors = np.stack(np.meshgrid(*[levels] * len(transform.curves)), -1)
    return bool(np.abs(transform.on(colors).astype(np.int16) - colors).max() <= _UNSEEN)


# -- the format (ICC.1) ------------------------------------------------------------------------------------------------


def _parsed(profile: bytes) -> _Transform | None:
    """Return the transform of a gray profile or one of three primaries; None if it has tables, or is damaged."""
    try:
        tags = _tags(profile)
        if _is_lab(profile) or not _TABLES.isdisjoint(tags):
            return None
        if profile[_SPACE : _SPACE + 4] == b"GRAY":
            names, matrix, luma = [b"kTRC"], np.ones((1, 1)), np.ones(1)
        else:
            names, luma = [b"rTRC", b"gTRC", b"bTRC"], _SRGB_TO_XYZ[1]
            primaries = np.stack([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], 1)
            matrix = np.linalg.inv(_SRGB_TO_XYZ) @ primaries
        curves = tuple(_curve(tags[name]) for name in names)
    except (KeyError, ValueError, struct.error):
        return None
    black = float(luma @ matrix @ np.concatenate([curve(np.zeros(1)) for curve in curves]))
    return _Transform(curves, matrix, min(max(black, 0.0), _MOST_BLACK))


def _is_lab(profile: bytes) -> bool:
    return profile[_CONNECTION : _CONNECTION + 4] == b"Lab "


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """Return the tags that are in the profile, by name; ValueError, struct.error if it is damaged."""
    (count,) = struct.unpack_from(">I", profile, _HEADER - 4)
    if count > _MOST_TAGS:
        raise ValueError("too many tags")
    entries = [struct.unpack_from(">4sII", profile, _HEADER + 12 * number) for number in range(count)]
    return {name: profile[start : start + size] for name, start, size in entries if start + size <= len(profile)}


def _xyz(tag: bytes) -> Doubles:
    if tag[:4] != b"XYZ ":
        raise ValueError("no color")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 0x10000


def _curve(tag: bytes) -> _Curve:
    """Return the curve of a tag, values from 0 to 1; ValueError, struct.error if it is damaged."""
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        if kind >= len(_PARAMETERS):
            raise ValueError("unknown curve")
        numbers = struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)
        return _parametric(kind, [number / 0x10000 for number in numbers])
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count > _MOST_CURVE_POINTS:
        raise ValueError("too many points")
    points = struct.unpack_from(f">{count}H", tag, 12)
    if count < 2:
        return _parametric(0, [points[0] / 0x100 if points else 1.0])
    heights, places = np.array(points) / 0xFFFF, np.linspace(0, 1, count)
    return lambda values: np.interp(values, places, heights)


def _parametric(kind: int, numbers: list[float]) -> _Curve:
    """Return a curve by its kind, 0 to 4, and its parameters g, a, b, c, d, e, f as in the standard."""
    g, a, b, c, d, e, f = numbers + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) - 1 :]
    if kind in (1, 2):
        if not a:
            raise ValueError("no slope")
        c, d, e, f = 0.0, -b / a, numbers[3] if kind == 2 else 0.0, numbers[3] if kind == 2 else 0.0

    def curve(values: Doubles) -> Doubles:
        with np.errstate(all="ignore"):
            power = np.power(np.maximum(a * values + b, 0), g) + e
            found: Doubles = power if kind == 0 else np.where(values >= d, power, c * values + f)
            found = np.clip(np.nan_to_num(found), 0, 1)
        return found

    return curve
