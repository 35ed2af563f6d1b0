"""The import dialog with ONNX files, and with files that hold no network, in a real window."""

from __future__ import annotations

from pathlib import Path

import pytest
from explorer_testing import onnx_models
from explorer_testing.drops import drop, files
from explorer_testing.window import WindowDriver, type_into
from PySide6.QtWidgets import QApplication, QLabel

from explorer.data import extras
from explorer.ui.dialogs.import_model import ImportDialog

PATIENCE_MS = 60_000


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
    path = tmp_path / "model.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3")
    driver.open()
    drop(driver.window, files(path), driver.window.rect().center())
    dialog = until_phase(driver, "failed")
    assert "model.tflite is a TensorFlow Lite model" in driver.find(QLabel, "import_message").text()
    assert "python -m tf2onnx.convert --tflite" in dialog.recipe.text()
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
