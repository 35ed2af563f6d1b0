"""Presets in the Train panel, and what it explains before Start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source
from explorer_testing.window import choose, type_into
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.models.architectures import ARCHITECTURES
from explorer.models.settings import TrainingRequest, make_request, resolve_settings
from explorer.models.training_presets import TRAINING_PRESETS, TrainingPreset
from explorer.paths import datasets_dir
from explorer.ui.panels.train import TrainPanel

GB = 2**30


@pytest.fixture
def document() -> Document:
    return Document()


@pytest.fixture
def panel(themed: object, qtbot: QtBot, document: Document, explorer_home: Path) -> TrainPanel:
    return make_panel(qtbot, document)


def make_panel(qtbot: QtBot, document: Document) -> TrainPanel:
    panel = TrainPanel(document)
    qtbot.addWidget(panel)
    panel.resize(900, 420)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def box(panel: TrainPanel, name: str) -> QComboBox:
    found = panel.findChild(QComboBox, f"train_{name}")
    assert found is not None
    return found


def label(panel: TrainPanel, name: str) -> QLabel:
    found = panel.findChild(QLabel, f"train_{name}")
    assert found is not None
    return found


def fill(panel: TrainPanel, name: str, text: str) -> None:
    field = panel.findChild(QSpinBox, f"train_{name}") or panel.findChild(QLineEdit, f"train_{name}")
    assert field is not None
    type_into(field, text)


def request(panel: TrainPanel) -> TrainingRequest:
    return panel.form.request(Path("new"))


def test_a_newcomer_begins_with_a_quick_try(panel: TrainPanel) -> None:
    assert box(panel, "preset").currentText() == "Quick start"
    assert request(panel).epochs == 10
    assert request(panel).data == "digits"
    assert panel.start.isEnabled()


@pytest.mark.parametrize("preset", TRAINING_PRESETS, ids=lambda preset: preset.name)
def test_a_preset_restores_every_setting(panel: TrainPanel, preset: TrainingPreset) -> None:
    # Whatever was set before …
    choose(panel, "train_architecture", "vae")
    for name, text in (
        ("noise", "blur:2"),
        ("augment", "50"),
        ("rate", "0.5"),
        ("beta", "9"),
        ("l1", "3"),
        ("crop", "2"),
    ):
        fill(panel, name, text)
    for name, text in (("batch", "3"), ("early_stop", "4"), ("size", "40x44"), ("latent", "5"), ("epochs", "6")):
        fill(panel, name, text)
    choose(panel, "train_schedule", "cosine")
    # … is as the reference had it.
    choose(panel, "train_preset", preset.name)
    made = request(panel)
    assert preset.describes(made)
    assert (made.noise, made.augment, made.size, made.crop) == (preset.noise, preset.augment, preset.size, None)
    assert made.rate is None
    assert resolve_settings(made) == resolve_settings(preset.request(made))
    assert box(panel, "preset").currentText() == str(preset.title)
    assert box(panel, "preset").toolTip() == str(preset.about)
    assert panel.start.isEnabled(), label(panel, "facts").text()


def test_another_setting_makes_it_a_changed_one_and_then_ones_own(panel: TrainPanel) -> None:
    choose(panel, "train_preset", "glyph_vae")
    combo = box(panel, "preset")
    fill(panel, "epochs", "31")
    assert combo.currentText() == "Glyph VAE (modified)"
    fill(panel, "epochs", "30")
    assert combo.currentText() == "Glyph VAE"
    fill(panel, "seed", "5")
    assert combo.currentText() == "Glyph VAE", "a seed is no setting of the reference"
    fill(panel, "size", "nonsense")
    assert combo.currentText() == "Glyph VAE (modified)"
    choose(panel, "train_preset", "glyph_vae")
    assert combo.currentText() == "Glyph VAE"
    assert request(panel).size == (64, 64)
    choose(panel, "train_architecture", "cnn")
    assert combo.currentText() == "Custom"
    assert [combo.itemText(row) for row in range(len(TRAINING_PRESETS))] == [
        str(preset.title) for preset in TRAINING_PRESETS
    ]


def test_settings_that_are_a_presets_are_called_so(panel: TrainPanel) -> None:
    choose(panel, "train_architecture", "dense")
    assert request(panel).epochs == ARCHITECTURES["dense"].defaults.epochs == 50
    assert box(panel, "preset").currentText() == "MNIST MLP"


def test_own_images_are_kept_by_the_quick_try(panel: TrainPanel, document: Document) -> None:
    document.open(source=make_source(40, (16, 20, 3)))
    assert box(panel, "preset").currentText() == "Quick start"
    choose(panel, "train_preset", "glyph_ae")
    assert request(panel).data == "glyphs"
    choose(panel, "train_data", "/nowhere/tiny")
    assert box(panel, "preset").currentText() == "Glyph AE (modified)"
    choose(panel, "train_preset", "quick")
    assert request(panel).data == "/nowhere/tiny"


def test_it_says_where_other_images_stand_in(panel: TrainPanel) -> None:
    note = label(panel, "preset_note")
    assert not note.isVisible()
    choose(panel, "train_preset", "dogs")
    assert request(panel).data == "faces"
    assert note.isVisible()
    assert note.text() == "The original dataset, Stanford Dogs, is not downloaded; a similar one is used."
    assert "Download it in the window" in note.toolTip()
    choose(panel, "train_preset", "glyph_ae")
    assert not note.isVisible(), "the glyphs are here"


def put_mnist() -> None:
    """Put a file where the download would."""
    pixels, labels = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)
    datasets_dir().mkdir(parents=True)
    np.savez(datasets_dir() / "mnist.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)


def test_images_that_come_meanwhile_can_be_chosen(panel: TrainPanel, document: Document) -> None:
    choose(panel, "train_data", "mnist")
    assert not panel.start.isEnabled()
    put_mnist()
    document.library_changed.emit()
    assert box(panel, "data").currentText() == "mnist"
    assert panel.start.isEnabled()


def test_the_references_images_are_taken_where_they_are(
    themed: object, qtbot: QtBot, document: Document, explorer_home: Path
) -> None:
    put_mnist()
    panel = make_panel(qtbot, document)
    choose(panel, "train_preset", "mnist_sparse")
    assert request(panel).data == "mnist"
    assert not label(panel, "preset_note").isVisible()


def test_denoising_goes_on_with_a_trained_model(panel: TrainPanel) -> None:
    choose(panel, "train_preset", "mnist_denoising")
    made = request(panel)
    assert made.start_from is not None
    assert Path(made.start_from).name == "digits-deep-49"
    assert (made.batch, made.epochs, made.noise) == (16, 200, "gaussian:0.5@0.5")
    choose(panel, "train_start_from", None)
    assert "Select one under “Initialize from”" in label(panel, "preset_note").text()
    assert box(panel, "preset").currentText() == "MNIST denoising (modified)"


# -- doing a training again -------------------------------------------------------------------------------------------


FULL: dict[str, object] = {
    "architecture": "vae",
    "data": "glyphs",
    "out": Path("kept"),
    "latent": 3,
    "size": (40, 44),
    "channels": 3,
    "crop": 2,
    "invert": True,
    "epochs": 7,
    "batch": 9,
    "rate": 0.002,
    "schedule": "cosine",
    "loss": "mse",
    "beta": 4.0,
    "l1": 1e-5,
    "noise": "gaussian:0.3@0.1+blur:1",
    "augment": 900,
    "limit": 300,
    "seed": 11,
    "early_stop": 2,
}


@pytest.mark.parametrize("preset", TRAINING_PRESETS, ids=lambda preset: preset.name)
def test_a_request_fills_the_form_and_comes_out_the_same(panel: TrainPanel, preset: TrainingPreset) -> None:
    choose(panel, "train_preset", preset.name)
    first = request(panel)
    full = make_request(**FULL)
    panel.form.show_request(full)
    assert request(panel).model_copy(update={"out": Path("kept")}) == full
    assert box(panel, "preset").currentText() == ("Glyph VAE (modified)" if preset.name == "glyph_vae" else "Custom")
    panel.form.show_request(first)
    assert request(panel) == first
    assert box(panel, "preset").currentText() == str(preset.title)


def test_images_that_are_not_open_any_more_are_asked_for(panel: TrainPanel, document: Document) -> None:
    document.open(source=make_source(40, (16, 20, 3)))
    panel.form.show_request(make_request(architecture="dense", data="/elsewhere/scans", out=Path("new")))
    assert box(panel, "data").currentText() == "scans (not open)"
    assert "Open /elsewhere/scans first" in label(panel, "facts").text()
    assert not panel.start.isEnabled()
    panel.hide()
    panel.show()
    panel.form.show_request(make_request(architecture="dense", data="/elsewhere/a.npy?range=0,9", out=Path("new")))
    assert box(panel, "data").currentText() == "a.npy (not open)"
    panel.form.show_request(make_request(architecture="dense", data="/elsewhere/scans", channels=4, out=Path("new")))
    assert box(panel, "channels").currentText() == "Auto"
    assert request(panel).data == "/elsewhere/scans", "it is not exchanged for others behind anybody's back"
    document.open(source=make_source(40, (16, 20, 3), name="other"))
    assert panel.start.isEnabled()


def test_names_of_trainings_that_run_or_wait_are_taken(panel: TrainPanel, document: Document) -> None:
    field = panel.findChild(QLineEdit, "train_name")
    assert field is not None
    first = field.text()
    document.put_training(TrainingView("running", first))
    assert field.text() == f"{first}-2"
    document.trainings.put_queue((request(panel).model_copy(update={"out": Path("models") / f"{first}-2"}),))
    assert field.text() == f"{first}-3"
    fill(panel, "name", f"{first}-2")
    assert "is already taken" in label(panel, "facts").text()
    document.trainings.put_queue(())
    assert "is already taken" not in label(panel, "facts").text()


# -- what is explained before Start -----------------------------------------------------------------------------------


def test_images_that_are_not_here_are_explained(panel: TrainPanel) -> None:
    choose(panel, "train_data", "stanford_dogs")
    assert box(panel, "data").currentText() == "stanford dogs (not downloaded)"
    facts = label(panel, "facts")
    assert "Stanford Dogs is not" in facts.text()
    assert "Download it in the window" in facts.text()
    assert facts.property("problem")
    assert not panel.start.isEnabled()
    choose(panel, "train_data", "faces")
    assert panel.start.isEnabled()


def test_images_without_a_test_split_are_explained(panel: TrainPanel, document: Document) -> None:
    source = make_source(1, (28, 28, 1))
    document.open(source=source)
    assert "at least one of each is needed" in label(panel, "facts").text()
    assert not panel.start.isEnabled()


@pytest.mark.parametrize("name", ["con", "a/b", ".hidden"])
def test_a_name_that_cannot_be_is_explained_at_once(panel: TrainPanel, name: str) -> None:
    fill(panel, "name", name)
    assert "cannot be the name of a folder" in label(panel, "facts").text()
    assert not panel.start.isEnabled()
    assert panel.drawing.diagram is not None, "the network has nothing to do with its name"
    fill(panel, "name", "good")
    assert panel.start.isEnabled()


def test_a_name_that_was_used_gives_way_to_a_suggestion(panel: TrainPanel, explorer_home: Path) -> None:
    fill(panel, "name", "mine")
    QTest.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    (explorer_home / "models" / "mine").mkdir(parents=True)
    panel.form.refresh_name()
    field = panel.findChild(QLineEdit, "train_name")
    assert field is not None
    assert field.text() == "digits-deep-dense-49"


def test_memory_is_reported_warned_of_and_refused(panel: TrainPanel) -> None:
    warning = label(panel, "warning")
    assert "Memory: about" in label(panel, "facts").text()
    assert not warning.isVisible()
    panel.form.machine = 2 * GB
    choose(panel, "train_preset", "dogs")
    assert warning.isVisible()
    assert "this machine has 2.0 GB" in warning.text()
    assert panel.start.isEnabled(), "it is not certain"
    fill(panel, "batch", "2")
    assert not warning.isVisible()
    choose(panel, "train_preset", "quick")
    fill(panel, "size", "512")
    fill(panel, "latent", "5000")
    assert "but this machine has 2.0 GB" in label(panel, "facts").text()
    assert not panel.start.isEnabled()


def test_the_work_of_an_epoch_is_reported(panel: TrainPanel) -> None:
    assert "Per epoch: 8,000 images, 32 steps, 6.45 G MACs." in label(panel, "facts").text()
    fill(panel, "limit", "1000")
    assert "Per epoch: 1,000 images, 4 steps, 807 M MACs." in label(panel, "facts").text()


def test_cross_entropy_without_a_sigmoid_is_warned_of(panel: TrainPanel) -> None:
    choose(panel, "train_architecture", "conv-pool")
    choose(panel, "train_loss", "bce")
    assert "BCE needs outputs in 0–1; the output of this network is linear. Use MSE." in label(panel, "warning").text()
    choose(panel, "train_loss", "mse")
    assert not label(panel, "warning").isVisible()
