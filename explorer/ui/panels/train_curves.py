"""The curves of the running training, and of the runs that were chosen beside it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from explorer.document.document import Document
from explorer.models.runs import CurvePoint
from explorer.ui.plain_text import PlainLabel
from explorer.ui.run_series import shown_series
from explorer.ui.text import dimension_name
from explorer.ui.widgets.curve import Curve
from explorer.ui.widgets.curve_plot import CurvePlot
from explorer.ui.widgets.fields import check_box, combo_box

_DIMENSIONS = 16
"""Most dimensions whose KL is drawn: those with the most of it."""


class TrainCurvesPanel(QWidget):
    """Losses over epochs, on a linear or logarithmic scale, with the values under the mouse."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setObjectName("train_curves_panel")
        self.setAccessibleName(self.tr("Curves of the training"))
        self._kind = combo_box(
            "train_curve_kind",
            self.tr("What is drawn: the loss, what a variational model's is made of, or KL of each dimension"),
            [
                (self.tr("Loss"), "loss"),
                (self.tr("Reconstruction and KL"), "parts"),
                (self.tr("KL per dimension"), "kl"),
            ],
        )
        self._log = check_box(
            "train_curve_log", self.tr("Log scale"), self.tr("Powers of ten on the vertical axis: late progress shows")
        )
        self._values = PlainLabel()
        self._values.setObjectName("train_curve_values")
        self._values.setProperty("muted", True)
        self._values.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        about = self.tr("On the training pictures, and (dashed) on held-out ones.")
        self.plot = CurvePlot("train_plot", about, self.tr("Epoch"))
        top = QHBoxLayout()
        top.addWidget(self._kind)
        top.addWidget(self._log)
        top.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._values)
        self._kind.activated.connect(lambda index: self._show())
        self._log.toggled.connect(self.plot.set_log)
        self.plot.pointed.connect(self._show_values)
        document.training_changed.connect(self._on_training_changed)
        document.trainings.chosen_changed.connect(self._show)
        document.trainings.runs_changed.connect(self._show)
        self._drawn: object = None
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up on what came while nobody looked."""
        super().showEvent(event)
        self._show()

    def _show_values(self, values: str) -> None:
        self._values.setText(values or self.tr("Over epochs; point at the curves to read them."))

    def _on_training_changed(self) -> None:
        """Draw only where an epoch came: steps come several times a second."""
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
        units = {"loss": self.tr("loss"), "parts": self.tr("nats a picture"), "kl": self.tr("KL in nats")}
        lengths = [one.points[-1].epoch for one in series if one.points]
        # On an axis that grows with the training, up to its end.
        done = max((curve.xs[-1] for curve in curves if curve.xs), default=1)
        last = max(2, done, min(max([training.epochs, *lengths]), 2 * done + 8))
        self.plot.show_curves(curves, (1, last), units[kind], self._empty(kind))

    def _curves(self, kind: str, points: Sequence[CurvePoint], number: int, name: str) -> list[Curve]:
        epochs = tuple(point.epoch for point in points)
        if kind == "loss":
            losses = tuple(point.loss for point in points)
            held_out = tuple(point.val_loss for point in points)
            # Several trainings have a name each in the legend; which line is which is seen by its dashes.
            return [
                Curve(name or self.tr("training"), epochs, losses, number),
                Curve(_joined(name, self.tr("validation")), epochs, held_out, number, dashed=True, told=not name),
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
            Curve(_joined(name, part), epochs, tuple(values), color, dashed=dashed, told=not (dashed and name))
            for part, values, color, dashed in lines
        ]

    def _dimension_curves(self, points: Sequence[CurvePoint], name: str) -> list[Curve]:
        """Draw the dimensions that hold the most; a number for each, so that a dimension keeps its colour."""
        told = [point for point in points if point.kl_per_dim]
        if not told:
            return []
        last = told[-1].kl_per_dim
        largest = sorted(range(len(last)), key=lambda dim: -last[dim])[:_DIMENSIONS]
        epochs = tuple(point.epoch for point in told)
        return [
            Curve(_joined(name, dimension_name(dim)), epochs, tuple(point.kl_per_dim[dim] for point in told), dim)
            for dim in sorted(largest)
        ]

    def _empty(self, kind: str) -> str:
        training = self._document.training
        if kind != "loss" and training.curve:
            return self.tr("Only a variational model's loss has these parts.")
        if training.active:
            return self.tr("The first point comes with the end of the first epoch.")
        return self.tr("The loss of each epoch appears here once a training has started.")


def _joined(name: str, part: str) -> str:
    return f"{name}, {part}" if name else part
