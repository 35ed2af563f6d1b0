"""Page of the Noise tab: reconstruction quality by noise strength, for several models in one plot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QMenu, QWidget

from explorer.data.corruption import CORRUPTIONS, format_noise
from explorer.data.metrics import Figures
from explorer.document.analysis import QualityRequest
from explorer.document.document import Document
from explorer.messages import message_text
from explorer.models.bundle import find_bundles
from explorer.models.quality import CURVE_IMAGES, QualityCurve, Scores, write_curves
from explorer.ui.dialogs.files import ask_save, exporting
from explorer.ui.plain_text import name_action
from explorer.ui.plot_file import save_plot
from explorer.ui.text import filled
from explorer.ui.widgets.curve import Curve
from explorer.ui.widgets.curve_plot import CurvePlot
from explorer.ui.widgets.fields import button, combo_box, label
from explorer.ui.widgets.job_strip import AnalysisStrip
from explorer.ui.widgets.layouts import flow, vbox


class NoiseCurvePage(QWidget):
    """One curve per model, and a dashed one for the corrupted images themselves."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setAccessibleName(self.tr("Reconstruction quality by noise strength"))
        self._make_controls()
        self._lay_out()
        self._metric.activated.connect(lambda index: self._show())
        self._measure.clicked.connect(lambda: self._ask(None))
        self._clear.clicked.connect(document.analysis.clear_quality)
        self._save.clicked.connect(self._ask_save)
        self._others.aboutToShow.connect(self._fill_others)
        self.plot.pointed.connect(self._show_values)
        document.analysis.quality_changed.connect(self._show)
        document.changed.model.connect(self._update_controls)
        document.changed.source.connect(self._update_controls)
        document.changed.noises.connect(self._update_controls)
        self._show()
        self._update_controls()

    def _make_controls(self) -> None:
        self._metric = combo_box(
            "noise_metric",
            self.tr("Compared with the clean image. PSNR and SSIM: higher is better. MSE: lower is better"),
            [(self.tr("PSNR"), "psnr"), (self.tr("SSIM"), "ssim"), (self.tr("MSE"), "mse")],
        )
        about = self.tr("Measure the open model on %1 test images while the last corruption grows from 0")
        self._measure = button("noise_measure", self.tr("Run"), about.replace("%1", str(CURVE_IMAGES)), primary=True)
        self._more = button(
            "noise_others", self.tr("Add model…"), self.tr("Measure another model of the library on the same images")
        )
        self._others = QMenu(self)
        self._others.setObjectName("noise_others_menu")
        self._more.setMenu(self._others)
        self._clear = button("noise_clear", self.tr("Clear"), self.tr("Remove all curves"))
        self._save = button("noise_save", self.tr("Export…"), self.tr("Export the curves as an image or a table"))
        self.plot = CurvePlot(
            "noise_plot", self.tr("Solid: reconstructions. Dashed: the corrupted input."), self.tr("Strength")
        )
        self._values = label("noise_curve_values", narrow=True)
        self.strip = AnalysisStrip("noise_curve", self._document, "quality")

    def _lay_out(self) -> None:
        self.setLayout(
            vbox(
                flow(self._metric, self._measure, self._more, self._clear, self._save),
                (self.plot, 1),
                self._values,
                self.strip,
                spacing=6,
                margins=0,
            )
        )

    # -- intents -----------------------------------------------------------------------------------------------------

    def _ask(self, path: Path | None) -> None:
        self._document.analysis.quality_requested.emit(QualityRequest(self._document.state.noises, path))

    def _fill_others(self) -> None:
        self._others.clear()
        opened = self._document.model
        for found in find_bundles():
            if found.bundle is None or (opened is not None and found.path == opened.path):
                continue
            self._add_other(found.bundle.card.name, found.path)
        if self._others.isEmpty():
            self._others.addAction(self.tr("No other models in the library")).setEnabled(False)

    def _add_other(self, name: str, path: Path) -> None:
        action = self._others.addAction("")
        name_action(action, name)
        action.setObjectName(f"noise_other_{name}")
        action.triggered.connect(lambda checked: self._ask(path))

    def _ask_save(self) -> None:
        kinds = [self.tr("PNG image (*.png)"), self.tr("SVG drawing (*.svg)"), self.tr("CSV table (*.csv)")]
        title = self.tr("Export curves")
        ask_save(self._document, self, title, kinds, Path.home() / "quality.png", self.save)

    def save(self, path: Path) -> None:
        """Write the curves as CSV, PNG or SVG by file name extension; report success or failure."""
        with exporting(self._document, path):
            if path.suffix.lower() == ".csv":
                write_curves(path, self._document.analysis.quality.curves)
            else:
                save_plot(self.plot.drawing, path)

    # -- display -----------------------------------------------------------------------------------------------------

    def _update_controls(self) -> None:
        ready = (
            self._document.model is not None and self._document.source is not None and bool(self._document.state.noises)
        )
        self._measure.setEnabled(ready)
        self._more.setEnabled(ready)

    def _show(self) -> None:
        view, metric = self._document.analysis.quality, str(self._metric.currentData())
        curves: list[Curve] = []
        given: list[Figures] = []
        for number, measured in enumerate(view.curves):
            corrupted = _figures(measured.corrupted, metric)
            # Models with the same input size get the same images.
            if not any(np.array_equal(corrupted, other) for other in given):
                name = self.tr("corrupted") if not given else f"{self.tr('corrupted')}, {measured.label}"
                curves.append(_curve(name, measured, corrupted, -1, dashed=True))
                given.append(corrupted)
            curves.append(_curve(measured.label, measured, _figures(measured.reconstructed, metric), number))
        ends = (0.0, float(view.curves[0].strengths[-1])) if view.curves else (0.0, 1.0)
        units = {"psnr": self.tr("PSNR (dB)"), "ssim": self.tr("SSIM"), "mse": self.tr("MSE")}
        empty = self.tr("Run measures how reconstruction quality changes with noise strength.")
        self.plot.show_curves(curves, ends, units[metric], empty)
        for control in (self._clear, self._save):
            control.setEnabled(bool(view.curves))
        self._show_values("")

    def _show_values(self, values: str) -> None:
        self._values.setText(values or self._described())

    def _described(self) -> str:
        view = self._document.analysis.quality
        if not view.curves:
            return ""
        first = view.curves[0]
        kind = CORRUPTIONS[first.kind]
        words = self.tr("%1 from 0 to %2 on %3 images of %4")
        words = filled(words, message_text(kind.title), f"{first.strengths[-1]:g}", first.count, view.source)
        before = format_noise(first.noises[: first.varied])
        return words + (self.tr(", after %1").replace("%1", before) if before else "")


def _figures(scores: Scores, metric: str) -> Figures:
    return {"psnr": scores.psnr, "ssim": scores.ssim, "mse": scores.mse}[metric]


def _curve(name: str, measured: QualityCurve, figures: Figures, color: int, *, dashed: bool = False) -> Curve:
    """Return a line without the points of infinite PSNR, where the images are equal."""
    there = np.isfinite(figures)
    return Curve(name, tuple(measured.strengths[there].tolist()), tuple(figures[there].tolist()), color, dashed=dashed)
