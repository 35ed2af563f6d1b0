"""Latest wins, the most urgent is first, and errors are answers; gates force every order, never delays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from explorer_testing.codec import Gate
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from explorer.document.tasks import SLOTS, Task
from explorer.document.views import FailedView, View
from explorer.workers.render_thread import Answer, RenderThread


@dataclass(eq=False)
class Steps:
    """A task of several named views, each computed when `gate` opens."""

    slot: ClassVar[str] = ""
    names: list[str]
    log: list[str] = field(default_factory=list)
    gate: Gate | None = None
    broken: bool = False

    def run(self) -> Iterator[View]:
        for name in self.names:
            if self.gate is not None:
                self.gate.pass_through()
            self.log.append(name)
            if self.broken:
                raise ValueError(f"{name} is broken")
            yield FailedView(name)


def steps(slot: str, *arguments: Any, base: type[Steps] = Steps, **options: Any) -> Task:
    """Return a task of a slot, which is an attribute of the class."""
    kind: type[Steps] = type("Steps", (base,), {"slot": slot})
    return kind(*arguments, **options)


class AttributeMasks(QObject):
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
        return [str(answer.view.message) for answer in self.all if isinstance(answer.view, FailedView)]

    def fresh(self) -> list[str]:
        """Answers of the latest generation, which a document would use."""
        return [
            str(answer.view.message)
            for answer in self.all
            if isinstance(answer.view, FailedView) and answer.generation == self._render_thread.generation(answer.slot)
        ]


@pytest.fixture
def render_thread(qapp: object) -> Iterator[RenderThread]:
    made = RenderThread()
    yield made
    made.close()


def test_every_slot_is_answered_with_its_own_generation(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers = AttributeMasks(render_thread)
    asked = {slot: render_thread.submit(steps(slot, [slot])) for slot in SLOTS}
    qtbot.waitUntil(lambda: len(answers.all) == len(SLOTS))
    assert {answer.slot: answer.generation for answer in answers.all} == asked
    assert sorted(answers.fresh()) == sorted(SLOTS)


def test_of_many_questions_the_last_one_is_computed(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = AttributeMasks(render_thread), Gate(), list[str]()
    render_thread.submit(steps("cursor", ["first"], log, gate))
    gate.wait_until_entered()
    for number in range(50):
        render_thread.submit(steps("cursor", [f"later {number}"], log))
    gate.open()
    qtbot.waitUntil(lambda: "later 49" in answers.texts())
    assert log == ["first", "later 49"]
    assert answers.fresh() == ["later 49"]


def test_what_is_more_urgent_goes_between_two_rows(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = AttributeMasks(render_thread), Gate(), list[str]()
    render_thread.submit(steps("tiles", ["row 1", "row 2", "row 3"], log, gate))
    gate.wait_until_entered()
    render_thread.submit(steps("noise", ["noise"], log))
    render_thread.submit(steps("image", ["image"], log))
    render_thread.submit(steps("cursor", ["cursor"], log))
    gate.open()
    qtbot.waitUntil(lambda: "row 3" in answers.texts())
    assert log == ["row 1", "cursor", "image", "noise", "row 2", "row 3"]
    assert answers.fresh() == log


def test_a_newer_map_ends_the_older_one_between_two_rows(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = AttributeMasks(render_thread), Gate(), list[str]()
    render_thread.submit(steps("tiles", ["old 1", "old 2", "old 3"], log, gate))
    gate.wait_until_entered()
    render_thread.submit(steps("tiles", ["new 1", "new 2"], log))
    gate.open()
    qtbot.waitUntil(lambda: "new 2" in answers.texts())
    assert log == ["old 1", "new 1", "new 2"]
    assert answers.fresh() == ["new 1", "new 2"]


def test_what_is_withdrawn_stops_and_what_it_said_is_stale(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, gate, log = AttributeMasks(render_thread), Gate(), list[str]()
    render_thread.submit(steps("tiles", ["old 1", "old 2"], log, gate))
    gate.wait_until_entered()
    render_thread.submit(steps("noise", ["never"], log))
    render_thread.drop("noise")
    render_thread.drop("tiles")
    render_thread.submit(steps("thumbnails", ["thumbnails"], log))
    gate.open()
    qtbot.waitUntil(lambda: "thumbnails" in answers.texts())
    assert log == ["old 1", "thumbnails"]
    assert answers.fresh() == ["thumbnails"]


def test_an_answer_under_way_when_its_question_is_withdrawn_is_stale(render_thread: RenderThread, qtbot: QtBot) -> None:
    """The answer is already queued for the main thread, but not delivered."""
    answers, log = AttributeMasks(render_thread), list[str]()
    posted = threading.Event()

    class Posting(Steps):
        def run(self) -> Iterator[View]:
            yield FailedView("old")
            posted.set()

    render_thread.submit(steps("cursor", [], base=Posting))
    assert posted.wait(20)
    render_thread.submit(steps("cursor", ["new"], log))
    qtbot.waitUntil(lambda: "new" in answers.texts())
    assert answers.texts() == ["old", "new"]
    assert answers.fresh() == ["new"]


def test_an_error_is_an_answer_and_the_thread_lives_on(render_thread: RenderThread, qtbot: QtBot) -> None:
    answers, log = AttributeMasks(render_thread), list[str]()
    render_thread.submit(steps("image", ["image"], log, broken=True))
    qtbot.waitUntil(lambda: len(answers.all) == 1)
    render_thread.submit(steps("image", ["next"], log))
    qtbot.waitUntil(lambda: len(answers.all) == 2)
    assert answers.texts() == ["image is broken", "next"]
    assert log == ["image", "next"]


def test_close_does_not_wait_for_the_whole_map(qtbot: QtBot) -> None:
    render_thread, gate, log = RenderThread(), Gate(), list[str]()
    render_thread.submit(steps("tiles", [f"row {row}" for row in range(1000)], log, gate))
    gate.wait_until_entered()
    closer = threading.Thread(target=render_thread.close)
    closer.start()
    qtbot.waitUntil(lambda: render_thread._closed)
    gate.open()
    closer.join(20)
    assert not closer.is_alive()
    assert log == ["row 0"]
