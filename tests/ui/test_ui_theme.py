"""Colors of the themes: contrast, and states that look different; text of fields in one line."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from explorer.ui.theme import DARK, LIGHT, Theme, luminance, text_on
from explorer.ui.widgets.fields import combo_box, decimal_box, line_edit, spin_box

BOTH = pytest.mark.parametrize("theme", [LIGHT, DARK])


def contrast(theme: Theme, one: str, other: str) -> float:
    dark, light = sorted(luminance(theme.color(name)) for name in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("red", range(0, 256, 51))
@pytest.mark.parametrize("green", range(0, 256, 51))
def test_values_on_pixels_have_a_contrast_of_four_and_a_half(red: int, green: int) -> None:
    for blue in range(0, 256, 51):
        pixel = QColor(red, green, blue)
        dark, light = sorted((luminance(pixel), luminance(text_on(pixel))))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, pixel.name()


@BOTH
def test_borders_of_fields_and_the_focus_have_a_contrast_of_three(theme: Theme) -> None:
    for border, ground in itertools.product(("field_border", "accent", "bad"), ("base", "panel", "window")):
        assert contrast(theme, border, ground) >= 3, (border, ground)


@BOTH
def test_texts_have_a_contrast_of_four_and_a_half(theme: Theme) -> None:
    grounds = ("base", "panel", "window", "stage", "raised", "hover", "accent_soft")
    for text, ground in itertools.product(("text", "muted"), grounds):
        assert contrast(theme, text, ground) >= 4.5, (text, ground)
    for ground in ("accent", "accent_hover"):
        assert contrast(theme, "accent_text", ground) >= 4.5, ground


@BOTH
def test_hover_and_selection_differ(theme: Theme) -> None:
    for one, other in itertools.combinations(("panel", "hover", "accent_soft"), 2):
        first, second = theme.color(one), theme.color(other)
        pairs = zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)  # type: ignore[index]
        assert sum(abs(a - b) for a, b in pairs) >= 30, (one, other)


def first_ink(field: QWidget) -> int:
    """Return the x of the first dark pixel inside of the border."""
    image = field.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = range(6, image.height() - 6)
    return next(x for x in range(4, image.width()) if any(image.pixelColor(x, y).value() < 110 for y in rows))


@pytest.mark.usefixtures("themed", "light_again")
def test_spin_boxes_pad_their_text_like_other_fields(qtbot: QtBot) -> None:
    edit = line_edit("edit", "Edit")
    edit.setText("1")
    choice = combo_box("choice", "Choice", [("1", 1)])
    whole = spin_box("whole", "Whole", 0, 9, 1)
    decimal = decimal_box("decimal", "Decimal", (0, 9), 1, 0)
    decimal.setValue(1)
    window = _column(qtbot, QPushButton("first"), edit, choice, whole, decimal)
    window.findChildren(QPushButton)[0].setFocus()
    QApplication.processEvents()
    assert len({first_ink(field) for field in (edit, choice, whole, decimal)}) == 1


def test_a_spin_box_selects_its_whole_text(qtbot: QtBot) -> None:
    size, other = spin_box("size", "Size", 16, 999, 256), spin_box("other", "Other", 0, 9, 1)
    size.setSuffix(" px")
    window = _column(qtbot, other, size)
    assert window.isVisible()
    size.setFocus(Qt.FocusReason.TabFocusReason)
    assert size.lineEdit().selectedText() == "256 px"
    QTest.keyClick(size, Qt.Key.Key_Up)
    assert size.lineEdit().selectedText() in {"", "257 px"}
    size.selectAll()
    QTest.keyClicks(size, "512")
    QTest.keyClick(size, Qt.Key.Key_Return)
    assert (size.value(), size.text()) == (512, "512 px")


def _column(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    window = QWidget()
    window.setLayout(QVBoxLayout())
    layout = window.layout()
    assert layout is not None
    for widget in widgets:
        layout.addWidget(widget)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.isActiveWindow)
    return window


@pytest.mark.usefixtures("themed", "light_again")
@pytest.mark.parametrize("kind", [QPushButton, QToolButton, QTabBar, QListWidget, QComboBox, QLineEdit])
def test_the_focus_is_visible(kind: type[QWidget], qtbot: QtBot) -> None:
    widget = kind()
    if isinstance(widget, QTabBar):
        widget.addTab("One")
    if isinstance(widget, QListWidget):
        widget.addItem("One")
        widget.setCurrentRow(0)
    other = QPushButton("other")
    window = _column(qtbot, other, widget)
    other.setFocus()
    QApplication.processEvents()
    before = widget.grab().toImage()
    assert window.focusWidget() is other
    widget.setFocus()
    QApplication.processEvents()
    assert widget.grab().toImage() != before
