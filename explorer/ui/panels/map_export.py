"""Export of the map: as an image, as points, or as codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.errors import ExplorerError
from explorer.ui.actions import Action, ActionMenu, When
from explorer.ui.dialogs.files import ask_save
from explorer.ui.dialogs.image_size import ImageSizeDialog
from explorer.ui.images import save_image, stated
from explorer.ui.map_files import save_codes, save_points
from explorer.ui.panels.map_images import MapImages
from explorer.ui.widgets.fields import button
from explorer.ui.widgets.plane_canvas import PlaneCanvas


class MapExport(QObject):
    """The export button of the map, with its menu."""

    def __init__(self, document: Document, canvas: PlaneCanvas, images: MapImages) -> None:
        super().__init__(canvas)
        self._document = document
        self._canvas = canvas
        self._images = images
        self.button = button("map_save", self.tr("Export…"), self.tr("Export the map or its codes"))
        self.button.setMenu(ActionMenu("map_save_menu", canvas, records=self._save_actions()))

    def _save_actions(self) -> Iterator[Action]:
        has_image = When(lambda: self._canvas.has_image)
        has_points = When(lambda: self._images.scatter is not None)
        svg, csv = self.tr("SVG image (*.svg)"), self.tr("CSV table (*.csv)")
        yield Action(
            "map_save_axes",
            self.tr("Map with axes as PNG…"),
            partial(self._ask_size, axes=True),
            tip=self.tr("Export the map as an image with axes and numbers."),
            synonyms=self.tr("save map, screenshot, figure"),
            enabled=has_image,
        )
        yield Action(
            "map_save_plane",
            self.tr("Decoded grid as PNG…"),
            partial(self._ask_size, axes=False),
            tip=self.tr("Export the decoded grid alone, as an image of any size."),
            synonyms=self.tr("save grid, manifold image"),
            enabled=has_image,
        )
        yield Action(
            "map_save_points",
            self.tr("Scatter as SVG…"),
            partial(self._ask_save, self.save_points, ".svg", svg),
            tip=self.tr("Export the points as a vector graphic."),
            synonyms=self.tr("save scatter plot, vector graphic"),
            enabled=has_points,
        )
        yield Action(
            "map_save_codes",
            self.tr("Codes as CSV…"),
            partial(self._ask_save, self.save_codes, ".csv", csv),
            tip=self.tr("Export the codes as a table for other programs."),
            synonyms=self.tr("save codes, table, spreadsheet, embedding"),
            enabled=has_points,
        )

    def _ask_save(self, save: Callable[[Path], None], suffix: str, kind: str) -> None:
        ask_save(self._document, self._canvas, self.tr("Export the map"), [kind], Path.home() / f"map{suffix}", save)

    def _ask_size(self, *, axes: bool) -> None:
        def make(side: int) -> QImage:
            image = self._canvas.image(self._document.map.visible(), side, axes=axes)
            return stated(image, shown_text(self._document.state))

        ImageSizeDialog(self._canvas.window(), self.tr("Export the map"), make, self._ask_save_image).open()

    def _ask_save_image(self, image: QImage) -> None:
        png = self.tr("PNG image (*.png)")
        self._ask_save(lambda path: self._write(path, lambda: save_image(image, path)), ".png", png)

    def save_points(self, path: Path) -> None:
        if (scatter := self._images.scatter) is not None:
            self._write(path, lambda: save_points(scatter, self._canvas.map_window(), self._canvas.names, path))

    def save_codes(self, path: Path) -> None:
        scatter, codes = self._images.scatter, self._document.analysis.codes
        if scatter is not None and codes is not None:
            self._write(path, lambda: save_codes(codes, scatter, path))

    def _write(self, path: Path, write: Callable[[], object]) -> None:
        try:
            write()
        except ExplorerError as error:
            self._document.report(error.message)
        else:
            self._document.exported.emit(path)
