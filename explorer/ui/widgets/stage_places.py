"""Places of the images on the stage: a large one, and small ones in a column beside it or in a row above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize

GAP = 14
_BETWEEN = 8
_WIDEST = 170
_SHARE = 0.32
"""Largest side of a small image in pixels, and on a tall stage as a share of its height."""
_NARROW = (104, 48)
"""Least side of a small image in pixels, and where that leaves no space."""
_FIGURES = 30.0
"""What the figures below the small images are worth, in pixels of the large one."""


@dataclass(frozen=True)
class Captions:
    """Heights in pixels of captions: in one line, and with figures at a width, which is at least `narrowest`."""

    line: int
    height: Callable[[int], int]
    narrowest: int = 0


@dataclass(frozen=True)
class Places:
    """The large image and the small ones, each with its caption.

    `figures`: whether the captions of the small ones have room for figures.
    """

    hero: QRect
    small: tuple[QRect, ...] = ()
    figures: bool = False


def places(room: QSize, aspect: float, small: int, captions: Captions) -> Places:
    """Return the places that make the large image as large as possible; `aspect` is width by height of all images."""
    if small:
        for least in _NARROW:
            found = max(_offers(room, aspect, small, captions, least), key=lambda offer: offer[0], default=None)
            if found is not None:
                return found[1]
    return Places(QRect(0, 0, room.width(), room.height()))


def pair(room: QSize, aspect: float, captions: Captions) -> tuple[QRect, QRect]:
    """Return the places of two images of the same size, side by side or one above the other."""
    width, height = (room.width() - GAP) // 2, (room.height() - GAP) // 2
    beside = QRect(0, 0, width, room.height()), QRect(width + GAP, 0, width, room.height())
    above = QRect(0, 0, room.width(), height), QRect(0, height + GAP, room.width(), height)
    return max((beside, above), key=lambda two: _size(two[0], aspect, captions))


def _offers(room: QSize, aspect: float, small: int, captions: Captions, least: int) -> Iterator[tuple[float, Places]]:
    """Yield arrangements with their value, in pixels of the large image."""
    widest = max(_WIDEST, round(_SHARE * room.height()))
    for side in range(widest, least - 1, -max(2, widest // 85)):
        for figures in (True, False):
            for offer in (
                _column(room, aspect, small, captions, side, least, figures),
                _row(room, aspect, small, captions, side, figures),
            ):
                if offer is not None:
                    yield _size(offer.hero, aspect, captions) + _FIGURES * figures + side / widest, offer


def _size(place: QRect, aspect: float, captions: Captions) -> float:
    """Return the height of the image in a place, or its width if that is less."""
    return min(place.width() / aspect, place.height() - captions.line) * min(1.0, aspect)


def _column(
    room: QSize, aspect: float, small: int, captions: Captions, side: int, least: int, figures: bool
) -> Places | None:
    width = max(round(side * min(1.0, aspect)), least)
    height = round(side / max(1.0, aspect)) + (captions.height(width) if figures else captions.line)
    left = width + GAP
    if figures and width < captions.narrowest:
        return None
    if small * (height + _BETWEEN) - _BETWEEN > room.height() or room.width() - left < side:
        return None
    column = tuple(QRect(0, number * (height + _BETWEEN), width, height) for number in range(small))
    return Places(QRect(left, 0, room.width() - left, room.height()), column, figures)


def _row(room: QSize, aspect: float, small: int, captions: Captions, side: int, figures: bool) -> Places | None:
    width = min((room.width() + _BETWEEN) // small - _BETWEEN, max(side, _WIDEST))
    if width < round(side * min(1.0, aspect)) or (figures and width < captions.narrowest):
        return None
    height = round(side / max(1.0, aspect)) + (captions.height(width) if figures else captions.line)
    top = height + _BETWEEN
    if room.height() - top - captions.line < side / max(1.0, aspect):
        return None
    left = (room.width() - small * (width + _BETWEEN) + _BETWEEN) // 2
    row = tuple(QRect(left + number * (width + _BETWEEN), 0, width, height) for number in range(small))
    return Places(QRect(0, top, room.width(), room.height() - top), row, figures)
