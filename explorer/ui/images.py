"""Arrays to Qt images, and Qt images to files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImage, QImageWriter

from explorer.data.preprocessing import to_pixels
from explorer.errors import ExportError
from explorer.paths import replacing_file
from explorer.types import Floats, Pixels


def pixels_to_qimage(pixels: Pixels) -> QImage:
    """Return a QImage that owns its memory, of uint8 pixels ``(h, w, c)``: grayscale, RGB or RGBA."""
    height, width, channels = pixels.shape
    data = np.ascontiguousarray(pixels)
    formats = QImage.Format
    kind = {1: formats.Format_Grayscale8, 3: formats.Format_RGB888, 4: formats.Format_RGBA8888}[channels]
    return QImage(data.data, width, height, width * channels, kind).copy()


def floats_to_qimage(image: Floats) -> QImage:
    """Return a QImage of a float32 image ``(h, w, c)``, clipped to [0, 1]."""
    return pixels_to_qimage(to_pixels(image))


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
