"""Data of drags and of the clipboard: image indices, codes, images and files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QUrl
from PySide6.QtGui import QImage

from explorer.errors import DataError
from explorer.json_limits import LARGE, parse_json
from explorer.paths import cache_dir, check_writable, replacing_file
from explorer.types import Floats

PICTURES = "application/x-latent-explorer-pictures"
CODE = "application/x-latent-explorer-code"
_FILE_KINDS = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/gif", "image/bmp")
_LONGEST = 4_000_000
"""Bytes of a drag that are read; other programs may call theirs the same."""


def pictures_mime(positions: Sequence[int]) -> QMimeData:
    """Return a drag of pictures of the open source."""
    mime = QMimeData()
    mime.setData(PICTURES, json.dumps([int(position) for position in positions]).encode())
    return mime


def code_mime(code: Floats) -> QMimeData:
    """Return a drag of one code ``(latent_dim,)``."""
    mime = QMimeData()
    mime.setData(CODE, json.dumps(code.astype(float).tolist()).encode())
    return mime


def pictures_of(mime: QMimeData) -> list[int]:
    """Return the positions that a drag holds; none where it holds something else."""
    numbers = _numbers(mime, PICTURES)
    return [int(number) for number in numbers if number >= 0 and float(number).is_integer()]


def code_of(mime: QMimeData) -> Floats | None:
    """Return the code that a drag holds, ``(n,)`` float32; None where it holds something else."""
    numbers = _numbers(mime, CODE)
    return np.array(numbers, np.float32) if numbers else None


def files_of(mime: QMimeData) -> list[Path]:
    """Return the files and folders of this machine that a drag holds."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


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
    """Return the picture that a drag or the clipboard holds, as the contents of a file; empty where there is none.

    What came as a file's contents is passed on as it is; only pictures that Qt alone knows are written anew.
    """
    for kind in _FILE_KINDS:
        if mime.hasFormat(kind):
            raw = bytes(mime.data(kind).data())
            if raw:
                return raw
    image = mime.imageData() if mime.hasImage() else None
    return png_of(image) if isinstance(image, QImage) and not image.isNull() else b""


def holds_image(mime: QMimeData) -> bool:
    """Tell whether there is a picture in it, without asking for it: that may be long in coming."""
    return mime.hasImage() or any(mime.hasFormat(kind) for kind in _FILE_KINDS)


def png_of(image: QImage) -> bytes:
    """Return a picture as the contents of a PNG file, hardly compressed: it is read at once and never kept."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 90)  # type: ignore[call-overload]
    return bytes(data.data())


def picture_mime(image: QImage, name: str, code: Floats | None = None) -> QMimeData:
    """Return a picture for other programs, as pixels and as a file; with the code it was made from, for this one.

    The file lies in the folder for what can be made again, and the next of its name takes its place.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    mime = QMimeData() if code is None else code_mime(code)
    mime.setImageData(image)
    folder = cache_dir() / "dragged"
    check_writable(folder)
    path = folder / f"{name}.png"
    with replacing_file(path) as temporary:
        temporary.write_bytes(png_of(image))
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    return mime


def code_text_mime(code: Floats) -> QMimeData:
    """Return a code for the clipboard: as text that NumPy, Python and JSON read, and for this program."""
    mime = code_mime(code)
    mime.setText(json.dumps([round(value, 6) for value in code.astype(float).tolist()]))
    return mime


def pasted_code(mime: QMimeData) -> Floats | None:
    """Return the code that the clipboard holds, as itself or as text: numbers with commas or blanks between them."""
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
