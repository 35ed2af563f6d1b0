"""Latest wins, the most urgent is first, and errors are answers; gates force every order, never delays."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from explorer_testing.codec import Gate
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from explorer.document.view_store import FailedView
from explorer.document.views.kind import Priority, ViewKind
from explorer.errors import UsageError
from explorer.workers.render_thread import Answer, RenderThread


def made(name: str, priority: Priority = Priority.TAB, *, one_at_a_time: bool = False) -> ViewKind[str]:
    return ViewKind(name=name, build=lambda document: None, priority=priority, one_at_a_time=one_at_a_time)


CURSOR = made("cursor", Priority.CURSOR)
IMAGE = made("image", Priority.IMAGE)
NOISE = made("noise")
THUMBNAILS = made("thumbnails", Priority.THUMBNAILS)
TILES = made("tiles", Priority.MAP)
KINDS = (CURSOR, IMAGE, NOISE, THUMBNAILS, TILES)


def steps(names: list[str], log: list[str] | None = None, gate: Gate | None = None) -> Iterator[str]:
    """Yield the names as views, each computed when `gate` opens."""
    for name in names:
        if gate is not None:
            gate.pass_through()
        if log is not None:
            log.append(name)
        yield name


def broken(*names: str) -> Iterator[str]:
    """Yield the names as views, then fail."""
    yield from names
    raise ZeroDivisionError("no such luck")


class Answers(QObject):
    """The answers that arrive on the main thread, in order."""

    def __init__(self, render_thread: RenderThread) -> None:
        super().__init__()
        self.all: list[Answer] = []
        self._render_thread = render_thread
        render_thread.answered.connect(self._on_answered)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.all.append(answer)

    def texts(self) -> list[str]:
        return [text_of(answer.view) for answer in self.all]

    def fresh(self) -> list[str]:
        """Answers of the latest generation, which a document would use."""
        generation = self._render_thread.generation
        return [text_of(answer.view) for answer in self.all if answer.generation == generation(answer.kind)]


def text_of(view: object) -> str:
    return str(view.message) if isinstance(view, FailedView) else str(view)


@pytest.fixture
def render_thread(qapp: object) -> Iterator[RenderThread]:
    made = RenderThread()
    yield made
    made.close()


def test_every_kind_is_answered_with_its_own_generation(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers = Answers(render_thread)
    asked = {kind: render_thread.submit(kind, steps([kind.name])) for kind in KINDS}
    qtbot.waitUntil(lambda: len(answers.all) == len(KINDS))
    assert {answer.kind: answer.generation for answer in answers.all} == asked
    assert sorted(answers.fresh()) == sorted(kind.name for kind in KINDS)


def test_of_many_questions_the_last_one_is_computed(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = Answers(render_thread), Gate(), list[str]()
    render_thread.submit(CURSOR, steps(["first"], log, gate))
    gate.wait_until_entered()
    for number in range(50):
        render_thread.submit(CURSOR, steps([f"later {number}"], log))
    gate.open()
    qtbot.waitUntil(lambda: "later 49" in answers.texts())
    assert log == ["first", "later 49"]
    assert answers.fresh() == ["later 49"]


def test_what_is_more_urgent_goes_between_two_rows(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = Answers(render_thread), Gate(), list[str]()
    render_thread.submit(TILES, steps(["row 1", "row 2", "row 3"], log, gate))
    gate.wait_until_entered()
    render_thread.submit(NOISE, steps(["noise"], log))
    render_thread.submit(IMAGE, steps(["image"], log))
    render_thread.submit(CURSOR, steps(["cursor"], log))
    gate.open()
    qtbot.waitUntil(lambda: "row 3" in answers.texts())
    assert log == ["row 1", "cursor", "image", "noise", "row 2", "row 3"]
    assert answers.fresh() == log


def test_a_newer_map_ends_the_older_one_between_two_rows(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = Answers(render_thread), Gate(), list[str]()
    render_thread.submit(TILES, steps(["old 1", "old 2", "old 3"], log, gate))
    gate.wait_until_entered()
    render_thread.submit(TILES, steps(["new 1", "new 2"], log))
    gate.open()
    qtbot.waitUntil(lambda: "new 2" in answers.texts())
    assert log == ["old 1", "new 1", "new 2"]
    assert answers.fresh() == ["new 1", "new 2"]


def test_what_is_withdrawn_stops_and_what_it_said_is_stale(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = Answers(render_thread), Gate(), list[str]()
    render_thread.submit(TILES, steps(["old 1", "old 2"], log, gate))
    gate.wait_until_entered()
    render_thread.submit(NOISE, steps(["never"], log))
    render_thread.drop(NOISE)
    render_thread.drop(TILES)
    render_thread.submit(THUMBNAILS, steps(["thumbnails"], log))
    gate.open()
    qtbot.waitUntil(lambda: "thumbnails" in answers.texts())
    assert log == ["old 1", "thumbnails"]
    assert answers.fresh() == ["thumbnails"]


def test_an_answer_under_way_when_its_question_is_withdrawn_is_stale(render_thread: RenderThread, qtbot: QtBot) -> None:
    """The answer is already queued for the main thread, but not delivered."""
    answers, log = Answers(render_thread), list[str]()
    posted = threading.Event()

    def posting() -> Iterator[str]:
        yield "old"
        posted.set()

    render_thread.submit(CURSOR, posting())
    assert posted.wait(20)
    render_thread.submit(CURSOR, steps(["new"], log))
    qtbot.waitUntil(lambda: "new" in answers.texts())
    assert answers.texts() == ["old", "new"]
    assert answers.fresh() == ["new"]


@pytest.mark.allow_log("The view image failed")
def test_an_unexpected_error_is_an_answer_with_its_traceback_and_the_thread_lives_on(
    render_thread: RenderThread, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    answers = Answers(render_thread)
    render_thread.submit(IMAGE, broken("first"))
    qtbot.waitUntil(lambda: len(answers.all) == 2)
    render_thread.submit(IMAGE, steps(["next"]))
    qtbot.waitUntil(lambda: len(answers.all) == 3)
    assert answers.texts() == ["first", "ZeroDivisionError: no such luck", "next"]
    assert "in broken\n" in answers.all[1].details
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


@pytest.mark.allow_log("The view image failed")
def test_the_same_error_has_a_traceback_once(
    render_thread: RenderThread, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    """A slider would else report it sixty times a second."""
    answers = Answers(render_thread)
    for count in (1, 2, 3):
        render_thread.submit(IMAGE, broken())
        qtbot.waitUntil(lambda count=count: len(answers.all) == count)  # type: ignore[misc]
    assert [bool(answer.details) for answer in answers.all] == [True, False, False]
    assert len(caplog.records) == 1


def test_an_error_of_the_explorer_is_an_answer_without_a_traceback(
    render_thread: RenderThread, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> Iterator[str]:
        yield from ()
        raise UsageError("Choose another model.")

    answers = Answers(render_thread)
    render_thread.submit(IMAGE, refused())
    qtbot.waitUntil(lambda: len(answers.all) == 1)
    assert (answers.texts(), answers.all[0].details) == (["Choose another model."], "")
    assert not caplog.records


def test_the_end_of_a_request_is_an_answer_where_the_next_one_waits_for_it(
    render_thread: RenderThread, qtbot: QtBot
) -> None:
    answers, slow = Answers(render_thread), made("slow", one_at_a_time=True)
    render_thread.submit(slow, steps(["row 1", "row 2"]))
    qtbot.waitUntil(lambda: len(answers.all) == 3)
    assert [answer.view for answer in answers.all] == ["row 1", "row 2", None]


def test_close_does_not_wait_for_the_whole_map(qtbot: QtBot) -> None:
    render_thread, gate, log = RenderThread(), Gate(), list[str]()
    render_thread.submit(TILES, steps([f"row {row}" for row in range(1000)], log, gate))
    gate.wait_until_entered()
    closer = threading.Thread(target=render_thread.close)
    closer.start()
    qtbot.waitUntil(lambda: render_thread._closed)
    gate.open()
    closer.join(20)
    assert not closer.is_alive()
    assert log == ["row 0"]
