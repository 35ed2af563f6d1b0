"""The drawing of a network: where its blocks stand, and what it tells of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from explorer.models.architectures import ARCHITECTURES
from explorer.models.spec import ModelSpec
from explorer.ui.theme import choose_scheme, current_theme
from explorer.ui.widgets.network_drawing import NetworkDrawing
from explorer.ui.widgets.network_layout import Frame, lay_out

FRAME = Frame(560, 20, 120, 26, 60)


def spec_of(name: str, **changes: int) -> ModelSpec:
    return ARCHITECTURES[name].build(ARCHITECTURES[name].default_image_shape, changes.get("latent"))


# -- where the blocks stand -------------------------------------------------------------------------------------------


@given(name=st.sampled_from(sorted(ARCHITECTURES)), width=st.floats(100, 3_000), height=st.floats(40, 900))
def test_every_layer_has_a_block_within_the_frame(name: str, width: float, height: float) -> None:
    spec = spec_of(name)
    layout = lay_out(spec, Frame(width, 20, 20 + height, 26, 60))
    rows = [*spec.encoder.rows(), *spec.decoder.rows()]
    assert [block.row for block in layout.blocks if block.row is not None] == rows
    assert [block.role for block in layout.blocks].count("code") == 1
    assert layout.width >= width - 0.01
    for block in layout.blocks:
        left, right = layout.column_span(block)
        assert left <= block.left
        assert block.left + block.width + block.depth <= right
        assert block.top - block.depth >= 20 - 0.01
        assert block.top + block.height <= 20 + height + 0.01
        assert layout.blocks[layout.at(block.middle, block.top + block.height / 2) or 0] == block
    columns = [block.column for block in layout.blocks]
    assert columns == sorted(columns)


def test_heights_follow_the_sides_and_thickness_the_maps() -> None:
    spec = spec_of("conv-spatial")
    blocks = lay_out(spec, FRAME).blocks
    first, pooled, second, *_ = [block for block in blocks if block.role == "layer"]
    assert first.shape == (28, 28, 128)
    assert pooled.shape == (14, 14, 128)
    assert second.shape == (14, 14, 32)
    assert first.height > pooled.height == pytest.approx(second.height)
    assert first.width == pytest.approx(pooled.width)
    assert second.width < pooled.width
    code = next(block for block in blocks if block.role == "code")
    assert code.shape == (7, 7, 1)
    assert code.height < second.height


def test_the_heads_of_a_variational_model_stand_one_above_the_other() -> None:
    layout = lay_out(spec_of("vae"), FRAME)
    mean, variance = (block for block in layout.blocks if block.role == "head")
    assert (mean.row and mean.row.kind, variance.row and variance.row.kind) == ("mean", "log_variance")
    assert mean.column == variance.column
    assert mean.top + mean.height < layout.axis < variance.top
    numbers = [layout.blocks.index(mean), layout.blocks.index(variance)]
    wires = layout.wires()
    for number in numbers:
        assert (numbers[0] - 1, number) in wires
        assert (number, numbers[1] + 1) in wires
    assert layout.blocks[numbers[1] + 1].role == "code"


def test_what_does_not_fit_is_scrolled_and_words_lie_flat_where_there_is_room() -> None:
    spec = spec_of("conv-pool")
    narrow, wide = lay_out(spec, Frame(300, 20, 120, 26, 60)), lay_out(spec, Frame(1_600, 20, 120, 26, 60))
    assert narrow.width > 300
    assert narrow.pitch == 26
    assert not narrow.flat
    assert wide.width == pytest.approx(1_600)
    assert wide.flat
    (encoder, code, decoder) = (wide.span(part) for part in ("encoder", "code", "decoder"))
    assert encoder[1] == code[0] < code[1] == decoder[0]
    assert wide.at(-5, 60) is None


# -- what it shows and tells ------------------------------------------------------------------------------------------


@pytest.fixture
def window(themed: object, qtbot: QtBot) -> QWidget:
    """A window whose keyboard is on another field."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(560, 260)
    QLineEdit(window).setFocus()
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(window.isActiveWindow)
    return window


@pytest.fixture
def drawing(window: QWidget) -> NetworkDrawing:
    drawing = NetworkDrawing(window)
    drawing.setGeometry(0, 30, 560, 230)
    drawing.show()
    return drawing


def drawn(drawing: NetworkDrawing) -> QImage:
    return drawing.grab().toImage()


def colors_of(qimage: QImage) -> set[str]:
    step = range(0, qimage.width(), 1)
    return {qimage.pixelColor(x, y).name() for x in step for y in range(0, qimage.height(), 2)}


def test_without_networks_it_says_so(drawing: NetworkDrawing) -> None:
    assert drawing.accessibleName() == "Network layers"
    assert drawing.accessibleDescription() == "Invalid settings: no network."
    QTest.keyClick(drawing, Qt.Key.Key_Right)
    assert drawing.current == 0
    assert current_theme().accent not in colors_of(drawn(drawing))


def test_totals_and_the_layer_under_the_mouse(drawing: NetworkDrawing) -> None:
    drawing.show_spec(spec_of("deep-dense"))
    assert drawing.accessibleDescription() == "270,235 parameters, 269 k MACs per image"
    layout = drawing.diagram
    assert layout is not None
    block = layout.blocks[2]
    QTest.mouseMove(drawing.viewport(), QPoint(round(block.middle), round(block.top + block.height / 2)))
    text = "Dense, ReLU: 784 → 147, 115,395 parameters, 115 k MACs"
    assert drawing.accessibleDescription() == text
    assert drawing.viewport().toolTip() == text


def test_keys_go_over_the_layers_and_tell_of_each(drawing: NetworkDrawing) -> None:
    drawing.show_spec(spec_of("vae"))
    drawing.setFocus()
    assert drawing.accessibleDescription() == "Image: 64×64×1"
    QTest.keyClick(drawing, Qt.Key.Key_Right)
    assert drawing.accessibleDescription() == (
        "Convolution 3×3, stride 2, ReLU: 64×64×1 → 32×32×32, 320 parameters, 295 k MACs"
    )
    heard = []
    for _ in range(9):
        QTest.keyClick(drawing, Qt.Key.Key_Right)
        heard.append(drawing.accessibleDescription())
    assert any(words.startswith("Mean of the code: 16 → 2, 34 parameters") for words in heard)
    assert "Log-variance of the code: 16 → 2, 34 parameters, 32 MACs" in heard
    assert "Code: 2 dimensions, sampled from mean and variance" in heard
    QTest.keyClick(drawing, Qt.Key.Key_End)
    assert drawing.accessibleDescription().startswith(
        "Transposed convolution 3×3, stride 1, sigmoid: 64×64×8 → 64×64×1"
    )
    end = drawing.current
    QTest.keyClick(drawing, Qt.Key.Key_Right)
    assert drawing.current == end
    QTest.keyClick(drawing, Qt.Key.Key_Home)
    assert drawing.current == 0


def test_a_narrow_one_scrolls_to_the_layer_that_the_keyboard_is_on(drawing: NetworkDrawing) -> None:
    drawing.resize(220, 230)
    drawing.show_spec(spec_of("conv-pool"))
    bar = drawing.horizontalScrollBar()
    assert bar.maximum() > 0
    drawing.setFocus()
    QTest.keyClick(drawing, Qt.Key.Key_End)
    assert bar.value() == bar.maximum()
    layout = drawing.diagram
    assert layout is not None
    last = layout.blocks[-1]
    QTest.mouseClick(drawing.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(last.middle) - bar.value(), 60))
    assert drawing.current == len(layout.blocks) - 1
    QTest.keyClick(drawing, Qt.Key.Key_Home)
    assert bar.value() == 0
    place = QPointF(60, 60)
    turned = QPoint(0, -120)
    buttons, keys, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(place, drawing.mapToGlobal(place), QPoint(), turned, buttons, keys, phase, False)
    QApplication.sendEvent(drawing.viewport(), wheel)
    assert bar.value() == 120


def test_another_code_size_is_drawn_at_once(drawing: NetworkDrawing) -> None:
    drawing.show_spec(spec_of("deep-dense"))
    before = drawn(drawing)
    drawing.show_spec(spec_of("deep-dense", latent=3))
    assert drawn(drawing) != before
    drawing.show_spec(spec_of("deep-dense"))
    assert drawn(drawing) == before
    drawing.show_spec(None)
    assert drawing.diagram is None


@pytest.mark.parametrize("scheme", [Qt.ColorScheme.Light, Qt.ColorScheme.Dark])
def test_the_code_has_the_accent_color_in_both_schemes(
    drawing: NetworkDrawing, scheme: Qt.ColorScheme, request: pytest.FixtureRequest
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    request.addfinalizer(lambda: choose_scheme(app, Qt.ColorScheme.Unknown))
    choose_scheme(app, scheme)
    drawing.show_spec(spec_of("conv-pool"))
    layout = drawing.diagram
    assert layout is not None
    code = next(block for block in layout.blocks if block.role == "code")
    image = drawn(drawing)
    inside = image.pixelColor(round(code.middle), round(code.top + code.height / 2))
    assert inside.name() == current_theme().accent
    others = [block for block in layout.blocks if block.role == "layer"]
    for block in others:
        color = image.pixelColor(round(block.middle), round(block.top + block.height / 2))
        assert color.name() != current_theme().accent


def test_blocks_do_not_overlap() -> None:
    for name in ARCHITECTURES:
        blocks = [block for block in lay_out(spec_of(name), FRAME).blocks if block.role != "head"]
        assert all(one.left + one.width + one.depth <= two.left for one, two in pairwise(blocks)), name
