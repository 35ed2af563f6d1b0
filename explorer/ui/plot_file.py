"""Write a plot to a file, as it is on the screen: a picture or a drawing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsView

from explorer.errors import UsageError
from explorer.paths import replacing_file
from explorer.ui.images import save_image

PLOT_WIDTH = 1600
"""Pixels of a PNG: enough for a slide."""

PLOT_SUFFIXES = (".png", ".svg")


def save_plot(view: QGraphicsView, path: Path) -> None:
    """Write what a view shows as PNG or SVG, by the file's ending.

    Raises
    ------
    UsageError
        If the ending is another.
    ExportError
        If the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in PLOT_SUFFIXES:
        raise UsageError(f"a file that ends in {' or '.join(PLOT_SUFFIXES)}", f"“{path.name}”", "Choose another name.")
    if suffix == ".png":
        save_image(_drawn(view), path)
        return
    with replacing_file(path) as temporary:
        _write_svg(view, temporary, path.stem)


def _write_svg(view: QGraphicsView, path: Path, title: str) -> None:
    size = view.viewport().size()
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    painter = QPainter()
    if not painter.begin(generator):
        raise OSError("the file cannot be opened")
    view.render(painter, QRectF(0, 0, size.width(), size.height()), view.viewport().rect())
    painter.end()


def _drawn(view: QGraphicsView) -> QImage:
    size = view.viewport().size()
    scale = PLOT_WIDTH / max(1, size.width())
    image = QImage(QSize(PLOT_WIDTH, round(size.height() * scale)), QImage.Format.Format_RGB32)
    image.fill(view.palette().base().color())
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.render(painter, QRectF(0, 0, image.width(), image.height()), view.viewport().rect())
    painter.end()
    return image
