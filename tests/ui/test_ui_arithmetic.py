"""Arithmetic: terms with images and codes, the cursor made of them, crosses, more of the same; all undone."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.window import WindowDriver, array_of
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QListWidget, QPushButton, QSlider, QWidget

from explorer.data.preprocessing import to_floats
from explorer.document.views.nearest import NEAREST
from explorer.document.views.neighbors import NeighborsView
from explorer.errors import UsageError
from explorer.latent.arithmetic import cross
from explorer.types import Floats
from explorer.ui.dragging import code_mime, images_mime


@pytest.fixture
def shown(driver: WindowDriver) -> WindowDriver:
    """The window with a model of six dimensions and the tab open."""
    driver.open(make_model(latent_dim=6))
    driver.tab("Arithmetic")
    driver.until(lambda: isinstance(driver.document.views[NEAREST], NeighborsView))
    return driver


def codes_of(driver: WindowDriver) -> Floats:
    model, source = driver.document.model, driver.document.source
    assert model is not None
    assert source is not None
    return model.codec.encode(to_floats(source.read(np.arange(source.count), model.card.preprocessing)))


def drop(driver: WindowDriver, letter: str, mime: QMimeData) -> bool:
    term = driver.find(QWidget, f"slot_{letter}")
    where, left, none = term.rect().center(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, Qt.DropAction.CopyAction, mime, left, none)
    enter.ignore()
    QApplication.sendEvent(term, enter)
    if enter.isAccepted():
        QApplication.sendEvent(term, QDropEvent(QPointF(where), Qt.DropAction.CopyAction, mime, left, none))
    return enter.isAccepted()


def until_term(driver: WindowDriver, place: int, count: int) -> None:
    driver.until(lambda: len(driver.document.state.arithmetic.terms[place].codes) == count)


def test_a_minus_b_plus_c_is_the_cursor(shown: WindowDriver) -> None:
    codes = codes_of(shown)
    shown.click("slot_a_add")
    np.testing.assert_allclose(shown.code, codes[0], atol=1e-5)
    assert drop(shown, "b", images_mime([3, 4]))
    until_term(shown, 1, 2)
    assert drop(shown, "c", code_mime(codes[7]))
    wanted = codes[0] - codes[[3, 4]].mean(axis=0) + codes[7]
    np.testing.assert_allclose(shown.code, wanted, atol=1e-4)
    shown.until_edited_shows(shown.code)
    nearest = int(np.square(codes - wanted).sum(axis=1).argmin())

    def found() -> bool:
        view = shown.document.views[NEAREST]
        return isinstance(view, NeighborsView) and view.indices.tolist() == [nearest]

    shown.until(found)
    frame = shown.window.arithmetic.nearest
    assert f"Image {nearest + 1}" in frame.detail
    assert frame.image is not None
    model, source = shown.document.model, shown.document.source
    assert model is not None
    assert source is not None
    np.testing.assert_array_equal(array_of(frame.image), source.read([nearest], model.card.preprocessing)[0])
    shown.document.undo()
    np.testing.assert_allclose(shown.code, codes[0] - codes[[3, 4]].mean(axis=0), atol=1e-4)
    assert shown.document.state.arithmetic.terms[2].codes == ()


def test_strengths_count(shown: WindowDriver) -> None:
    codes = codes_of(shown)
    shown.click("slot_a_add")
    drop(shown, "c", images_mime([5]))
    until_term(shown, 2, 1)
    shown.type_into("slot_c_strength", "0.5")
    np.testing.assert_allclose(shown.code, codes[0] + 0.5 * codes[5], atol=1e-4)
    assert shown.undo_label() == "Code arithmetic"


def test_images_of_a_term_are_shown_and_taken_out(shown: WindowDriver) -> None:
    drop(shown, "a", images_mime([2, 6]))
    until_term(shown, 0, 2)
    row = shown.find(QListWidget, "slot_a_images")
    shown.until(lambda: row.count() == 2 and row.item(1).data(Qt.ItemDataRole.DecorationRole) is not None)
    row.setCurrentRow(0)
    QTest.keyClick(row, Qt.Key.Key_Delete)
    np.testing.assert_allclose(shown.code, codes_of(shown)[6], atol=1e-5)
    shown.click("slot_a_clear")
    assert shown.document.state.arithmetic.terms[0].codes == ()
    assert row.count() == 0
    assert not shown.find(QPushButton, "slot_a_clear").isEnabled()


def test_the_cursor_is_a_term_too(shown: WindowDriver) -> None:
    code = np.arange(6, dtype=np.float32)
    shown.document.set_code(code)
    shown.click("slot_b_cursor")
    np.testing.assert_allclose(shown.code, -code)
    assert shown.find(QDoubleSpinBox, "slot_b_strength").value() == -1


def test_two_are_crossed(shown: WindowDriver) -> None:
    codes = codes_of(shown)
    shown.click("slot_a_add")
    drop(shown, "c", images_mime([9]))
    until_term(shown, 2, 1)
    shown.click("arithmetic_cross")
    assert not shown.find(QWidget, "slot_b").isVisible()
    shown.find(QSlider, "arithmetic_share").setValue(30)
    shown.type_into("arithmetic_seed", "4")
    np.testing.assert_allclose(shown.code, cross(codes[0], codes[9], 0.3, 4), atol=1e-5)
    for share, wanted in ((0, codes[0]), (100, codes[9])):
        shown.find(QSlider, "arithmetic_share").setValue(share)
        np.testing.assert_allclose(shown.code, wanted, atol=1e-5)


def test_more_like_this_are_around_the_cursor(shown: WindowDriver) -> None:
    shown.click("arithmetic_more")
    table = shown.window.arithmetic.cloud.table
    shown.until(lambda: len(table.rows) > 1)
    before = shown.code.copy()
    QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=table.cell(1, 2).center())
    assert not np.array_equal(shown.code, before)
    shown.click("arithmetic_sum")
    assert shown.find(QWidget, "slot_b").isVisible()


def test_what_does_not_fit(shown: WindowDriver) -> None:
    assert not drop(shown, "a", QMimeData())
    assert drop(shown, "a", code_mime(np.zeros(3, np.float32)))
    assert "not of 6 latent dimensions" in str(shown.problems[-1].message)
    with pytest.raises(UsageError):
        shown.document.add_to_term(0, np.zeros((1, 5), np.float32))
    shown.open(make_model(latent_dim=3, name="other"))
    assert all(term.codes == () for term in shown.document.state.arithmetic.terms)


def test_the_window_stays_as_narrow(shown: WindowDriver) -> None:
    assert shown.window.minimumSizeHint().width() <= 1280
