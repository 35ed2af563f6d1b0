"""The chooser of noise: rows of controls, and a text that says the same."""

from __future__ import annotations

from typing import TypeVar

import pytest
from explorer_testing.window import type_into
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from explorer.data.corruption import CORRUPTIONS, NOISE_PRESETS, Noise, parse_noise
from explorer.ui.widgets.noise_edit import NoiseEdit

W = TypeVar("W", bound=QWidget)


@pytest.fixture
def edit(themed: object, qtbot: QtBot) -> NoiseEdit:
    edit = NoiseEdit("noise", "Noise on the input")
    qtbot.addWidget(edit)
    edit.resize(270, 400)
    edit.show()
    qtbot.waitExposed(edit)
    QTest.mouseClick(find(edit, QToolButton, "_expression"), Qt.MouseButton.LeftButton)
    return edit


def find(edit: NoiseEdit, kind: type[W], name: str) -> W:
    found = edit.findChild(kind, f"noise{name}")
    assert found is not None, name
    return found


def rows(edit: NoiseEdit) -> list[str]:
    """Return the kinds of the rows that are shown."""
    boxes = [box for box in edit.findChildren(QComboBox) if box.isVisible()]
    return [str(box.currentData()) for box in sorted(boxes, key=lambda box: box.mapTo(edit, box.pos()).y())]


def pick(edit: NoiseEdit, name: str) -> None:
    """Choose an entry of the menu by keyboard."""
    QTest.mouseClick(edit, Qt.MouseButton.LeftButton)
    action = edit.findChild(QAction, f"noise_{name}")
    assert action is not None
    action.trigger()


def test_a_text_has_a_row_for_each_noise(edit: NoiseEdit) -> None:
    assert rows(edit) == []
    type_into(find(edit, QLineEdit, ""), "gaussian:0.5@0.25+blur:1.5")
    assert rows(edit) == ["gaussian", "blur"]
    assert find(edit, QDoubleSpinBox, "_1_strength").value() == 0.5
    assert find(edit, QDoubleSpinBox, "_1_mean").value() == 0.25
    assert find(edit, QDoubleSpinBox, "_2_strength").text() == "1.5 px"
    assert not find(edit, QDoubleSpinBox, "_2_mean").isVisible(), "a blur has no mean"


def test_the_rows_write_the_text(edit: NoiseEdit) -> None:
    heard: list[str] = []
    edit.changed.connect(lambda: heard.append(edit.text()))
    edit.set_text("gaussian:0.5")
    type_into(find(edit, QDoubleSpinBox, "_1_strength"), "0.3")
    type_into(find(edit, QDoubleSpinBox, "_1_mean"), "-0.1")
    assert edit.text() == heard[-1] == "gaussian:0.3@-0.1"
    box = find(edit, QComboBox, "_1_kind")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_End)
    last = list(CORRUPTIONS)[-1]
    assert parse_noise(edit.text()) == (Noise(last, CORRUPTIONS[last].default),), "scales differ: it begins again"


def test_the_menu_adds_every_kind_and_takes_every_preset(edit: NoiseEdit) -> None:
    assert find(edit, QPushButton, "_add").menu() is not None
    for number, kind in enumerate(CORRUPTIONS.values(), 1):
        pick(edit, f"add_{kind.name}")
        assert rows(edit) == list(CORRUPTIONS)[:number]
    assert parse_noise(edit.text()) == tuple(Noise(kind.name, kind.default) for kind in CORRUPTIONS.values())
    for preset in NOISE_PRESETS:
        pick(edit, f"preset_{preset.name}")
        assert parse_noise(edit.text()) == preset.noises


def test_a_noise_can_be_taken_away_again(edit: NoiseEdit) -> None:
    edit.set_text("gaussian:0.5+blur:2+gray:1")
    QTest.mouseClick(find(edit, QToolButton, "_2_remove"), Qt.MouseButton.LeftButton)
    assert edit.text() == "gaussian:0.5+gray:1"
    assert rows(edit) == ["gaussian", "gray"]
    edit.set_text("")
    assert rows(edit) == []


def test_digits_and_seeds_that_boxes_do_not_show_are_kept(edit: NoiseEdit) -> None:
    edit.set_text("gaussian:0.123456@0.5:7")
    assert edit.text() == "gaussian:0.123456@0.5:7"
    type_into(find(edit, QDoubleSpinBox, "_1_mean"), "0.25")
    assert edit.text() == "gaussian:0.123456@0.25:7"


def test_what_cannot_be_read_is_marked_and_explained(edit: NoiseEdit) -> None:
    field = find(edit, QLineEdit, "")
    edit.set_text("gaussian:0.5")
    type_into(field, "fog:1")
    assert field.property("problem")
    assert "Choose one of gaussian" in field.toolTip()
    strength = find(edit, QDoubleSpinBox, "_1_strength")
    assert strength.isVisible(), "rows do not come and go while a text is typed"
    assert not strength.isEnabled()
    pick(edit, "add_blur")
    assert strength.isEnabled()
    assert edit.text() == f"blur:{CORRUPTIONS['blur'].default:g}"
    assert not field.property("problem")
    assert field.toolTip() == "Noise on the input"
