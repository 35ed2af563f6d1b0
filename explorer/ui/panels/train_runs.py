"""Runs: all trainings that the window started, and the queued ones."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.models.runs import Run
from explorer.models.settings import TrainingRequest, command_line
from explorer.ui.actions import Action, When
from explorer.ui.dialogs.session_questions import Role, ask
from explorer.ui.list_menu import ListMenu, pressed
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.run_series import shown_series
from explorer.ui.text import duration, filled
from explorer.ui.widgets.curve import curve_color
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import align_right, button, name_control, name_widget
from explorer.ui.widgets.layouts import flow, vbox

_RUN = Qt.ItemDataRole.UserRole
_PLACE = Qt.ItemDataRole.UserRole + 1
_DOT = 10


class TrainRunsPanel(QWidget):
    """List of runs; the curves of all selected runs are plotted together."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown: object = None
        name_widget(self, "train_runs_panel", self.tr("Runs"))
        self.tree = QTreeWidget()
        about = self.tr("Runs, newest first; select several to compare their curves")
        name_control(self.tree, "train_runs", about)
        self.tree.setToolTip("")
        self.tree.setHeaderLabels([self.tr("Run"), self.tr("Epochs"), self.tr("Val. loss"), self.tr("Status")])
        align_right(self.tree.headerItem(), (1, 2))
        self.tree.setRootIsDecorated(False)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setUniformRowHeights(True)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._empty = EmptyLabel("train_runs_empty", self.tr("Every training that you start is listed here."))
        self._make_buttons()
        self.setLayout(vbox((self.tree, 1), (self._empty, 1), self._buttons, spacing=6, margins=(0, 6, 0, 0)))
        self.tree.itemSelectionChanged.connect(self._on_selection_changed)
        ListMenu(self.tree, "train_runs_menu", self._item_actions)
        self.tree.itemActivated.connect(lambda item, column: self._open())
        document.trainings.runs_changed.connect(self._fill)
        document.trainings.queue_changed.connect(self._fill)
        document.training_changed.connect(self._on_training_changed)
        self._fill()

    def _make_buttons(self) -> None:
        self.open = button(
            "train_run_open",
            self.tr("Open"),
            self.tr("Open the model of this run"),
            self.tr("open trained model, load run"),
        )
        self.resume = button(
            "train_run_resume",
            self.tr("Resume"),
            self.tr("Resume the training from its last checkpoint"),
            self.tr("continue training, restart"),
        )
        self.again = button(
            "train_run_again",
            self.tr("Reuse settings"),
            self.tr("Copy the settings of this run to the form"),
            self.tr("same settings, copy hyperparameters"),
        )
        self.delete = button(
            "train_run_delete",
            self.tr("Delete…"),
            self.tr("Delete log, progress images and checkpoint of the selected runs, or remove queued ones"),
            self.tr("remove run, delete checkpoint"),
        )
        self._buttons = flow(self.open, self.resume, self.again, self.delete)
        self.open.clicked.connect(self._open)
        self.resume.clicked.connect(self._resume)
        self.again.clicked.connect(self._again)
        self.delete.clicked.connect(self.ask_delete)

    def showEvent(self, event: QShowEvent) -> None:
        """Read the runs again: another window may have added some."""
        super().showEvent(event)
        self._document.trainings.runs_requested.emit()

    # -- the list ----------------------------------------------------------------------------------------------------

    def _on_training_changed(self) -> None:
        """Update the list only when the row of the active training changes."""
        training = self._document.training
        now = (training.run, training.phase, len(training.curve))
        if now != self._shown:
            self._shown = now
            self._fill()

    def _fill(self) -> None:
        trainings, training = self._document.trainings, self._document.training
        with QSignalBlocker(self.tree):
            current = self.tree.currentItem()
            kept = current.data(0, _RUN).path if current is not None and current.data(0, _RUN) is not None else None
            self.tree.clear()
            for place, request in enumerate(trainings.queue):
                item = QTreeWidgetItem([request.out.name, f"0 / {request.epochs or '–'}", "", self.tr("queued")])
                item.setData(0, _PLACE, place)
                item.setToolTip(0, plain_tooltip(command_line(request)))
                self.tree.addTopLevelItem(item)
            for run in trainings.runs:
                item = self._item(run)
                self.tree.addTopLevelItem(item)
                item.setSelected(run.path in trainings.chosen)
                if run.path == kept:
                    self.tree.setCurrentItem(item, 0, self.tree.selectionModel().SelectionFlag.NoUpdate)
        there = self.tree.topLevelItemCount() > 0
        self.tree.setVisible(there)
        self._empty.setVisible(not there)
        self._color()
        self._enable()
        self._shown = (training.run, training.phase, len(training.curve))

    def _item(self, run: Run) -> QTreeWidgetItem:
        training = self._document.training
        running = run.path == training.run and training.active
        curve = training.curve if running else run.curve
        held_out = f"{curve[-1].val_loss:.4g}" if curve else "–"
        item = QTreeWidgetItem([run.name, str(len(curve)), held_out, self._state(run, running=running)])
        item.setData(0, _RUN, run)
        align_right(item, (1, 2))
        for column in range(4):
            item.setToolTip(column, plain_tooltip(self._tip(run)))
        return item

    def _state(self, run: Run, *, running: bool) -> str:
        if running:
            return self.tr("paused") if self._document.training.phase == "paused" else self.tr("running")
        if run.phase == "unfinished":
            return self.tr("interrupted")
        words = {"finished": self.tr("finished"), "cancelled": self.tr("canceled"), "failed": self.tr("failed")}
        return words[run.phase]

    def _tip(self, run: Run) -> str:
        lines = [f"{run.begun:%Y-%m-%d %H:%M}", command_line(run.request)]
        if run.curve:
            seconds = sum(point.seconds for point in run.curve)
            words = self.tr("%1 epochs in %2") if len(run.curve) > 1 else self.tr("%1 epoch in %2")
            lines.append(filled(words, len(run.curve), duration(seconds)))
        if run.metrics:
            lines.append(", ".join(f"{name.upper()} {value:.4g}" for name, value in run.metrics.items()))
        return "\n".join([*lines, *([run.note] if run.note else [])])

    def _color(self) -> None:
        """Mark the runs that are plotted with the color of their curve."""
        drawn = [series.run for series in shown_series(self._document)]
        for row in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(row)
            run = item.data(0, _RUN) if item is not None else None
            if item is None or run is None:
                continue
            dot = QPixmap(_DOT, _DOT)
            dot.fill(curve_color(drawn.index(run.path)) if run.path in drawn else Qt.GlobalColor.transparent)
            item.setIcon(0, dot)

    # -- selection ---------------------------------------------------------------------------------------------------

    def _chosen(self) -> list[Run]:
        runs = [item.data(0, _RUN) for item in self.tree.selectedItems()]
        return [run for run in runs if run is not None]

    def _places(self) -> list[int]:
        places = [item.data(0, _PLACE) for item in self.tree.selectedItems()]
        return [place for place in places if place is not None]

    def _on_selection_changed(self) -> None:
        self._document.trainings.choose(frozenset(run.path for run in self._chosen()))
        self._color()
        self._enable()

    def _enable(self) -> None:
        chosen, training = self._chosen(), self._document.training
        one = chosen[0] if len(chosen) == 1 else None
        running = {training.run} if training.active else set()
        self.open.setEnabled(one is not None and one.model is not None)
        self.resume.setEnabled(one is not None and one.resumable and one.path not in running)
        self.again.setEnabled(one is not None)
        ended = [run for run in chosen if run.path not in running]
        self.delete.setEnabled(bool(ended or self._places()))

    def _item_actions(self) -> Iterator[Action | None]:
        for made in (self.open, self.resume, self.again):
            yield pressed(made)
        chosen = self._chosen()
        yield Action(
            "train_run_copy",
            self.tr("Copy command"),
            lambda: QApplication.clipboard().setText(command_line(chosen[0].request)),
            tip=self.tr("Copy the command line that trains with these settings."),
            synonyms=self.tr("command line, clipboard"),
            enabled=When(lambda: len(chosen) == 1),
        )
        yield None
        yield pressed(self.delete)

    # -- actions -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        chosen = self._chosen()
        if len(chosen) == 1 and chosen[0].model is not None:
            self._document.open_requested.emit(OpenRequest((chosen[0].model,), "model"))

    def _resume(self) -> None:
        chosen = self._chosen()
        if chosen:
            self._document.trainings.run_resume_requested.emit(chosen[0])

    def _again(self) -> None:
        chosen = self._chosen()
        if chosen:
            request: TrainingRequest = chosen[0].request
            self._document.trainings.again_requested.emit(request)

    def ask_delete(self) -> None:
        for place in sorted(self._places(), reverse=True):
            self._document.trainings.unqueue_requested.emit(place)
        training = self._document.training
        runs = [run for run in self._chosen() if not (training.active and run.path == training.run)]
        if not runs:
            return
        text = self.tr("Delete the run “%1”?") if len(runs) == 1 else self.tr("Delete %1 runs?")
        text = text.replace("%1", runs[0].name if len(runs) == 1 else str(len(runs)))
        ask(
            self,
            "train_run_question",
            self.tr("Delete runs"),
            (text, self.tr("Log, progress images and checkpoint are deleted. Trained models are kept.")),
            (
                ("train_run_keep", self.tr("Cancel"), Role.RejectRole, None),
                ("train_run_delete_confirm", self.tr("Delete"), Role.AcceptRole, lambda: self._delete(runs)),
            ),
        )

    def _delete(self, runs: list[Run]) -> None:
        for run in runs:
            self._document.trainings.run_delete_requested.emit(run)
