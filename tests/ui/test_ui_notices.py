"""The notice bar: data that fit an opened model are offered, and how a training ended is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from explorer_testing.builders import make_card, make_model, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import small_request
from explorer_testing.window import MakeWindow, WindowDriver
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolBar
from pytestqt.qtbot import QtBot

from explorer.document.activity import TrainingView
from explorer.document.fitting_data import FittingData, fits, fitting_data
from explorer.document.open_requests import OpenRequest
from explorer.document.state import OpenModel
from explorer.messages import message
from explorer.models.card import Card
from explorer.models.runs import Run
from explorer.models.settings import TrainingRequest
from explorer.ui.main_window import MainWindow
from explorer.ui.widgets.notice_bar import Choice, NoticeBar

OPEN, COMPARE, AGAIN = range(3)


def press(window: MainWindow, number: int) -> None:
    QTest.mouseClick(window.notice_bar.buttons[number], Qt.MouseButton.LeftButton)


def texts(bar: NoticeBar) -> list[str]:
    return [button.text() for button in bar.buttons if button.isVisible()]


def saved_without_messages(make: MakeWindow) -> None:
    """Save the layout as a window did that had no row for messages."""
    window = make()
    row = window.findChild(QToolBar, "messages")
    assert row is not None
    window.removeToolBar(row)
    window.close()


def saved_with_a_notice(make: MakeWindow) -> None:
    window = make()
    window.notice_bar.show_notice("Something is offered.")
    window.close()


@pytest.mark.parametrize("begin", [saved_without_messages, saved_with_a_notice])
def test_it_spans_the_window_in_one_line_and_leaves_nothing(
    make: MakeWindow, qtbot: QtBot, begin: Callable[[MakeWindow], None]
) -> None:
    begin(make)
    window = make()
    window.workspaces.switch("train")
    bar, top = window.notice_bar, window.bars.tools.geometry().bottom()
    qtbot.waitUntil(lambda: window.bars.rail.geometry().top() == top + 1)
    end(window, "finished", note=message("Finished after 20 epochs of 30, test MSE {mse:.4g}.", mse=0.0123))
    one_line = bar.dismiss.sizeHint().height() + 14
    qtbot.waitUntil(lambda: bar.height() == one_line and window.bars.rail.geometry().top() > one_line + top)
    assert bar.mapTo(window, bar.rect().topLeft()).y() > top
    assert bar.width() >= window.width() - 16
    QTest.mouseClick(bar.dismiss, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.bars.rail.geometry().top() == top + 1)


def test_a_long_error_has_the_lines_that_it_needs(bare_window: MainWindow, qtbot: QtBot) -> None:
    bar = bare_window.problem_bar
    bare_window.document.report(message("Short."))
    qtbot.waitUntil(lambda: bar.height() > 0)
    one = bar.height()
    bare_window.document.report(message("What failed, why, and what to do. " * 30))
    qtbot.waitUntil(lambda: bar.height() > 2 * one)
    text = bar.findChild(QLabel, "problem_text")
    assert text is not None
    assert text.height() >= text.heightForWidth(text.width())


# -- the bar -----------------------------------------------------------------------------------------------------------


def test_a_button_runs_and_closes_it(themed: object, qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    ran: list[str] = []
    choices = [Choice(name, f"Do {name}", partial(ran.append, name)) for name in ("one", "two")]
    bar.show_notice("Something happened.", *choices)
    assert (bar.isVisible(), bar.text, texts(bar)) == (True, "Something happened.", ["one", "two"])
    assert bar.accessibleDescription() == "Something happened."
    QTest.mouseClick(bar.buttons[1], Qt.MouseButton.LeftButton)
    assert (ran, bar.isVisible()) == (["two"], False)


@pytest.mark.parametrize("key", [None, Qt.Key.Key_Escape], ids=["button", "Esc"])
def test_it_can_be_closed(themed: object, qtbot: QtBot, key: Qt.Key | None) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.show_notice("Something happened.")
    if key is None:
        QTest.mouseClick(bar.dismiss, Qt.MouseButton.LeftButton)
    else:
        QTest.keyClick(bar.dismiss, key)
    assert not bar.isVisible()


# -- data that fit -----------------------------------------------------------------------------------------------------


def card_of(data: str, shape: tuple[int, int, int] = (28, 28, 1)) -> Card:
    card = make_card(MatrixCodec(shape))
    return card.model_copy(update={"data": card.data.model_copy(update={"name": data})})


def test_the_dataset_of_the_card_is_offered_or_one_of_equal_shape() -> None:
    digits = card_of("mnist")
    assert fitting_data(digits, None, ()) == FittingData("digits", home=True)
    assert FittingData("digits", home=True).title == "Digits"
    assert fitting_data(digits, make_source(name="photos"), ()) == FittingData("digits", home=True)
    assert fitting_data(card_of("unknown"), None, ()) == FittingData("digits", home=False)
    assert fitting_data(card_of("unknown", (5, 5, 1)), None, ()) is None


def test_images_of_the_model_s_shape_fit() -> None:
    assert fits(card_of("mnist"), make_source(image_shape=(28, 28, 1)))
    assert not fits(card_of("mnist"), make_source())
    assert fits(card_of("tiny"), make_source()), "it was trained on them"


def test_an_opened_folder_of_the_same_name_is_offered(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    opened = (str(tmp_path / "gone" / "photos"), str(tmp_path / "photos"))
    assert fitting_data(card_of("photos"), None, opened) == FittingData(opened[1], home=True)


def strange_model() -> OpenModel:
    return make_model(image_shape=(28, 28, 1), name="stranger")


def test_a_model_without_fitting_images_offers_some(driver: WindowDriver) -> None:
    driver.document.open(source=make_source(name="photos"))
    driver.document.open(strange_model())
    bar = driver.window.notice_bar
    assert bar.isVisible()
    assert texts(bar) == ["Use Digits"]
    assert "stranger" in bar.text
    press(driver.window, 0)
    driver.until(lambda: driver.document.source is not None and driver.document.source.name == "digits")
    assert not bar.isVisible()
    driver.settle()


def test_a_model_with_fitting_images_says_nothing(driver: WindowDriver) -> None:
    driver.open()
    assert not driver.window.notice_bar.isVisible()


def test_the_offer_goes_when_fitting_images_are_opened(driver: WindowDriver) -> None:
    driver.document.open(strange_model())
    bar = driver.window.notice_bar
    assert bar.isVisible()
    driver.document.open(source=make_source(name="photos"))
    assert bar.isVisible(), "these do not fit either"
    driver.document.open(source=make_source(image_shape=(28, 28, 1)))
    assert not bar.isVisible()


# -- the end of a training ---------------------------------------------------------------------------------------------


def end(window: MainWindow, phase: Any, **changes: Any) -> None:
    values: dict[str, Any] = {"title": "fresh", "run": Path("/r/fresh"), "note": message("Ended.")}
    window.document.put_training(TrainingView(phase="running", **values))
    window.document.put_training(TrainingView(phase=phase, **(values | changes)))


def make_run(folder: Path, phase: Any = "finished") -> Run:
    request = small_request(folder / "blobs.npz", folder / "models" / "fresh")
    return Run(Path("/r/fresh"), request, datetime(2026, 3, 14), phase)


def test_a_finished_training_offers_what_comes_next(bare_window: MainWindow, tmp_path: Path) -> None:
    document, bar = bare_window.document, bare_window.notice_bar
    path = tmp_path / "models" / "fresh"
    write_bundle(path)
    asked: list[OpenRequest] = []
    compared: list[Path] = []
    again: list[TrainingRequest] = []
    document.open_requested.connect(asked.append)
    document.comparison.model_requested.connect(compared.append)
    document.trainings.again_requested.connect(again.append)
    run = make_run(tmp_path)
    document.trainings.put_runs((run,))
    document.open(make_model(name="before"), make_source())

    end(bare_window, "finished", note=message("Finished, test MSE {mse:.4g}", mse=0.0123), path=str(path))
    assert bar.isVisible()
    assert bar.text == "fresh: Finished, test MSE 0.0123"
    assert texts(bar) == ["Open model", "Compare", "Train again"]
    press(bare_window, OPEN)
    assert asked == [OpenRequest((path,), "model")]

    end(bare_window, "finished", path=str(path))
    press(bare_window, COMPARE)
    assert compared == [path]
    assert bare_window.compare.isVisible()

    end(bare_window, "finished", path=str(path))
    press(bare_window, AGAIN)
    assert again == [run.request]
    assert bare_window.train.isVisible()

    end(bare_window, "finished", path=str(path))
    document.open(make_model(name="another"), make_source())
    assert not bar.isVisible(), "it is about a training that nobody looks at any more"


def test_an_open_trained_model_is_compared_with_the_one_before(bare_window: MainWindow, tmp_path: Path) -> None:
    document = bare_window.document
    compared: list[Path] = []
    document.comparison.model_requested.connect(compared.append)
    old, new = tmp_path / "old", tmp_path / "new"
    for path in (old, new):
        write_bundle(path)
        model = make_model(name=path.name)
        document.open(OpenModel(model.card, model.sample, model.codec, path), make_source())
    end(bare_window, "finished", path=str(new))
    press(bare_window, COMPARE)
    assert compared == [old]


@pytest.mark.parametrize(("phase", "words"), [("cancelled", "was canceled"), ("failed", "failed")])
def test_a_training_that_was_canceled_or_failed_says_so(bare_window: MainWindow, phase: str, words: str) -> None:
    end(bare_window, phase)
    bar = bare_window.notice_bar
    assert bar.isVisible()
    assert bar.text == f"The training of fresh {words}."
    assert texts(bar) == ["Resume", "Train again"]


def test_a_training_without_checkpoint_cannot_be_resumed(bare_window: MainWindow, tmp_path: Path) -> None:
    document = bare_window.document
    problems: list[object] = []
    resumed: list[Run] = []
    document.problem_reported.connect(problems.append)
    document.trainings.run_resume_requested.connect(resumed.append)
    document.trainings.put_runs((make_run(tmp_path, "cancelled"),))
    end(bare_window, "cancelled")
    press(bare_window, 0)
    assert (len(problems), resumed) == (1, [])
