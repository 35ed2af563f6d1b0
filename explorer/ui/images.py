"""Arrays to Qt images, and Qt images to files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImage, QImageWriter

from explorer.data.mixer import DEFAULT_MIXER, Mixer, channels_text, shown
from explorer.errors import ExportError
from explorer.paths import replacing_file
from explorer.types import Floats, Pixels, Shown

_KEYWORD: Final = "channels"
"""Of the text in a PNG file that says how its channels are shown; the same as on the command line."""


def pixels_to_qimage(pixels: Shown) -> QImage:
    """Return a QImage that owns its memory, of uint8 pixels ``(h, w, c)``: grayscale, RGB or RGBA.

    Images of datasets and models go through `image_to_qimage`, since they may have other channels.
    """
    height, width, channels = pixels.shape
    data = np.ascontiguousarray(pixels)
    formats = QImage.Format
    kind = {1: formats.Format_Grayscale8, 3: formats.Format_RGB888, 4: formats.Format_RGBA8888}[channels]
    return QImage(data.data, width, height, width * channels, kind).copy()


def image_to_qimage(image: Pixels | Floats, mixer: Mixer = DEFAULT_MIXER) -> QImage:
    """Return a QImage of an image ``(h, w, c)`` of any dtype and channels; see `shown`.

    If its channels are mixed, a text says how; see `stated`.
    """
    return stated(pixels_to_qimage(shown(image, mixer)), channels_text(image.shape[2], mixer))


def stated(qimage: QImage, about: str) -> QImage:
    """Return a QImage with a text, also in the PNG file that it is saved as, that says how its channels are shown."""
    if about:
        qimage.setText(_KEYWORD, about.replace("…", "-"))
    return qimage


def save_image(qimage: QImage, path: Path) -> None:
    """Write an image as PNG; ExportError if the file cannot be written."""
    with replacing_file(path) as temporary:
        writer = QImageWriter(str(temporary), QByteArray(b"png"))
        if not writer.write(qimage):
            raise ExportError(
                "Cannot write {file}: {reason}. Choose another folder, or free disk space.",
                file=path,
                reason=writer.errorString(),
            )
