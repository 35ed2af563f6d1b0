"""Export of plots as PNG or SVG."""

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
"""Width of a PNG in pixels."""

PLOT_SUFFIXES = (".png", ".svg")


def save_plot(view: QGraphicsView, path: Path) -> None:
    """Write a plot as PNG or SVG; UsageError if the extension is neither, ExportError if it cannot be written."""
    suffix = path.suffix.lower()
    if suffix not in PLOT_SUFFIXES:
        raise UsageError("Cannot export the plot to “{file}”: the name must end in .png or .svg.", file=path.name)
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
        raise OSError("cannot open the file")
    view.render(painter, QRectF(0, 0, size.width(), size.height()), view.viewport().rect())
    painter.end()


def _drawn(view: QGraphicsView) -> QImage:
    size = view.viewport().size()
    scale = PLOT_WIDTH / max(1, size.width())
    qimage = QImage(QSize(PLOT_WIDTH, round(size.height() * scale)), QImage.Format.Format_RGB32)
    qimage.fill(view.palette().base().color())
    painter = QPainter(qimage)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.render(painter, QRectF(0, 0, qimage.width(), qimage.height()), view.viewport().rect())
    painter.end()
    return qimage
