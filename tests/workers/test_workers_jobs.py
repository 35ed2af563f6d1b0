from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from explorer_testing.codec import Gate
from pytestqt.qtbot import QtBot

from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Early, Progress
from explorer.workers.jobs import JobRunner


class Reported:
    """All callbacks and signals of a runner, in order."""

    def __init__(self, runner: JobRunner) -> None:
        self.ends: list[Any] = []
        self.failures: list[tuple[object, str]] = []
        self.events: list[tuple[str, Any]] = []
        self.changes = 0
        runner.jobs_changed.connect(self._on_changed)
        runner.failed.connect(self._on_failed)

    def _on_failed(self, message: object, details: str) -> None:
        self.failures.append((message, details))
        self.events.append(("reported", str(message)))

    @property
    def callbacks(self) -> dict[str, Any]:
        """Callbacks for `JobRunner.start` that record every event."""
        return {
            "on_finished": lambda result: self.events.append(("finished", result)),
            "on_failed": lambda message: self.events.append(("failed", str(message))),
            "on_canceled": lambda: self.events.append(("canceled", None)),
            "on_early": lambda result: self.events.append(("early", result)),
        }

    def _on_changed(self) -> None:
        self.changes += 1

    def finish(self, result: Any) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.ends.append(result)


@pytest.fixture
def runner(qapp: object) -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.close()


def idle(runner: JobRunner) -> bool:
    return not runner.jobs


def test_a_job_finishes_once_with_its_result_on_the_main_thread(runner: JobRunner, qtbot: QtBot) -> None:
    reported, threads = Reported(runner), list[threading.Thread]()

    def job() -> Iterator[Progress | str]:
        threads.append(threading.current_thread())
        yield Progress(1, 2)
        yield Progress(2, 2)
        yield "result"

    runner.start(message("Work"), job, reported.finish)
    assert [view.title for view in runner.jobs] == [message("Work")]
    qtbot.waitUntil(lambda: idle(runner))
    assert (reported.ends, reported.failures) == (["result"], [])
    assert threads[0] is not threading.main_thread()


def test_progress_is_shown_with_the_time_left(runner: JobRunner, qtbot: QtBot) -> None:
    gate = Gate()

    def job() -> Iterator[Progress]:
        yield Progress(30, 120, message("half way"))
        gate.pass_through()

    runner.start(message("Work"), job)
    qtbot.waitUntil(lambda: runner.jobs[0].done == 30)
    (view,) = runner.jobs
    assert (view.title, view.total, view.note) == (message("Work"), 120, message("half way"))
    assert view.seconds_left is not None
    assert view.seconds_left > 0
    gate.open()
    qtbot.waitUntil(lambda: idle(runner))


def test_an_early_result_comes_before_the_end_but_not_of_a_cancelled_job(runner: JobRunner, qtbot: QtBot) -> None:
    reported, gate, early = Reported(runner), Gate(), list[str]()

    def job(number: int) -> Iterator[Progress | Early | str]:
        yield Early(f"first {number}")
        gate.pass_through()
        yield f"last {number}"

    keys = [
        runner.start(message("Work"), lambda n=n: job(n), reported.finish, on_early=early.append)  # type: ignore[misc]
        for n in range(2)
    ]
    runner.cancel(keys[1])
    qtbot.waitUntil(lambda: early == ["first 0"])
    assert reported.ends == []
    gate.open()
    qtbot.waitUntil(lambda: idle(runner))
    assert (early, reported.ends) == (["first 0"], ["last 0"])


def test_a_cancelled_job_is_closed_at_its_next_yield_and_has_no_result(runner: JobRunner, qtbot: QtBot) -> None:
    reported, gate, steps = Reported(runner), Gate(), list[str]()

    def job() -> Iterator[Progress | str]:
        try:
            gate.pass_through()
            yield Progress(1, 3)
            steps.append("went on")
            yield "result"
        finally:
            steps.append("cleaned up")

    key = runner.start(message("Work"), job, reported.finish)
    gate.wait_until_entered()
    runner.cancel(key)
    gate.open()
    qtbot.waitUntil(lambda: idle(runner))
    assert steps == ["cleaned up"]
    assert (reported.ends, reported.failures) == ([], [])


def test_an_error_that_was_foreseen_is_its_message(runner: JobRunner, qtbot: QtBot) -> None:
    reported = Reported(runner)

    def job() -> Iterator[Progress]:
        yield Progress(0, 1)
        raise DataError("{name} is no image.", name="a cat")

    runner.start(message("Work"), job, reported.finish)
    qtbot.waitUntil(lambda: bool(reported.failures))
    assert reported.failures == [(message("{name} is no image.", name="a cat"), "")]
    assert reported.ends == []
    assert runner.jobs == ()


ENDINGS: dict[str, tuple[Exception | None, bool, list[tuple[str, Any]]]] = {
    "result": (None, False, [("finished", "result")]),
    "canceled": (None, True, [("canceled", None)]),
    "expected error": (DataError("No image."), False, [("reported", "No image."), ("failed", "No image.")]),
    "unexpected error": (
        PermissionError("denied"),
        False,
        [("reported", "PermissionError: denied"), ("failed", "PermissionError: denied")],
    ),
    "error after a cancellation": (DataError("No."), True, [("reported", "No."), ("failed", "No.")]),
}


@pytest.mark.allow_log("job “Work” failed")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_job_has_one_outcome_as_its_last_event(runner: JobRunner, qtbot: QtBot, ending: str) -> None:
    error, cancels, expected = ENDINGS[ending]
    reported, gate = Reported(runner), Gate()

    def job() -> Iterator[Early | Progress | str]:
        yield Early("part")
        gate.pass_through()
        if error is not None:
            raise error
        yield Progress(1, 1)
        yield "result"

    key = runner.start(message("Work"), job, **reported.callbacks)
    gate.wait_until_entered()
    qtbot.waitUntil(lambda: bool(reported.events))
    assert runner.running(key)
    if cancels:
        runner.cancel(key)
        assert not runner.running(key)
    gate.open()
    qtbot.waitUntil(lambda: idle(runner))
    assert reported.events == [("early", "part"), *expected]
    assert not runner.running(key)


@pytest.mark.allow_log("job “Work” failed")
def test_a_quiet_job_still_reports_what_nobody_expected(runner: JobRunner, qtbot: QtBot) -> None:
    reported = Reported(runner)

    def job(error: Exception) -> Iterator[Progress]:
        yield Progress(0, 1)
        raise error

    runner.start(message("Work"), lambda: job(DataError("No image.")), **reported.callbacks, quiet=True)
    qtbot.waitUntil(lambda: idle(runner))
    runner.start(message("Work"), lambda: job(ZeroDivisionError("by zero")), **reported.callbacks, quiet=True)
    qtbot.waitUntil(lambda: idle(runner))
    text = "ZeroDivisionError: by zero"
    assert reported.events == [("failed", "No image."), ("reported", text), ("failed", text)]


@pytest.mark.allow_log("job “Work” failed")
@pytest.mark.parametrize("when", ["at once", "later"])
def test_any_other_error_is_logged_once_and_brings_its_traceback(
    runner: JobRunner, qtbot: QtBot, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    reported = Reported(runner)

    def later() -> Iterator[Progress]:
        yield Progress(0, 1)
        raise ZeroDivisionError("by zero")

    def at_once() -> Iterator[Progress]:
        raise ZeroDivisionError("by zero")

    runner.start(message("Work"), later if when == "later" else at_once, reported.finish)
    qtbot.waitUntil(lambda: bool(reported.failures))
    ((failure, details),) = reported.failures
    assert str(failure) == "ZeroDivisionError: by zero"
    assert "Traceback" in details
    (record,) = caplog.records
    assert record.exc_info is not None
    assert (reported.ends, runner.jobs) == ([], ())


def test_jobs_run_side_by_side_and_end_on_their_own(runner: JobRunner, qtbot: QtBot) -> None:
    reported, gates = Reported(runner), [Gate(), Gate(), Gate()]

    def job(number: int) -> Iterator[int]:
        gates[number].pass_through()
        yield number

    keys = [runner.start(message("Job {number}", number=n), lambda n=n: job(n), reported.finish) for n in range(3)]  # type: ignore[misc]
    for gate in gates:
        gate.wait_until_entered()
    assert [view.key for view in runner.jobs] == keys
    gates[1].open()
    qtbot.waitUntil(lambda: reported.ends == [1])
    assert [view.key for view in runner.jobs] == [keys[0], keys[2]]
    runner.cancel_all()
    gates[0].open()
    gates[2].open()
    qtbot.waitUntil(lambda: idle(runner))
    assert reported.ends == [1]
    runner.cancel(keys[1])


def test_close_waits_and_nothing_comes_after_it(qtbot: QtBot) -> None:
    runner, gate = JobRunner(), Gate()
    reported, ended = Reported(runner), list[str]()

    def job() -> Iterator[str]:
        gate.pass_through()
        ended.append("ran to its end")
        yield "result"

    runner.start(message("Work"), job, reported.finish)
    gate.wait_until_entered()
    gate.open()
    before = reported.changes
    runner.close()
    assert ended == ["ran to its end"]
    qtbot.wait(1)
    assert (reported.ends, reported.failures, reported.changes, runner.jobs) == ([], [], before, ())
