"""The images of cards: previews of models, and thumbnails of opened datasets. No model is opened for them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QImage

from explorer.errors import ExplorerError
from explorer.models.bundle import CODES, PREVIEW
from explorer.models.codes import first_thumbnails
from explorer.models.preview import COUNT, read_preview
from explorer.paths import cache_dir
from explorer.types import Shown
from explorer.ui.images import image_to_qimage, pixels_to_qimage, save_image

_LARGEST = 256
"""Side of an image in pixels; larger ones are reduced."""


class CardImages(QObject):
    """Reads the images of cards when they are first asked for, one card per turn of the event loop.

    `arrived(str)`: those of a path were read. They are read again after their file has changed.
    """

    arrived = Signal(str)

    def __init__(self, parent: QObject, wait_ms: int = 0) -> None:
        super().__init__(parent)
        self._known: dict[str, tuple[int, tuple[QImage, ...]]] = {}
        self._wanted: list[str] = []
        self._timer = QTimer(self, interval=wait_ms)
        self._timer.timeout.connect(self._read_next)

    def of(self, path: str) -> tuple[QImage, ...] | None:
        """Return the images of a model's folder or a dataset's place; empty if there are none, None if not read yet."""
        known = self._known.get(path)
        if known is None or known[0] != _stamp(path):
            if path not in self._wanted:
                self._wanted.append(path)
                self._timer.start()
            return known[1] if known is not None else None
        return known[1]

    def _read_next(self) -> None:
        if not self._wanted:
            self._timer.stop()
            return
        path = self._wanted.pop(0)
        self._known[path] = _stamp(path), _read(path)
        self.arrived.emit(path)


def keep_images(place: str, pixels: Shown) -> None:
    """Write the first images ``(n, h, w, c)`` of a dataset for its card; a lost file does no harm."""
    file = _strip_file(place)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_image(pixels_to_qimage(pixels[:COUNT].swapaxes(0, 1).reshape(pixels.shape[1], -1, pixels.shape[3])), file)
    except (OSError, ExplorerError):
        return


def has_images(place: str) -> bool:
    return _strip_file(place).is_file()


def _strip_file(place: str) -> Path:
    return cache_dir() / "cards" / f"{hashlib.sha256(place.encode(errors='replace')).hexdigest()[:24]}.png"


def _file_of(path: str) -> Path:
    """Return the preview of a model, or its codes, which have thumbnails of images; else the file of a dataset."""
    files = (Path(path) / name for name in (PREVIEW, CODES))
    return next((file for file in files if file.is_file()), _strip_file(path))


def _stamp(path: str) -> int:
    try:
        return _file_of(path).stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: str) -> tuple[QImage, ...]:
    file = _file_of(path)
    if file.name in {PREVIEW, CODES}:
        try:
            if file.name == PREVIEW:
                return tuple(_reduced(pixels_to_qimage(pixels)) for pixels in read_preview(file))
            return tuple(_reduced(image_to_qimage(pixels)) for pixels in first_thumbnails(file, COUNT))
        except ExplorerError:
            return ()
    strip = QImage(str(file)) if file.is_file() else QImage()
    side = strip.height()
    if not 0 < side <= strip.width() <= COUNT * _LARGEST:
        return ()
    return tuple(strip.copy(QRect(left, 0, side, side)) for left in range(0, strip.width() - side + 1, side))


def _reduced(image: QImage) -> QImage:
    if max(image.width(), image.height()) <= _LARGEST:
        return image
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(_LARGEST, _LARGEST, keep, smooth)
