"""Outliers: the images with the highest and lowest reconstruction error, and a threshold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from explorer.document.analysis import RankingView
from explorer.document.document import Document
from explorer.document.selection import Picked
from explorer.models.outliers import ThresholdRule, write_outliers
from explorer.ui.dialogs.files import ask_save, exporting
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.plain_text import PlainLabel, plain_tooltip
from explorer.ui.text import filled
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import button, decimal_box, label, name_control, name_widget
from explorer.ui.widgets.job_strip import AnalysisStrip
from explorer.ui.widgets.layouts import flow, hbox, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl
from explorer.ui.widgets.thumbnail_delegate import show_thumbnails

if TYPE_CHECKING:
    from explorer.ui.widgets.error_histogram import ErrorHistogram

_PLACE = Qt.ItemDataRole.UserRole
_NUMBER = Qt.ItemDataRole.UserRole + 1
_SIDE = 44
_CELL = QSize(2 * _SIDE + 12, _SIDE + 26)
_USUAL = 99.0
"""Initial threshold: percentile of the errors of the model's validation images."""


class OutliersPanel(QWidget):
    """A histogram of errors with a threshold, and the ends of the ranking."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._listed: RankingView | None = None
        self.histogram: ErrorHistogram | None = None
        name_widget(self, "outliers_panel", self.tr("Outliers"))
        self._make_controls()
        self._lay_out()
        self._rank.clicked.connect(self._ask)
        self._usual.valueChanged.connect(self._on_usual_changed)
        self._pick.clicked.connect(self._on_pick_clicked)
        self._save.clicked.connect(self._ask_save)
        self.ends.chosen.connect(lambda number: self._fill())
        self.list.currentItemChanged.connect(self._on_item_chosen)
        ImageMenu(document, self.list, self._menu_image)
        document.analysis.ranking_changed.connect(self._on_ranking_changed)
        document.changed.model.connect(self._update_controls)
        document.changed.source.connect(self._update_controls)
        document.changed.mixer.connect(self._on_mixer_changed)
        self._on_ranking_changed()
        self._update_controls()

    def _make_controls(self) -> None:
        self._rank = button(
            "outliers_rank",
            self.tr("Score images"),
            self.tr("Compute the reconstruction error (MSE) of every image of this dataset"),
            self.tr("anomaly scores, reconstruction error, rank"),
            primary=True,
        )
        self._usual_label = PlainLabel(self.tr("Threshold percentile"))
        self._usual = decimal_box(
            "outliers_usual", self.tr("Percentile of the errors of the model's validation images"), (0.0, 100.0), 0.5, 2
        )
        self._usual.setSuffix("%")
        self._usual.setValue(_USUAL)
        self._pick = button(
            "outliers_pick",
            self.tr("Show in gallery"),
            self.tr("Show the images above the threshold in the gallery"),
            self.tr("select outliers, filter gallery"),
        )
        self._save = button(
            "outliers_save",
            self.tr("Export…"),
            self.tr("Export the scores as a table, or the histogram as an image"),
            self.tr("save scores, csv, histogram"),
        )
        self.ends = SegmentedControl(
            (
                "outliers_worst",
                self.tr("Highest error"),
                self.tr("Images with the highest reconstruction error"),
                self.tr("most anomalous, worst reconstructions"),
            ),
            (
                "outliers_best",
                self.tr("Lowest error"),
                self.tr("Images with the lowest reconstruction error"),
                self.tr("most typical, best reconstructions"),
            ),
        )
        self.list = QListWidget()
        name_control(self.list, "outliers_list", self.tr("Images with their reconstructions, sorted by error"))
        self.list.setToolTip("")
        show_thumbnails(self.list, _CELL)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._caption = label("outliers_caption", narrow=True)
        words = self.tr("High reconstruction error suggests out-of-distribution images. Press “Score images”.")
        self._empty = EmptyLabel("outliers_empty", words)
        self.strip = AnalysisStrip("outliers", self._document, "ranking")

    def _lay_out(self) -> None:
        self._left = widget_of(vbox())
        right = widget_of(vbox(self.ends, (self.list, 1), spacing=6))
        self._body = widget_of(hbox((self._left, 1), (right, 1), spacing=10))
        self.setLayout(
            vbox(
                flow(self._rank, self._usual_label, self._usual, self._pick, self._save),
                (self._body, 1),
                (self._empty, 1),
                self._caption,
                self.strip,
                spacing=6,
                margins=(12, 8, 8, 8),
            )
        )

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        item = self.list.currentItem() if where is None else self.list.itemAt(where)
        view = self._listed
        if item is None or view is None:
            return None
        index, number = int(item.data(_PLACE)), int(item.data(_NUMBER))
        return MenuImage(
            image_to_qimage(view.images[0][number], self._document.mixer), f"image-{index + 1}", index=index
        )

    # -- intents -----------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._document.analysis.ranking_requested.emit(ThresholdRule("quantile", self._usual.value() / 100))

    def _on_usual_changed(self, percent: float) -> None:
        view = self._document.analysis.ranking
        if view is not None:
            self._put_threshold(view, ThresholdRule("quantile", percent / 100).of(view.ranking.reference))

    def _on_threshold_moved(self, threshold: float) -> None:
        view = self._document.analysis.ranking
        if view is not None:
            self._put_threshold(view, threshold)

    def _put_threshold(self, view: RankingView, threshold: float) -> None:
        self._document.analysis.put_ranking(replace(view, ranking=replace(view.ranking, threshold=threshold)))

    def _on_pick_clicked(self) -> None:
        view = self._document.analysis.ranking
        if view is not None:
            title = self.tr("MSE > %1").replace("%1", f"{view.ranking.threshold:.3g}")
            self._document.selection.put(Picked(title, np.sort(view.ranking.above)))

    def _on_item_chosen(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        if item is not None:
            self._document.choose_image(int(item.data(_PLACE)))

    def _ask_save(self) -> None:
        kinds = [self.tr("CSV table (*.csv)"), self.tr("PNG image (*.png)"), self.tr("SVG drawing (*.svg)")]
        ask_save(self._document, self, self.tr("Export scores"), kinds, Path.home() / "outliers.csv", self.save)

    def save(self, path: Path) -> None:
        """Write the scores as CSV, or the histogram as PNG or SVG; report success or failure."""
        view = self._document.analysis.ranking
        if view is None or self.histogram is None:
            return
        from explorer.ui.plot_file import save_plot

        with exporting(self._document, path):
            if path.suffix.lower() == ".csv":
                write_outliers(path, view.ranking, view.source)
            else:
                save_plot(self.histogram.drawing, path)

    # -- display -----------------------------------------------------------------------------------------------------

    def _update_controls(self) -> None:
        self._rank.setEnabled(self._document.model is not None and self._document.source is not None)

    def _on_ranking_changed(self) -> None:
        view = self._document.analysis.ranking
        for widget in (self._body, self._caption, self._usual, self._usual_label, self._pick, self._save):
            widget.setVisible(view is not None)
        self._empty.setVisible(view is None)
        if view is None:
            self._listed = None
            self.list.clear()
            return
        if self.histogram is None:
            self._make_histogram()
        assert self.histogram is not None
        self.histogram.show_ranking(view.ranking)
        below = 100 * float((view.ranking.reference <= view.ranking.threshold).mean())
        with QSignalBlocker(self._usual):
            if abs(below - self._usual.value()) > 100 / len(view.ranking.reference):
                self._usual.setValue(below)
        if self._listed is None or self._listed.shown is not view.shown:
            self._fill()
        self._show_caption(view)

    def _make_histogram(self) -> None:
        # Importing the plotting library is slow, so that it is left out of the start of the program.
        from explorer.ui.widgets.error_histogram import ErrorHistogram

        self.histogram = ErrorHistogram()
        self.histogram.threshold_moved.connect(self._on_threshold_moved)
        place = self._left.layout()
        assert place is not None
        place.addWidget(self.histogram)

    def _show_caption(self, view: RankingView) -> None:
        above = len(view.ranking.above)
        self._pick.setEnabled(above > 0)
        words = self.tr("%1 of %2 images are outliers (MSE > %3), compared with %4 in the validation set of %5")
        share = float((view.ranking.reference > view.ranking.threshold).mean())
        threshold = f"{view.ranking.threshold:.3g}"
        words = filled(words, f"{above:,}", f"{len(view.ranking.indices):,}", threshold, f"{share:.1%}", view.model)
        self._caption.setText(words)

    def _fill(self) -> None:
        view = self._document.analysis.ranking
        self._listed = view
        with QSignalBlocker(self.list):
            self.list.clear()
            if view is None:
                return
            numbers = list(range(len(view.shown)))
            count = len(view.ranking.indices)
            worst = [number for number in numbers if view.shown[number] < (count + 1) // 2]
            best = [number for number in reversed(numbers) if view.shown[number] >= (count + 1) // 2]
            for number in worst if self.ends.current == 0 else best:
                self.list.addItem(self._item(view, number))
            self.list.scrollToTop()

    def _on_mixer_changed(self) -> None:
        """Show the same items; the chosen one stays."""
        view = self._listed
        if view is not None:
            for item in map(self.list.item, range(self.list.count())):
                item.setData(Qt.ItemDataRole.DecorationRole, self._images(view, int(item.data(_NUMBER))))

    def _images(self, view: RankingView, number: int) -> QPixmap:
        return _pair(*(image_to_qimage(images[number], self._document.mixer) for images in view.images))

    def _item(self, view: RankingView, number: int) -> QListWidgetItem:
        place = view.ranking.order[view.shown[number]]
        position, error = int(view.ranking.indices[place]), float(view.ranking.errors[place])
        item = QListWidgetItem(f"{error:.4f}")
        item.setData(Qt.ItemDataRole.DecorationRole, self._images(view, number))
        item.setData(_PLACE, position)
        item.setData(_NUMBER, number)
        label = view.source.label(position)
        words = self.tr("Image %1").replace("%1", f"{position + 1:,}") + (f", {label}" if label else "")
        item.setToolTip(plain_tooltip(f"{words}\n{view.source.file_name(position)}".strip()))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{words}, {error:.4f}")
        return item


def _pair(left: QImage, right: QImage) -> QPixmap:
    """Return an image beside its reconstruction, not scaled."""
    gap = max(1, left.width() // 28)
    both = QImage(left.width() + gap + right.width(), left.height(), QImage.Format.Format_ARGB32)
    both.fill(QColor(0, 0, 0, 0))
    painter = QPainter(both)
    painter.drawImage(0, 0, left)
    painter.drawImage(left.width() + gap, 0, right)
    painter.end()
    return QPixmap.fromImage(both)


PANEL = Panel(
    "outliers",
    QT_TRANSLATE_NOOP("panels", "Outliers"),
    OutliersPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Rank images by reconstruction error to find out-of-distribution ones."),
    synonyms=QT_TRANSLATE_NOOP("panels", "anomalies, anomaly detection, novelty, reconstruction error"),
    icon="triangle-alert",
    workspaces=("analyze",),
    help="analyze#find-outliers",
)
