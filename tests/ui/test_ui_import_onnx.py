"""The import dialog with ONNX files, and with files that hold no network, in a real window."""

from __future__ import annotations

import shutil
from pathlib import Path

from explorer_testing import onnx_models
from explorer_testing.drops import drop, files
from explorer_testing.window import WindowDriver, type_into
from PySide6.QtWidgets import QApplication, QLabel

from explorer.ui.dialogs.import_model import ImportDialog

PATIENCE_MS = 60_000
FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"


def until_phase(driver: WindowDriver, *phases: str) -> ImportDialog:
    """Wait until the import is so far, and return its dialog."""
    driver.bot.waitUntil(lambda: driver.document.imports.view.phase in phases, timeout=PATIENCE_MS)
    return driver.find(ImportDialog, "import_dialog")


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
    assert dialog.axes.isVisible()
    assert dialog.write.isEnabled()
    dialog.close()


def test_axes_and_condition_can_be_set(driver: WindowDriver, tmp_path: Path) -> None:
    encoder = onnx_models.save(onnx_models.encoder(), tmp_path / "encoder.onnx")
    decoder = onnx_models.save(onnx_models.decoder(classes=10), tmp_path / "decoder.onnx")
    driver.open()
    drop(driver.window, files(encoder, decoder), driver.window.rect().center())
    dialog = until_phase(driver, "failed")
    assert "Set the condition" in driver.find(QLabel, "import_message").text()
    type_into(dialog.condition, "3")
    dialog.condition.editingFinished.emit()
    until_phase(driver, "ready")
    assert "The condition label is fixed at 3" in driver.find(QLabel, "import_facts").text()
    type_into(dialog.condition, "three")
    assert "enter a class such as 3" in driver.find(QLabel, "import_message").text()
    assert not dialog.write.isEnabled()
    dialog.condition.setText("3")  # Return would import
    dialog.condition.editingFinished.emit()
    assert dialog.write.isEnabled()
    assert driver.find(QLabel, "import_message").text() == ""
    dialog.axes.setCurrentIndex(dialog.axes.findData("nhwc"))
    dialog.axes.activated.emit(dialog.axes.currentIndex())
    until_phase(driver, "failed")
    assert "is not an image: its shape is 1×28×28" in driver.find(QLabel, "import_message").text()
    dialog.close()


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
