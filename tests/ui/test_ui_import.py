"""The import dialog: a Keras model is dropped, looked at, trusted or not, imported, and used, in a real window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.programs import run_python
from explorer_testing.window import Desk, type_into
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton

from explorer.document.views import CursorView, HalfView
from explorer.paths import user_models_dir
from explorer.ui.dialogs.import_model import ImportDialog

pytestmark = pytest.mark.engine

PATIENCE_MS = 120_000

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing import foreign_writer
folder, styles = json.loads(sys.argv[1])
foreign_writer.main(Path(folder), styles)
print("null")
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few models as others write them."""
    folder = tmp_path_factory.mktemp("foreign")
    run_python(_WRITE, [str(folder), ["tanh_range", "conditional", "encoder_two_outputs", "decoder_alone", "gelu"]])
    return folder


def drop(desk: Desk, *paths: Path) -> None:
    """Drop files on the window, as from the desktop."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    where, left, none = desk.window.rect().center(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    for event in (
        QDragEnterEvent(where, copy, mime, left, none),
        QDragMoveEvent(where, copy, mime, left, none),
        QDropEvent(QPointF(where), copy, mime, left, none),
    ):
        QApplication.sendEvent(desk.window, event)


def until_phase(desk: Desk, *phases: str) -> None:
    """Wait until the import is so far."""
    desk.bot.waitUntil(lambda: desk.document.imports.view.phase in phases, timeout=PATIENCE_MS)


def look(desk: Desk, *paths: Path) -> ImportDialog:
    """Drop a model, and wait until it is known what it is."""
    drop(desk, *paths)
    desk.until(lambda: phase(desk) != "idle")
    until_phase(desk, "ready", "asking", "failed")
    return desk.find(ImportDialog, "import_dialog")


def bring_in(desk: Desk, name: str) -> None:
    """Press Import, and wait until the model is open."""
    desk.click("import_write")
    desk.bot.waitUntil(
        lambda: desk.document.model is not None and desk.document.model.name == name, timeout=PATIENCE_MS
    )


def phase(desk: Desk) -> str:
    """Return how far the import is."""
    return desk.document.imports.view.phase


def text(desk: Desk, name: str) -> str:
    return desk.find(QLabel, name).text()


def test_a_dropped_model_is_looked_at_and_imported(desk: Desk, models: Path) -> None:
    desk.open()
    dialog = look(desk, models / "tanh_range.h5")
    assert dialog.isVisible()
    assert text(desk, "import_facts") == "Input: 28×28 grayscale. Latent dimensions: 16."
    cut, values = desk.find(QComboBox, "import_cut"), desk.find(QComboBox, "import_range")
    assert cut.currentText().endswith("· 16")
    assert values.currentText() == "−1 to 1 (auto-detected)"
    assert text(desk, "import_tried").startswith("MNIST test")
    rows = dialog.table.rows
    assert [len(row) for row in rows] == [8, 8]
    before = [picture.copy() for picture in rows[1]]

    values.setFocus()
    QTest.keyClick(values, Qt.Key.Key_Down)
    values.activated.emit(values.currentIndex())
    desk.until(lambda: phase(desk) == "looking")
    until_phase(desk, "ready")
    assert values.currentText() == "0 to 1"
    assert dialog.table.rows[1] != before, "the wrong range shows"

    values.setCurrentIndex(0)
    values.activated.emit(0)
    until_phase(desk, "ready")
    name = desk.find(QLineEdit, "import_name")
    assert name.text() == "tanh_range"
    type_into(name, "mine")
    bring_in(desk, "mine")
    assert not dialog.isVisible()
    desk.settle()
    item = desk.window.library.item_of("model", "mine")
    assert item is not None
    assert "tanh_range.h5" in item.toolTip(0)
    assert (user_models_dir() / "mine" / "decoder.onnx").is_file()
    assert desk.problems == []

    look(desk, models / "tanh_range.h5")
    type_into(name, "mine")
    assert not desk.find(QPushButton, "import_write").isEnabled(), "a name is taken once"
    assert "“mine”" in text(desk, "import_message")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert phase(desk) == "idle"


def test_code_is_named_and_runs_only_where_it_is_trusted(desk: Desk, models: Path) -> None:
    trap = models / "written-by-a-hostile-model"
    dialog = look(desk, models / "hostile.keras")
    assert phase(desk) == "asking"
    assert dialog.trust_box.isVisible()
    assert "“scale” (Lambda) runs Python code" in text(desk, "import_dangers")
    label = desk.find(QLabel, "import_dangers")
    assert label.height() >= label.heightForWidth(label.width()), "every line of it can be read"
    assert not trap.exists()
    assert not desk.find(QPushButton, "import_write").isVisible()
    desk.click("import_trust")
    until_phase(desk, "ready", "failed")
    try:
        assert phase(desk) == "ready", desk.document.imports.view.message
        assert trap.exists(), "it runs now, in the model process"
    finally:
        trap.unlink(missing_ok=True)


def test_what_cannot_be_imported_is_said_in_the_dialog(desk: Desk, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    look(desk, damaged)
    assert phase(desk) == "failed"
    assert "Copy or download it again" in text(desk, "import_message")
    assert desk.problems == []
    assert not user_models_dir().exists() or list(user_models_dir().iterdir()) == []


def test_an_import_can_be_cancelled(desk: Desk, models: Path) -> None:
    drop(desk, models / "tanh_range.h5")
    desk.until(lambda: phase(desk) == "looking")
    desk.until(lambda: desk.find(QPushButton, "import_cancel").isVisible())
    desk.click("import_cancel")
    until_phase(desk, "idle")
    desk.until(lambda: desk.document.jobs == ())


def test_a_class_is_chosen_by_name(desk: Desk, models: Path) -> None:
    desk.open()
    look(desk, models / "conditional.keras")
    assert "Condition inputs, shown as sliders: label." in text(desk, "import_facts")
    bring_in(desk, "conditional")
    desk.settle()
    box = desk.find(QComboBox, "control_label")
    own = int(desk.code[4:].argmax())
    assert box.currentData() == own
    before = desk.window.stage.edited.image
    other = (own + 3) % 10
    box.setFocus()
    box.setCurrentIndex(box.findData(other))
    box.activated.emit(box.currentIndex())
    np.testing.assert_array_equal(desk.code[4:], np.eye(10)[other])
    desk.until_edited_shows(desk.code)
    assert desk.window.stage.edited.image != before
    assert desk.undo_label() == "Choose label"
    desk.document.undo()
    assert box.currentData() == own
    mixed = desk.code.copy()
    mixed[4:] = 0.1
    desk.document.set_code(mixed)
    assert box.currentText() == "mixed"


def test_an_encoder_alone_has_codes_and_a_map_of_points(desk: Desk, models: Path) -> None:
    look(desk, models / "encoder_two_outputs.keras")
    assert "Encoder only" in text(desk, "import_facts")
    bring_in(desk, "encoder_two_outputs")
    desk.until(lambda: isinstance(desk.document.picture_view, HalfView))
    assert desk.window.stage.reconstruction.text == "No decoder"
    assert desk.window.stage.original.image is not None
    assert len(desk.code) == 2
    desk.bot.waitUntil(lambda: desk.window.map.pictures.scatter is not None, timeout=PATIENCE_MS)
    desk.document.choose_picture(3)
    desk.until(lambda: desk.document.code is not None)
    assert desk.problems == []


def test_a_decoder_alone_has_sliders_and_a_map(desk: Desk, models: Path) -> None:
    desk.open()
    look(desk, models / "decoder_alone.keras")
    bring_in(desk, "decoder_alone")
    desk.until(lambda: isinstance(desk.document.cursor_view, CursorView))
    desk.until(lambda: isinstance(desk.document.picture_view, HalfView))
    assert desk.window.stage.reconstruction.text == "No encoder"
    assert desk.window.stage.edited.image is not None
    desk.until(lambda: desk.document.map.ready)
    moved = np.array([0.7, -0.4], np.float32)
    desk.document.set_code(moved)
    desk.until_edited_shows(moved)
    desk.document.choose_picture(3)
    np.testing.assert_array_equal(desk.code, moved)
    desk.document.reset_code()
    assert np.abs(desk.code).max() < 0.2, "back amidst the prior"
    desk.document.timeline.add()
    assert desk.problems == []


def test_what_onnx_cannot_express_is_decoded_by_keras(desk: Desk, models: Path) -> None:
    desk.open()
    look(desk, models / "gelu.keras")
    bring_in(desk, "gelu")
    desk.bot.waitUntil(lambda: isinstance(desk.document.cursor_view, CursorView), timeout=PATIENCE_MS)
    code = np.linspace(-1, 1, 16, dtype=np.float32)
    desk.document.set_code(code)
    desk.until_edited_shows(code)
    desk.until(lambda: "by Keras itself" in text(desk, "status_decode"))


def test_two_halves_are_dropped_together(desk: Desk, models: Path) -> None:
    look(desk, models / "decoder_alone.keras", models / "encoder_two_outputs.keras")
    assert phase(desk) == "ready", desk.document.imports.view.message
    assert text(desk, "import_file_name") == "encoder_two_outputs.keras"
    assert text(desk, "import_decoder_name") == "decoder_alone.keras"
    assert not desk.find(QComboBox, "import_cut").isEnabled()
    bring_in(desk, "encoder_two_outputs")
    model = desk.document.model
    assert model is not None
    assert model.card.halves == (True, True)
    assert model.card.variational
