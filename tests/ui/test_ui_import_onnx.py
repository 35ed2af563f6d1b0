"""The import dialog with ONNX files, and with files that hold no network, in a real window."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from explorer_testing import onnx_models
from explorer_testing.drops import drop, files
from explorer_testing.window import WindowDriver, type_into
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QComboBox, QLabel

from explorer.data import extras
from explorer.ui.dialogs.import_model import ImportDialog

PATIENCE_MS = 120_000
FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"


def until_phase(driver: WindowDriver, *phases: str) -> ImportDialog:
    """Wait until the import is so far, and return its dialog."""
    driver.bot.waitUntil(lambda: driver.document.imports.view.phase in phases, timeout=PATIENCE_MS)
    return driver.find(ImportDialog, "import_dialog")


def choose(box: QComboBox, text: str) -> None:
    """Choose an entry as a person does."""
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def trigger(driver: WindowDriver, name: str) -> None:
    action = driver.window.findChild(QAction, name)
    assert action is not None
    action.trigger()


def test_a_dropped_pair_is_imported(driver: WindowDriver, tmp_path: Path) -> None:
    encoder = onnx_models.save(onnx_models.encoder(outputs=("stacked",)), tmp_path / "encoder.onnx")
    decoder = onnx_models.save(onnx_models.decoder(), tmp_path / "decoder.onnx")
    driver.open()
    drop(driver.window, files(encoder, decoder), driver.window.rect().center())
    dialog = until_phase(driver, "ready", "failed")
    facts = driver.find(QLabel, "import_facts").text()
    assert "Input: 28×28 grayscale. Latent dimensions: 10." in facts
    assert "The encoder's output holds mean and log-variance" in facts
    assert [len(row) for row in dialog.table.rows] == [8, 8]
    driver.click("import_write")
    driver.bot.waitUntil(
        lambda: driver.document.model is not None and driver.document.model.name == "encoder", timeout=PATIENCE_MS
    )
    assert driver.document.model is not None
    assert driver.document.model.card.variational
    assert driver.problems == []


def test_a_dropped_file_of_tensorflow_lite_comes_with_the_decoder_beside_it(
    driver: WindowDriver, tmp_path: Path
) -> None:
    for name in ("encoder", "decoder"):
        shutil.copyfile(FIXTURES / f"{name}-float32.tflite", tmp_path / f"{name}.tflite")
    driver.open()
    drop(driver.window, files(tmp_path / "encoder.tflite"), driver.window.rect().center())
    dialog = until_phase(driver, "ready", "failed")
    facts = driver.find(QLabel, "import_facts").text()
    assert "Input: 8×8 grayscale. Latent dimensions: 4." in facts
    assert [len(row) for row in dialog.table.rows] == [8, 8]
    assert dialog.choices.axes.isVisible()
    assert dialog.write.isEnabled()
    dialog.close()


def test_axes_and_condition_can_be_set(driver: WindowDriver, tmp_path: Path) -> None:
    encoder = onnx_models.save(onnx_models.encoder(), tmp_path / "encoder.onnx")
    decoder = onnx_models.save(onnx_models.by_number(onnx_models.decoder(classes=10)), tmp_path / "decoder.onnx")
    driver.open()
    drop(driver.window, files(encoder, decoder), driver.window.rect().center())
    dialog = until_phase(driver, "failed")
    assert "Set the condition" in driver.find(QLabel, "import_message").text()
    field = dialog.choices.condition
    type_into(field, "3")
    field.editingFinished.emit()
    until_phase(driver, "ready")
    assert "The condition label is fixed at 3" in driver.find(QLabel, "import_facts").text()
    type_into(field, "three")
    assert "enter a class such as 3" in driver.find(QLabel, "import_message").text()
    assert not dialog.write.isEnabled()
    field.setText("3")  # Return would import
    field.editingFinished.emit()
    assert dialog.write.isEnabled()
    assert driver.find(QLabel, "import_message").text() == ""
    choose(dialog.choices.axes, "Channels last")
    until_phase(driver, "failed")
    assert "is not an image: its shape is 1×28×28" in driver.find(QLabel, "import_message").text()
    dialog.close()


def test_a_condition_stays_changeable(driver: WindowDriver, tmp_path: Path) -> None:
    encoder = onnx_models.save(onnx_models.encoder(one_hot=4), tmp_path / "encoder.onnx")
    decoder = onnx_models.save(onnx_models.decoder(one_hot=4), tmp_path / "decoder.onnx")
    driver.open()
    drop(driver.window, files(encoder, decoder), driver.window.rect().center())
    dialog = until_phase(driver, "ready", "failed")
    assert "Condition inputs, which stay changeable: label (0 to 3)." in driver.find(QLabel, "import_facts").text()
    fields = dialog.choices
    assert fields.condition.isVisible()
    assert not any(field.isVisible() for field in (fields.code, fields.variance, fields.cut))
    type_into(fields.condition, "2")
    fields.condition.editingFinished.emit()
    driver.until(lambda: driver.document.imports.view.phase == "looking")
    until_phase(driver, "ready")
    driver.click("import_write")
    driver.bot.waitUntil(
        lambda: driver.document.model is not None and driver.document.model.name == "encoder", timeout=PATIENCE_MS
    )
    driver.settle()
    conditions = driver.document.condition
    assert conditions.inputs is not None
    np.testing.assert_array_equal(conditions.inputs.default, [0, 0, 1, 0])
    box, own = driver.find(QComboBox, "control_label"), conditions.classes[0]
    assert own is not None
    assert box.currentData() == own
    trigger(driver, "action_next_condition")
    assert box.currentData() == (own + 1) % 4
    np.testing.assert_array_equal(driver.code[10:], np.eye(4)[(own + 1) % 4])
    driver.until_edited_shows(driver.code)
    assert driver.undo_label() == "Set condition label"
    trigger(driver, "action_previous_condition")
    assert box.currentData() == own
    assert driver.problems == []


def test_the_outputs_of_an_encoder_are_offered(driver: WindowDriver, tmp_path: Path) -> None:
    encoder = onnx_models.save(onnx_models.encoder(outputs=("code", "stacked")), tmp_path / "encoder.onnx")
    driver.open()
    drop(driver.window, files(encoder), driver.window.rect().center())
    dialog = until_phase(driver, "failed")
    fields = dialog.choices
    assert "code (10), stacked (20) are neither a code nor" in driver.find(QLabel, "import_message").text()
    assert fields.code.isVisible()
    assert not fields.range.isVisible()
    assert [fields.code.itemText(row) for row in range(3)] == ["Auto-detect", "code (10)", "stacked (20)"]
    choose(fields.code, "stacked (20)")
    until_phase(driver, "ready")
    assert "Latent dimensions: 20" in driver.find(QLabel, "import_facts").text()
    assert fields.variance.currentText() == "None"
    choose(fields.variance, "Second half of the code output")
    driver.until(lambda: driver.document.imports.view.phase == "looking")
    until_phase(driver, "ready")
    assert "Latent dimensions: 10" in driver.find(QLabel, "import_facts").text()
    assert (fields.code.currentText(), fields.range.isVisible()) == ("stacked (20)", True)
    assert not fields.range_out.isVisible()
    driver.click("import_write")
    driver.bot.waitUntil(
        lambda: driver.document.model is not None and driver.document.model.name == "encoder", timeout=PATIENCE_MS
    )
    model = driver.document.model
    assert model is not None
    assert model.card.variational
    assert "--code=1 --log-variance=stacked" in model.card.command


def test_weights_without_a_network_show_the_export_script(driver: WindowDriver, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(8))
    driver.open()
    drop(driver.window, files(path), driver.window.rect().center())
    dialog = until_phase(driver, "failed")
    assert "model.safetensors has only weights of PyTorch" in driver.find(QLabel, "import_message").text()
    assert "torch.onnx.export" in dialog.recipe.text()
    driver.click("import_copy_recipe")
    assert QApplication.clipboard().text() == dialog.recipe.text()


def test_a_dropped_program_of_pytorch_asks_for_trust(driver: WindowDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).resolve().parents[1] / "fixtures" / "torch"
    program = folder / "whole.pt2"
    monkeypatch.setitem(extras.EXTRAS, "torch", ("latent_explorer_has_no_such_package",))
    driver.open()
    drop(driver.window, files(program), driver.window.rect().center())
    dialog = until_phase(driver, "failed")
    assert "pip install '.[torch]'" in driver.find(QLabel, "import_message").text()
    assert dialog.name.text() == "whole"
    monkeypatch.setitem(extras.EXTRAS, "torch", ("numpy",))
    dialog.begin(program)
    until_phase(driver, "asking")
    assert "“whole.pt2” (torch.export) is a PyTorch program" in driver.find(QLabel, "import_dangers").text()
    assert dialog.trust.isVisible()
    # The decoder of a pair is code, too, so there is no use in importing it alone.
    dialog.begin(folder / "vae_encoder.pt2", folder / "vae_decoder.pt2")
    driver.until(lambda: "vae_decoder.pt2" in driver.find(QLabel, "import_dangers").text())
    assert not dialog.decoder_only.isVisible()
