"""The Train panel: what it says of the networks, what it refuses, what Start asks for, and how it follows a training.

Nobody serves the document here, so nothing trains; that a training really runs is tested in tests/e2e.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import pyqtgraph as pg
import pytest
from explorer_testing.builders import make_card, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import choose, type_into
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QProgressBar, QSpinBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.messages import message
from explorer.models.architectures import ARCHITECTURES
from explorer.models.runs import CurvePoint
from explorer.models.settings import TrainingRequest
from explorer.ui.panels.train import TrainPanel
from explorer.ui.widgets.network_drawing import NetworkDrawing

W = TypeVar("W", bound=QWidget)

NETWORK, CURVES = 0, 1

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


def find(panel: QWidget, kind: type[W], name: str) -> W:
    found = panel.findChild(kind, name)
    assert found is not None
    return found


def unfold(panel: TrainPanel) -> None:
    QTest.mouseClick(find(panel, QToolButton, "train_more"), Qt.MouseButton.LeftButton)


def tick(box: QCheckBox) -> None:
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


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
    assert f"Parameters: encoder {counts[0]}, decoder {counts[1]}." in facts


def test_another_code_size_is_another_number_of_weights(panel: TrainPanel) -> None:
    choose(panel, "train_data", "digits")
    before = text(panel, "train_facts")
    fill(panel, latent=10)
    assert "latent dim. 10." in text(panel, "train_facts")
    assert text(panel, "train_facts") != before


def test_the_drawing_follows_the_settings(panel: TrainPanel) -> None:
    choose(panel, "train_data", "digits")
    drawing = find(panel, NetworkDrawing, "network_drawing")
    assert drawing.accessibleDescription().startswith("270,235 parameters")
    fill(panel, latent=10)
    spec = ARCHITECTURES["deep-dense"].build((28, 28, 1), 10)
    parameters = spec.encoder.parameters + spec.decoder.parameters
    assert drawing.accessibleDescription().startswith(f"{parameters:,} parameters")
    choose(panel, "train_architecture", "vae")
    layout = drawing.diagram
    assert layout is not None
    assert [block.row.kind for block in layout.blocks if block.row and block.role == "head"] == ["mean", "log_variance"]
    fill(panel, latent=5_000)
    assert drawing.diagram is None, "there is no such network"


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


def test_the_open_images_can_be_trained_on(
    panel: TrainPanel, document: Document, requests: list[TrainingRequest]
) -> None:
    document.open(source=make_source(40, (16, 20, 3)))
    assert "16×20×3" in text(panel, "train_facts")
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert [request.data for request in requests] == ["/nowhere/tiny"]


@pytest.mark.parametrize("count", [2, 4, 16])
def test_images_of_several_channels_are_trained_on_with_all(
    panel: TrainPanel, document: Document, requests: list[TrainingRequest], count: int
) -> None:
    unfold(panel)
    choose(panel, "train_channels", 1)
    document.open(source=make_source(40, (16, 20, count)))
    box = find(panel, QComboBox, "train_channels")
    assert box.currentText() == f"All {count} channels"
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() is None, "the others cannot be chosen"
    assert f"16×20×{count}" in text(panel, "train_facts")
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert [request.channels for request in requests] == [None]
    document.open(source=make_source(40, (16, 20, 3)))
    assert box.currentText() == "Auto"
    choose(panel, "train_channels", 1)


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
    assert "is already taken" in text(panel, "train_facts")
    fill(panel, latent=3)
    fill(panel, latent=49)
    assert field.text() == f"{suggested}-2"


def test_nothing_can_be_cancelled_before_a_training(panel: TrainPanel) -> None:
    assert panel.start.isEnabled()
    assert not panel.watch.cancel.isEnabled()
    assert text(panel, "train_note") == "Idle"


def test_it_follows_a_training(panel: TrainPanel, document: Document) -> None:
    bar = panel.findChild(QProgressBar, "train_progress")
    plot = panel.findChild(pg.PlotWidget)
    assert bar is not None
    assert plot is not None
    assert panel.watch.pages.currentIndex() == NETWORK
    document.put_training(TrainingView("starting", "new", message("Starting"), epochs=4))
    assert (bar.minimum(), bar.maximum()) == (0, 0), "nobody knows how long the start takes"
    assert panel.watch.cancel.isEnabled()
    assert panel.watch.pages.currentIndex() == CURVES, "whoever pressed Train wants to see how it goes"
    assert not plot.isVisible()
    assert panel.start.text() == "Queue training"
    running = TrainingView("running", "new", message("Epoch 3"), 3, 4, step=5, steps=10, curve=CURVE, seconds_left=75.0)
    document.put_training(running)
    assert bar.value() / bar.maximum() == pytest.approx(2.5 / 4)
    assert text(panel, "train_note") == "new: Epoch 3"
    assert text(panel, "train_left") == "1 min 15 s left"
    assert plot.isVisible()
    curves = [item.getData() for item in plot.listDataItems()]
    np.testing.assert_array_equal(curves[0], [[1, 2], [0.5, 0.25]])
    np.testing.assert_array_equal(curves[1], [[1, 2], [0.6, 0.35]])
    document.put_training(TrainingView("finished", "new", message("Finished"), 4, 4, curve=CURVE, path="/nowhere"))
    assert bar.value() == bar.maximum()
    assert panel.start.text() == "Train"
    assert panel.start.isEnabled()
    assert not panel.watch.cancel.isEnabled()


@pytest.mark.parametrize("phase", ["cancelled", "failed"])
def test_after_another_end_a_new_one_can_be_started(panel: TrainPanel, document: Document, phase: str) -> None:
    document.put_training(TrainingView("running", "new", curve=CURVE, epochs=4))
    document.put_training(TrainingView(phase, "new", "The end.", curve=CURVE, epochs=4))  # type: ignore[arg-type]
    assert panel.start.isEnabled()
    assert not panel.watch.cancel.isEnabled()
    assert text(panel, "train_note") == "new: The end."


def test_cancel_asks_to_cancel(panel: TrainPanel, document: Document) -> None:
    asked: list[bool] = []
    document.training_cancel_requested.connect(lambda: asked.append(True))
    document.put_training(TrainingView("running", "new"))
    QTest.mouseClick(panel.watch.cancel, Qt.MouseButton.LeftButton)
    assert asked == [True]


def test_showing_it_warms_the_model_process_up(themed: object, qtbot: QtBot, document: Document) -> None:
    asked: list[bool] = []
    document.training_expected.connect(lambda: asked.append(True))
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    assert asked == []
    panel.show()
    shown = len(asked)
    assert shown > 0
    panel.form.changed.emit()
    assert len(asked) == shown + 1, "who still chooses keeps it warm"


# -- more settings --------------------------------------------------------------------------------------------------


def test_what_few_need_is_out_of_sight_until_it_is_unfolded(panel: TrainPanel) -> None:
    size = find(panel, QLineEdit, "train_size")
    assert not size.isVisible()
    unfold(panel)
    assert size.isVisible()
    unfold(panel)
    assert not size.isVisible()


def test_every_setting_reaches_the_request(panel: TrainPanel, requests: list[TrainingRequest]) -> None:
    unfold(panel)
    choose(panel, "train_architecture", "vae")
    choose(panel, "train_data", "digits")
    tick(find(panel, QCheckBox, "train_invert"))
    fill(panel, augment=3000, seed=7, size="20x24", crop=2, noise="gaussian:0.2", batch=64, early_stop=5)
    fill(panel, rate="0,002", beta="4", l1="1e-5")
    for name, value in (("channels", 3), ("loss", "mse"), ("schedule", "cosine")):
        choose(panel, f"train_{name}", value)
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    (request,) = requests
    assert (request.size, request.channels, request.crop, request.invert) == ((20, 24), 3, 2, True)
    assert (request.augment, request.seed, request.noise, request.early_stop) == (3000, 7, "gaussian:0.2", 5)
    assert (request.batch, request.rate, request.beta, request.l1) == (64, 0.002, 4.0, 1e-5)
    assert (request.loss, request.schedule) == ("mse", "cosine")
    assert "20×24×3" in text(panel, "train_facts")


def test_what_is_left_as_it_was_is_left_to_the_reference(panel: TrainPanel, requests: list[TrainingRequest]) -> None:
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    (request,) = requests
    for name in ("size", "channels", "crop", "batch", "rate", "loss", "beta", "l1", "start_from"):
        assert getattr(request, name) is None, name
    assert (request.augment, request.limit, request.noise, request.invert) == (0, 0, "", False)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("size", "big", "height x width"),
        ("size", "8x8", "must have 16 to 512 pixels"),
        ("noise", "fog:1", "Unknown noise"),
        ("rate", "fast", "rate"),
        ("l1", "-1", "l1"),
        ("latent", "5000", "from 1 to 784"),
    ],
)
def test_what_cannot_be_is_explained_and_cannot_be_started(
    panel: TrainPanel, requests: list[TrainingRequest], field: str, value: str, word: str
) -> None:
    unfold(panel)
    choose(panel, "train_data", "digits")
    before = text(panel, "train_facts")
    fill(panel, **{field: value})
    facts = find(panel, QLabel, "train_facts")
    assert word in facts.text()
    assert facts.property("problem")
    assert not panel.start.isEnabled()
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert requests == []
    if field == "latent":
        fill(panel, latent=49)
    else:
        find(panel, QLineEdit, f"train_{field}").clear()
    assert panel.start.isEnabled()
    assert text(panel, "train_facts") == before


def test_a_spatial_code_follows_from_the_size(panel: TrainPanel, requests: list[TrainingRequest]) -> None:
    unfold(panel)
    choose(panel, "train_data", "digits")
    choose(panel, "train_architecture", "conv-spatial")
    latent = find(panel, QSpinBox, "train_latent")
    assert not latent.isEnabled()
    assert latent.value() == 49
    assert "latent dim. 7×7×1. Parameters: encoder 24,385" in text(panel, "train_facts")
    fill(panel, size="64")
    assert latent.value() == 256
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert [request.latent for request in requests] == [None]
    choose(panel, "train_architecture", "dense")
    assert latent.isEnabled()


def test_what_has_no_meaning_here_is_out_of_reach(panel: TrainPanel) -> None:
    beta, epochs = find(panel, QLineEdit, "train_beta"), find(panel, QSpinBox, "train_epochs")
    choose(panel, "train_architecture", "vae")
    assert beta.isEnabled()
    choose(panel, "train_architecture", "linear")
    assert not beta.isEnabled()
    assert not epochs.isEnabled(), "the linear optimum is computed at once"
    assert "Closed-form solution" in text(panel, "train_facts")
    unfold(panel)
    fill(panel, noise="gaussian:0.3")
    assert epochs.isEnabled(), "that of a denoiser is not"


def test_going_on_with_a_model(
    themed: object, qtbot: QtBot, document: Document, requests: list[TrainingRequest], explorer_home: Path
) -> None:
    write_bundle(explorer_home / "models" / "parent", MatrixCodec((28, 28, 1), 5))
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    document.training_requested.connect(requests.append)
    unfold(panel)
    choose(panel, "train_data", "digits")
    parents = find(panel, QComboBox, "train_start_from")
    assert parents.findText("parent") < 0, "it is of another architecture"
    choose(panel, "train_architecture", make_card(MatrixCodec()).architecture)
    choose(panel, "train_start_from", str(explorer_home / "models" / "parent"))
    for name in ("train_latent", "train_size", "train_channels", "train_crop", "train_invert"):
        assert not find(panel, QWidget, name).isEnabled(), name
    assert "Input 28×28×1, latent dim. 5." in text(panel, "train_facts")
    fill(panel, noise="gaussian:0.3")
    assert find(panel, QLineEdit, "train_name").text() == "parent-more-denoise"
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    request = requests[-1]
    assert request.start_from == str(explorer_home / "models" / "parent")
    assert (request.latent, request.size, request.noise) == (None, None, "gaussian:0.3")


# -- inverting and augmenting ---------------------------------------------------------------------------------------


def test_inverting_is_suggested_and_asked_for_once(
    panel: TrainPanel, document: Document, requests: list[TrainingRequest]
) -> None:
    asked: list[str] = []
    document.dataset_checks.ground_requested.connect(asked.append)
    source = make_source(40, (16, 20, 1), name="scans")
    document.open(source=source)
    hint, box = find(panel, QLabel, "train_invert_hint"), find(panel, QCheckBox, "train_invert")
    assert not hint.isVisible()
    document.dataset_checks.put_ground(source.spec, True)
    assert hint.isVisible()
    choose(panel, "train_data", "glyphs")
    assert not hint.isVisible(), "those are others"
    choose(panel, "train_data", source.spec)
    assert hint.isVisible()
    assert asked.count(source.spec) == 1
    tick(box)
    assert not hint.isVisible()
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert [request.invert for request in requests] == [True]


def test_nobody_is_asked_while_nobody_looks(themed: object, qtbot: QtBot, document: Document) -> None:
    asked: list[str] = []
    document.dataset_checks.ground_requested.connect(asked.append)
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    document.open(source=make_source(40, (16, 20, 1)))
    assert asked == []
    panel.show()
    assert asked == ["/nowhere/tiny"]


def test_it_says_where_augmentation_adds_nothing(panel: TrainPanel, document: Document) -> None:
    document.open(source=make_source(40, (16, 20, 1)))
    fill(panel, augment=30)
    assert "has no effect: the dataset already has 32 images" in text(panel, "train_facts")
    fill(panel, augment=1000)
    assert "has no effect" not in text(panel, "train_facts")
