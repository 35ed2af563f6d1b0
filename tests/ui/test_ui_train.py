"""The Train panel: what it says of the networks, what it refuses, what Start asks for, and how it follows a training.

Nobody serves the document here, so nothing trains; that a training really runs is tested in tests/e2e.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyqtgraph as pg
import pytest
from explorer_testing.builders import make_source
from explorer_testing.window import type_into
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QProgressBar, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from explorer.document.activity import CurvePoint, TrainingView
from explorer.document.document import Document
from explorer.models.settings import TrainingRequest
from explorer.ui.panels.train import TrainPanel

CURVE = (CurvePoint(1, 0.5, 0.6), CurvePoint(2, 0.25, 0.35))


@pytest.fixture
def document() -> Document:
    return Document()


@pytest.fixture
def panel(themed: object, qtbot: QtBot, document: Document) -> TrainPanel:
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    panel.resize(800, 320)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def requests(document: Document) -> list[TrainingRequest]:
    heard: list[TrainingRequest] = []
    document.training_requested.connect(heard.append)
    return heard


def text(panel: QWidget, name: str) -> str:
    label = panel.findChild(QLabel, name)
    assert label is not None
    return label.text()


def choose(panel: TrainPanel, name: str, value: str) -> None:
    """Choose by keyboard."""
    box = panel.findChild(QComboBox, name)
    assert box is not None
    row = box.findData(value)
    assert row >= 0
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == value


def fill(panel: TrainPanel, **values: object) -> None:
    for name, value in values.items():
        field = panel.findChild(QSpinBox, f"train_{name}") or panel.findChild(QLineEdit, f"train_{name}")
        assert field is not None
        type_into(field, str(value))


@pytest.mark.parametrize(
    ("architecture", "data", "counts"),
    [("deep-dense", "digits", ("134,750", "135,485")), ("vae", "glyphs", ("281,492", "125,249"))],
)
def test_it_says_how_large_the_networks_become(
    panel: TrainPanel, architecture: str, data: str, counts: tuple[str, str]
) -> None:
    choose(panel, "train_data", data)
    choose(panel, "train_architecture", architecture)
    facts = text(panel, "train_facts")
    assert f"{counts[0]} weights in the encoder, {counts[1]} in the decoder" in facts


def test_another_code_size_is_another_number_of_weights(panel: TrainPanel) -> None:
    choose(panel, "train_data", "digits")
    before = text(panel, "train_facts")
    fill(panel, latent=10)
    assert "to 10 numbers" in text(panel, "train_facts")
    assert text(panel, "train_facts") != before


def test_start_asks_once_for_what_was_chosen(
    panel: TrainPanel, requests: list[TrainingRequest], explorer_home: Path
) -> None:
    choose(panel, "train_architecture", "vae")
    choose(panel, "train_data", "glyphs")
    fill(panel, latent=12, epochs=3, limit=500, name="my model")
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    (request,) = requests
    assert (request.architecture, request.data) == ("vae", "glyphs")
    assert (request.latent, request.epochs, request.limit) == (12, 3, 500)
    assert request.out == explorer_home / "models" / "my model"


def test_the_open_pictures_can_be_trained_on(
    panel: TrainPanel, document: Document, requests: list[TrainingRequest]
) -> None:
    document.open(source=make_source(40, (16, 20, 3)))
    assert "16 × 20 × 3" in text(panel, "train_facts")
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert [request.data for request in requests] == ["/nowhere/tiny"]


@pytest.mark.parametrize("name", ["a/b", "..", "../up", "a:b", "what?"])
def test_an_impossible_name_is_refused(panel: TrainPanel, requests: list[TrainingRequest], name: str) -> None:
    fill(panel, name=name)
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert requests == []
    assert "name" in text(panel, "train_facts")


def test_an_empty_name_gives_way_to_a_made_one(panel: TrainPanel, requests: list[TrainingRequest]) -> None:
    fill(panel, name="mine")
    fill(panel, name=" ")
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    (request,) = requests
    assert request.out.name == "digits-deep-dense-49"


def test_a_name_that_is_taken_is_refused_and_not_suggested(
    panel: TrainPanel, requests: list[TrainingRequest], explorer_home: Path
) -> None:
    field = panel.findChild(QLineEdit, "train_name")
    assert field is not None
    suggested = field.text()
    (explorer_home / "models" / suggested).mkdir(parents=True)
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert requests == []
    assert "a name that no model has yet" in text(panel, "train_facts")
    fill(panel, latent=3)
    fill(panel, latent=49)
    assert field.text() == f"{suggested}-2"


def test_nothing_can_be_cancelled_before_a_training(panel: TrainPanel) -> None:
    assert panel.start.isEnabled()
    assert not panel.cancel.isEnabled()
    assert text(panel, "train_note") == "Nothing is training."


def test_it_follows_a_training(panel: TrainPanel, document: Document) -> None:
    bar = panel.findChild(QProgressBar, "train_progress")
    plot = panel.findChild(pg.PlotWidget)
    assert bar is not None
    assert plot is not None
    assert not plot.isVisible()
    document.put_training(TrainingView("starting", "new", "Starting", epochs=4))
    assert (bar.minimum(), bar.maximum()) == (0, 0), "nobody knows how long the start takes"
    assert panel.cancel.isEnabled()
    assert not panel.start.isEnabled()
    running = TrainingView("running", "new", "Epoch 3", 3, 4, step=5, steps=10, curve=CURVE, seconds_left=75.0)
    document.put_training(running)
    assert bar.value() / bar.maximum() == pytest.approx(2.5 / 4)
    assert text(panel, "train_note") == "new: Epoch 3"
    assert text(panel, "train_left") == "1 min 15 s left"
    assert plot.isVisible()
    curves = [item.getData() for item in plot.listDataItems()]
    np.testing.assert_array_equal(curves[0], [[1, 2], [0.5, 0.25]])
    np.testing.assert_array_equal(curves[1], [[1, 2], [0.6, 0.35]])
    document.put_training(TrainingView("finished", "new", "Finished", 4, 4, curve=CURVE, path="/nowhere"))
    assert bar.value() == bar.maximum()
    assert panel.start.isEnabled()
    assert not panel.cancel.isEnabled()


@pytest.mark.parametrize("phase", ["cancelled", "failed"])
def test_after_another_end_a_new_one_can_be_started(panel: TrainPanel, document: Document, phase: str) -> None:
    document.put_training(TrainingView("running", "new", curve=CURVE, epochs=4))
    document.put_training(TrainingView(phase, "new", "The end.", curve=CURVE, epochs=4))  # type: ignore[arg-type]
    assert panel.start.isEnabled()
    assert not panel.cancel.isEnabled()
    assert text(panel, "train_note") == "new: The end."


def test_cancel_asks_to_cancel(panel: TrainPanel, document: Document) -> None:
    asked: list[bool] = []
    document.training_cancel_requested.connect(lambda: asked.append(True))
    document.put_training(TrainingView("running", "new"))
    QTest.mouseClick(panel.cancel, Qt.MouseButton.LeftButton)
    assert asked == [True]


def test_showing_it_warms_the_model_process_up(themed: object, qtbot: QtBot, document: Document) -> None:
    asked: list[bool] = []
    document.training_expected.connect(lambda: asked.append(True))
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    assert asked == []
    panel.show()
    assert asked == [True]
