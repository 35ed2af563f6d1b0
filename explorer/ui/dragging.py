"""Data of drags and of the clipboard: image indices, codes, images and files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QUrl
from PySide6.QtGui import QImage

from explorer.errors import DataError
from explorer.json_limits import LARGE, parse_json
from explorer.paths import cache_dir, check_writable, replacing_file
from explorer.types import Floats

IMAGES = "application/x-latent-explorer-images"
CODE = "application/x-latent-explorer-code"
_STAGE = "application/x-latent-explorer-stage"
_FILE_KINDS = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/gif", "image/bmp")
_LONGEST = 4_000_000
"""Maximum number of bytes read from a drag; other programs may use the same MIME types."""


def images_mime(positions: Sequence[int]) -> QMimeData:
    mime = QMimeData()
    mime.setData(IMAGES, json.dumps([int(position) for position in positions]).encode())
    return mime


def code_mime(code: Floats) -> QMimeData:
    """Return a drag of one code ``(latent_dim,)``."""
    mime = QMimeData()
    mime.setData(CODE, json.dumps(code.astype(float).tolist()).encode())
    return mime


def images_of(mime: QMimeData) -> list[int]:
    numbers = _numbers(mime, IMAGES)
    return [int(number) for number in numbers if number >= 0 and float(number).is_integer()]


def code_of(mime: QMimeData) -> Floats | None:
    """Float32 ``(n,)``."""
    numbers = _numbers(mime, CODE)
    return np.array(numbers, np.float32) if numbers else None


def files_of(mime: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def mark_stage(mime: QMimeData) -> None:
    """Record that a drag comes from the stage of this process."""
    mime.setData(_STAGE, str(os.getpid()).encode())


def from_stage(mime: QMimeData) -> bool:
    """Return whether a drag comes from the stage of this process; one from another process is as of any program."""
    return mime.hasFormat(_STAGE) and bytes(mime.data(_STAGE).data()) == str(os.getpid()).encode()


def _numbers(mime: QMimeData, kind: str) -> list[float]:
    if not mime.hasFormat(kind):
        return []
    raw = bytes(mime.data(kind).data())
    try:
        numbers = parse_json(raw, LARGE, "the drag")
    except DataError:
        return []
    good = isinstance(numbers, list) and all(type(number) in {int, float} for number in numbers)
    return numbers if good else []


def image_of(mime: QMimeData) -> bytes:
    """Return the image in a drag or on the clipboard as the contents of a file; empty if there is none.

    Contents of an image file are returned unchanged; an image without a file is encoded as PNG.
    """
    for kind in _FILE_KINDS:
        if mime.hasFormat(kind):
            raw = bytes(mime.data(kind).data())
            if raw:
                return raw
    image = mime.imageData() if mime.hasImage() else None
    return png_of(image) if isinstance(image, QImage) and not image.isNull() else b""


def holds_image(mime: QMimeData) -> bool:
    """Return whether there is an image, without requesting its data, which may be slow."""
    return mime.hasImage() or any(mime.hasFormat(kind) for kind in _FILE_KINDS)


def png_of(qimage: QImage) -> bytes:
    """Return an image as the contents of a PNG file with fast compression: it is read at once and not kept."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    qimage.save(buffer, "PNG", 90)  # type: ignore[call-overload]
    return bytes(data.data())


def image_mime(qimage: QImage, name: str, code: Floats | None = None) -> QMimeData:
    """Return an image for other programs, as pixels and as a file, and with its code for this program.

    The file is in the cache folder and is replaced by the next one of its name. ExportError if it cannot be written.
    """
    mime = QMimeData() if code is None else code_mime(code)
    mime.setImageData(qimage)
    folder = cache_dir() / "dragged"
    check_writable(folder)
    path = folder / f"{name}.png"
    with replacing_file(path) as temporary:
        temporary.write_bytes(png_of(qimage))
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    return mime


def code_text_mime(code: Floats) -> QMimeData:
    """Return a code for the clipboard: as text for NumPy, Python and JSON, and for this program."""
    mime = code_mime(code)
    mime.setText(json.dumps([round(value, 6) for value in code.astype(float).tolist()]))
    return mime


def pasted_code(mime: QMimeData) -> Floats | None:
    """Return the code on the clipboard, also from text: numbers separated by commas or spaces."""
    code = code_of(mime)
    if code is not None or not mime.hasText():
        return code
    words = mime.text()[:_LONGEST].replace("[", " ").replace("]", " ").replace(",", " ").split()
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        return None
    possible = len(numbers) and bool((np.abs(numbers) <= np.finfo(np.float32).max).all())
    return numbers.astype(np.float32) if possible else None
