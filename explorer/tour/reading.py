"""Steps of the tour: images with more than 8 bits, and with more than three channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from explorer.data.preprocessing import Preprocessing
from explorer.document.open_requests import OpenRequest
from explorer.errors import EngineError
from explorer.paths import user_dir
from explorer.tour.guide import Tour
from explorer.ui.dialogs.channel_mixer import MixerDialog
from explorer.ui.dialogs.reading import ReadingDialog

_COUNT = 200


def reading(tour: Tour) -> None:
    """Open dim digits of 10 bits, and read them again with the range of their values."""
    digits = tour.document.source
    if digits is None or digits.image_shape is None:
        raise EngineError("The step needs the digits. Open them first.")
    pixels = digits.read(np.arange(_COUNT), Preprocessing.standard(digits.image_shape))
    path = _open(tour, "scan.npy", pixels[..., 0].astype(np.uint16) * 2)
    tour.click("notice_choice_0")
    dialog = tour.find(ReadingDialog, "reading_dialog")
    high = tour.find(QLineEdit, "reading_high")
    high.setFocus()
    high.selectAll()
    QTest.keyClicks(high, "510")
    QTest.keyClick(high, Qt.Key.Key_Return)
    tour.until(lambda: tour.document.source is not None and tour.document.source.spec.endswith("510"), "the digits")
    tour.settle()
    tour.shoot("reading", dialog)
    dialog.close()
    tour.open_source(digits.name)
    tour.document.places.remove(f"{path}?range=0,510")


def channels(tour: Tour) -> None:
    """Open images of four channels, and hide one of them in the mixer."""
    digits = tour.document.source
    path = _open(tour, "cells.npy", _cells())
    tour.trigger("action_channel_mixer")
    dialog = tour.find(MixerDialog, "mixer_dialog")
    tour.click("mixer_visible_3")
    tour.until(tour.gallery_ready, "the thumbnails")
    tour.shoot("channels", dialog)
    dialog.close()
    if digits is not None:
        tour.open_source(digits.name)
    tour.document.places.remove(str(path))


def _open(tour: Tour, name: str, array: NDArray[Any]) -> Path:
    """Write an array, and open it."""
    path = (user_dir() / name).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
    tour.document.open_requested.emit(OpenRequest((path,), "images"))
    tour.until(lambda: tour.document.source is not None and tour.document.source.spec == str(path), name)
    return path


def _cells() -> NDArray[np.uint16]:
    """Return blurred spots of four sizes, 12 bits, ``(n, 48, 48, 4)``."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48]
    images = np.zeros((_COUNT, 48, 48, 4))
    for image in images:
        for left, top in random.uniform(6, 42, (5, 2)):
            for channel, size in enumerate((2, 6, 4, 3)):
                shift = random.normal(0, 1.5, 2)
                away = ((x - left - shift[0]) ** 2 + (y - top - shift[1]) ** 2) / size**2
                image[..., channel] += np.exp(-away)
    return (np.clip(images, 0, 1) * 4095).astype(np.uint16)
