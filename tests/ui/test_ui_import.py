"""The import dialog: a Keras model is dropped, looked at, trusted or not, imported, and used, in a real window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing import drops
from explorer_testing.programs import run_python
from explorer_testing.shared_process import shared_process
from explorer_testing.window import WindowDriver, type_into
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox

from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, HalfView
from explorer.engine.client import ModelProcess
from explorer.paths import user_models_dir
from explorer.ui.dialogs.import_model import ImportDialog

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("shared")]

PATIENCE_MS = 120_000

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing import third_party_kinds, third_party_writer
folder, styles = json.loads(sys.argv[1])
third_party_writer.main(Path(folder), styles)
third_party_kinds.main(Path(folder), ["tiled", "gated", "hundred"])
print("null")
"""


@pytest.fixture(scope="module")
def shared(model_process: ModelProcess) -> Iterator[None]:
    with shared_process(model_process, "explorer.workers.importer"):
        yield


@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the window have its model process."""
    monkeypatch.setattr("explorer.workers.importer.ModelProcess", ModelProcess)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few models as others write them."""
    folder = tmp_path_factory.mktemp("foreign")
    styles = ["tanh_range", "conditional", "encoder_two_outputs", "decoder_alone", "gelu", "vae_pair"]
    run_python(_WRITE, [str(folder), styles])
    return folder


def drop(driver: WindowDriver, *paths: Path) -> None:
    """Drop files on the window, as from the desktop."""
    assert drops.drop(driver.window, drops.files(*paths), driver.window.rect().center())


def until_phase(driver: WindowDriver, *phases: str) -> None:
    """Wait until the import is so far."""
    driver.bot.waitUntil(lambda: driver.document.imports.view.phase in phases, timeout=PATIENCE_MS)


def look(driver: WindowDriver, *paths: Path) -> ImportDialog:
    """Drop a model, and wait until it is known what it is."""
    drop(driver, *paths)
    driver.until(lambda: phase(driver) != "idle")
    until_phase(driver, "ready", "asking", "failed")
    return driver.find(ImportDialog, "import_dialog")


def bring_in(driver: WindowDriver, name: str) -> None:
    """Press Import, and wait until the model is open."""
    driver.click("import_write")
    driver.bot.waitUntil(
        lambda: driver.document.model is not None and driver.document.model.name == name, timeout=PATIENCE_MS
    )


def choose(driver: WindowDriver, box: QComboBox, row: int) -> None:
    """Choose an entry, and wait until the model is examined again."""
    box.setCurrentIndex(row)
    box.activated.emit(row)
    driver.until(lambda: phase(driver) == "looking")
    until_phase(driver, "ready")


def phase(driver: WindowDriver) -> str:
    """Return how far the import is."""
    return driver.document.imports.view.phase


def text(driver: WindowDriver, name: str) -> str:
    return driver.find(QLabel, name).text()


def test_a_dropped_model_is_looked_at_and_imported(driver: WindowDriver, models: Path) -> None:
    driver.open()
    dialog = look(driver, models / "tanh_range.h5")
    assert dialog.isVisible()
    assert text(driver, "import_facts") == "Input: 28×28 grayscale. Latent dimensions: 16."
    cut, values = driver.find(QComboBox, "import_cut"), driver.find(QComboBox, "import_range")
    assert cut.currentText().endswith("· 16")
    assert values.currentText() == "−1 to 1 (auto-detected)"
    out, fit = driver.find(QComboBox, "import_range_out"), driver.find(QComboBox, "import_fit")
    assert (out.currentText(), fit.currentText()) == ("−1 to 1 (auto-detected)", "Enlarge (auto-detected)")
    assert text(driver, "import_tried").startswith("MNIST test")
    rows = dialog.table.rows
    assert [len(row) for row in rows] == [8, 8]
    before = [image.copy() for image in rows[1]]

    values.setFocus()
    QTest.keyClick(values, Qt.Key.Key_Down)
    values.activated.emit(values.currentIndex())
    driver.until(lambda: phase(driver) == "looking")
    until_phase(driver, "ready")
    assert values.currentText() == "0 to 1"
    assert dialog.table.rows[1] != before, "the wrong range shows"

    choose(driver, values, 0)
    choose(driver, out, out.findText("Logits (a sigmoid is applied)"))
    choose(driver, fit, fit.findText("Add a border"))
    assert (out.currentText(), fit.currentText()) == ("Logits (a sigmoid is applied)", "Add a border")
    assert "Open images that the model knows first." in text(driver, "import_tried"), "nothing is reconstructed"
    choose(driver, out, 0)
    choose(driver, fit, 0)
    assert "Open images" not in text(driver, "import_tried")
    name = driver.find(QLineEdit, "import_name")
    assert name.text() == "tanh_range"
    type_into(name, "mine")
    bring_in(driver, "mine")
    assert not dialog.isVisible()
    driver.settle()
    item = driver.window.library.item_of("model", "mine")
    assert item is not None
    assert "tanh_range.h5" in item.toolTip(0)
    assert (user_models_dir() / "mine" / "decoder.onnx").is_file()
    assert driver.problems == []

    look(driver, models / "tanh_range.h5")
    type_into(name, "mine")
    assert not driver.find(QPushButton, "import_write").isEnabled(), "a name is taken once"
    assert "“mine”" in text(driver, "import_message")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert phase(driver) == "idle"


@pytest.mark.usefixtures("own_process")
def test_code_is_named_and_runs_only_where_it_is_trusted(driver: WindowDriver, models: Path) -> None:
    trap = models / "written-by-a-hostile-model"
    dialog = look(driver, models / "hostile.keras")
    assert phase(driver) == "asking"
    assert dialog.trust_box.isVisible()
    assert "“scale” (Lambda) runs Python code" in text(driver, "import_dangers")
    label = driver.find(QLabel, "import_dangers")
    assert label.height() >= label.heightForWidth(label.width()), "every line of it can be read"
    assert not trap.exists()
    assert not driver.find(QPushButton, "import_write").isVisible()
    driver.click("import_trust")
    until_phase(driver, "ready", "failed")
    try:
        assert phase(driver) == "ready", driver.document.imports.view.message
        assert trap.exists(), "it runs now, in the model process"
    finally:
        trap.unlink(missing_ok=True)


def test_what_cannot_be_imported_is_said_in_the_dialog(driver: WindowDriver, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    look(driver, damaged)
    assert phase(driver) == "failed"
    assert "Copy or download it again" in text(driver, "import_message")
    assert driver.problems == []
    assert not user_models_dir().exists() or list(user_models_dir().iterdir()) == []


@pytest.mark.usefixtures("own_process")
def test_an_import_can_be_cancelled(driver: WindowDriver, models: Path) -> None:
    drop(driver, models / "tanh_range.h5")
    driver.until(lambda: phase(driver) == "looking")
    driver.until(lambda: driver.find(QPushButton, "import_cancel").isVisible())
    driver.click("import_cancel")
    until_phase(driver, "idle")
    driver.until(lambda: driver.document.jobs == ())


def test_a_class_is_chosen_by_name(driver: WindowDriver, models: Path) -> None:
    driver.open()
    look(driver, models / "conditional.keras")
    assert "Condition inputs, which stay changeable: label (0 to 9)." in text(driver, "import_facts")
    bring_in(driver, "conditional")
    driver.settle()
    box = driver.find(QComboBox, "control_label")
    own = int(driver.code[4:].argmax())
    assert box.currentData() == own
    before = driver.window.stage.edited.image
    other = (own + 3) % 10
    box.setFocus()
    box.setCurrentIndex(box.findData(other))
    box.activated.emit(box.currentIndex())
    np.testing.assert_array_equal(driver.code[4:], np.eye(10)[other])
    driver.until_edited_shows(driver.code)
    assert driver.window.stage.edited.image != before
    assert driver.undo_label() == "Set condition label"
    driver.document.undo()
    assert box.currentData() == own
    mixed = driver.code.copy()
    mixed[4:] = 0.1
    driver.document.set_code(mixed)
    assert box.currentText() == "mixed"


def test_an_encoder_alone_has_codes_and_a_map_of_points(driver: WindowDriver, models: Path) -> None:
    look(driver, models / "encoder_two_outputs.keras")
    assert "Encoder only" in text(driver, "import_facts")
    bring_in(driver, "encoder_two_outputs")
    driver.until(lambda: isinstance(driver.document.views[IMAGE], HalfView))
    assert driver.window.stage.reconstruction.text == "No decoder"
    assert driver.window.stage.original.image is not None
    assert len(driver.code) == 2
    driver.bot.waitUntil(lambda: driver.window.map.images.scatter is not None, timeout=PATIENCE_MS)
    driver.document.choose_image(3)
    driver.until(lambda: driver.document.code is not None)
    assert driver.problems == []


def test_a_decoder_alone_has_sliders_and_a_map(driver: WindowDriver, models: Path) -> None:
    driver.open()
    look(driver, models / "decoder_alone.keras")
    bring_in(driver, "decoder_alone")
    driver.until(lambda: isinstance(driver.document.views[CURSOR], CursorView))
    driver.until(lambda: isinstance(driver.document.views[IMAGE], HalfView))
    assert driver.window.stage.reconstruction.text == "No encoder"
    assert driver.window.stage.edited.image is not None
    driver.tab("Map")
    driver.until(lambda: driver.document.map.ready)
    moved = np.array([0.7, -0.4], np.float32)
    driver.document.set_code(moved)
    driver.until_edited_shows(moved)
    driver.document.choose_image(3)
    np.testing.assert_array_equal(driver.code, moved)
    driver.document.reset_code()
    assert np.abs(driver.code).max() < 0.2, "back amidst the prior"
    driver.document.timeline.add()
    assert driver.problems == []


def test_what_onnx_cannot_express_is_decoded_by_keras(driver: WindowDriver, models: Path) -> None:
    driver.open()
    look(driver, models / "gelu.keras")
    bring_in(driver, "gelu")
    driver.bot.waitUntil(lambda: isinstance(driver.document.views[CURSOR], CursorView), timeout=PATIENCE_MS)
    code = np.linspace(-1, 1, 16, dtype=np.float32)
    driver.document.set_code(code)
    driver.until_edited_shows(code)
    driver.until(lambda: "(Keras)" in driver.find(QLabel, "status_model").toolTip())


def test_two_parts_are_dropped_together(driver: WindowDriver, models: Path) -> None:
    look(driver, models / "decoder_alone.keras", models / "encoder_two_outputs.keras")
    assert phase(driver) == "ready", driver.document.imports.view.message
    assert text(driver, "import_file_name") == "encoder_two_outputs.keras"
    assert text(driver, "import_decoder_name") == "decoder_alone.keras"
    assert not driver.find(QComboBox, "import_cut").isVisible()
    bring_in(driver, "encoder_two_outputs")
    model = driver.document.model
    assert model is not None
    assert model.card.parts == (True, True)
    assert model.card.variational


def test_the_dialog_says_what_it_takes(driver: WindowDriver) -> None:
    driver.shortcut("action_import")
    hint = driver.find(QLabel, "import_hint")
    assert hint.isVisible()
    assert hint.text().startswith("Takes a whole autoencoder, an encoder or a decoder")


def test_the_decoder_beside_an_encoder_is_proposed(driver: WindowDriver, models: Path) -> None:
    look(driver, models / "vae_pair" / "my_encoder.keras")
    assert text(driver, "import_decoder_name") == "my_decoder.h5 (found beside the encoder)"
    assert not driver.find(QLabel, "import_hint").isVisible()
    assert text(driver, "import_facts").startswith("Input: 28×28 grayscale. Latent dimensions: 2.\n")
    assert "Encoder only" not in text(driver, "import_facts")
    driver.click("import_no_decoder")
    driver.until(lambda: phase(driver) == "looking")
    until_phase(driver, "ready")
    assert text(driver, "import_decoder_name") == "In the same file"
    assert "Encoder only" in text(driver, "import_facts")


def test_the_decoder_alone_of_an_encoder_with_code(driver: WindowDriver, models: Path) -> None:
    look(driver, models / "tiled")
    assert phase(driver) == "asking"
    assert "“tile” (Lambda) runs Python code" in text(driver, "import_dangers")
    driver.click("import_decoder_only")
    driver.until(lambda: phase(driver) == "looking")
    until_phase(driver, "ready")
    assert "Decoder only" in text(driver, "import_facts")
    assert text(driver, "import_file_name") == "decoder.keras"


def test_the_decoder_alone_of_a_whole_model_with_code(driver: WindowDriver, models: Path) -> None:
    driver.open()
    look(driver, models / "gated.keras")
    assert phase(driver) == "asking"
    QTest.mouseClick(driver.find(QPushButton, "import_decoder_only"), Qt.MouseButton.LeftButton)
    driver.until(lambda: phase(driver) == "looking")
    until_phase(driver, "ready", "failed")
    assert phase(driver) == "ready", driver.document.imports.view.message
    assert "Decoder only" in text(driver, "import_facts")
    assert driver.find(QComboBox, "import_cut").isVisible(), "it can be cut elsewhere"
    bring_in(driver, "gated")
    model = driver.document.model
    assert model is not None
    assert model.card.parts == (False, True)
    assert model.card.command.endswith(" --decoder-only")


def test_one_of_many_classes_is_typed(driver: WindowDriver, models: Path) -> None:
    driver.open()
    look(driver, models / "hundred_decoder.keras")
    assert "Condition inputs, which stay changeable: label (0 to 99)." in text(driver, "import_facts")
    default = driver.find(QLineEdit, "import_condition")
    assert default.isVisible()
    type_into(default, "70")
    driver.until(lambda: phase(driver) == "looking")
    until_phase(driver, "ready")
    bring_in(driver, "hundred_decoder")
    driver.until(lambda: isinstance(driver.document.views[CURSOR], CursorView))
    field = driver.find(QSpinBox, "control_label")
    driver.until(field.isEnabled)
    driver.until(lambda: driver.window.stage.edited.image is not None)
    assert field.value() == driver.code[4] == 70
    before = driver.window.stage.edited.image
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "83")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert driver.code[4] == 83
    driver.until_edited_shows(driver.code)
    assert driver.window.stage.edited.image != before
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert driver.code[4] == 84
    assert driver.undo_label() == "Set condition label"
    driver.document.undo()
    driver.document.undo()
    assert field.value() == 70
    mixed = driver.code.copy()
    mixed[4] = 3.5
    driver.document.set_code(mixed)
    assert field.text() == "mixed"
    assert driver.problems == []
