"""Compare two models: reconstructions of the selected image, errors on one scale, and metrics over the test images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHeaderView, QStackedWidget, QTreeWidget, QTreeWidgetItem, QWidget

from explorer.document.document import Document
from explorer.document.state import COMPONENTS_ABOVE
from explorer.document.view_store import FailedView
from explorer.document.views.compare import COMPARE, FITTING, CompareView
from explorer.models.bundle import find_bundles
from explorer.models.comparison import Comparison
from explorer.types import Floats
from explorer.ui.code_views import CodeView, ComponentsView, DimensionsView
from explorer.ui.color_map import heat
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage, pixels_to_qimage
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel, WatchingPanel
from explorer.ui.plain_text import PlainLabel, plain_tooltip
from explorer.ui.text import decibels, file_size, filled, sentence, unbroken
from explorer.ui.widgets.fields import align_right, button, check_box, combo_box, label, name_control, name_widget
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.layouts import flow, folding, tiles, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl
from explorer.ui.widgets.slider_list import SliderList
from explorer.ui.widgets.slider_rows import NO_ROWS, RowOrder

_IMAGES, _TABLE = 0, 1
_SECOND = 3
_SLIDERS = 230


class ComparePanel(WatchingPanel):
    """Reconstructions of both models with the sliders of model B, or the table of metrics."""

    watched = COMPARE

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._view: CodeView | None = None
        self._fitting = False
        self._start: Floats | None = None
        name_widget(self, "compare_panel", self.tr("Compare"))
        self._make_controls()
        self._lay_out()
        self._connect()
        self._show_model()
        self._show_view()
        self._show_table()

    def _make_controls(self) -> None:
        self._with = combo_box("compare_with", self.tr("Model B: compared with the open model (A)"), [])
        self._with.setMinimumContentsLength(16)
        self._pca = button(
            "compare_pca",
            self.tr("PCA"),
            self.tr("Compare with PCA of the same latent dimension: the best linear autoencoder"),
            self.tr("linear baseline, principal components"),
        )
        self._edited = check_box(
            "compare_edited",
            self.tr("Use edited codes"),
            self.tr("Decode the edited code of each model instead of the code of the unedited image"),
        )
        self._noisy = check_box(
            "compare_noisy",
            self.tr("Use noisy input"),
            self.tr("Reconstruct the image with the noise of the Noise panel; edited codes are ignored"),
        )
        self.pages = SegmentedControl(
            (
                "compare_images",
                self.tr("Images"),
                self.tr("Reconstructions of the selected image by both models"),
                self.tr("side by side, reconstructions"),
            ),
            (
                "compare_table_page",
                self.tr("Table"),
                self.tr("Metrics of both models over the test images"),
                self.tr("metrics, numbers, statistics"),
            ),
        )
        self._measure = button(
            "compare_measure",
            self.tr("Benchmark"),
            self.tr("Measure quality, speed and size of both models (PCA without model B), and JPEG and WebP"),
            self.tr("speed test, measure, evaluate"),
            primary=True,
        )
        words = self.tr("Select a model to compare.")
        titles = (self.tr("Input"), self.tr("Model A"), self.tr("Error A"), self.tr("Model B"), self.tr("Error B"))
        names = ("given", "first", "first_error", "second", "second_error")
        self.frames = [ImageFrame(title, words) for title in titles]
        for frame, name in zip(self.frames, names, strict=True):
            frame.setObjectName(f"compare_{name}")
            ImageMenu(self._document, frame, partial(self._menu_image, frame, f"compare-{name.replace('_', '-')}"))
        self.sliders = SliderList(value_name="compare_slider_value")
        name_control(self.sliders, "compare_sliders", self.tr("Latent sliders of model B"))
        self.sliders.setFixedWidth(_SLIDERS)
        self._reset = button(
            "compare_reset",
            self.tr("Reset edits"),
            self.tr("Reset both codes to the code of the image"),
            self.tr("undo edits, restore code"),
        )
        self.table = QTreeWidget()
        name_control(self.table, "compare_table", self.tr("Metrics of both models"))
        self.table.setRootIsDecorated(False)
        self._note = label("compare_note")

    def _lay_out(self) -> None:
        for frame in self.frames:
            frame.set_detail_lines(4)
        given, *others = self.frames
        self._side = widget_of(vbox(self._edited, (self.sliders, 1), self._reset))
        images = widget_of(folding(680, (tiles(given, None, *others), 1), self._side))
        figures = widget_of(vbox((self.table, 1), self._note))
        self._stack = QStackedWidget()
        self._stack.addWidget(images)
        self._stack.addWidget(figures)
        title = PlainLabel(self.tr("Model B"))
        top = flow(title, self._with, self._pca, self._noisy, self.pages, self._measure)
        self.setLayout(vbox(top, (self._stack, 1), spacing=6, margins=(12, 8, 8, 8)))

    def _connect(self) -> None:
        document, beside = self._document, self._document.comparison
        self._with.activated.connect(self._on_model_chosen)
        self._pca.clicked.connect(beside.pca_requested.emit)
        self._edited.toggled.connect(lambda on: beside.set_input(edited=on))
        self._noisy.toggled.connect(lambda on: beside.set_input(noisy=on))
        self.pages.chosen.connect(self._stack.setCurrentIndex)
        self._measure.clicked.connect(self._on_measure_clicked)
        self._reset.clicked.connect(self._on_reset_clicked)
        self.sliders.moved.connect(self._on_slider_moved)
        self.sliders.reset_requested.connect(self._on_slider_reset)
        beside.model_changed.connect(self._show_model)
        beside.code_changed.connect(self._show_code)
        beside.input_changed.connect(self._show_code)
        beside.table_changed.connect(self._show_table)
        beside.problem_changed.connect(self._show_view)
        document.views.changed(COMPARE).connect(self._show_view)
        document.changed.model.connect(self._show_model)
        document.jobs_changed.connect(self._on_jobs_changed)

    def showEvent(self, event: QShowEvent) -> None:
        """List the models again: one may be new."""
        super().showEvent(event)
        self._fill_models()

    def _menu_image(self, frame: ImageFrame, name: str, where: QPoint | None) -> MenuImage | None:
        """Return the image of a frame; the input and what the open model decodes stand for a code of that model."""
        if frame.image is None:
            return None
        state, comparison = self._document.state, self._document.comparison
        given, first, *_ = self.frames
        if frame is first and not comparison.noisy:
            return MenuImage(frame.image, name, state.code if comparison.edited else state.start_code)
        if frame is given and not comparison.noisy:
            index = state.image_index if state.imported_image is None else None
            return MenuImage(frame.image, name, state.start_code, index)
        return MenuImage(frame.image, name)

    # -- intents -----------------------------------------------------------------------------------------------------

    def _fill_models(self) -> None:
        beside = self._document.comparison.model
        self._with.clear()
        self._with.addItem(self.tr("Select…"), None)
        for found in find_bundles():
            if found.bundle is not None:
                self._with.addItem(found.bundle.name, str(found.path))
        if beside is not None:
            place = self._with.findData(str(beside.path))
            if place < 0:
                self._with.addItem(beside.name, None)
                place = self._with.count() - 1
            self._with.setCurrentIndex(place)

    def _on_model_chosen(self, row: int) -> None:
        path = self._with.currentData()
        if isinstance(path, str):
            self._document.comparison.model_requested.emit(Path(path))

    def _on_measure_clicked(self) -> None:
        self.pages.choose(_TABLE)
        self._stack.setCurrentIndex(_TABLE)
        self._document.comparison.table_requested.emit()

    def _on_reset_clicked(self) -> None:
        self._document.reset_code()
        start = self._document.comparison.start_code
        if start is not None:
            self._document.comparison.set_code(start)

    def _on_slider_moved(self, item: int, value: float, gesture: str) -> None:
        if self._view is not None:
            self._view.move(self._document.comparison, item, value, gesture)

    def _on_slider_reset(self, item: int, gesture: str) -> None:
        if self._view is not None:
            self._view.reset(self._document.comparison, item, gesture)

    # -- display -----------------------------------------------------------------------------------------------------

    def _show_model(self) -> None:
        other = self._document.comparison.model
        ready = self._document.model is not None and self._document.source is not None
        self._pca.setEnabled(ready)
        self._measure.setEnabled(ready)
        self._side.setVisible(other is not None)
        self._view = None
        if other is not None:
            axes = other.latent_dim > COMPONENTS_ABOVE and len(other.sample.statistics.components) > 0
            self._view = ComponentsView(other) if axes else DimensionsView(other)
            rows = self._view.rows
            self.sliders.set_rows(rows)
            self.sliders.set_order(RowOrder(np.arange(rows.count), rows.count), "")
        else:
            self.sliders.set_rows(NO_ROWS)
        if self.isVisible():
            self._fill_models()
        self._show_code()
        self._show_view()

    def _show_code(self) -> None:
        beside = self._document.comparison
        self._edited.setEnabled(not beside.noisy)
        ready = self._view is not None and beside.code is not None and beside.edited and not beside.noisy
        self.sliders.setEnabled(ready)
        self._reset.setEnabled(ready)
        if self._view is not None and beside.code is not None:
            marks = None if beside.start_code is None else self._view.coordinates(beside.start_code)
            self.sliders.set_values(self._view.coordinates(beside.code), marks)

    def _on_jobs_changed(self) -> None:
        fitting = any(job.title == FITTING for job in self._document.jobs)
        if fitting != self._fitting:
            self._fitting = fitting
            self._show_view()

    def _show_view(self) -> None:
        view, other = self._document.views[COMPARE], self._document.comparison.model
        if not isinstance(view, CompareView) or other is None:
            words = self.tr("Encoding…")
            if other is None:
                words = self.tr("Fitting PCA…") if self._fitting else self.tr("Select a model to compare.")
            problem = view.message if isinstance(view, FailedView) else self._document.comparison.problem
            if problem and other is not None:
                words = f"{sentence(problem)}\n{self.tr('Select an image to try again.')}"
            for place, frame in enumerate(self.frames):
                # Only once, in the frame of model B.
                frame.show_text(words if place == _SECOND else "", problem=bool(problem))
            return
        given, first, first_error, second, second_error = self.frames
        model = self._document.model
        given.show_image(image_to_qimage(view.given[0], self._document.mixer), "")
        # One scale for both, so that the darker map is the better model.
        largest = max(float(view.errors[0].max()), float(view.errors[1].max()), 1e-6)
        beside = self._document.comparison
        shown = beside.edited and not beside.noisy
        edits = (
            shown and self._document.code is not self._document.state.start_code,
            shown and beside.code is not beside.start_code,
        )
        for place, (frame, error, name) in enumerate(
            ((first, first_error, model.name if model is not None else ""), (second, second_error, other.name))
        ):
            figures = unbroken(f"MSE {view.mse[place]:.4f}", decibels(view.psnr[place]), f"SSIM {view.ssim[place]:.3f}")
            frame.set_title(name)
            frame.setToolTip(plain_tooltip(name))
            # An edit, not the model, causes the larger error.
            figures = f"{self.tr('edited')} · {figures}" if edits[place] else figures
            frame.show_image(
                image_to_qimage(view.made[place], self._document.mixer), figures.replace("-", "\N{MINUS SIGN}")
            )
            error.show_image(
                pixels_to_qimage(heat(np.asarray(view.errors[place] / largest, np.float32))),
                f"{self.tr('max')} {float(view.errors[place].max()):.2f}",
            )

    def _lines(self, rows: Sequence[Comparison]) -> list[tuple[str, list[str], int | None]]:
        """Return title, values and the column of the best one (None where no value is better) of each row."""
        return [
            (self.tr("Latent dim."), [f"{row.latent_dim:,}" for row in rows], None),
            ("MSE", [f"{row.mse:.4f}" for row in rows], _least([row.mse for row in rows])),
            ("PSNR", [decibels(row.psnr) for row in rows], _most([row.psnr for row in rows])),
            *self._channel_lines(rows),
            ("SSIM", [f"{row.ssim:.3f}" for row in rows], _most([row.ssim for row in rows])),
            ("BCE", [f"{row.bce:.4f}" for row in rows], _least([row.bce for row in rows])),
            (
                self.tr("Latency per image"),
                [f"{row.milliseconds:.2f} ms" for row in rows],
                _least([row.milliseconds for row in rows]),
            ),
            (
                self.tr("Parameters"),
                [f"{row.parameters:,}" for row in rows],
                _least([float(row.parameters) for row in rows]),
            ),
            (self.tr("Size on disk"), [file_size(row.size) if row.size else "–" for row in rows], None),
            (self.tr("float16 code"), [_cost(row.half_bytes, row.half_psnr) for row in rows], None),
            (self.tr("8-bit code"), [_cost(row.eight_bytes, row.eight_psnr) for row in rows], None),
            (self.tr("JPEG at equal PSNR"), [_bytes(row.jpeg_bytes) for row in rows], None),
            (self.tr("WebP at equal PSNR"), [_bytes(row.webp_bytes) for row in rows], None),
        ]

    def _channel_lines(self, rows: Sequence[Comparison]) -> list[tuple[str, list[str], int | None]]:
        """Return the lines of the channels of images that are neither grayscale nor color."""
        lines: list[tuple[str, list[str], int | None]] = []
        for number, values in enumerate(zip(*(row.channel_psnr for row in rows), strict=False), start=1):
            title = filled(self.tr("PSNR, channel %1"), number)
            lines.append((title, [decibels(value) for value in values], _most(list(values))))
        return lines

    def _show_table(self) -> None:
        rows = self._document.comparison.table
        self.table.clear()
        self.table.setColumnCount(1 + len(rows))
        self.table.setHeaderLabels(["", *(row.name for row in rows)])
        self.table.setVisible(bool(rows))
        for title, values, best in self._lines(rows) if rows else []:
            item = QTreeWidgetItem([title, *values])
            align_right(item, range(1, 1 + len(values)))
            if best is not None and len(set(values)) > 1:
                font = item.font(1 + best)
                font.setWeight(font.Weight.DemiBold)
                item.setFont(1 + best, font)
            self.table.addTopLevelItem(item)
        align_right(self.table.headerItem(), range(1, self.table.columnCount()))
        for column in range(1, self.table.columnCount()):
            self.table.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.table.resizeColumnToContents(0)
        words = self.tr("Benchmark compares quality, speed, size, and the codes as compression.")
        if rows:
            words = self.tr("Measured on %1 test images of %2. A JPEG file includes about 300 bytes of headers.")
            source = self._document.source
            words = filled(words, f"{rows[0].count:,}", source.title if source is not None else "")
        self._note.setText(words)


def _least(values: list[float]) -> int | None:
    return int(np.argmin(values)) if np.isfinite(values).all() else None


def _most(values: list[float]) -> int | None:
    return _least([-value for value in values])


def _cost(size: int, psnr: float) -> str:
    return f"{size:,} B · {decibels(psnr)}"


def _bytes(size: float) -> str:
    return "–" if math.isnan(size) else f"{size:,.0f} B"


PANEL = Panel(
    "compare",
    QT_TRANSLATE_NOOP("panels", "Compare"),
    ComparePanel,
    tip=QT_TRANSLATE_NOOP("panels", "Reconstruct an image with two models and compare error, size and speed."),
    synonyms=QT_TRANSLATE_NOOP("panels", "benchmark, two models, side by side, versus"),
    icon="git-compare",
    workspaces=("analyze",),
    help="analyze#compare-models",
)
