"""The Train panel during a training: curves, progress images, runs and buttons, without a training process."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from explorer_testing.training import blobs, small_request
from explorer_testing.window import choose
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QMessageBox, QPushButton, QSlider, QTreeWidget, QWidget
from pytestqt.qtbot import QtBot

from explorer.data.mixer import Mix, MixedChannel, Mixer
from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views.training_progress import TRAINING_PROGRESS, TrainingProgressView
from explorer.messages import message
from explorer.models.card import LossParts
from explorer.models.runs import CurvePoint, ProgressFrame, Run
from explorer.models.settings import CHECKPOINT, checkpoint_folder
from explorer.ui.panels.train import TrainPanel
from explorer.ui.panels.train_curves import TrainCurvesPanel
from explorer.ui.widgets.curve_plot import CurvePlot

W = TypeVar("W", bound=QWidget)
NETWORK, CURVES, PROGRESS, RUNS = range(4)


@pytest.fixture
def document() -> Document:
    return Document()


@pytest.fixture
def panel(themed: object, qtbot: QtBot, document: Document) -> TrainPanel:
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    panel.resize(900, 420)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def find(panel: QWidget, kind: type[W], name: str) -> W:
    found = panel.findChild(kind, name)
    assert found is not None, name
    return found


def page(panel: TrainPanel, number: int) -> None:
    bar = panel.watch.pages.tabBar()
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(number).center())


def points(count: int, *, kl: bool = False, scale: float = 1.0) -> tuple[CurvePoint, ...]:
    made = []
    for epoch in range(1, count + 1):
        loss = scale * 100.0 / epoch
        parts = LossParts(reconstruction=loss - 5, kl=5.0, val_reconstruction=loss, val_kl=6.0) if kl else None
        made.append(CurvePoint(epoch, loss, loss + 1, 2.0, 500.0, parts, (4.0, 1.0 / epoch) if kl else ()))
    return tuple(made)


def running(count: int = 3, **changes: Any) -> TrainingView:
    values: dict[str, Any] = {
        "phase": "running",
        "title": "new",
        "note": "Training",
        "epochs": 10,
        "run": Path("/r/now"),
    }
    return TrainingView(**(values | {"curve": points(count)} | changes))


def make_run(folder: Path, name: str, phase: Any = "finished", count: int = 4, **changes: Any) -> Run:
    request = small_request(folder / "blobs.npz", folder / "models" / name)
    path = folder / "runs" / name
    return Run(path, request, datetime(2026, 3, 14), phase, curve=points(count, scale=0.5), **changes)


# -- buttons -----------------------------------------------------------------------------------------------------------


def test_buttons_do_what_can_be_done(panel: TrainPanel, document: Document) -> None:
    watch = panel.watch
    asked: list[str] = []
    trainings = document.trainings
    trainings.pause_requested.connect(lambda: asked.append("pause"))
    trainings.resume_requested.connect(lambda: asked.append("resume"))
    trainings.stop_requested.connect(lambda: asked.append("stop"))
    buttons = (watch.pause, watch.stop, watch.cancel)
    assert [button.isEnabled() for button in buttons] == [False, False, False]
    document.put_training(running(phase="starting", count=0))
    assert [button.isEnabled() for button in buttons] == [False, False, True]
    document.put_training(running())
    assert [button.isEnabled() for button in buttons] == [True, True, True]
    QTest.mouseClick(watch.pause, Qt.MouseButton.LeftButton)
    document.put_training(running(phase="paused"))
    assert watch.pause.text() == "Resume"
    QTest.mouseClick(watch.pause, Qt.MouseButton.LeftButton)
    document.put_training(running())
    assert watch.pause.text() == "Pause"
    QTest.mouseClick(watch.stop, Qt.MouseButton.LeftButton)
    assert asked == ["pause", "resume", "stop"]


def test_it_says_how_fast_how_long_and_what_waits(panel: TrainPanel, document: Document, tmp_path: Path) -> None:
    document.trainings.put_queue((small_request(tmp_path, tmp_path / "second"),))
    document.put_training(running(rate=12_345.6, seconds_left=75.0))
    assert find(panel, QLabel, "train_left").text() == "12,346 images/s · 1 min 15 s left · 1 queued"
    document.trainings.put_queue(())
    document.put_training(running(phase="paused"))
    assert find(panel, QLabel, "train_left").text() == ""


def test_showing_live_can_be_switched_off(panel: TrainPanel, document: Document) -> None:
    box = find(panel, QCheckBox, "train_follow")
    assert box.isChecked()
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert not document.trainings.follow


# -- curves ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def curves(panel: TrainPanel, document: Document) -> TrainCurvesPanel:
    document.put_training(running(curve=points(3, kl=True)))
    page(panel, CURVES)
    assert panel.watch.curves is not None
    return panel.watch.curves


def drawn(plot: CurvePlot) -> dict[str, tuple[float, ...]]:
    return {curve.name: curve.values for curve in plot.curves}


def test_loss_and_its_parts_and_kl_of_each_dimension(curves: TrainCurvesPanel) -> None:
    assert drawn(curves.plot) == {"training": (100.0, 50.0, 100 / 3), "validation": (101.0, 51.0, 100 / 3 + 1)}
    choose(curves, "train_curve_kind", "parts")
    assert drawn(curves.plot) == {
        "reconstruction": (95.0, 45.0, 100 / 3 - 5),
        "reconstruction, validation": (100.0, 50.0, 100 / 3),
        "KL": (5.0, 5.0, 5.0),
        "KL, validation": (6.0, 6.0, 6.0),
    }
    choose(curves, "train_curve_kind", "kl")
    assert drawn(curves.plot) == {"z₀": (4.0, 4.0, 4.0), "z₁": (1.0, 0.5, 1 / 3)}


def test_a_plain_model_has_no_parts_and_it_is_said(curves: TrainCurvesPanel, document: Document) -> None:
    document.put_training(running(2))
    choose(curves, "train_curve_kind", "parts")
    assert curves.plot.curves == ()
    assert find(curves, QLabel, "train_plot_empty").text() == "Only the loss of a VAE has these terms."


def test_an_epoch_that_comes_is_drawn(curves: TrainCurvesPanel, document: Document) -> None:
    document.put_training(running(curve=points(4)))
    assert curves.plot.curves[0].xs == (1, 2, 3, 4)


def test_a_logarithmic_scale_shows_late_progress(curves: TrainCurvesPanel) -> None:
    def heights() -> list[float]:
        return [curves.plot.to_widget(epoch, 100.0 / epoch).y() for epoch in (1, 2, 4)]

    high, middle, low = heights()
    assert middle - high == pytest.approx(2 * (low - middle), rel=0.01), "linear: 50 and 25 apart"
    box = find(curves, QCheckBox, "train_curve_log")
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    curves.plot.grab()
    high, middle, low = heights()
    assert middle - high == pytest.approx(low - middle, rel=0.01), "logarithmic: halves are equally far apart"


def test_values_are_read_with_the_mouse_and_with_keys(curves: TrainCurvesPanel) -> None:
    curves.plot.grab()
    said = find(curves, QLabel, "train_curve_values")
    plot = find(curves, QWidget, "train_plot_curves")
    viewport: QWidget = plot.viewport()  # type: ignore[attr-defined]
    QTest.mouseMove(viewport, curves.plot.to_widget(2, 50.0).toPoint())
    assert said.text() == "Epoch 2: training 50, validation 51"
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert said.text() == "Epoch 3: training 33.33, validation 34.33"
    QTest.keyClick(plot, Qt.Key.Key_Home)
    assert said.text() == "Epoch 1: training 100, validation 101"
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert said.text() == "x: epoch · hover for values"


def test_chosen_runs_are_laid_over_the_running_one(
    curves: TrainCurvesPanel, document: Document, tmp_path: Path
) -> None:
    runs = (make_run(tmp_path, "one"), make_run(tmp_path, "two", count=12))
    document.trainings.put_runs(runs)
    document.trainings.choose(frozenset(run.path for run in runs))
    assert [curve.name for curve in curves.plot.curves if curve.in_legend] == ["new", "one", "two"]
    assert len({curve.color for curve in curves.plot.curves}) == 3
    assert drawn(curves.plot)["one, validation"] == (51.0, 26.0, 50 / 3 + 1, 13.5)
    document.put_training(running(phase="finished"))
    assert [curve.name for curve in curves.plot.curves if curve.in_legend] == ["one", "two"], (
        "the last one was not chosen"
    )


# -- progress images ---------------------------------------------------------------------------------------------------


def test_the_animation_follows_what_comes_and_can_be_scrubbed(panel: TrainPanel, document: Document) -> None:
    asked: list[tuple[Path, ProgressFrame]] = []
    document.trainings.frame_requested.connect(lambda originals, frame: asked.append((originals, frame)))
    progress_frames = tuple(ProgressFrame(number / 2, Path(f"/r/now/progress/{number}.png")) for number in range(5))
    page(panel, PROGRESS)
    table, slider = panel.watch.progress_frames.table, find(panel, QSlider, "train_frames_slider")
    assert table.rows == []
    assert not find(panel, QPushButton, "train_frames_export").isEnabled()
    for count in (1, 2, 5):
        document.put_training(running(progress_frames=progress_frames[:count]))
        assert asked[-1] == (Path("/r/now/progress/originals.png"), progress_frames[count - 1])
    images = blobs(8, (16, 16, 1))
    TRAINING_PROGRESS.put(document, TrainingProgressView(progress_frames[4].path, 2.0, images, images // 2))
    assert [len(row) for row in table.rows] == [8, 8]
    assert find(panel, QLabel, "train_frames_epoch").text() == "Epoch 2"
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert asked[-1][1] == progress_frames[0]
    TRAINING_PROGRESS.put(document, TrainingProgressView(progress_frames[0].path, 0.0, images, images // 2))
    assert find(panel, QLabel, "train_frames_epoch").text() == "Untrained"
    before = len(asked)
    document.put_training(
        running(progress_frames=(*progress_frames, ProgressFrame(2.5, Path("/r/now/progress/9.png"))))
    )
    assert len(asked) == before, "whoever looks back is not pulled to the end"
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert asked[-1][1].progress == 2.5
    TRAINING_PROGRESS.put(document, FailedView(message("It is gone.")))
    assert table.rows == []


def test_progress_images_of_many_channels_go_through_the_mixer(panel: TrainPanel, document: Document) -> None:
    page(panel, PROGRESS)
    document.put_training(running(progress_frames=(ProgressFrame(1.0, Path("/r/now/progress/1.png")),)))
    values = np.full((8, 16, 16, 4), [0, 65535, 0, 0], np.uint16)
    view = TrainingProgressView(Path("/r/now/progress/1.png"), 1.0, values, values // 2)
    TRAINING_PROGRESS.put(document, view)
    rows = panel.watch.progress_frames.table.rows
    assert rows[0][0].pixelColor(0, 0) == QColor(0, 255, 0)
    orange = MixedChannel(color="#ff8000", high=0.5)
    document.set_mixer(Mixer(mixes=(Mix(channels=(orange,) * 4),)))
    rows = panel.watch.progress_frames.table.rows
    assert rows[1][7].pixelColor(15, 15) == QColor(255, 128, 0), "half of the whole range is of full brightness now"


def test_the_animation_of_a_chosen_run(panel: TrainPanel, document: Document, tmp_path: Path) -> None:
    asked: list[tuple[Path, ProgressFrame]] = []
    document.trainings.frame_requested.connect(lambda originals, frame: asked.append((originals, frame)))
    frame = ProgressFrame(3.0, tmp_path / "runs" / "one" / "progress" / "3.png")
    run = make_run(tmp_path, "one", progress_frames=(frame,))
    document.trainings.put_runs((run, make_run(tmp_path, "two")))
    page(panel, PROGRESS)
    document.trainings.choose(frozenset({run.path}))
    assert asked[-1] == (run.originals, frame)


# -- runs --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(panel: TrainPanel, document: Document, tmp_path: Path) -> QTreeWidget:
    """A finished run whose model is there, an interrupted one with its checkpoint, and one that waits."""
    done, cut = make_run(tmp_path, "done", metrics={"mse": 0.25}), make_run(tmp_path, "cut", "unfinished")
    done.request.out.mkdir(parents=True)
    (done.request.out / "card.json").write_text("{}", "utf-8")
    checkpoint_folder(cut.request.out).mkdir(parents=True)
    (checkpoint_folder(cut.request.out) / CHECKPOINT).write_bytes(b"whatever")
    page(panel, RUNS)
    document.trainings.put_runs((cut, done))
    document.trainings.put_queue((small_request(tmp_path, tmp_path / "models" / "waits", epochs=5),))
    return panel.watch.runs.tree


def rows(tree: QTreeWidget) -> list[list[str]]:
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [[item.text(column) for column in range(4)] for item in items if item is not None]


def click(tree: QTreeWidget, row: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    item = tree.topLevelItem(row)
    assert item is not None
    where = tree.visualItemRect(item).center()
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, modifier, where)


def enabled(panel: TrainPanel) -> dict[str, bool]:
    runs = panel.watch.runs
    names = {"open": runs.open, "resume": runs.resume, "again": runs.again, "delete": runs.delete}
    return {name: button.isEnabled() for name, button in names.items()}


def test_the_list_says_how_each_went(listed: QTreeWidget) -> None:
    assert rows(listed) == [
        ["waits", "0 / 5", "", "queued"],
        ["cut", "4", "13.5", "interrupted"],
        ["done", "4", "13.5", "finished"],
    ]
    item = listed.topLevelItem(2)
    assert item is not None
    assert "latent-explorer train --arch deep-dense" in item.toolTip(0)
    assert "MSE 0.25" in item.toolTip(0)


def test_buttons_fit_what_is_chosen(panel: TrainPanel, listed: QTreeWidget) -> None:
    assert enabled(panel) == {"open": False, "resume": False, "again": False, "delete": False}
    click(listed, 0)
    assert enabled(panel) == {"open": False, "resume": False, "again": False, "delete": True}
    click(listed, 1)
    assert enabled(panel) == {"open": False, "resume": True, "again": True, "delete": True}
    click(listed, 2)
    assert enabled(panel) == {"open": True, "resume": False, "again": True, "delete": True}
    click(listed, 1, Qt.KeyboardModifier.ControlModifier)
    assert enabled(panel) == {"open": False, "resume": False, "again": False, "delete": True}


def test_buttons_ask_for_what_they_say(panel: TrainPanel, document: Document, listed: QTreeWidget) -> None:
    asked: list[object] = []
    document.open_requested.connect(lambda request: asked.append(request.paths[0]))
    document.trainings.run_resume_requested.connect(lambda run: asked.append(run.name))
    document.trainings.again_requested.connect(lambda request: asked.append(request.out.name))
    document.trainings.unqueue_requested.connect(asked.append)
    click(listed, 2)
    QTest.mouseClick(panel.watch.runs.open, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.watch.runs.again, Qt.MouseButton.LeftButton)
    click(listed, 1)
    QTest.mouseClick(panel.watch.runs.resume, Qt.MouseButton.LeftButton)
    click(listed, 0)
    QTest.mouseClick(panel.watch.runs.delete, Qt.MouseButton.LeftButton)
    done = document.trainings.runs[1]
    assert asked == [done.model, "done", "cut", 0]


def test_deleting_asks_first(panel: TrainPanel, document: Document, listed: QTreeWidget) -> None:
    asked: list[str] = []
    document.trainings.run_delete_requested.connect(lambda run: asked.append(run.name))
    click(listed, 2)
    for name, expected in (("train_run_keep", []), ("train_run_delete_confirm", ["done"])):
        QTest.mouseClick(panel.watch.runs.delete, Qt.MouseButton.LeftButton)
        question = panel.findChildren(QMessageBox)[-1]
        assert question.text() == "Delete the run “done”?"
        QTest.mouseClick(find(question, QPushButton, name), Qt.MouseButton.LeftButton)
        assert asked == expected


def test_the_running_one_cannot_be_deleted_and_says_that_it_runs(
    panel: TrainPanel, document: Document, listed: QTreeWidget
) -> None:
    cut = document.trainings.runs[0]
    document.put_training(running(5, run=cut.path, title="cut"))
    assert rows(listed)[1] == ["cut", "5", "21", "running"]
    click(listed, 1)
    assert enabled(panel) == {"open": False, "resume": False, "again": True, "delete": False}
    document.put_training(running(5, run=cut.path, title="cut", phase="paused"))
    assert rows(listed)[1][3] == "paused"
    assert [item.text(0) for item in listed.selectedItems()] == ["cut"], "the choice was lost when the list changed"


def test_choosing_runs_tells_the_document(document: Document, listed: QTreeWidget) -> None:
    click(listed, 1)
    click(listed, 2, Qt.KeyboardModifier.ControlModifier)
    assert document.trainings.chosen == {run.path for run in document.trainings.runs}
    document.trainings.put_runs(document.trainings.runs[:1])
    assert document.trainings.chosen == {document.trainings.runs[0].path}


def test_colors_of_list_and_curves_are_the_same(
    panel: TrainPanel, document: Document, curves: TrainCurvesPanel, listed: QTreeWidget
) -> None:
    document.trainings.choose(frozenset(run.path for run in document.trainings.runs))
    document.trainings.put_runs(document.trainings.runs)
    for row, name in ((1, "cut"), (2, "done")):
        item = listed.topLevelItem(row)
        assert item is not None
        dot = item.icon(0).pixmap(10, 10).toImage().pixelColor(5, 5)
        (color,) = {curve.color for curve in curves.plot.curves if curve.name == name}
        from explorer.ui.widgets.curve import curve_color

        assert dot.name() == curve_color(color).name()
    assert np.isfinite([value for curve in curves.plot.curves for value in curve.values]).all()
