"""Loss curves of the active training and of the selected runs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.models.runs import CurvePoint
from explorer.ui.run_series import shown_series
from explorer.ui.text import dimension_name
from explorer.ui.widgets.curve import Curve
from explorer.ui.widgets.curve_plot import CurvePlot
from explorer.ui.widgets.fields import check_box, combo_box, label, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_DIMENSIONS = 16
"""Number of dimensions whose KL is plotted: those with the highest KL."""


class TrainCurvesPanel(QWidget):
    """Losses by epoch, on a linear or logarithmic scale, with the values under the mouse."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        name_widget(self, "train_curves_panel", self.tr("Training curves"))
        self._kind = combo_box(
            "train_curve_kind",
            self.tr("Loss; or for a VAE, its terms, or KL per latent dimension"),
            [
                (self.tr("Loss"), "loss"),
                (self.tr("Reconstruction and KL"), "parts"),
                (self.tr("KL per dimension"), "kl"),
            ],
        )
        self._log = check_box(
            "train_curve_log", self.tr("Log scale"), self.tr("Logarithmic y axis: shows late progress")
        )
        self._values = label("train_curve_values", wrap=False, narrow=True)
        about = self.tr("Solid: training. Dashed: validation.")
        self.plot = CurvePlot("train_plot", about, self.tr("Epoch"))
        self.setLayout(
            vbox(hbox(self._kind, self._log, STRETCH), (self.plot, 1), self._values, spacing=4, margins=(0, 6, 0, 0))
        )
        self._kind.activated.connect(lambda index: self._show())
        self._log.toggled.connect(self.plot.set_log)
        self.plot.pointed.connect(self._show_values)
        document.training_changed.connect(self._on_training_changed)
        document.trainings.chosen_changed.connect(self._show)
        document.trainings.runs_changed.connect(self._show)
        self._drawn: object = None
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Update: changes are not followed while the panel is hidden."""
        super().showEvent(event)
        self._show()

    def _show_values(self, values: str) -> None:
        self._values.setText(values or self.tr("x: epoch · hover for values"))

    def _on_training_changed(self) -> None:
        """Redraw only after an epoch: steps are reported several times per second."""
        training = self._document.training
        if self.isVisible() and self._drawn != (training.run, training.phase, len(training.curve), training.epochs):
            self._show()

    def _show(self) -> None:
        training = self._document.training
        self._drawn = (training.run, training.phase, len(training.curve), training.epochs)
        kind = self._kind.currentData()
        series = shown_series(self._document)
        curves: list[Curve] = []
        for number, one in enumerate(series):
            curves += self._curves(kind, one.points, number, one.name if len(series) > 1 else "")
        units = {"loss": self.tr("Loss"), "parts": self.tr("nats per image"), "kl": self.tr("KL (nats)")}
        lengths = [one.points[-1].epoch for one in series if one.points]
        # The axis grows with the training, up to its number of epochs.
        done = max((curve.xs[-1] for curve in curves if curve.xs), default=1)
        last = max(2, done, min(max([training.epochs, *lengths]), 2 * done + 8))
        self.plot.show_curves(curves, (1, last), units[kind], self._empty(kind))

    def _curves(self, kind: str, points: Sequence[CurvePoint], number: int, name: str) -> list[Curve]:
        epochs = tuple(point.epoch for point in points)
        if kind == "loss":
            losses = tuple(point.loss for point in points)
            held_out = tuple(point.val_loss for point in points)
            # With several trainings, the legend has one entry each; dashes mark validation.
            return [
                Curve(name or self.tr("training"), epochs, losses, number),
                Curve(_joined(name, self.tr("validation")), epochs, held_out, number, dashed=True, in_legend=not name),
            ]
        if kind == "kl":
            return self._dimension_curves(points, name)
        parts = [(point.epoch, point.parts) for point in points if point.parts is not None]
        epochs = tuple(epoch for epoch, _ in parts)
        lines = (
            (self.tr("reconstruction"), [part.reconstruction for _, part in parts], 2 * number, False),
            (self.tr("reconstruction, validation"), [part.val_reconstruction for _, part in parts], 2 * number, True),
            (self.tr("KL"), [part.kl for _, part in parts], 2 * number + 1, False),
            (self.tr("KL, validation"), [part.val_kl for _, part in parts], 2 * number + 1, True),
        )
        return [
            Curve(_joined(name, part), epochs, tuple(values), color, dashed=dashed, in_legend=not (dashed and name))
            for part, values, color, dashed in lines
        ]

    def _dimension_curves(self, points: Sequence[CurvePoint], name: str) -> list[Curve]:
        """Return the curves of the dimensions with the highest KL; the color depends on the dimension."""
        known = [point for point in points if point.kl_per_dim]
        if not known:
            return []
        last = known[-1].kl_per_dim
        largest = sorted(range(len(last)), key=lambda dim: -last[dim])[:_DIMENSIONS]
        epochs = tuple(point.epoch for point in known)
        return [
            Curve(_joined(name, dimension_name(dim)), epochs, tuple(point.kl_per_dim[dim] for point in known), dim)
            for dim in sorted(largest)
        ]

    def _empty(self, kind: str) -> str:
        training = self._document.training
        if kind != "loss" and training.curve:
            return self.tr("Only the loss of a VAE has these terms.")
        if training.active:
            return self.tr("The first point appears after epoch 1.")
        return self.tr("Start training to see the loss here.")


def _joined(name: str, part: str) -> str:
    return f"{name}, {part}" if name else part
