"""The backup copy if it cannot be written or read; `tests/e2e` tests the recovery."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from pytestqt.qtbot import QtBot

from explorer.document.document import Document, Problem
from explorer.document.session_file import Session, read_session, write_session
from explorer.document.sessions import LeftOver
from explorer.paths import autosave_dir
from explorer.workers import autosave
from explorer.workers.backend import Backend


@pytest.fixture
def backend(qapp: object) -> Iterator[Backend]:
    made = Backend(Document())
    made.document.open(make_model(), make_source())
    made.document.sessions.begin()
    yield made
    made.document.sessions.let_go()
    made.close()


def test_what_is_saved_needs_no_copy(backend: Backend, qtbot: QtBot) -> None:
    backend.document.set_code(as_floats(1, 2))
    with qtbot.waitSignal(backend.autosave.written):
        pass
    folder = backend.autosave.folder
    assert folder is not None
    assert read_session(folder / "copy.latent")[0].arrays["cursor"].tolist() == [1, 2]
    backend.document.sessions.begin()
    qtbot.waitUntil(lambda: not (folder / "copy.latent").exists())
    backend.close()
    assert list(autosave_dir().iterdir()) == []


def test_the_copy_holds_the_timelines_of_all_models(backend: Backend, qtbot: QtBot) -> None:
    document = backend.document
    document.set_code(as_floats(1, 2))
    document.timeline.add()
    document.sessions.put_workspace("map")
    with qtbot.waitSignal(backend.autosave.written):
        document.open(make_model(name="other"))
    folder = backend.autosave.folder
    assert folder is not None
    session, _ = read_session(folder / "copy.latent")
    assert [timeline.name for timeline in session.record.timelines] == ["tiny"]
    assert session.arrays["timeline_codes"].tolist() == [1, 2]
    assert session.record.view.workspace == "map"


def test_a_copy_that_cannot_be_written_is_reported_once(backend: Backend, qtbot: QtBot) -> None:
    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    autosave_dir().parent.mkdir(parents=True, exist_ok=True)
    autosave_dir().write_text("a file in its way")
    backend.document.set_code(as_floats(1, 2))
    qtbot.waitUntil(lambda: bool(problems))
    backend.document.set_code(as_floats(2, 2))
    autosave_dir().unlink()
    with qtbot.waitSignal(backend.autosave.written):
        backend.document.set_code(as_floats(3, 2))
    (problem,) = problems
    assert "save the session" in str(problem.message)
    folder = backend.autosave.folder
    assert folder is not None
    assert read_session(folder / "copy.latent")[0].arrays["cursor"].tolist() == [3, 2]


@pytest.mark.allow_log("the backup copy failed")
def test_after_an_unexpected_error_the_next_copy_is_written(
    backend: Backend, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, session: Session) -> None:
        monkeypatch.undo()
        raise MemoryError

    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    monkeypatch.setattr(autosave, "write_session", write)
    with qtbot.waitSignal(backend.autosave.written):
        backend.document.set_code(as_floats(1, 2))
    (problem,) = problems
    assert "MemoryError. Unsaved work is not backed up: save the session." in str(problem.message)
    with qtbot.waitSignal(backend.autosave.written):
        backend.document.set_code(as_floats(3, 2))
    folder = backend.autosave.folder
    assert folder is not None
    assert read_session(folder / "copy.latent")[0].arrays["cursor"].tolist() == [3, 2]
    assert len(problems) == 1


def test_a_copy_that_this_version_cannot_read_is_left_for_one_that_can(backend: Backend) -> None:
    offered: list[LeftOver] = []
    backend.document.sessions.found_left.connect(offered.append)
    session = backend.document.sessions.take(copy=True)
    newer, empty, good = (autosave_dir() / name for name in ("newer", "empty", "good"))
    for folder in (newer, empty, good):
        folder.mkdir(parents=True)
    record = session.record.model_copy(update={"version": 99})
    write_session(newer / "copy.latent", Session(record, session.arrays))
    write_session(good / "copy.latent", session)
    (good / ".copy.latent.1234.part").write_bytes(b"half")
    backend.autosave.look_for_left()
    assert [left.folder for left in offered] == [good]
    assert sorted(path.name for path in autosave_dir().iterdir()) == ["good", "newer"]
    backend.document.sessions.forget_requested.emit(offered[0])
    assert sorted(path.name for path in autosave_dir().iterdir()) == ["newer"]


def test_a_link_among_the_copies_is_not_followed(backend: Backend, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thing").write_text("kept")
    autosave_dir().mkdir(parents=True)
    (autosave_dir() / "link").symlink_to(precious)
    backend.autosave.look_for_left()
    assert (precious / "thing").read_text() == "kept"


def test_a_folder_that_vanishes_is_made_again(
    backend: Backend, qtbot: QtBot, explorer_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The whole data folder is deleted; a copy is written at once, even without another edit."""
    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    backend.document.set_code(as_floats(1, 2))
    with qtbot.waitSignal(backend.autosave.written):
        pass
    first = backend.autosave.folder
    shutil.rmtree(explorer_home)
    qtbot.waitUntil(lambda: any(autosave_dir().glob("*/copy.latent")), timeout=30_000)
    second = backend.autosave.folder
    assert second is not None
    assert second != first
    shutil.rmtree(explorer_home)
    backend.document.set_code(as_floats(3, 4))
    qtbot.waitUntil(lambda: any(autosave_dir().glob("*/copy.latent")), timeout=30_000)
    third = backend.autosave.folder
    assert third is not None
    assert read_session(third / "copy.latent")[0].arrays["cursor"].tolist() == [3, 4]
    assert not problems
    backend.document.sessions.let_go()
    backend.close()
    assert list(autosave_dir().iterdir()) == []


def test_a_folder_that_vanishes_for_good_is_reported_once(backend: Backend, qtbot: QtBot, explorer_home: Path) -> None:
    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    backend.document.set_code(as_floats(1, 2))
    with qtbot.waitSignal(backend.autosave.written):
        pass
    shutil.rmtree(explorer_home)
    explorer_home.write_text("a file in its way")
    qtbot.waitUntil(lambda: bool(problems), timeout=30_000)
    with qtbot.waitSignal(backend.autosave.written):
        backend.document.set_code(as_floats(2, 2))
    assert len(problems) == 1
    explorer_home.unlink()
    backend.document.set_code(as_floats(3, 2))
    qtbot.waitUntil(lambda: any(autosave_dir().glob("*/copy.latent")), timeout=30_000)
    assert len(problems) == 1
