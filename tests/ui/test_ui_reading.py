"""How the open images were read, and read in another way: the dialog, its ways in, the notice, undo and session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.menus import opened, pick
from explorer_testing.toy_source import register, write_toy
from explorer_testing.window import WindowDriver, choose, plain, type_into
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QListWidget, QPushButton, QSpinBox, QWidget

from explorer.data.choices import Choices
from explorer.data.preprocessing import Depth, Preprocessing, Reading
from explorer.data.source import ArraySource, Facts, Found, Source
from explorer.data.splits import random_splits
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import PreferencesFile
from explorer.document.session_state import session_of
from explorer.document.state import OpenModel
from explorer.messages import message_text
from explorer.types import ImageShape
from explorer.ui.dialogs.reading import ReadingDialog, ReadingQuestionDialog
from explorer.ui.main_window import MainWindow
from explorer.ui.text import range_words


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Ten files of three frames with 12 bits, and an array of masks."""
    random = np.random.default_rng(0)
    images = random.integers(0, 4096, (10, 3, 12, 10)).astype(np.uint16)
    images[0, 0, 0, 0] = 4095
    return write_toy(tmp_path / "scan.toy", images=images, masks=(images[:5, :1] > 2000).astype(np.uint16))


def open_toy(driver: WindowDriver, path: Path) -> None:
    driver.document.open_requested.emit(OpenRequest((str(path),), "images"))
    driver.until(lambda: driver.document.source is not None and driver.document.source.name == path.name)


def spec(driver: WindowDriver) -> str:
    source = driver.document.source
    assert source is not None
    return source.spec


def shape(driver: WindowDriver) -> ImageShape | None:
    source = driver.document.source
    assert source is not None
    return source.image_shape


def brightness(driver: WindowDriver) -> float:
    source = driver.document.source
    assert source is not None
    return float(np.asarray(source.pil_image(0)).mean())


def shown(driver: WindowDriver) -> ReadingDialog:
    driver.shortcut("action_reading")
    dialog = driver.find(ReadingDialog, "reading_dialog")
    assert dialog.isVisible()
    return dialog


def part(dialog: QWidget, kind: type[QWidget], name: str) -> QWidget:
    found = dialog.findChild(kind, name)
    assert found is not None, name
    return found


def text(dialog: QWidget, name: str) -> str:
    found = part(dialog, QLabel, name)
    assert isinstance(found, QLabel)
    return plain(found.text())


def click(dialog: QWidget, name: str) -> None:
    control = part(dialog, QWidget, name)
    middle = control.rect().center()
    if isinstance(control, QCheckBox):
        middle.setX(min(control.width(), control.sizeHint().width()) // 2)
    QTest.mouseClick(control, Qt.MouseButton.LeftButton, pos=middle)


def low_high(dialog: QWidget) -> tuple[str, str]:
    low, high = (part(dialog, QLineEdit, name) for name in ("reading_low", "reading_high"))
    assert isinstance(low, QLineEdit)
    assert isinstance(high, QLineEdit)
    return low.text(), high.text()


def test_it_shows_how_the_images_were_read(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    dialog = shown(driver)
    assert text(dialog, "reading_title") == "scan.toy"
    assert text(dialog, "reading_facts") == "30 images · 10×12 · 1 channel · 16 bits · 3 frames"
    assert low_high(dialog) == ("0", "4095")
    arrays = part(dialog, QComboBox, "reading_array")
    assert isinstance(arrays, QComboBox)
    assert [arrays.itemText(row) for row in range(arrays.count())] == ["Auto", "images", "masks"]
    assert not part(dialog, QPushButton, "reading_apply").isEnabled(), "nothing was changed"
    assert not part(dialog, QSpinBox, "reading_frame").isVisible()


def test_another_range_is_read_and_undone(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    driver.document.choose_image(3)
    before = brightness(driver)
    dialog = shown(driver)
    type_into(part(dialog, QLineEdit, "reading_high"), "1000")  # Enter reads again
    driver.until(lambda: spec(driver).endswith("?range=0,1000"))
    assert brightness(driver) > before + 50
    assert driver.document.state.image_index == 3, "the same image stays selected"
    assert driver.undo_label() == "Read scan.toy in another way"
    assert low_high(dialog) == ("0", "1000")
    assert text(dialog, "reading_note") == ""
    driver.document.undo()
    assert spec(driver) == str(scan)
    assert low_high(dialog) == ("0", "4095")


def test_auto_finds_the_range_again(driver: WindowDriver, scan: Path) -> None:
    driver.document.open_requested.emit(OpenRequest((f"{scan}?range=5,1000",), "images"))
    driver.until(lambda: driver.document.source is not None)
    dialog = shown(driver)
    assert low_high(dialog) == ("5", "1000")
    click(dialog, "reading_auto_range")
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver) == str(scan))
    assert low_high(dialog) == ("0", "4095")


def test_array_frames_and_axes_together(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    dialog = shown(driver)
    choose(dialog, "reading_frames", "one")
    type_frame = part(dialog, QSpinBox, "reading_frame")
    assert type_frame.isVisible()
    assert isinstance(type_frame, QSpinBox)
    assert type_frame.maximum() == 3
    type_frame.setFocus()
    QTest.keyClick(type_frame, Qt.Key.Key_Up)
    choose(dialog, "reading_layout", "channels-first")
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver).endswith("?frames=1&layout=channels-first"))
    assert driver.document.source is not None
    assert driver.document.source.count == 10
    assert driver.document.source.image_shape == (10, 12, 1)
    choose(dialog, "reading_array", "masks")
    choose(dialog, "reading_frames", "first")
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver).endswith("?array=masks&frames=first&layout=channels-first"))
    click(dialog, "reading_defaults")
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver) == str(scan))


@pytest.mark.parametrize(("low", "high"), [("x", "9"), ("9", "5"), ("", "5"), ("0", "inf")])
def test_an_invalid_range_is_not_read(driver: WindowDriver, scan: Path, low: str, high: str) -> None:
    open_toy(driver, scan)
    dialog = shown(driver)
    type_into(part(dialog, QLineEdit, "reading_low"), low or " ")
    type_into(part(dialog, QLineEdit, "reading_high"), high)
    assert text(dialog, "reading_note") == "Type two numbers, the lower one first."
    assert not part(dialog, QPushButton, "reading_apply").isEnabled()
    assert spec(driver) == str(scan)


def test_what_cannot_be_read_leaves_the_images_open(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    before = driver.document.source
    dialog = shown(driver)
    for name, value in (("reading_high", "9000"), ("reading_low", "8000")):
        field = part(dialog, QLineEdit, name)
        assert isinstance(field, QLineEdit)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, value)
    click(dialog, "reading_apply")
    driver.until(lambda: "below 8000" in text(dialog, "reading_note"))
    assert text(dialog, "reading_note").endswith("Choose a lower one. The images stay as they were.")
    assert driver.document.source is before
    assert low_high(dialog) == ("8000", "9000"), "to be corrected"
    assert part(dialog, QPushButton, "reading_apply").isEnabled()


def test_transparency_is_reported_and_can_be_a_channel(driver: WindowDriver, tmp_path: Path) -> None:
    images = np.full((10, 32, 32, 4), 200, np.uint8)
    images[..., 3] = 255
    path = tmp_path / "sprites.npy"
    np.save(path, images)
    open_toy(driver, path)
    assert driver.window.notice_bar.text == "Channel 4 was read as transparency."
    assert shape(driver) == (32, 32, 3)
    dialog = shown(driver)
    assert "4 channels, the last is transparency" in text(dialog, "reading_facts")
    last = part(dialog, QCheckBox, "reading_channel_3")
    assert isinstance(last, QCheckBox)
    assert not last.isChecked()
    click(dialog, "reading_channel_3")
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver).endswith("?channels=0,1,2,3"))
    assert shape(driver) == (32, 32, 4)
    click(dialog, "reading_defaults")
    assert not last.isChecked()
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver) == str(path))


def test_an_embedded_dataset_is_read_in_one_way(driver: WindowDriver) -> None:
    driver.document.open_requested.emit(OpenRequest(("digits",), "images"))
    driver.until(lambda: driver.document.source is not None)
    dialog = shown(driver)
    assert text(dialog, "reading_note") == "This dataset is always read in this way."
    assert not part(dialog, QLineEdit, "reading_low").isEnabled()
    assert not part(dialog, QPushButton, "reading_apply").isEnabled()
    assert text(dialog, "reading_facts") == "10,000 images · 28×28 · 1 channel · 8 bits"


def test_a_guess_is_reported_once(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    bar = driver.window.notice_bar
    assert bar.isVisible()
    assert bar.text == "One of 2 arrays was read. Read with values 0–4,095 as black to white."
    assert [button.text() for button in bar.buttons] == ["Change…"]
    QTest.mouseClick(bar.buttons[0], Qt.MouseButton.LeftButton)
    dialog = driver.find(ReadingDialog, "reading_dialog")
    assert dialog.isVisible()
    type_into(part(dialog, QLineEdit, "reading_high"), "1000")
    driver.until(lambda: spec(driver).endswith("1000"))
    assert bar.text == "One of 2 arrays was read.", "the array is still a guess"
    bar.hide()
    driver.document.undo()
    assert not bar.isVisible(), "it was reported before"


def test_usual_images_need_no_notice(driver: WindowDriver) -> None:
    driver.document.open(source=make_source())
    assert not driver.window.notice_bar.isVisible()


def test_a_notice_goes_with_its_images(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    assert driver.window.notice_bar.isVisible()
    driver.document.open(source=make_source())
    assert not driver.window.notice_bar.isVisible()


def model_of_range(low: float, high: float, depth: Depth = 8) -> OpenModel:
    model = make_model()
    reading = Reading(low=low, high=high, depth=depth)
    preprocessing = Preprocessing.standard(model.card.image_shape, reading=reading)
    return replace(model, card=model.card.model_copy(update={"preprocessing": preprocessing}))


def deep_source() -> ArraySource:
    images = np.random.default_rng(0).integers(0, 65536, (30, 12, 10, 1)).astype(np.uint16)
    found = Found("uint16", (0.0, 4095.0), channels=1)
    return ArraySource(Facts("deep", "Deep", "/nowhere/deep", found=found), images, random_splits(30))


def test_a_model_of_another_range_says_so(driver: WindowDriver, scan: Path) -> None:
    driver.document.open(model_of_range(0, 1023))
    open_toy(driver, scan)
    bar = driver.window.notice_bar
    assert bar.text.startswith("The model learned from values of 0 … 1023, and the range of “scan.toy” is 0 … 4095.")
    assert [button.text() for button in bar.buttons] == ["Use the model’s range", "Change…"]
    QTest.mouseClick(bar.buttons[0], Qt.MouseButton.LeftButton)
    driver.until(lambda: spec(driver) == f"{scan}?range=0,1023")
    assert bar.text == "One of 2 arrays was read."
    driver.document.open(model_of_range(0, 255))
    assert bar.text.startswith("The model learned from values of 0 … 255")


def test_a_model_of_8_bits_says_what_it_gets_of_deeper_images(driver: WindowDriver) -> None:
    driver.document.open(make_model(), deep_source())
    bar = driver.window.notice_bar
    words = "The model learned from 8-bit images. It gets the values 0 … 4095 of “deep” as 0 to 255."
    assert bar.text == words
    assert [button.text() for button in bar.buttons] == ["Change…"], "8 bits are no range to choose"
    driver.document.open(source=make_source())
    assert not bar.isVisible()
    driver.document.open(model_of_range(0, 4095), deep_source())
    assert not bar.isVisible() or bar.text != words
    driver.document.open(make_model(name="another"))
    assert bar.isVisible()
    assert bar.text == words, "also if the model is opened last"


def test_a_model_of_deep_images_says_what_it_gets_of_8_bits(driver: WindowDriver) -> None:
    driver.document.open(model_of_range(0, 4095, 16), make_source())
    bar = driver.window.notice_bar
    assert bar.text.startswith(
        "The model learned from values of 0 … 4095. It gets the 8 bits of “tiny” in the same range"
    )
    assert [button.text() for button in bar.buttons] == ["Change…"]


def test_an_imported_image_of_another_depth_is_announced(driver: WindowDriver, tmp_path: Path) -> None:
    driver.document.open(make_model(), make_source())
    said: list[str] = []
    driver.document.announced.connect(lambda words: said.append(message_text(words)))
    Image.fromarray(np.full((12, 10), 4000, np.uint16)).save(tmp_path / "deep.png")
    driver.document.open_requested.emit(OpenRequest((tmp_path / "deep.png",)))
    driver.until(lambda: bool(said))
    assert said[0] == "The model learned from 8-bit images. It gets the values 0 … 4095 of “deep.png” as 0 to 255."


def test_it_opens_from_the_data_picker(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    menu = driver.window.bars.data_picker.menu()
    menu.popup(driver.window.mapToGlobal(QPoint(0, 0)))
    action = next(action for action in menu.actions() if action.objectName() == "action_reading")
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    assert driver.find(ReadingDialog, "reading_dialog").isVisible()


def test_it_opens_from_the_menu_of_a_dataset(driver: WindowDriver, scan: Path) -> None:
    open_toy(driver, scan)
    driver.document.open(source=make_source())
    library = driver.window.library
    driver.until(lambda: library.item_of("place", "scan.toy") is not None)
    driver.click_item(library.item_of("place", "scan.toy"))
    QTest.keyClick(library.tree, Qt.Key.Key_Menu)
    pick(opened(library.tree, "library_menu"), "library_menu_reading")
    driver.until(lambda: spec(driver) == str(scan))
    assert text(driver.find(ReadingDialog, "reading_dialog"), "reading_title") == "scan.toy"


@pytest.mark.parametrize("word", ["bit depth", "contrast", "frames", "dataset key"])
def test_the_palette_finds_it(bare_window: MainWindow, word: str) -> None:
    bare_window.document.open(make_model(), make_source())
    palette = bare_window.app_actions.show_palette()
    QTest.keyClicks(palette.field, word)
    assert palette.list.currentIndex().data() is not None
    assert "How images are read" in str(palette.list.currentIndex().data())


def test_the_library_keeps_the_last_way(driver: WindowDriver, scan: Path) -> None:
    driver.document.places.begin(PreferencesFile())
    open_toy(driver, scan)
    dialog = shown(driver)
    type_into(part(dialog, QLineEdit, "reading_high"), "1000")
    driver.until(lambda: spec(driver).endswith("1000"))
    assert driver.document.places.paths == (f"{scan}?range=0,1000",)
    driver.until(lambda: driver.window.library.item_of("place", "scan.toy") is not None)
    item = driver.window.library.item_of("place", "scan.toy")
    assert item is not None
    assert (item.text(0), item.text(1)) == ("scan.toy", ""), "neither with its choices nor missing"


def test_the_session_keeps_the_way(driver: WindowDriver, scan: Path, tmp_path: Path) -> None:
    open_toy(driver, scan)
    driver.document.open(make_model())
    dialog = shown(driver)
    type_into(part(dialog, QLineEdit, "reading_high"), "1000")
    driver.until(lambda: spec(driver).endswith("1000"))
    record = session_of(driver.document.state).record
    assert record.data is not None
    assert record.data.spec == f"{scan}?range=0,1000"


@pytest.mark.parametrize(
    ("name", "words", "chosen"),
    [
        ("ask.toy", "Several arrays of ask.toy could be images. Which one?", "array=nuclei"),
        ("turn.toy", "The array in turn.toy can be read in several ways. What are its axes?", "layout=channels-first"),
    ],
)
def test_the_user_chooses_where_the_file_leaves_it_open(
    driver: WindowDriver, tmp_path: Path, name: str, words: str, chosen: str
) -> None:
    images = np.arange(4 * 36, dtype=np.uint16).reshape(4, 1, 6, 6)
    path = write_toy(tmp_path / name, cells=images, nuclei=images[:2])
    driver.document.open_requested.emit(OpenRequest((str(path),), "images"))
    driver.until(lambda: driver.window.findChild(ReadingQuestionDialog, "reading_question") is not None)
    dialog = driver.find(ReadingQuestionDialog, "reading_question")
    assert text(dialog, "reading_question_words") == words
    options = part(dialog, QListWidget, "reading_options")
    options.setFocus()
    QTest.keyClick(options, Qt.Key.Key_Down)
    QTest.keyClick(options, Qt.Key.Key_Return)
    driver.until(lambda: driver.document.source is not None)
    assert spec(driver) == f"{path}?{chosen}"
    assert driver.problems == []


def test_the_question_can_be_left(driver: WindowDriver, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "ask.toy", cells=np.ones((2, 1, 6, 6), np.uint16))
    driver.document.open_requested.emit(OpenRequest((str(path),), "images"))
    driver.until(lambda: driver.window.findChild(ReadingQuestionDialog, "reading_question") is not None)
    QTest.keyClick(driver.find(ReadingQuestionDialog, "reading_question"), Qt.Key.Key_Escape)
    assert driver.document.source is None


@pytest.mark.parametrize(
    ("limits", "words"),
    [((0.0, 4095.0), "0–4,095"), ((-1.0, 1.0), "−1 to 1"), ((0.0, 16.0), "0–16"), ((0.25, 3.0e-1), "0.25–0.3")],
)
def test_ranges_read_well(limits: tuple[float, float], words: str) -> None:
    assert range_words(limits) == words


def test_all_digits_of_a_range_stay(driver: WindowDriver, scan: Path) -> None:
    driver.document.open_requested.emit(OpenRequest((f"{scan}?range=0.12345678901234,1000&frames=first",), "images"))
    driver.until(lambda: driver.document.source is not None)
    dialog = shown(driver)
    assert low_high(dialog) == ("0.123456789", "1000")
    assert not part(dialog, QPushButton, "reading_apply").isEnabled(), "nothing was changed"
    choose(dialog, "reading_frames", "all")
    click(dialog, "reading_apply")
    driver.until(lambda: spec(driver).endswith("frames=all"))
    source = driver.document.source
    assert source is not None
    assert source.choices.range == (0.12345678901234, 1000)


def test_the_order_of_channels_stays(driver: WindowDriver) -> None:
    source = make_source(image_shape=(12, 10, 3))
    source.choices = Choices(channels=(2, 0, 1))
    source.found = Found("uint16", (0.0, 4095.0), channels=3)
    driver.document.open(source=source)
    dialog = shown(driver)
    asked: list[OpenRequest] = []
    driver.document.open_requested.connect(asked.append)
    assert not part(dialog, QPushButton, "reading_apply").isEnabled(), "nothing was changed"
    type_into(part(dialog, QLineEdit, "reading_high"), "1000")
    assert str(asked[0].paths[0]).endswith("?range=0,1000&channels=2,0,1")


def test_the_warning_of_a_closed_model_goes(driver: WindowDriver, scan: Path) -> None:
    driver.document.open(model_of_range(0, 1023))
    open_toy(driver, scan)
    bar = driver.window.notice_bar
    assert bar.isVisible()
    driver.document.open(model_of_range(0, 4095))
    assert not bar.isVisible(), "this model learned from the same range"


class Continuing(ArraySource):
    """The source that follows a provisional one."""

    def continues(self, other: Source | None) -> bool:
        return other is self or (other is not None and other.provisional)


def test_the_range_of_a_large_folder_is_reported_once_it_is_known(driver: WindowDriver) -> None:
    images, splits = np.zeros((30, 12, 10, 1), np.uint8), random_splits(30)
    listed = make_source()
    listed.provisional = True
    driver.document.open(source=listed)
    bar = driver.window.notice_bar
    assert not bar.isVisible()
    facts = Facts("tiny", "Tiny", listed.spec, found=Found("uint16", (0.0, 3900.0), channels=1))
    driver.document.refine_source(Continuing(facts, images, splits))
    assert bar.isVisible()
    assert bar.text == "Read with values 0–3,900 as black to white."
