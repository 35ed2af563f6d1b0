"""What counts as unsaved work: of the open session, of one that was discarded, and of one that was recovered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source

from explorer.document.document import Document
from explorer.document.session_file import Session
from explorer.document.sessions import Opening
from explorer.messages import NO_MESSAGE, message


@pytest.fixture
def document() -> Document:
    made = Document()
    made.open(make_model(), make_source())
    made.sessions.begin()
    return made


def edit(document: Document) -> None:
    document.timeline.insert(np.ones((1, 2), np.float32), 0)


def test_discarded_changes_are_not_kept_but_those_of_the_next_session_are(document: Document) -> None:
    sessions = document.sessions
    assert (sessions.dirty, sessions.kept) == (False, False)
    edit(document)
    assert (sessions.dirty, sessions.kept) == (True, True)
    sessions.let_go()
    assert (sessions.dirty, sessions.kept) == (True, False)
    sessions.begin()
    edit(document)
    assert (sessions.dirty, sessions.kept) == (True, True)


def test_recovered_work_is_unsaved_and_that_of_a_file_is_what_the_file_has(document: Document) -> None:
    sessions, saved = document.sessions, document.state
    edit(document)
    sessions.begin(dirty=True)
    assert sessions.dirty
    sessions.begin(state=saved)
    assert sessions.dirty, "it was edited while the file was written"
    sessions.begin()
    assert not sessions.dirty


def test_a_change_is_reported_once(document: Document) -> None:
    seen: list[bool] = []
    document.sessions.changed.connect(lambda: seen.append(document.sessions.dirty))
    edit(document)
    document.sessions.check()
    document.sessions.check()
    assert seen == [True]


@pytest.mark.parametrize(
    ("missing", "left"), [("model", (NO_MESSAGE, message("no images"))), ("source", (NO_MESSAGE, NO_MESSAGE))]
)
def test_without_what_is_missing_a_session_is_unsaved(
    document: Document, missing: str, left: tuple[object, ...]
) -> None:
    continued: list[Opening] = []
    document.sessions.complete_requested.connect(continued.append)
    problem = message("no model") if missing == "model" else NO_MESSAGE
    session = document.sessions.take()
    assert isinstance(session, Session)
    opening = Opening(Path("a.latent"), session, "", model_problem=problem, source_problem=message("no images"))
    assert opening.missing == missing
    document.sessions.skip(opening)
    (skipped,) = continued
    assert skipped.path is None
    assert (skipped.model_problem, skipped.source_problem) == left
