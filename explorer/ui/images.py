"""Arrays to Qt images."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from explorer.data.preprocessing import to_pixels
from explorer.types import Floats, Pixels


def pixels_to_qimage(pixels: Pixels) -> QImage:
    """Return a QImage that owns its memory, of uint8 pixels ``(h, w, c)``, channels 1 or 3."""
    height, width, channels = pixels.shape
    data = np.ascontiguousarray(pixels)
    kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    return QImage(data.data, width, height, width * channels, kind).copy()


def floats_to_qimage(image: Floats) -> QImage:
    """Return a QImage of a float32 picture ``(h, w, c)``, clipped to [0, 1]."""
    return pixels_to_qimage(to_pixels(image))
